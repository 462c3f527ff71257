"""Requests of the trading API, JSON into values: an order, a change of one.

A number may come as text or as a JSON number (alpaca-py sends numbers, its predecessor text); either way it becomes a
`Decimal` of exactly the digits that were sent. Fields that nobody knows are let through, as the venue does; a field of
the wrong kind makes the body unreadable, a word that is none of the venue's is an invalid value. What an order may ask
for is decided elsewhere (`engine.core.rules`): here is only what can be read.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from engine.model.order import (
    Leg,
    OrderClass,
    OrderRequest,
    OrderType,
    PositionIntent,
    ReplaceRequest,
    Side,
    TimeInForce,
)

BAD_SYNTAX: Final = 40010000
BAD_FIELD: Final = 40010001
BAD_VALUE: Final = 42210000
EXPONENT_MAX: Final = 30
"""Digits before or behind the point: no quantity or price has as many, and one with a million would cost us minutes."""
LEGS_MAX: Final = 100
"""More than any rule allows, so that the rule speaks and not the reader; few enough to read."""
SAID_AS: Final = {"type": "order type"}
"""Fields that the venue calls otherwise when a word of theirs is none of its own (as users quote it)."""
_BUYS: Final = frozenset({PositionIntent.BUY_TO_OPEN, PositionIntent.BUY_TO_CLOSE})

_Word = TypeVar("_Word", bound=StrEnum)
_Wire = TypeVar("_Wire", bound=Struct)


class BadBody(ValueError):
    """A body that cannot be read as what it should be: HTTP ``status``, and ``code`` and ``message`` for the reply."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class _TakeProfit(Struct):
    limit_price: Decimal | None = None


class _StopLoss(Struct):
    stop_price: Decimal | None = None
    limit_price: Decimal | None = None


class _Leg(Struct):
    symbol: str | None = None
    ratio_qty: Decimal | None = None
    side: str | None = None
    position_intent: str | None = None


class _Order(Struct):
    symbol: str | None = None
    qty: Decimal | None = None
    notional: Decimal | None = None
    side: str | None = None
    type: str | None = None
    time_in_force: str | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool | None = None
    client_order_id: str | None = None
    order_class: str | None = None
    take_profit: _TakeProfit | None = None
    stop_loss: _StopLoss | None = None
    position_intent: str | None = None
    legs: list[_Leg] | None = None


class _Replace(Struct):
    qty: Decimal | None = None
    time_in_force: str | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    client_order_id: str | None = None


def parse_order(body: bytes) -> OrderRequest:
    """The order of ``POST /v2/orders``. Raises `BadBody`.

    Where only a ``position_intent`` is given, the side follows from it; a multi-leg order has no side of its own, and
    stands as a buy.
    """
    wire = _decode(body, _Order)
    order_class = _order_class(wire.order_class)
    intent = _word(PositionIntent, "position_intent", wire.position_intent)
    profit, loss = wire.take_profit or _TakeProfit(), wire.stop_loss or _StopLoss()
    return OrderRequest(
        symbol=_symbol(wire.symbol, order_class),
        side=_side(wire.side, intent, order_class),
        type=_needed(OrderType, "type", wire.type),
        time_in_force=_needed(TimeInForce, "time_in_force", wire.time_in_force),
        qty=_number("qty", wire.qty),
        notional=_number("notional", wire.notional),
        limit_price=_number("limit_price", wire.limit_price),
        stop_price=_number("stop_price", wire.stop_price),
        trail_price=_number("trail_price", wire.trail_price),
        trail_percent=_number("trail_percent", wire.trail_percent),
        extended_hours=bool(wire.extended_hours),
        client_order_id=wire.client_order_id or "",
        order_class=order_class,
        take_profit_limit=_number("take_profit.limit_price", profit.limit_price),
        stop_loss_stop=_number("stop_loss.stop_price", loss.stop_price),
        stop_loss_limit=_number("stop_loss.limit_price", loss.limit_price),
        position_intent=intent,
        legs=_legs(wire.legs or ()),
    )


def parse_replace(body: bytes) -> ReplaceRequest:
    """The change of ``PATCH /v2/orders/{id}``; an empty body changes nothing. Raises `BadBody`."""
    wire = _decode(body or b"{}", _Replace)
    return ReplaceRequest(
        qty=_number("qty", wire.qty),
        time_in_force=_word(TimeInForce, "time_in_force", wire.time_in_force),
        limit_price=_number("limit_price", wire.limit_price),
        stop_price=_number("stop_price", wire.stop_price),
        trail=_number("trail", wire.trail),
        client_order_id=wire.client_order_id or "",
    )


def parse_number(name: str, text: str) -> Decimal:
    """A number of a query; raises `BadBody`."""
    try:
        number = msgspec.convert(text, Decimal)
    except msgspec.ValidationError:
        raise BadBody(422, BAD_VALUE, f"invalid {name}") from None
    return _finite(name, number)


def _decode(body: bytes, wire: type[_Wire]) -> _Wire:
    try:
        return msgspec.json.decode(body, type=wire)
    except (ValueError, RecursionError):
        raise BadBody(400, BAD_SYNTAX, "request body format is invalid") from None


def _number(name: str, number: Decimal | None) -> Decimal | None:
    return None if number is None else _finite(name, number)


def _finite(name: str, number: Decimal) -> Decimal:
    if not number.is_finite():
        raise BadBody(422, BAD_VALUE, f"invalid {name}")
    exponent = number.as_tuple().exponent
    if number and (number.adjusted() > EXPONENT_MAX or not -EXPONENT_MAX <= int(exponent) <= EXPONENT_MAX):
        raise BadBody(422, BAD_VALUE, f"invalid {name}")
    return number or Decimal(0)


def _word(words: type[_Word], name: str, text: str | None) -> _Word | None:
    if not text:
        return None
    try:
        return words(text)
    except ValueError:
        raise BadBody(422, BAD_FIELD, f"invalid {SAID_AS.get(name, name)}") from None


def _needed(words: type[_Word], name: str, text: str | None) -> _Word:
    word = _word(words, name, text)
    if word is None:
        raise BadBody(422, BAD_FIELD, f"{name} is required")
    return word


def _order_class(text: str | None) -> OrderClass:
    return OrderClass.SIMPLE if text == "simple" else _word(OrderClass, "order_class", text) or OrderClass.SIMPLE


def _symbol(text: str | None, order_class: OrderClass) -> str:
    if not text and order_class is not OrderClass.MLEG:
        raise BadBody(422, BAD_FIELD, "symbol is required")
    return text or ""


def _side(text: str | None, intent: PositionIntent | None, order_class: OrderClass) -> Side:
    side = _word(Side, "side", text)
    if side is None and intent is not None:
        return Side.BUY if intent in _BUYS else Side.SELL
    if side is None and order_class is OrderClass.MLEG:
        return Side.BUY
    return _needed(Side, "side", text) if side is None else side


def _legs(wires: Sequence[_Leg]) -> tuple[Leg, ...]:
    if len(wires) > LEGS_MAX:
        raise BadBody(422, BAD_VALUE, "too many legs")
    return tuple(_leg(wire) for wire in wires)


def _leg(wire: _Leg) -> Leg:
    intent = _word(PositionIntent, "position_intent", wire.position_intent)
    if wire.ratio_qty is None:
        raise BadBody(422, BAD_FIELD, "ratio_qty is required")
    return Leg(
        symbol=_symbol(wire.symbol, OrderClass.SIMPLE),
        ratio_qty=_finite("ratio_qty", wire.ratio_qty),
        side=_side(wire.side, intent, OrderClass.SIMPLE),
        position_intent=intent,
    )
