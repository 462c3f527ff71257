"""What the account holds, what it is worth, and what can be traded.

A crypto pair is spelled ``BTCUSD`` in positions and ``BTC/USD`` in orders (measured on paper), so the slash is put back
by the currency that the text ends with: Alpaca quotes in four.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from engine.codec.parse_orders.fields import (
    need_number,
    need_text,
    need_word,
    read_flag,
    read_map,
    read_number,
    read_rows,
    read_text,
    read_word,
)
from engine.model.account import Account, Asset, HeldPosition
from engine.model.order import ZERO, AssetClass

QUOTE_CURRENCIES: Final = ("USDT", "USDC", "USD", "BTC")
"""What Alpaca's pairs are quoted in (its docs, "Crypto Trading"), the longer words before the one that begins them."""
CONTRACT_SIZE: Final = Decimal(100)
"""Every option that Alpaca lists stands for 100 shares; older replies do not say so."""
STRIKE_DIGITS: Final = 8
"""The end of an OCC symbol, which no stock's and no pair's has."""
SHORT: Final = "short"
ACTIVE: Final = "active"


def parse_pair(symbol: str) -> str:
    """The symbol that orders use for a crypto pair, however it is spelled.

    >>> parse_pair("BTCUSD"), parse_pair("USDTUSDC"), parse_pair("ETH/USD")
    ('BTC/USD', 'USDT/USDC', 'ETH/USD')
    """
    if "/" in symbol:
        return symbol
    for quote in QUOTE_CURRENCIES:
        if symbol.endswith(quote) and symbol != quote:
            return f"{symbol.removesuffix(quote)}/{quote}"
    return symbol


def is_contract(symbol: str) -> bool:
    """Whether a symbol is that of an option contract.

    >>> is_contract("AAPL260320C00200000"), is_contract("AAPL")
    (True, False)
    """
    return len(symbol) > STRIKE_DIGITS and symbol[-STRIKE_DIGITS:].isdecimal()


def parse_positions(body: Any) -> tuple[HeldPosition, ...]:
    """The list of positions, decoded, sorted by symbol. Raises `Unreadable`."""
    held = (_position(read_map(row, "a position")) for row in read_rows(body, "the reply"))
    return tuple(sorted(held, key=lambda position: position.symbol))


def parse_account(body: Any) -> Account:
    """The account, decoded. Raises `Unreadable`; figures that only some accounts have are 0 where they are missing."""
    told = read_map(body, "the account")

    def money(name: str) -> Decimal:
        return read_number(told, name) or ZERO

    return Account(
        cash=need_number(told, "cash"),
        equity=need_number(told, "equity"),
        last_equity=money("last_equity"),
        long_market_value=money("long_market_value"),
        short_market_value=money("short_market_value"),
        buying_power=need_number(told, "buying_power"),
        regt_buying_power=money("regt_buying_power"),
        non_marginable_buying_power=money("non_marginable_buying_power"),
        options_buying_power=money("options_buying_power"),
        initial_margin=money("initial_margin"),
        maintenance_margin=money("maintenance_margin"),
        last_maintenance_margin=money("last_maintenance_margin"),
        sma=money("sma"),
        accrued_fees=money("accrued_fees"),
        multiplier=read_number(told, "multiplier") or Decimal(1),
        shorting_enabled=read_flag(told, "shorting_enabled"),
    )


def parse_asset(body: Any) -> Asset:
    """A stock or a pair, decoded. Raises `Unreadable`. What is not said to be allowed counts as not allowed."""
    told = read_map(body, "the asset")
    asset_class = need_word(AssetClass, told, "class")
    symbol = need_text(told, "symbol")
    return Asset(
        id=need_text(told, "id"),
        symbol=parse_pair(symbol) if asset_class is AssetClass.CRYPTO else symbol,
        name=read_text(told, "name"),
        asset_class=asset_class,
        exchange=read_text(told, "exchange"),
        tradable=read_flag(told, "tradable"),
        active=read_text(told, "status") == ACTIVE,
        marginable=read_flag(told, "marginable"),
        shortable=read_flag(told, "shortable"),
        easy_to_borrow=_easy_to_borrow(told),
        fractionable=read_flag(told, "fractionable"),
        min_order_size=read_number(told, "min_order_size") or ZERO,
        min_trade_increment=read_number(told, "min_trade_increment") or ZERO,
        price_increment=read_number(told, "price_increment") or ZERO,
    )


def parse_contract(body: Any) -> Asset:
    """An option contract, decoded. Raises `Unreadable`."""
    told = read_map(body, "the contract")
    return Asset.contract(
        id=need_text(told, "id"),
        symbol=need_text(told, "symbol"),
        name=read_text(told, "name"),
        tradable=read_flag(told, "tradable"),
        active=read_text(told, "status") == ACTIVE,
        multiplier=read_number(told, "multiplier") or read_number(told, "size") or CONTRACT_SIZE,
        underlying=need_text(told, "underlying_symbol"),
        strike=need_number(told, "strike_price"),
        expires=need_text(told, "expiration_date"),
        call=need_text(told, "type") == "call",
    )


def _position(told: Mapping[str, Any]) -> HeldPosition:
    asset_class = read_word(AssetClass, told, "asset_class")
    symbol, qty = need_text(told, "symbol"), need_number(told, "qty")
    return HeldPosition(
        symbol=parse_pair(symbol) if asset_class is AssetClass.CRYPTO else symbol,
        # The sign of a short position is only believed to be there; its side is documented.
        qty=-abs(qty) if read_text(told, "side") == SHORT else qty,
        entry_price=need_number(told, "avg_entry_price"),
        price=read_number(told, "current_price") or ZERO,
        asset_class=asset_class,
    )


def _easy_to_borrow(told: Mapping[str, Any]) -> bool:
    """Newer replies have ``borrow_status``, older ones a flag that Alpaca's OpenAPI calls deprecated."""
    status = read_text(told, "borrow_status")
    return status == "easy_to_borrow" if status else read_flag(told, "easy_to_borrow")
