"""Two strategies on one account may not trade with each other: what to do about an order that could.

The venue refuses such an order (`engine.core.rules.wash`), which hits a strategy that has done nothing wrong and often
in the moment in which it wants out. A market order that would only meet somebody's resting limit can do without it: as
a limit order that is marketable against the quote and stops one step short of the other's price, it trades with the
market and never with us. Where that is not possible, one has to wait for the other, and the caller is told for which.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from attrs import evolve, frozen

from engine.core.amounts import price_step, round_price
from engine.core.rules import Refused, check_wash
from engine.model.account import Asset
from engine.model.order import Order, OrderClass, OrderRequest, OrderStatus, OrderType, Side, TimeInForce

REACH: Final = Decimal("0.02")
"""How far beyond the quote an amended order may trade: 2 %. A market order would have no bound at all; this fills
whatever the book holds nearby, and does not put an absurd limit up where the other's price is far away."""
AUCTIONS: Final = frozenset({TimeInForce.OPG, TimeInForce.CLS})
"""An auction has its own price, which no quote foretells."""


@frozen
class Sides:
    """The best bid and ask, 0 where there is none on that side."""

    bid: Decimal
    ask: Decimal


def keep_apart(
    request: OrderRequest, others: Sequence[Order], held: Decimal | None, sides: Sides | None, asset: Asset | None
) -> tuple[OrderRequest, Order | None]:
    """The order as it may be sent, and the one that has to end before it, ``None`` where nothing is in the way.

    ``others`` are the account's open orders, oldest first; ``held`` is the account's position in the symbol. The first
    value differs from ``request`` only where that lets it pass.
    """
    clash = _first_clash(request, others, held)
    if clash is None:
        return request, None
    amended = _amend(request, others, sides, asset)
    if amended is not None and _first_clash(amended, others, held) is None:
        return amended, None
    return request, clash


def _first_clash(request: OrderRequest, others: Sequence[Order], held: Decimal | None) -> Order | None:
    for order in others:
        try:
            check_wash(request, (order,), held)
        except Refused:
            return order
    return None


def _amend(
    request: OrderRequest, others: Sequence[Order], sides: Sides | None, asset: Asset | None
) -> OrderRequest | None:
    """A market order as a marketable limit order short of every limit of ours, where there is such a price."""
    if request.type is not OrderType.MARKET or request.order_class is not OrderClass.SIMPLE:
        return None
    if sides is None or asset is None or request.time_in_force in AUCTIONS:
        return None
    buying = request.side is Side.BUY
    theirs = [
        order.limit_price
        for order in others
        if order.symbol == request.symbol and order.side is request.side.opposite and order.limit_price is not None
        if order.type is OrderType.LIMIT and order.open and order.status is not OrderStatus.HELD
    ]
    quote = sides.ask if buying else sides.bid
    if not theirs or quote <= 0:
        return None
    if buying:
        nearest = min(theirs)
        price = min(nearest - price_step(nearest, asset), round_price(quote * (1 + REACH), asset, up=False))
        price = round_price(price, asset, up=False)
    else:
        nearest = max(theirs)
        price = max(nearest + price_step(nearest, asset), round_price(quote * (1 - REACH), asset, up=True))
        price = round_price(price, asset, up=True)
    marketable = price >= quote if buying else 0 < price <= quote
    return evolve(request, type=OrderType.LIMIT, limit_price=price) if marketable else None
