"""What an account certainly cannot do: sell short what it may not, open what it cannot pay.

The venue reckons this anew for each order, from prices and orders that we know later than it does. So a refusal here
has to be certain, and whatever is not is left to the venue, whose no costs a request and nothing else:

- What an order does to the position must be known: that is the caller's to see to (`Means`).
- Of an account that is *still*, with nothing held and no order open, no price can change the buying power. There its
  own figure is the bound, as it was told.
- Of any other, prices move the buying power between the telling and the order, and what an open order holds back may
  come free. There only gross mistakes are caught: more than any broker lends on twice of all that is there.
- A market order is worth at least half of its price of a moment ago. An order without any price, the writing of
  contracts and orders of several legs are not measured at all.

The rules, their order and their words are the venue's, and a test holds them against the exchange's own ledger.
"""

from decimal import Decimal
from typing import Final

from attrs import frozen

from engine.core.amounts import CENT
from engine.core.rules import Rule, plain
from engine.model.account import Account, Asset
from engine.model.order import ZERO, AssetClass, OrderClass, OrderRequest, Side

LENT_MAX: Final = Decimal(4)
"""Times its equity that a margin account can open at the most (Alpaca's docs: intraday margin)."""
MOVED_MAX: Final = Decimal(2)
"""The most by which a price may have gone up or down between what we know and what the venue does: in a minute nothing
that can be traded doubles and stays tradable without a halt."""
MEASURED: Final = frozenset({OrderClass.SIMPLE, OrderClass.BRACKET, OrderClass.OTO})
"""OCO orders only close, and of orders of several legs each stands behind the other."""
USD: Final = "USD"


@frozen(kw_only=True)
class Means:
    """The account when the broker was last asked, of which nothing was filled and no order ended since.

    ``still``: nothing was held then and no order is open. ``price`` is what one costs now, as far as is known.
    """

    account: Account
    still: bool
    price: Decimal | None


def check_means(request: OrderRequest, asset: Asset, means: Means) -> None:
    """Raise `Refused` if an order that certainly opens a position is certainly beyond the account."""
    if request.order_class not in MEASURED:
        return
    if request.side is Side.SELL:
        if asset.asset_class is AssetClass.US_OPTION:
            return
        _check_short(request, asset, means)
    cost = _cost(request, asset, means.price)
    if cost is not None:
        _check_power(cost, asset, means)


def _check_short(request: OrderRequest, asset: Asset, means: Means) -> None:
    account = means.account
    if asset.asset_class is AssetClass.CRYPTO:
        raise _balance(asset.symbol.partition("/")[0], request.qty or request.notional or ZERO, ZERO)
    # Below the least equity for margin nothing may be sold short, and a price can lift an account above that.
    if not account.shorting_enabled and (means.still or account.multiplier > 1):
        raise Rule.NO_SHORTING.refusal()
    if request.qty is None or request.qty % 1:
        raise Rule.FRACTIONAL_SHORT.refusal()
    if not asset.shortable:
        raise Rule.NOT_SHORTABLE.refusal(symbol=asset.symbol)


def _cost(request: OrderRequest, asset: Asset, price: Decimal | None) -> Decimal | None:
    """The least that it can be worth, in dollars; ``None`` where nobody knows."""
    if request.notional is not None:
        return request.notional
    unit = request.limit_price
    if unit is None and request.side is Side.BUY:
        unit = request.stop_price
    if unit is None and price is not None:
        unit = price / MOVED_MAX
    return None if unit is None or request.qty is None else request.qty * unit * asset.multiplier


def _check_power(cost: Decimal, asset: Asset, means: Means) -> None:
    account = means.account
    option, coins = asset.asset_class is AssetClass.US_OPTION, asset.asset_class is AssetClass.CRYPTO
    power = account.buying_power if asset.marginable else account.non_marginable_buying_power
    if option:
        power = account.options_buying_power
    elif coins:
        power = account.non_marginable_buying_power
    if cost <= (power if means.still else _most(account)) + CENT:  # it is told in whole cents
        return
    if option:
        raise Rule.OPTIONS_POWER.refusal(
            {"options_buying_power": plain(power), "cost_basis": plain(cost)},
            required=plain(cost),
            available=plain(power),
        )
    if coins:
        raise _balance(USD, cost, power)
    raise Rule.BUYING_POWER.refusal({"buying_power": plain(power), "cost_basis": plain(cost)})


def _most(account: Account) -> Decimal:
    """What nobody would lend: all that is there and all that it may become, and that again for open orders."""
    there = account.equity + account.long_market_value - account.short_market_value
    return LENT_MAX * MOVED_MAX * max(there, ZERO)


def _balance(what: str, requested: Decimal, available: Decimal) -> Exception:
    extra = {"available": plain(available), "balance": plain(available), "symbol": USD}
    return Rule.BALANCE.refusal(extra, asset=what, requested=plain(requested), available=plain(available))
