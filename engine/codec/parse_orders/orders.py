"""Orders as the venue tells them, by REST and inside its messages, with the legs that are told inside them.

Only what the books stand on is needed: ids, symbol, side, status and the filled quantity. A type, a time in force or an
order class that is new to us belongs to an order that somebody else placed; it is read as the nearest that we know, so
that one such order does not hide all the others.
"""

from collections.abc import Mapping
from typing import Any, Final

from engine.codec.orders import NO_ASSET
from engine.codec.parse_orders.fields import (
    Unreadable,
    need_number,
    need_text,
    need_word,
    read_flag,
    read_instant,
    read_map,
    read_number,
    read_rows,
    read_text,
    read_word,
)
from engine.model.order import (
    AssetClass,
    Order,
    OrderClass,
    OrderStatus,
    OrderType,
    PositionIntent,
    Side,
    TimeInForce,
)

DEPTH_MAX: Final = 4
"""Legs inside legs inside orders: the venue nests once."""
STATUSES_SAID_AS: Final[Mapping[str, OrderStatus]] = {"pending_review": OrderStatus.PENDING_NEW}
"""A status that alpaca-py lists and Alpaca's OpenAPI does not: an order that is looked at before it is let through."""
SIMPLE: Final = "simple"
"""Options samples of Alpaca's docs write it where other orders have the empty text."""


def parse_order(body: Any) -> tuple[Order, ...]:
    """An order (an object, decoded): it first, then its legs, however deep. Raises `Unreadable`."""
    return tuple(_flatten(read_map(body, "the order"), None, 0))


def parse_orders(body: Any) -> tuple[tuple[Order, ...], ...]:
    """A list of orders: each with its legs behind it. Raises `Unreadable`."""
    return tuple(parse_order(row) for row in read_rows(body, "the reply"))


def _flatten(body: Mapping[str, Any], parent: Order | None, depth: int) -> list[Order]:
    if depth >= DEPTH_MAX:
        raise Unreadable("an order is nested too deep")
    rows = [read_map(row, "a leg") for row in _legs(body)]
    order = _order(body, parent, tuple(need_text(row, "id") for row in rows))
    told = [order]
    for row in rows:
        told += _flatten(row, order, depth + 1)
    return told


def _legs(body: Mapping[str, Any]) -> list[Any]:
    legs = body.get("legs")
    return [] if legs is None else list(read_rows(legs, "legs"))


def _order(body: Mapping[str, Any], parent: Order | None, legs: tuple[str, ...]) -> Order:
    order_class = _order_class(body)
    whole = order_class is OrderClass.MLEG and parent is None  # an order of several symbols has none of its own
    asset_id = read_text(body, "asset_id")
    return Order(
        id=need_text(body, "id"),
        client_order_id=need_text(body, "client_order_id"),
        symbol=read_text(body, "symbol") if whole else need_text(body, "symbol"),
        asset_id="" if asset_id == NO_ASSET else asset_id,
        asset_class=read_word(AssetClass, body, "asset_class"),
        side=read_word(Side, body, "side") if whole else need_word(Side, body, "side"),
        type=_type(body, parent),
        time_in_force=_time_in_force(body, parent),
        status=_status(body),
        order_class=order_class,
        qty=read_number(body, "qty"),
        notional=read_number(body, "notional"),
        filled_qty=need_number(body, "filled_qty"),
        filled_avg_price=read_number(body, "filled_avg_price"),
        limit_price=read_number(body, "limit_price"),
        stop_price=read_number(body, "stop_price"),
        trail_price=read_number(body, "trail_price"),
        trail_percent=read_number(body, "trail_percent"),
        hwm=read_number(body, "hwm"),
        extended_hours=read_flag(body, "extended_hours"),
        position_intent=read_word(PositionIntent, body, "position_intent"),
        ratio_qty=read_number(body, "ratio_qty"),
        legs=legs,
        parent_id="" if parent is None else parent.id,
        replaced_by=read_text(body, "replaced_by"),
        replaces=read_text(body, "replaces"),
        created_ns=read_instant(body, "created_at"),
        updated_ns=read_instant(body, "updated_at"),
        submitted_ns=read_instant(body, "submitted_at"),
        filled_ns=read_instant(body, "filled_at"),
        expires_ns=read_instant(body, "expires_at"),
        expired_ns=read_instant(body, "expired_at"),
        cancel_requested_ns=read_instant(body, "cancel_requested_at"),
        canceled_ns=read_instant(body, "canceled_at"),
        failed_ns=read_instant(body, "failed_at"),
        replaced_ns=read_instant(body, "replaced_at"),
    )


def _status(body: Mapping[str, Any]) -> OrderStatus:
    said = STATUSES_SAID_AS.get(read_text(body, "status"))
    return need_word(OrderStatus, body, "status") if said is None else said


def _order_class(body: Mapping[str, Any]) -> OrderClass:
    if read_text(body, "order_class") in ("", SIMPLE):
        return OrderClass.SIMPLE
    return read_word(OrderClass, body, "order_class") or OrderClass.SIMPLE


def _type(body: Mapping[str, Any], parent: Order | None) -> OrderType:
    """Its type; a leg of several has its parent's, and one that is new to us is told by its prices."""
    if parent is not None and not read_text(body, "type"):
        return parent.type
    known = read_word(OrderType, body, "type")
    if known is not None:
        return known
    need_text(body, "type")
    limited, stopped = (body.get(name) is not None for name in ("limit_price", "stop_price"))
    if limited:
        return OrderType.STOP_LIMIT if stopped else OrderType.LIMIT
    return OrderType.STOP if stopped else OrderType.MARKET


def _time_in_force(body: Mapping[str, Any], parent: Order | None) -> TimeInForce:
    """Its time in force; one that is new to us is read as the one that ends by nothing that we would know of."""
    if parent is not None and not read_text(body, "time_in_force"):
        return parent.time_in_force
    known = read_word(TimeInForce, body, "time_in_force")
    if known is not None:
        return known
    need_text(body, "time_in_force")
    return TimeInForce.GTC
