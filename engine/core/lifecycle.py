"""The life of an order: which status may follow which, and the one function through which every change goes.

An order is told of on two roads, in REST's replies and on the account stream, and the roads race. Only a table of what
may follow what tells a late message from a broken venue, so there is one table, for the exchange that makes the changes
and for the side that is told of them. The statuses and their words are Alpaca's ("Order Lifecycle" in its docs); the
arrows are drawn from those words, from its recorded accounts and from FIX, whose order states they are.

What was decided where Alpaca is silent:

- ``pending_cancel`` and ``pending_replace`` outrank ``partially_filled``, as in FIX: a part that fills meanwhile leaves
  the status, and a request that is refused gives back ``new`` or ``partially_filled``, whichever the fills say.
- A refused cancel or replacement changes nothing else, and may be told of an order that has ended.
- ``done_for_day`` can wake up again on the next day. Nothing follows the five that `OrderStatus.terminal` names.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve

from engine.model.order import ZERO, Fill, Order, OrderChange, OrderStatus

AVG_PRICE_STEP: Final = Decimal("1e-12")
"""Average prices are kept to this: beyond any price increment there is, so that a thousand fills add up to the cent."""

_S = OrderStatus
_ENDS: Final = (_S.CANCELED, _S.EXPIRED, _S.REJECTED)
_FILLED: Final = (_S.PARTIALLY_FILLED, _S.FILLED)
_PENDING: Final = (_S.PENDING_CANCEL, _S.PENDING_REPLACE)
_VENUE: Final = (_S.DONE_FOR_DAY, _S.STOPPED, _S.SUSPENDED, _S.CALCULATED)
_LEFT: Final = frozenset((*_FILLED, *_ENDS, *_PENDING, *_VENUE, _S.REPLACED))

NEXT: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = MappingProxyType(
    {
        _S.PENDING_NEW: frozenset((*_ENDS, _S.ACCEPTED, _S.NEW, _S.PENDING_CANCEL, _S.ACCEPTED_FOR_BIDDING)),
        _S.ACCEPTED: frozenset((*_ENDS, _S.PENDING_NEW, _S.NEW, _S.PENDING_CANCEL, _S.ACCEPTED_FOR_BIDDING)),
        _S.ACCEPTED_FOR_BIDDING: frozenset((*_ENDS, *_FILLED, _S.NEW, _S.PENDING_CANCEL)),
        _S.HELD: frozenset((*_ENDS, _S.NEW, _S.REPLACED)),
        _S.NEW: _LEFT,
        _S.PARTIALLY_FILLED: _LEFT,
        _S.PENDING_CANCEL: frozenset((*_ENDS, _S.FILLED, _S.NEW, _S.PARTIALLY_FILLED)),
        _S.PENDING_REPLACE: frozenset((*_ENDS, _S.FILLED, _S.NEW, _S.PARTIALLY_FILLED, _S.REPLACED)),
        _S.DONE_FOR_DAY: frozenset((*_ENDS, _S.ACCEPTED, _S.NEW, _S.PARTIALLY_FILLED, _S.REPLACED, _S.CALCULATED)),
        _S.STOPPED: frozenset((*_ENDS, *_FILLED)),
        _S.SUSPENDED: frozenset((*_ENDS, _S.NEW, _S.PARTIALLY_FILLED)),
        _S.CALCULATED: frozenset((*_ENDS, _S.FILLED, _S.DONE_FOR_DAY)),
        _S.FILLED: frozenset(),
        _S.CANCELED: frozenset(),
        _S.EXPIRED: frozenset(),
        _S.REPLACED: frozenset(),
        _S.REJECTED: frozenset(),
    }
)
"""What may follow a status. Only one more part filled leaves a status as it is, and that is not in the table."""

STATUS_AFTER: Final[Mapping[OrderChange, OrderStatus]] = MappingProxyType(
    {
        OrderChange.PENDING_NEW: _S.PENDING_NEW,
        OrderChange.ACCEPTED: _S.ACCEPTED,
        OrderChange.NEW: _S.NEW,
        OrderChange.HELD: _S.HELD,
        OrderChange.PARTIAL_FILL: _S.PARTIALLY_FILLED,
        OrderChange.FILL: _S.FILLED,
        OrderChange.PENDING_CANCEL: _S.PENDING_CANCEL,
        OrderChange.CANCELED: _S.CANCELED,
        OrderChange.EXPIRED: _S.EXPIRED,
        OrderChange.DONE_FOR_DAY: _S.DONE_FOR_DAY,
        OrderChange.PENDING_REPLACE: _S.PENDING_REPLACE,
        OrderChange.REPLACED: _S.REPLACED,
        OrderChange.REJECTED: _S.REJECTED,
        OrderChange.STOPPED: _S.STOPPED,
        OrderChange.CALCULATED: _S.CALCULATED,
        OrderChange.SUSPENDED: _S.SUSPENDED,
    }
)
"""The status that a change leaves behind. The changes that are not in it keep the status, or give it back."""

_TIMES: Final[Mapping[OrderChange, str]] = MappingProxyType(
    {
        OrderChange.FILL: "filled_ns",
        OrderChange.CANCELED: "canceled_ns",
        OrderChange.EXPIRED: "expired_ns",
        OrderChange.REJECTED: "failed_ns",
        OrderChange.REPLACED: "replaced_ns",
        OrderChange.PENDING_CANCEL: "cancel_requested_ns",
    }
)
FILLS: Final = frozenset((OrderChange.PARTIAL_FILL, OrderChange.FILL))
"""The changes that come with a fill."""
_REFUSALS: Final = frozenset((OrderChange.CANCEL_REJECTED, OrderChange.REPLACE_REJECTED))


class IllegalTransition(Exception):
    """A change that no order in that status can go through: the venue is broken, or a message came twice or late."""

    def __init__(self, order: Order, change: OrderChange) -> None:
        super().__init__(f"order {order.id} ({order.symbol}) is {order.status} and cannot be told: {change}")


def advance(order: Order, change: OrderChange, ts_ns: int, *, fill: Fill | None = None, **values: Any) -> Order:
    """The order after a change at ``ts_ns``; ``values`` are further fields of it that the change sets.

    A ``fill`` belongs to the changes ``partial_fill`` and ``fill``: it adds to the filled quantity and its average
    price, which is kept to `AVG_PRICE_STEP`. Raises `IllegalTransition`, and `ValueError` for a fill without its
    change, a change without its fill, or more than the order asked for.
    """
    if (change in FILLS) is not (fill is not None):
        raise ValueError(f"order {order.id}: a fill is told as partial_fill or fill, and nothing else is: {change}")
    status = _status_after(order, change)
    if fill is not None:
        values |= _filled(order, fill)
    if (name := _TIMES.get(change)) is not None:
        values.setdefault(name, ts_ns)
    return evolve(order, status=status, updated_ns=ts_ns, **values)


def _status_after(order: Order, change: OrderChange) -> OrderStatus:
    if order.status in _PENDING:
        if change is OrderChange.PARTIAL_FILL:
            return order.status
        if change in _REFUSALS:
            return OrderStatus.PARTIALLY_FILLED if order.filled_qty else OrderStatus.NEW
    status = STATUS_AFTER.get(change)
    if status is None:
        return order.status
    again = status is order.status and change is OrderChange.PARTIAL_FILL
    if not again and status not in NEXT[order.status]:
        raise IllegalTransition(order, change)
    return status


def _filled(order: Order, fill: Fill) -> dict[str, Decimal]:
    qty = order.filled_qty + fill.qty
    if fill.qty <= ZERO or (order.qty is not None and qty > order.qty):
        raise ValueError(f"order {order.id}: a fill of {fill.qty} on {order.filled_qty} filled of {order.qty}")
    paid = order.filled_qty * (order.filled_avg_price or ZERO) + fill.qty * fill.price
    return {"filled_qty": qty, "filled_avg_price": rounded_price(paid / qty)}


def rounded_price(price: Decimal) -> Decimal:
    """A computed price without what lies below `AVG_PRICE_STEP`; a price that needs no rounding comes back as it is."""
    if price.is_finite() and int(price.as_tuple().exponent) < int(AVG_PRICE_STEP.as_tuple().exponent):
        return price.quantize(AVG_PRICE_STEP, ROUND_HALF_EVEN)
    return price
