"""Messages of the account stream, and of its replay, which are the same: what happened, and the order after it.

Half a fill is none: without its execution id it could be booked twice, without its quantity not at all. So one that
lacks a part is `Unreadable`; what the message tells of the order can still be read by `parse_order`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.codec.parse_orders.fields import (
    Unreadable,
    need_number,
    need_text,
    need_word,
    read_instant,
    read_map,
    read_number,
    read_rows,
    read_text,
)
from engine.codec.parse_orders.orders import parse_order
from engine.model.order import Fill, Order, OrderChange, OrderUpdate, Side

FILLS: Final = frozenset({OrderChange.FILL, OrderChange.PARTIAL_FILL})


def parse_update(body: Any) -> tuple[OrderUpdate, tuple[Order, ...]]:
    """The ``data`` of a message, decoded, and the order with its legs. Raises `Unreadable`.

    The fill of a multi-leg order is told by its legs' executions alone: its own is only their sum, and has no symbol.
    """
    data = read_map(body, "the message")
    change = need_word(OrderChange, data, "event")
    orders = parse_order(data.get("order"))
    ts_ns = read_instant(data, "timestamp") or read_instant(data, "at")
    if not ts_ns:
        raise Unreadable("timestamp is missing")
    fill: Fill | None = None
    leg_fills: tuple[Fill, ...] = ()
    if change in FILLS:
        leg_fills = _leg_fills(data, orders)
        fill = None if leg_fills else _fill(data, orders[0], ts_ns)
    update = OrderUpdate(
        change=change,
        order=orders[0],
        ts_ns=ts_ns,
        event_id=read_text(data, "event_id"),
        execution_id=read_text(data, "execution_id"),
        fill=fill,
        position_qty=read_number(data, "position_qty"),
        leg_fills=leg_fills,
        position_qtys=_position_qtys(data),
    )
    return update, orders


def _fill(data: Mapping[str, Any], order: Order, ts_ns: int) -> Fill:
    if order.side is None or not order.symbol:
        raise Unreadable("a fill of several symbols does not tell its legs")
    return _execution(data, order, order.side, ts_ns)


def _execution(row: Mapping[str, Any], order: Order, side: Side, ts_ns: int) -> Fill:
    return Fill(
        execution_id=need_text(row, "execution_id"),
        order_id=order.id,
        symbol=order.symbol,
        side=side,
        qty=need_number(row, "qty"),
        price=need_number(row, "price"),
        ts_ns=ts_ns,
    )


def _leg_fills(data: Mapping[str, Any], orders: Sequence[Order]) -> tuple[Fill, ...]:
    if data.get("legs") is None:
        return ()
    by_id = {order.id: order for order in orders}
    fills = []
    for row in read_rows(data["legs"], "legs"):
        leg = read_map(row, "a leg")
        order = by_id.get(need_text(leg, "order_id"))
        if order is None or order.side is None:
            raise Unreadable("the fill of a leg belongs to none of the order's legs")
        ts_ns = read_instant(leg, "timestamp") or read_instant(data, "timestamp")
        fills.append(_execution(leg, order, order.side, ts_ns))
    return tuple(fills)


def _position_qtys(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if data.get("position_qtys") is None:
        return None
    told = read_map(data["position_qtys"], "position_qtys")
    return {symbol: need_number(told, symbol) for symbol in sorted(told)}
