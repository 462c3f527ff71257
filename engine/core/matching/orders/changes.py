"""Canceling and replacing, with their races: a request travels to the market, and what it is about may fill meanwhile.

Alpaca's words decide ("Replace Order" in its API reference): a reply of 200 does not promise that the order was
replaced; if the old one is filled before the new one reaches the market, the new one is rejected. A cancel that comes
too late is told of as ``order_cancel_rejected``.

What a replacement of a partly filled order asks for is told by nobody in one place. Alpaca refuses a new quantity that
is not above what was filled (its docs, "qty must be > filled_qty"), so a quantity is the total over the old and the new
order; the new order begins with nothing filled (forum 945). So here the new order's quantity is the total less what the
old one has filled by the time it is replaced, and the account never trades more than was asked for. A report of 2021
(Alpaca-API#165) saw the whole quantity traded again; Alpaca calls that a bug.
"""

from decimal import Decimal
from typing import Final

from attrs import evolve

from engine.core.amounts import QTY_STEP, cut
from engine.core.matching.orders import filling, groups, multileg
from engine.core.matching.orders.agenda import Agenda, Due, Step
from engine.core.matching.orders.pit import Pit
from engine.core.matching.orders.timing import expiry_ns
from engine.core.rules import Rule, check_cancel, check_replace, check_wash
from engine.model.order import ZERO, Order, OrderChange, OrderClass, OrderStatus, ReplaceRequest

_HERE: Final = frozenset((OrderStatus.ACCEPTED, OrderStatus.HELD))
"""Orders that are not in the market: what is done to them takes no time."""


def find(pit: Pit, order_id: str) -> Order:
    """The order that a request is about; refused if there is none. Legs of multi-leg orders are not to be had alone."""
    order = pit.register.orders.get(order_id)
    if order is None or (order.order_class is OrderClass.MLEG and order.parent_id):
        raise Rule.ORDER_NOT_FOUND.refusal()
    return order


def cancel(pit: Pit, agenda: Agenda, order_id: str, now_ns: int, delay_ns: int) -> None:
    """Ask for an order's end, which comes after ``delay_ns``. Raises `Refused`; asking twice is no error."""
    order = find(pit, order_id)
    check_cancel(order)
    if order.status is OrderStatus.PENDING_REPLACE:
        raise Rule.CANCEL_STATUS.refusal(status=order.status)
    if order.cancel_requested_ns or order.status is OrderStatus.CANCELED:
        return
    register = pit.register
    if order.status is OrderStatus.PENDING_NEW:  # it follows the order to the market, and cannot overtake it
        register.amend(order_id, cancel_requested_ns=now_ns)
        agenda.send(max(now_ns + delay_ns, order.created_ns + pit.model.latency_ns), Step.CANCEL, order_id)
    elif order.status in _HERE or not delay_ns:
        register.change(order_id, OrderChange.CANCELED, now_ns, cancel_requested_ns=now_ns)
    else:
        register.change(order_id, OrderChange.PENDING_CANCEL, now_ns)
        agenda.send(now_ns + delay_ns, Step.CANCEL, order_id)
    groups.settle(pit, now_ns)


def arrive_cancel(pit: Pit, due: Due) -> None:
    """A cancel reaches the market: the order ends, or was faster."""
    order = pit.register.orders.get(due.order_id)
    if order is None:
        return
    if order.open:
        pit.register.change(order.id, OrderChange.CANCELED, due.due_ns)
    elif order.status is OrderStatus.FILLED:
        pit.register.change(order.id, OrderChange.CANCEL_REJECTED, due.due_ns)
    groups.settle(pit, due.due_ns)


def arrive_rejection(pit: Pit, due: Due) -> None:
    """An order does not get into the market, unless it has ended already."""
    order = pit.register.orders.get(due.order_id)
    if order is not None and order.open:
        pit.register.change(order.id, OrderChange.REJECTED, due.due_ns)


def replace(pit: Pit, agenda: Agenda, order_id: str, change: ReplaceRequest, now_ns: int) -> Order:
    """Ask for another order in an order's place; returns the new one, on its way. Raises `Refused`."""
    register = pit.register
    old = find(pit, order_id)
    asset = pit.asset_of(old)
    check_replace(old, change, asset, now_ns)
    if register.orders.by_client_id(change.client_order_id) is not None:
        raise Rule.CLIENT_ORDER_ID_TAKEN.refusal()
    total = old.qty if change.qty is None else cut(change.qty, QTY_STEP)
    new = _build(pit, old, change, (total or ZERO) - old.filled_qty, now_ns)
    legs = _build_legs(pit, old, new)
    if old.status is not OrderStatus.HELD:
        pit.mark()
        check_wash(new, register.orders.against(new), register.ledger.qty(old.symbol))
        register.ledger.readmit(old, new, asset, *multileg.terms(pit, new, legs))
    new = evolve(new, legs=tuple(leg.id for leg in legs))
    for each in (new, *legs):
        register.orders.put(each)
    latency_ns = 0 if old.status is OrderStatus.HELD else pit.model.latency_ns
    if latency_ns:
        register.change(old.id, OrderChange.PENDING_REPLACE, now_ns)
    agenda.send(now_ns + latency_ns, Step.REPLACEMENT, new.id, total or ZERO)
    return new


