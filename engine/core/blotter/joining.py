"""Two tellings of one order, joined: whichever came first, the same comes out.

An order is told of by replies, by the stream, by its replay and by lists, each late in its own way, and nothing on the
wire numbers what is told. But an order's life has a direction: quantities fill and do not unfill, an end is final, and
``updated_at`` does not go back. So tellings are not applied one after the other, they are joined, and the join is a
lattice: of two tellings the one that is further along says how the order stands, and what only grows (filled quantity,
the times of what happened, links to other orders) is taken from both. Told twice, late, or in any order makes no
difference.

What the order of a life cannot tell apart (a trailing stop's price moves without a new ``updated_at``) is decided
by content, so that it is still the same everywhere, until a snapshot that nothing can have overtaken says how it is.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, TypeAlias

from attrs import evolve

from engine.model.order import ZERO, Order, OrderStatus, Side

_S = OrderStatus
_STEPS: Final = (
    _S.HELD,
    _S.PENDING_NEW,
    _S.ACCEPTED,
    _S.ACCEPTED_FOR_BIDDING,
    _S.NEW,
    _S.PARTIALLY_FILLED,
    _S.STOPPED,
    _S.SUSPENDED,
    _S.CALCULATED,
    _S.DONE_FOR_DAY,
    _S.PENDING_CANCEL,
    _S.PENDING_REPLACE,
    _S.REJECTED,
    _S.EXPIRED,
    _S.CANCELED,
    _S.REPLACED,
    _S.FILLED,
)
_STEP: Final = {status: number for number, status in enumerate(_STEPS)}
"""Which status is further along where the quantities and the times are the same; `lifecycle.NEXT` in one line."""
_LATEST: Final = (
    "created_ns",
    "updated_ns",
    "submitted_ns",
    "filled_ns",
    "expires_ns",
    "expired_ns",
    "cancel_requested_ns",
    "canceled_ns",
    "failed_ns",
    "replaced_ns",
    "replaced_by",
    "replaces",
    "parent_id",
    "legs",
)
"""What is empty until it happens, or until somebody tells of it: the stream does not say whose leg an order is."""

Progress: TypeAlias = tuple[bool, Decimal, int]


def progress(order: Order) -> Progress:
    """How far along an order is: ended or not, how much of it is filled, when it last changed."""
    return (not order.open, order.filled_qty, order.updated_ns)


def join(known: Order, told: Order, *, settled: bool = False) -> Order:
    """What is known of an order once both are. ``settled``: in a tie ``told`` is how it stands now, for certain."""
    if known == told:
        return known
    before, after = progress(known), progress(told)
    if before != after:
        ahead, behind = (known, told) if before > after else (told, known)
    elif settled:
        ahead, behind = told, known
    else:
        ahead, behind = (known, told) if _rank(known) >= _rank(told) else (told, known)
    filled = max(known, told, key=lambda order: (order.filled_qty, order.filled_avg_price or ZERO))
    grown = {name: max(getattr(known, name), getattr(told, name)) for name in _LATEST}
    if settled:
        grown |= {name: getattr(ahead, name) or getattr(behind, name) for name in ("parent_id", "legs")}
    return evolve(ahead, filled_qty=filled.filled_qty, filled_avg_price=filled.filled_avg_price, **grown)


def _rank(order: Order) -> tuple[int, Decimal, Decimal, str]:
    """Breaks ties: by status, by what a trailing stop has seen, by what is left to do, and by anything at all."""
    mark = order.hwm or ZERO
    return (_STEP[order.status], -mark if order.side is Side.BUY else mark, -(order.qty or ZERO), repr(order))


def contradictions(known: Order, told: Order) -> Iterator[str]:
    """Sentences: what no late or doubled message explains. Lateness is normal, and is not told of."""
    name = f"order {told.id} ({told.symbol or 'multi-leg'})"
    if (known.symbol, known.side) != (told.symbol, told.side) and known.symbol and told.symbol:
        yield f"{name} was {known.side} {known.symbol} and is told of as {told.side} {told.symbol}"
    if not known.open and told.open and progress(told)[1:] > progress(known)[1:]:
        yield f"{name} had ended as {known.status} and is told of as {told.status} later"
    if not known.open and not told.open and known.status is not told.status:
        yield f"{name} is told to have ended as {known.status} and as {told.status}"
    if told.filled_qty < known.filled_qty and told.updated_ns > known.updated_ns:
        yield f"{name} had {known.filled_qty} filled and later only {told.filled_qty}: was an execution undone?"


def overfill(order: Order) -> Iterator[str]:
    """A sentence if more of an order is filled than was asked for."""
    if order.qty is not None and order.filled_qty > order.qty:
        yield f"order {order.id} ({order.symbol}) has {order.filled_qty} filled of {order.qty}"
