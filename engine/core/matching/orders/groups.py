"""Orders that hang on one another: bracket, one-cancels-other, one-triggers-other.

Alpaca's rules ("Bracket Orders", "OCO Orders", "OTO Orders" in its docs), and how they are kept here:

- The exits of a bracket or OTO are ``held`` until the entry is *completely* filled; a partly filled entry that ends
  takes them along, and what was bought stays without them.
- Of two exits the take-profit then is ``new`` and the stop stays ``held``, because the account could not hold the
  quantity for both. The stop is watched while it is held; when the market reaches it, the take-profit is canceled, the
  stop becomes ``new`` and trades. So no held order ever fills, and never both in full. Of an OCO the take-profit is
  the parent.
- What the take-profit fills in part, the stop has less to do.
- If any one of them is canceled, expires or is rejected, the others end with it.

`settle` looks at how a group stands and not at what just happened, so it does not matter in which order changes come.
"""

from collections.abc import Sequence
from typing import Final

from engine.core.matching.orders.pit import Pit
from engine.core.rules import Refused
from engine.model.order import Order, OrderChange, OrderClass, OrderStatus

GROUPED: Final = frozenset((OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO))
_FAILED: Final = frozenset((OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED))
_UNROUTED: Final = frozenset((OrderStatus.ACCEPTED, OrderStatus.PENDING_NEW))


def settle(pit: Pit, now_ns: int) -> None:
    """See to it that every group of an order that changed stands as it should, and that ended orders leave the pit."""
    register = pit.register
    while register.changed:
        order = register.orders.get(register.changed.popleft())
        if order is None:  # forgotten meanwhile
            continue
        if not order.open:
            pit.leave(order)
        if order.order_class in GROUPED:
            root = register.orders.get(order.parent_id or order.id)
            if root is not None and root.status is not OrderStatus.REPLACED:
                _settle_group(pit, root, now_ns)


def elect(pit: Pit, stop: Order, now_ns: int) -> bool:
    """A held stop's price was reached: it takes the place of the take-profit. False if the account refuses it."""
    root = pit.register.orders[stop.parent_id]
    for other in _exits(root, pit.register.orders.legs(root)):
        if other.open and other.id != stop.id:
            pit.register.change(other.id, OrderChange.CANCELED, now_ns)
    return _activate(pit, stop, now_ns)


def _settle_group(pit: Pit, root: Order, now_ns: int) -> None:
    legs = pit.register.orders.legs(root)
    exits = _exits(root, legs)
    stop = exits[1] if len(exits) > 1 else None
    if stop is not None and stop.open and stop.status is not OrderStatus.HELD:
        return  # it was elected: it has ended the others, and is alone now
    ended = next((each for each in (root, *legs) if each.status in _FAILED), None)
    if ended is not None or any(each.status is OrderStatus.FILLED for each in exits):
        expired = ended is not None and ended.status is OrderStatus.EXPIRED
        for each in (root, *legs):
            if each.open:
                pit.register.change(each.id, OrderChange.EXPIRED if expired else OrderChange.CANCELED, now_ns)
        return
    entered = root.status is OrderStatus.FILLED
    if entered and exits[0].status is OrderStatus.HELD and not _activate(pit, exits[0], now_ns):
        return  # rejected, which ends the others when it is settled
    if stop is not None:
        if entered or (exits[0] is root and root.status not in _UNROUTED):
            _watch(pit, stop, now_ns)
        if stop.qty != exits[0].left_qty:
            pit.register.amend(stop.id, qty=exits[0].left_qty)


def _exits(root: Order, legs: Sequence[Order]) -> tuple[Order, ...]:
    """The orders that close the position, the take-profit first where there are two."""
    return (root, *legs) if root.order_class is OrderClass.OCO else tuple(legs)


def _activate(pit: Pit, leg: Order, now_ns: int) -> bool:
    """A held leg becomes an order, if the account lets it."""
    try:
        pit.mark()
        pit.register.ledger.admit(leg, pit.asset_of(leg), pit.price(leg.symbol, leg.side))
    except Refused:
        pit.register.change(leg.id, OrderChange.REJECTED, now_ns)
        return False
    pit.enter(pit.register.change(leg.id, OrderChange.NEW, now_ns, submitted_ns=now_ns))
    return True


def _watch(pit: Pit, stop: Order, now_ns: int) -> None:
    """A held stop is in the pit from now on, for its stop price."""
    if pit.working(stop.id) is None:
        pit.enter(pit.register.amend(stop.id, submitted_ns=now_ns))
