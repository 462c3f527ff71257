"""The next order on the way from the position there is to the one that is wanted.

A position never crosses zero in one order: the venue refuses that (or, worse, makes a short sale of it), so it is
closed first and the rest is opened by an order of its own. The same holds for the account: where another strategy is
short of what this one is long of, the account holds less than this one has to sell, and it goes in two orders as well.
"""

from decimal import Decimal

from engine.core.amounts import QTY_STEP, WHOLE, cut, step_of
from engine.core.rules.crypto import COST_MIN
from engine.model.account import Asset
from engine.model.order import ZERO, AssetClass, PositionIntent, Side


def finest(asset: Asset, *, short: bool = False) -> Decimal:
    """The increment of a quantity: fractions only where the asset has them, and never sold short (Alpaca's docs)."""
    if asset.asset_class is AssetClass.US_EQUITY:
        return QTY_STEP if asset.fractionable and not short else WHOLE
    return step_of(asset)


def is_dust(qty: Decimal, asset: Asset, price: Decimal | None) -> bool:
    """Whether no order can trade so little: less than an increment or, of coins, than the dollars the venue asks for.

    Fees in kind leave such rests: whoever buys one coin gets a little less, and whoever buys the little a little less.
    """
    if abs(qty) < finest(asset):
        return True
    return asset.asset_class is AssetClass.CRYPTO and price is not None and abs(qty) * price < COST_MIN


def cut_target(wanted: Decimal, asset: Asset) -> Decimal:
    """A wanted position in whole increments of its asset, rounded towards zero."""
    return _cut(wanted, finest(asset, short=wanted < 0))


def next_delta(held: Decimal, wanted: Decimal, account: Decimal, asset: Asset, price: Decimal | None = None) -> Decimal:
    """What to buy (or, below zero, to sell) next; 0 when no order brings ``held`` any nearer to ``wanted``.

    ``account`` is what the whole account holds, ``price`` the last known one. Applied again and again with what came
    of it, this ends at ``wanted``, or at what is dust from it.
    """
    delta = -held if held * wanted < 0 else wanted - held
    opens_short = account + delta < 0
    if account * delta < 0 and abs(delta) > abs(account):
        delta, opens_short = -account, False
    if held and is_dust(delta, asset, price):
        return ZERO
    return _cut(delta, finest(asset, short=opens_short))


def closing_intent(delta: Decimal, account: Decimal, asset: Asset) -> PositionIntent | None:
    """What to tell the venue, so that it refuses the order if the account does not hold this much any more.

    ``None`` where the order does not only take from what the account holds, and for crypto, which is told without.
    """
    if asset.asset_class is AssetClass.CRYPTO or account * delta >= 0 or abs(delta) > abs(account):
        return None
    return PositionIntent.BUY_TO_CLOSE if delta > 0 else PositionIntent.SELL_TO_CLOSE


def covered(held: Decimal, unclaimed: Decimal) -> Decimal:
    """How much of what a strategy holds by its own fills is still there, after what nobody here owns was traded.

    A person, or ``gapless kill``, who sold what a strategy had bought leaves the strategy with shares in its books and
    the account without them, until the books are compared: to sell them then is to sell short. An account has one
    position, so what is ``unclaimed`` the other way has been taken from ours.

    >>> covered(Decimal(5), Decimal(-5)), covered(Decimal(5), Decimal(3)), covered(Decimal(-5), Decimal(2))
    (Decimal('0'), Decimal('5'), Decimal('-3'))
    """
    if held * unclaimed >= 0:
        return held
    return ZERO if abs(unclaimed) >= abs(held) else held + unclaimed


def side_of(delta: Decimal) -> Side:
    """The side that a difference is traded on."""
    return Side.BUY if delta > ZERO else Side.SELL


def _cut(qty: Decimal, step: Decimal) -> Decimal:
    return cut(abs(qty), step).copy_sign(qty)
