"""What of an order may be filled now, at which price, and because of what.

One question, asked by whoever runs the orders: after every event for each order that works on the symbol, and once
when an order reaches the market (or its stop is triggered). He asks again until there is nothing more, because each
answer takes what it gives from the view. Orders are asked in the order of their priority: the better price first, then
the older.

An order that has just come *takes*: the quote's other side, what is behind it in a book, all at the market's prices.
An order that *rests* (`engine.core.matching.queue`) is come to: by the quote or a print, at its own price, which is
never better for it than the market's. An order without a limit never rests; it takes from whatever comes next. What
was printed before an order came cannot fill it.

Where bars are all that there is: an order that was there before the bar began fills at its open, if that is within its
limit, else at its limit if the bar went there; one that came meanwhile, or was triggered in it, fills at its close.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from random import Random
from typing import Final

from attrs import evolve, frozen

from engine.core.amounts import WHOLE, buyable, cut, exact, step_of
from engine.core.matching.citation import Citation, Execution, Offer
from engine.core.matching.models import FillModel, Rule
from engine.core.matching.queue import Place, Queue
from engine.core.matching.triggers import worst_price
from engine.core.matching.view import SymbolView
from engine.model.instant import NS_PER_S
from engine.model.market import Bar
from engine.model.order import ZERO, AssetClass, Order, Side, TimeInForce

BAR_NS: Final = 60 * NS_PER_S
"""The venue's live bars are minutes."""
TENTHS: Final = 10
"""A random partial fill is so many tenths of what could be filled."""


@frozen
class _Chance:
    """One way to fill an order: from this offer, citing this, at this price, no more than this."""

    offer: Offer
    cites: Citation
    price: Decimal
    cap: Decimal


@frozen
class _Case:
    """An order and all that its fill depends on, so that it need not be handed around piece by piece."""

    order: Order
    side: Side
    limit: Decimal | None
    view: SymbolView
    model: FillModel
    place: Place | None = None
    resting: bool = False
    left_notional: Decimal | None = None
    most: Decimal | None = None

    def within(self, price: Decimal, *, strictly: bool = False) -> bool:
        """Whether a price is as good as its limit, or better."""
        if self.limit is None:
            return True
        margin = (self.limit - price) * self.side.sign
        return margin > 0 if strictly else margin >= 0

    def wanted(self, price: Decimal) -> Decimal:
        """How much it still wants at a price."""
        if self.left_notional is None:
            return self.order.left_qty
        bought = buyable(self.left_notional, price, self.view.asset)
        return bought if self.most is None else min(bought, self.most)

    def qty(self, chance: _Chance) -> Decimal:
        """How much of a chance it can use: all that it wants, or what there is in whole steps."""
        wanted = self.wanted(chance.price)
        return wanted if wanted <= chance.cap else cut(chance.cap, self.step())

    def step(self) -> Decimal:
        """What its fills are multiples of, but for the last: whole shares unless it asks for a fraction."""
        asset, qty = self.view.asset, self.order.qty
        if asset.asset_class is AssetClass.US_EQUITY and qty is not None and qty == qty.to_integral_value():
            return WHOLE
        return step_of(asset)


def try_fill(
    order: Order,
    view: SymbolView,
    model: FillModel,
    queue: Queue,
    *,
    resting: bool,
    left_notional: Decimal | None,
    most: Decimal | None = None,
    dice: Random,
) -> Execution | None:
    """The next fill of an order, or ``None`` when there is nothing (more) for it now.

    ``resting`` is false when the order reaches the market just now or is triggered just now, and true ever after.
    ``left_notional`` is what an order for dollars has still to spend, ``None`` for one with a quantity; when
    `engine.core.amounts.buyable` of it is 0, the order is done. ``most``: no more than that, whatever the dollars: so
    much is there to be closed. ``dice`` is thrown only by models with random partial fills, once for each answer that
    is not ``None``. A stop is taken to be triggered. Multi-leg orders have no side of their own: ask for each leg.
    """
    if order.side is None or view.halted or queue.paused(order.id, view):
        return None
    place = queue.place(order.id)
    if place is not None and model.rule is Rule.QUEUE:
        place.look(view)
    case = _Case(order, order.side, worst_price(order, view.asset), view, model, place, resting, left_notional, most)
    chance = next(_chances(case), None)
    if chance is None:
        _rest(case, queue)
        return None
    qty = case.qty(chance)
    if model.partial_share and dice.random() < model.partial_share and order.time_in_force is not TimeInForce.FOK:
        part = cut(qty * dice.randrange(1, TENTHS) / TENTHS, case.step())
        if part > 0:
            qty = part
            queue.pause(order.id, view)
    if model.sized:
        chance.offer.taken += qty
    maker = place is not None or chance.price != chance.cites.price
    return Execution(qty=qty, price=chance.price, cites=chance.cites, maker=maker)


