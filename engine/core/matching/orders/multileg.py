"""Multi-leg options orders: two to four contracts that are bought and sold as one, at one net price.

Nobody is left with half a spread: all legs fill in full and at once, each against its own quote, or none does. The net
price of a unit is what its bought legs cost less what its sold legs bring, so a credit is negative; a limit is met
when the net price is not above it, for debits and credits alike.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from engine.core.matching.citation import Execution, Offer
from engine.core.matching.orders.pit import Pit
from engine.model.account import Asset
from engine.model.order import ZERO, AssetClass, Order, OrderClass, PositionIntent, Side


def attempt(pit: Pit, parent: Order, now_ns: int) -> None:
    """Fill a multi-leg order if all its legs can be filled now, within its limit."""
    found = [_find(pit, leg) for leg in pit.register.orders.legs(parent)]
    quotes = [each for each in found if each is not None]
    if len(quotes) < len(found):
        return
    net = sum((_net(leg, offer.cites.price) for leg, _, offer in quotes), ZERO)
    if parent.limit_price is not None and net > parent.limit_price:
        return
    executions = []
    for leg, asset, offer in quotes:
        if pit.model.sized:
            offer.taken += leg.left_qty
        execution = Execution(qty=leg.left_qty, price=offer.cites.price, cites=offer.cites)
        executions.append((leg, asset, execution))
    pit.register.fill_legs(parent, net, executions, now_ns)


def terms(pit: Pit, order: Order, legs: Sequence[Order]) -> tuple[Decimal | None, list[tuple[Order, Asset]]]:
    """What the ledger has to know of an order's market: its price now, and the contracts of a multi-leg order.

    The price is in dollars, of one unit for a multi-leg order; ``None`` where the market has not told one.
    """
    if order.order_class is not OrderClass.MLEG:
        short = order.position_intent is PositionIntent.SELL_TO_OPEN and order.asset_class is AssetClass.US_EQUITY
        return pit.price(order.symbol, Side.BUY if short else order.side), []  # stock has to be bought back
    prices = [pit.price(leg.symbol, leg.side) for leg in legs]
    known = [price for price in prices if price is not None]
    contracts = [(leg, pit.assets[leg.symbol]) for leg in legs]
    if len(known) < len(prices):
        return None, contracts
    return sum(map(_net, legs, known), ZERO), contracts


def first_to_end(pit: Pit, symbols: Iterable[str]) -> Asset:
    """Of some contracts the one that expires first: an order for all of them ends with it."""
    return min((pit.assets[symbol] for symbol in symbols), key=lambda asset: asset.expires)


def _find(pit: Pit, leg: Order) -> tuple[Order, Asset, Offer] | None:
    """What a leg would trade with, or ``None`` where it cannot trade in full."""
    view = pit.view(leg.symbol)
    if view is None or view.halted or leg.side is None:
        return None
    offer = view.top(leg.side)
    if offer is None or (pit.model.sized and offer.left < leg.left_qty):
        return None
    return leg, view.asset, offer


def _net(leg: Order, price: Decimal) -> Decimal:
    if leg.side is None or leg.ratio_qty is None:
        return ZERO
    return leg.side.sign * leg.ratio_qty * price
