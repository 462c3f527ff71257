"""The account, its positions and what can be traded, as the trading API writes them.

Which keys there are follows recorded accounts of 2026, not the OpenAPI: the fields about pattern day trading are gone,
since Alpaca took them out on 2026-07-06. Crypto pairs are spelled ``BTCUSD`` in positions and ``BTC/USD`` everywhere
else (measured on paper), and an asset's class is ``class`` here and ``asset_class`` elsewhere.
"""

from datetime import date
from decimal import Decimal
from typing import Any, Final

from engine.codec.orders import render_decimal, render_position_symbol
from engine.model.account import Account, Asset, Position
from engine.model.order import ZERO, AssetClass, Side

RATIO_STEP: Final = Decimal("1e-16")
"""Ratios are told to this; what is left is beyond what a float could hold."""
PRICE_STEP: Final = Decimal("1e-9")
"""Average prices are told to this, as quantities are."""
MARGIN_WHOLE: Final = "100"
"""Percent of its value that an asset which is not marginable needs."""
MARGIN_LONG: Final = "30"
MARGIN_HARD_TO_BORROW: Final = "100"


def render_account(
    account: Account,
    *,
    account_id: str,
    account_number: str,
    created_at: str,
    as_of: date,
    options_level: int,
    suspended: bool,
) -> dict[str, Any]:
    """``GET /v2/account``. ``as_of`` is the day of the ``last_*`` figures; ``suspended``: its user wants no orders."""
    money = {
        "cash": account.cash,
        "equity": account.equity,
        "last_equity": account.last_equity,
        "portfolio_value": account.equity,
        "position_market_value": account.long_market_value + account.short_market_value,
        "long_market_value": account.long_market_value,
        "short_market_value": account.short_market_value,
        "buying_power": account.buying_power,
        "effective_buying_power": account.buying_power,
        "regt_buying_power": account.regt_buying_power,
        "non_marginable_buying_power": account.non_marginable_buying_power,
        "options_buying_power": account.options_buying_power,
        "initial_margin": account.initial_margin,
        "maintenance_margin": account.maintenance_margin,
        "last_maintenance_margin": account.last_maintenance_margin,
        "sma": account.sma,
        "multiplier": account.multiplier,
        "accrued_fees": account.accrued_fees,
        "pending_reg_taf_fees": ZERO,
        "intraday_adjustments": ZERO,
    }
    return {
        "id": account_id,
        "account_number": account_number,
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "crypto_tier": 1,
        "currency": "USD",
        **{name: render_decimal(amount) for name, amount in money.items()},
        "balance_asof": as_of.isoformat(),
        "created_at": created_at,
        "account_blocked": False,
        "trading_blocked": False,
        "transfers_blocked": False,
        "trade_suspended_by_user": suspended,
        "shorting_enabled": account.shorting_enabled,
        "options_approved_level": options_level,
        "options_trading_level": options_level,
        "admin_configurations": {},
        "user_configurations": None,
    }


def render_position(position: Position) -> dict[str, Any]:
    """One open position; what needs a price is null while the market has told none."""
    asset = position.asset
    told: dict[str, Any] = {
        "asset_id": asset.id,
        "symbol": render_position_symbol(asset.symbol),
        "exchange": asset.exchange,
        "asset_class": asset.asset_class.value,
        "asset_marginable": asset.marginable,
        "qty": render_decimal(position.qty),
        "qty_available": render_decimal(position.available_qty),
        "avg_entry_price": render_decimal(abs(position.entry_price).quantize(PRICE_STEP)),
        "side": "long" if position.side is Side.BUY else "short",
        "cost_basis": render_decimal(position.cost),
    }
    if not position.price:
        return told | dict.fromkeys(_OF_PRICE)
    gain, gain_today = position.market_value - position.cost, position.market_value - position.intraday_cost
    return told | {
        "market_value": render_decimal(position.market_value),
        "unrealized_pl": render_decimal(gain),
        "unrealized_plpc": _ratio(gain, abs(position.cost)),
        "unrealized_intraday_pl": render_decimal(gain_today),
        "unrealized_intraday_plpc": _ratio(gain_today, abs(position.intraday_cost)),
        "current_price": render_decimal(position.price),
        "lastday_price": render_decimal(position.lastday_price) if position.lastday_price else None,
        "change_today": _ratio(position.price - position.lastday_price, position.lastday_price),
    }


def render_asset(asset: Asset, *, has_options: bool = False) -> dict[str, Any]:
    """One asset; ``has_options``: whether contracts on it are listed."""
    told: dict[str, Any] = {
        "id": asset.id,
        "class": asset.asset_class.value,
        "exchange": asset.exchange,
        "symbol": asset.symbol,
        "name": asset.name,
        "status": _status(asset),
        "tradable": asset.tradable,
        "marginable": asset.marginable,
        "shortable": asset.shortable,
        "easy_to_borrow": asset.easy_to_borrow,
        "fractionable": asset.fractionable,
        "maintenance_margin_requirement": 30 if asset.marginable else 100,
        "margin_requirement_long": MARGIN_LONG if asset.marginable else MARGIN_WHOLE,
        "margin_requirement_short": MARGIN_LONG if asset.easy_to_borrow else MARGIN_HARD_TO_BORROW,
        "attributes": _attributes(asset, has_options),
    }
    if asset.asset_class is AssetClass.US_EQUITY:
        told["borrow_status"] = _borrow_status(asset)
    if asset.asset_class is AssetClass.CRYPTO:
        told |= {
            "min_order_size": render_decimal(asset.min_order_size),
            "min_trade_increment": render_decimal(asset.min_trade_increment),
            "price_increment": render_decimal(asset.price_increment),
        }
    return told


def render_contract(asset: Asset, underlying: Asset, close_price: Decimal | None = None) -> dict[str, Any]:
    """One option contract of ``/v2/options/contracts``; all that Alpaca lists are American and stand for 100 shares."""
    return {
        "id": asset.id,
        "symbol": asset.symbol,
        "name": asset.name,
        "status": _status(asset),
        "tradable": asset.tradable,
        "expiration_date": asset.expires,
        "root_symbol": asset.underlying,
        "underlying_symbol": asset.underlying,
        "underlying_asset_id": underlying.id,
        "type": "call" if asset.call else "put",
        "style": "american",
        "strike_price": render_decimal(asset.strike),
        "multiplier": render_decimal(asset.multiplier),
        "size": render_decimal(asset.multiplier),
        "open_interest": None,
        "open_interest_date": None,
        "close_price": None if close_price is None else render_decimal(close_price),
        "close_price_date": None,
    }


_OF_PRICE: Final = (
    "market_value", "unrealized_pl", "unrealized_plpc", "unrealized_intraday_pl", "unrealized_intraday_plpc",
    "current_price", "lastday_price", "change_today",
)  # fmt: skip


def _status(asset: Asset) -> str:
    return "active" if asset.active else "inactive"


def _borrow_status(asset: Asset) -> str:
    if not asset.shortable:
        return "not_shortable"
    return "easy_to_borrow" if asset.easy_to_borrow else "hard_to_borrow"


def _attributes(asset: Asset, has_options: bool) -> list[str]:
    if asset.asset_class is not AssetClass.US_EQUITY:
        return []
    extended = ["fractional_eh_enabled"] if asset.fractionable and asset.extended_hours else []
    return extended + (["has_options"] if has_options else [])


def _ratio(part: Decimal, whole: Decimal) -> str:
    return render_decimal((part / whole).quantize(RATIO_STEP)) if whole else "0"
