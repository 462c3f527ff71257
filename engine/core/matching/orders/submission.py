"""From a request to an order: checked against every rule, admitted by the books, with the legs that belong to it."""

from decimal import Decimal
from typing import Final

from attrs import evolve

from engine.core.amounts import QTY_STEP, cut
from engine.core.calendar import phase_at
from engine.core.matching.orders import multileg
from engine.core.matching.orders.pit import Pit
from engine.core.matching.orders.timing import expiry_ns, works
from engine.core.matching.triggers import trail
from engine.core.rules import Rule, check_legs, check_request, check_wash
from engine.model.account import Asset
from engine.model.order import (
    Leg,
    Order,
    OrderChange,
    OrderClass,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionIntent,
    Side,
)

OPEN_MAX: Final = 10_000
"""Open orders an account may have, legs included. Alpaca names no bound; a server needs one: this many cost 20 MB and
one look at all of them, at an edge of the day, 10 ms."""


def submit(pit: Pit, request: OrderRequest, now_ns: int) -> Order:
    """Check, admit and remember an order and its legs; returns it as the reply to the client shows it.

    Raises `Refused` with what the venue would answer. Nothing is left behind by a refused order.
    """
    register = pit.register
    asset = pit.assets.get(request.symbol) if request.symbol else None
    view = None if asset is None else pit.view(asset.symbol)
    check_request(request, asset, now_ns, None if view is None else view.last)
    if view is not None and view.halted and request.type is OrderType.MARKET:
        raise Rule.HALTED.refusal(symbol=view.symbol)
    request = _cut(request)
    if request.order_class is OrderClass.MLEG:
        check_legs(request, pit.assets, now_ns)
    if register.orders.by_client_id(request.client_order_id) is not None:
        raise Rule.CLIENT_ORDER_ID_TAKEN.refusal()
    if register.orders.open_count >= OPEN_MAX:
        raise Rule.OPEN_ORDERS.refusal(most=OPEN_MAX)
    pit.mark()
    order = build_order(pit, request, asset, now_ns)
    legs = build_legs(pit, request, order)
    if asset is not None:
        check_wash(order, register.orders.against(order), register.ledger.qty(asset.symbol))
    register.ledger.admit(order, asset, *multileg.terms(pit, order, legs))
    order = evolve(order, legs=tuple(leg.id for leg in legs))
    for each in (order, *legs):
        register.orders.put(each)
    queued = order.status is OrderStatus.ACCEPTED
    register.tell(order, OrderChange.ACCEPTED if queued else OrderChange.PENDING_NEW, now_ns)
    return order


def build_order(pit: Pit, request: OrderRequest, asset: Asset | None, now_ns: int) -> Order:
    """The order itself: ``pending_new``, or ``accepted`` outside its hours."""
    mleg = request.order_class is OrderClass.MLEG
    ids = pit.register.ids
    limit = request.limit_price
    if request.order_class is OrderClass.OCO and limit is None:
        limit = request.take_profit_limit
    order = Order(
        id=ids.next_uuid(),
        client_order_id=request.client_order_id or ids.next_uuid(),
        symbol="" if asset is None else asset.symbol,
        asset_id="" if asset is None else asset.id,
        asset_class=None if asset is None else asset.asset_class,
        side=None if mleg else request.side,
        type=request.type,
        time_in_force=request.time_in_force,
        status=OrderStatus.PENDING_NEW,
        order_class=request.order_class,
        qty=request.qty,
        notional=request.notional,
        limit_price=limit,
        stop_price=request.stop_price,
        trail_price=request.trail_price,
        trail_percent=request.trail_percent,
        extended_hours=request.extended_hours,
        position_intent=None if asset is None else _intent(pit, asset.symbol, request.side, request.position_intent),
        created_ns=now_ns,
        updated_ns=now_ns,
        submitted_ns=now_ns,
        expires_ns=expiry_ns(
            request.time_in_force,
            extended_hours=request.extended_hours,
            asset=asset or multileg.first_to_end(pit, (leg.symbol for leg in request.legs)),
            now_ns=now_ns,
        ),
    )
    if not works(order, phase_at(now_ns)):
        order = evolve(order, status=OrderStatus.ACCEPTED)
    view = pit.view(order.symbol)
    trails = order.type is OrderType.TRAILING_STOP and view is not None
    return trail(order, view) if trails and view is not None else order


def build_legs(pit: Pit, request: OrderRequest, parent: Order) -> list[Order]:
    """The orders that hang on a parent; none for a simple order. Held, but for those of a multi-leg order."""
    if request.order_class is OrderClass.MLEG:
        return [_build_contract(pit, leg, parent) for leg in request.legs]
    legs: list[Order] = []
    exits_of_parent = request.order_class in (OrderClass.BRACKET, OrderClass.OTO)
    if exits_of_parent and request.take_profit_limit is not None:
        legs.append(_build_exit(pit, parent, OrderType.LIMIT, request.take_profit_limit, None))
    if request.order_class is not OrderClass.SIMPLE and request.stop_loss_stop is not None:
        kind = OrderType.STOP if request.stop_loss_limit is None else OrderType.STOP_LIMIT
        legs.append(_build_exit(pit, parent, kind, request.stop_loss_limit, request.stop_loss_stop))
    return legs


def _cut(request: OrderRequest) -> OrderRequest:
    """The order without what of its quantity lies beyond nine decimals; refused if nothing is left."""
    if request.qty is None:
        return request
    qty = cut(request.qty, QTY_STEP)
    if not qty:
        raise Rule.QTY_POSITIVE.refusal()
    return request if qty == request.qty else evolve(request, qty=qty)


def _intent(pit: Pit, symbol: str, side: Side, told: PositionIntent | None) -> PositionIntent:
    """What an order does to the position: what its client said, else what its side means."""
    return told or pit.register.ledger.intent(symbol, side)


def _build_exit(pit: Pit, parent: Order, kind: OrderType, limit: Decimal | None, stop: Decimal | None) -> Order:
    """A take-profit or stop-loss. That of an OCO stands beside its parent, the others turn the parent's side round."""
    side = parent.side or Side.BUY
    if parent.order_class is not OrderClass.OCO:
        side = side.opposite
    intent = PositionIntent.SELL_TO_CLOSE if side is Side.SELL else PositionIntent.BUY_TO_CLOSE
    return evolve(
        parent,
        id=pit.register.ids.next_uuid(),
        client_order_id=pit.register.ids.next_uuid(),
        parent_id=parent.id,
        status=OrderStatus.HELD,
        side=side,
        type=kind,
        limit_price=limit,
        stop_price=stop,
        position_intent=intent,
    )


def _build_contract(pit: Pit, leg: Leg, parent: Order) -> Order:
    """One contract of a multi-leg order: its type and prices are the parent's."""
    asset = pit.assets[leg.symbol]
    return evolve(
        parent,
        id=pit.register.ids.next_uuid(),
        client_order_id=pit.register.ids.next_uuid(),
        parent_id=parent.id,
        symbol=asset.symbol,
        asset_id=asset.id,
        asset_class=asset.asset_class,
        side=leg.side,
        position_intent=_intent(pit, asset.symbol, leg.side, leg.position_intent),
        qty=None if parent.qty is None else parent.qty * leg.ratio_qty,
        ratio_qty=leg.ratio_qty,
        limit_price=None,
    )
