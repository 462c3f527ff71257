"""How well orders were filled: against what the market showed when they were decided, and what it did afterwards.

Slippage is positive where it cost money. It is measured against the middle of bid and ask at the instant at which the
strategy decided (the arrival price). So it holds everything between a decision and its fill: half of the spread, the
way to the venue, and what others did meanwhile. An order that was to wait for its price is measured against that: a
stop against the price that triggers it, a limit that nobody would have met at once against its limit.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import localcontext
from typing import Final

from attrs import frozen

from engine.core.blotter.executions import symbol_of
from engine.core.matching.money.holding import ROUNDED
from engine.core.measures.moves import multiplier_of
from engine.core.measures.series import Told
from engine.model.instant import NS_PER_S
from engine.model.intent import Ticket
from engine.model.order import ZERO, OrderType

AFTER_NS: Final = 60 * NS_PER_S
"""How long after a fill the market is looked at again."""
BPS: Final = 10_000.0
"""A basis point is a hundredth of a percent."""
_STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


@frozen(kw_only=True)
class FilledOrder:
    """One order that was filled, or a part of it. Prices are averages; bps are of the price it is held against."""

    client_order_id: str
    strategy: str
    symbol: str
    buy: bool
    type: str
    qty: float
    price: float
    dollars: float
    decided_ns: int
    filled_ns: int
    fills: int
    against: float | None = None
    """The price that it is held against; ``None`` where no market was known then."""
    slippage_bps: float | None = None
    slippage: float | None = None
    """In dollars, all of the order."""
    half_spread_bps: float | None = None
    """Half of the spread when it was decided: what an order that cannot wait has to expect."""
    after_bps: float | None = None
    """How far the market went its way in the minute after the fill: below 0, it was filled by who knew more."""
    sent_ms: float | None = None
    """From the decision to the request."""
    first_fill_ms: float | None = None
    """From the decision to the first execution."""


@frozen(kw_only=True)
class Quality:
    """Several filled orders together. Basis points are weighted with the dollars of each order."""

    orders: int
    dollars: float
    slippage: float | None
    slippage_bps: float | None
    half_spread_bps: float | None
    after_bps: float | None
    sent_ms: float | None
    """The median."""
    first_fill_ms: float | None
    """The median."""


def filled_orders(
    tickets: Iterable[Ticket], told: Callable[[str], Told], start_ns: int, end_ns: int
) -> list[FilledOrder]:
    """The orders of strategies of which something was filled between these instants, by when that was."""
    with localcontext(ROUNDED):
        found = [
            _judge(ticket, told(symbol_of(ticket)), end_ns)
            for ticket in tickets
            if ticket.strategy and symbol_of(ticket) and any(fill.ts_ns >= start_ns for fill in ticket.fills)
        ]
    return sorted(found, key=lambda one: (one.filled_ns, one.client_order_id))


def sum_up(orders: Sequence[FilledOrder]) -> Quality:
    """These together."""
    slippages = [one.slippage for one in orders if one.slippage is not None]
    return Quality(
        orders=len(orders),
        dollars=sum(one.dollars for one in orders),
        slippage=sum(slippages) if slippages else None,
        slippage_bps=_weighted(orders, "slippage_bps"),
        half_spread_bps=_weighted(orders, "half_spread_bps"),
        after_bps=_weighted(orders, "after_bps"),
        sent_ms=_median([one.sent_ms for one in orders]),
        first_fill_ms=_median([one.first_fill_ms for one in orders]),
    )


def _judge(ticket: Ticket, told: Told, end_ns: int) -> FilledOrder:
    symbol, first = symbol_of(ticket), ticket.fills[0]
    qty = sum((fill.qty for fill in ticket.fills), ZERO)
    price = float(sum((fill.qty * fill.price for fill in ticket.fills), ZERO) / qty)
    sign, dollars = first.side.sign, price * float(qty * multiplier_of(symbol))
    decided_ns = _decided_ns(ticket)
    book = told.book.at(decided_ns)
    middle = (book[0] + book[1]) / 2 if book else told.marks.at(decided_ns)
    waits_for = _waits_for(ticket, sign, book)
    against = middle if waits_for is None else waits_for
    slipped = None if not against else sign * (price - against) / against
    later_ns = ticket.fills[-1].ts_ns + AFTER_NS
    later = told.marks.at(later_ns) if later_ns <= end_ns else None
    return FilledOrder(
        client_order_id=ticket.client_order_id,
        strategy=ticket.strategy,
        symbol=symbol,
        buy=sign > 0,
        type=_type_of(ticket),
        qty=float(qty),
        price=price,
        dollars=dollars,
        decided_ns=decided_ns,
        filled_ns=ticket.fills[-1].ts_ns,
        fills=len(ticket.fills),
        against=against,
        slippage_bps=None if slipped is None else slipped * BPS,
        slippage=None if slipped is None or not against else slipped * against * float(qty * multiplier_of(symbol)),
        half_spread_bps=(book[1] - book[0]) / (book[1] + book[0]) * BPS if book else None,
        after_bps=None if later is None else sign * (later - price) / price * BPS,
        sent_ms=_passed_ms(decided_ns, ticket.sent_ns) if ticket.intent is not None else None,
        first_fill_ms=_passed_ms(decided_ns, first.ts_ns) if ticket.intent is not None else None,
    )


def _decided_ns(ticket: Ticket) -> int:
    """When it was decided; of an exit that came with its entry, when the venue made an order of it."""
    if ticket.intent is not None:
        return ticket.intent.at_ns
    order = ticket.order
    return (order.submitted_ns or order.created_ns if order is not None else 0) or ticket.fills[0].ts_ns


def _waits_for(ticket: Ticket, sign: int, book: tuple[float, float] | None) -> float | None:
    """The price that the order was to wait for; ``None`` where it was to be filled at once."""
    told = ticket.order if ticket.order is not None else None if ticket.intent is None else ticket.intent.request
    if told is None:
        return None
    if told.type in _STOPS:
        return None if told.stop_price is None else float(told.stop_price)
    if told.type is not OrderType.LIMIT or told.limit_price is None:
        return None
    limit = float(told.limit_price)
    if ticket.intent is None:  # an exit that came with its entry
        return limit
    met = book is None or (limit >= book[1] if sign > 0 else limit <= book[0])
    return None if met else limit


def _type_of(ticket: Ticket) -> str:
    if ticket.order is not None:
        return ticket.order.type.value
    return "" if ticket.intent is None else ticket.intent.request.type.value


def _passed_ms(since_ns: int, until_ns: int) -> float | None:
    return max(until_ns - since_ns, 0) / 1e6 if until_ns else None


def _weighted(orders: Sequence[FilledOrder], name: str) -> float | None:
    known = [(value, one.dollars) for one in orders if (value := getattr(one, name)) is not None]
    weight = sum(dollars for _, dollars in known)
    return sum(value * dollars for value, dollars in known) / weight if weight else None


def _median(values: Iterable[float | None]) -> float | None:
    known = sorted(one for one in values if one is not None)
    return known[len(known) // 2] if known else None