def arrive_replacement(pit: Pit, due: Due) -> None:
    """A replacement reaches the market: it takes the old order's place, or comes too late."""
    orders, now_ns = pit.register.orders, due.due_ns
    new = orders.get(due.order_id)
    old = None if new is None else orders.get(new.replaces)
    if new is None or old is None:
        return
    left = due.total_qty - old.filled_qty
    if old.open and new.open and left > ZERO:
        _take_place(pit, old, new, left, now_ns)
    else:
        if old.open or old.status is OrderStatus.FILLED:
            pit.register.change(old.id, OrderChange.REPLACE_REJECTED, now_ns)
        if new.open:
            pit.register.change(new.id, OrderChange.REJECTED, now_ns)
    groups.settle(pit, now_ns)


def _take_place(pit: Pit, old: Order, new: Order, left: Decimal, now_ns: int) -> None:
    register = pit.register
    before = pit.working(old.id)
    _hand_over(pit, old, register.amend(new.id, qty=left))
    register.change(old.id, OrderChange.REPLACED, now_ns, replaced_by=new.id)
    pit.leave(old)
    if new.status is OrderStatus.HELD:
        return
    if before is not None and before.triggered and new.stop_price == old.stop_price:
        pit.enter(new, triggered=True)
    filling.reach_market(pit, new.id, now_ns)


def _hand_over(pit: Pit, old: Order, new: Order) -> None:
    """The group of the old order is the new one's: its parent names it, its legs hang on it."""
    register = pit.register
    if old.parent_id and old.parent_id in register.orders:
        parent = register.orders[old.parent_id]
        register.amend(parent.id, legs=tuple(new.id if leg_id == old.id else leg_id for leg_id in parent.legs))
    if old.legs and old.order_class is not OrderClass.MLEG:
        register.amend(new.id, legs=old.legs)
        for leg in register.orders.legs(old):
            register.amend(leg.id, parent_id=new.id)


def _build(pit: Pit, old: Order, change: ReplaceRequest, qty: Decimal, now_ns: int) -> Order:
    """The new order: the old one with what is to change, and a life of its own."""
    ids = pit.register.ids
    time_in_force = change.time_in_force or old.time_in_force
    by_percent = old.trail_percent is not None
    trail_changed = change.trail is not None
    return evolve(
        old,
        id=ids.next_uuid(),
        client_order_id=change.client_order_id or ids.next_uuid(),
        status=OrderStatus.HELD if old.status is OrderStatus.HELD else OrderStatus.PENDING_NEW,
        time_in_force=time_in_force,
        qty=qty,
        limit_price=old.limit_price if change.limit_price is None else change.limit_price,
        # a trailing stop's own price follows from its water mark and its new trail
        stop_price=None if trail_changed else old.stop_price if change.stop_price is None else change.stop_price,
        trail_price=change.trail if trail_changed and not by_percent else old.trail_price,
        trail_percent=change.trail if trail_changed and by_percent else old.trail_percent,
        filled_qty=ZERO,
        filled_avg_price=None,
        replaces=old.id,
        created_ns=now_ns,
        updated_ns=now_ns,
        submitted_ns=now_ns,
        cancel_requested_ns=0,
        expires_ns=expiry_ns(
            time_in_force,
            extended_hours=old.extended_hours,
            asset=pit.asset_of(old)
            or multileg.first_to_end(pit, (leg.symbol for leg in pit.register.orders.legs(old))),
            now_ns=now_ns,
        ),
    )


def _build_legs(pit: Pit, old: Order, new: Order) -> list[Order]:
    """New legs for a multi-leg order; other orders keep the legs that they have."""
    if old.order_class is not OrderClass.MLEG:
        return []
    ids = pit.register.ids
    return [
        evolve(
            leg,
            id=ids.next_uuid(),
            client_order_id=ids.next_uuid(),
            parent_id=new.id,
            replaces=leg.id,
            status=new.status,
            qty=(new.qty or ZERO) * (leg.ratio_qty or ZERO),
            time_in_force=new.time_in_force,
            created_ns=new.created_ns,
            updated_ns=new.created_ns,
            submitted_ns=new.created_ns,
            expires_ns=new.expires_ns,
        )
        for leg in pit.register.orders.legs(old)
    ]