def fillable(order: Order, view: SymbolView, model: FillModel) -> Decimal:
    """How much of an order that has just come could be filled at once; for fill-or-kill. Takes nothing."""
    if order.side is None or view.halted:
        return ZERO
    case = _Case(order, order.side, worst_price(order, view.asset), view, model)
    return min(sum((case.qty(chance) for chance in _chances(case)), ZERO), order.left_qty)


def _rest(case: _Case, queue: Queue) -> None:
    """From the moment that the market is not at its limit, an order rests."""
    if case.place is None and case.limit is not None and case.order.open:
        market = case.view.market(case.side)
        if market is not None and not case.within(market):
            queue.join(case.order.id, case.side, case.limit, case.view)


def _chances(case: _Case) -> Iterator[_Chance]:
    """Every way to fill an order now that gives it something, best price first."""
    bar = case.view.bar
    found: Iterable[_Chance | None]
    found = (_at(case, offer) for offer in _offers(case)) if bar is None else (_at_bar(case, bar),)
    for chance in found:
        if chance is not None and _in_band(case.view, chance) and case.qty(chance) > 0:
            yield chance


def _in_band(view: SymbolView, chance: _Chance) -> bool:
    down, up = view.limit_down, view.limit_up
    low, high = sorted((chance.price, chance.cites.price))
    return (down is None or low >= down) and (up is None or high <= up)


def _offers(case: _Case) -> Iterator[Offer]:
    """What there is to trade with, for this order, where there is more than bars."""
    view = case.view
    top = view.top(case.side)
    if top is not None:
        yield top
    if not case.resting or case.limit is None:
        yield from view.deeper(case.side)
    newest = view.newest()
    if newest is not None and case.resting and newest.cites.ts_ns >= case.order.submitted_ns:
        quotes_decide = case.limit is None or case.model.rule is Rule.NBBO
        if top is None or not quotes_decide:
            yield newest


def _at(case: _Case, offer: Offer) -> _Chance | None:
    """What a quote, a level of a book or a print means to an order."""
    price, rule, comes_to_us = offer.cites.price, case.model.rule, case.place is not None
    if not case.within(price, strictly=comes_to_us and rule is Rule.THROUGH):
        return None
    if comes_to_us and case.limit is not None and rule is not Rule.NBBO and not case.view.auction:
        price = case.limit
    return _Chance(offer, offer.cites, price, _share(case, offer) if case.model.sized else case.wanted(price))


def _share(case: _Case, offer: Offer) -> Decimal:
    """How much of an offer is left for an order, after those before it in line."""
    place = case.place
    if place is None or case.model.rule is not Rule.QUEUE or offer.cites.price != case.limit:
        return offer.left
    if offer.cites.kind == "trade":
        return min(offer.left, place.reach - offer.taken)
    return offer.left if place.ahead == 0 else ZERO


def _at_bar(case: _Case, bar: Bar) -> _Chance | None:
    """What a bar means to an order, where bars are all that there is."""
    offer, since_ns = case.view.newest(), case.order.submitted_ns
    if offer is None or since_ns >= bar.ts_ns + BAR_NS:
        return None
    strictly = case.place is not None and case.model.rule in (Rule.THROUGH, Rule.QUEUE)
    far = bar.low if case.side is Side.BUY else bar.high
    cited = price = exact(bar.open)
    if not case.resting or since_ns > bar.ts_ns:
        cited = price = exact(bar.close)
        if not case.within(price):
            return None
    elif not case.within(price, strictly=strictly):
        cited = exact(far)
        if case.limit is None or not case.within(cited, strictly=strictly):
            return None
        price = case.limit
    cap = offer.left if case.model.sized else case.wanted(price)
    return _Chance(offer, evolve(offer.cites, price=cited), price, cap)
