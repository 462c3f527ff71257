"""Orders and what happens to them, as the trading API writes them.

Money, prices and quantities are text with all their digits and no others: ``"0.1"``, never a float. An order has all
its keys, with nulls. The same order looks a little different on the stream than by REST, and clients have tripped over
each difference: some of its times carry New York's offset instead of ``Z`` there (Alpaca's documentation shows both in
one message), and a multi-leg order names the zero asset where REST leaves it empty.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from engine.model.instant import NS_PER_S, render_instant
from engine.model.order import Fill, Order, OrderType, OrderUpdate

NO_ASSET: Final = "00000000-0000-0000-0000-000000000000"
STREAM: Final = "trade_updates"

_NEW_YORK: Final = ZoneInfo("America/New_York")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def render_decimal(number: Decimal) -> str:
    """All digits that count, none that do not, never an exponent.

    >>> render_decimal(Decimal("100.500")), render_decimal(Decimal("1E+3")), render_decimal(Decimal("-0.0"))
    ('100.5', '1000', '0')
    """
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def render_local(ts_ns: int) -> str:
    """An instant in New York time with its offset, to the nanosecond, as the venue writes some of its times.

    >>> render_local(1772461867500000000)
    '2026-03-02T09:31:07.5-05:00'
    """
    text = (_EPOCH + timedelta(seconds=ts_ns // NS_PER_S)).astimezone(_NEW_YORK).isoformat()
    fraction = f".{ts_ns % NS_PER_S:09d}".rstrip("0").rstrip(".")
    return f"{text[:19]}{fraction}{text[19:]}"


def render_order(order: Order, legs: Sequence[Order] = ()) -> dict[str, Any]:
    """An order as REST tells it; ``legs`` are told inside it, and without any its ``legs`` is null."""
    return {**_order(order, render_instant), "legs": [render_order(leg) for leg in legs] or None}


def render_update(update: OrderUpdate, legs: Sequence[Order] = ()) -> dict[str, Any]:
    """The ``data`` of a message of ``trade_updates``: what happened, and the order after it."""
    told: dict[str, Any] = {
        "at": render_instant(update.ts_ns),
        "event_id": update.event_id,
        "event": update.change.value,
        "timestamp": render_instant(update.ts_ns),
        "order": _stream_order(update.order, legs),
    }
    if update.execution_id:
        told["execution_id"] = update.execution_id
    if update.fill is not None:
        told |= {"price": render_decimal(update.fill.price), "qty": render_decimal(update.fill.qty)}
    if update.position_qty is not None:
        told["position_qty"] = render_decimal(update.position_qty)
    if update.leg_fills:
        told["legs"] = [_leg_fill(fill) for fill in update.leg_fills]
        told["position_qtys"] = _quantities(update.position_qtys or {})
    return told


def render_position_symbol(symbol: str) -> str:
    """How positions spell a symbol: a crypto pair without its slash (measured on paper).

    >>> render_position_symbol("BTC/USD")
    'BTCUSD'
    """
    return symbol.replace("/", "")


def _stream_order(order: Order, legs: Sequence[Order]) -> dict[str, Any]:
    told = _order(order, render_local)
    told["cancel_requested_at"] = _instant(order.cancel_requested_ns)
    told["asset_id"] = told["asset_id"] or NO_ASSET
    told["legs"] = [_stream_order(leg, ()) for leg in legs] or None
    return told


def _order(order: Order, stamp: Callable[[int], str]) -> dict[str, Any]:
    """``stamp`` writes the times that are sometimes local; those of what came later are always UTC."""
    # A leg of a multi-leg order has no type of its own (its recorded samples have the empty text there).
    kind = "" if order.ratio_qty is not None else order.type.value
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": stamp(order.created_ns),
        "updated_at": stamp(order.updated_ns or order.created_ns),
        "submitted_at": stamp(order.submitted_ns or order.created_ns),
        "filled_at": _instant(order.filled_ns),
        "expired_at": _instant(order.expired_ns),
        "expires_at": _instant(order.expires_ns),
        "canceled_at": _instant(order.canceled_ns),
        "failed_at": _instant(order.failed_ns),
        "replaced_at": _instant(order.replaced_ns),
        "replaced_by": order.replaced_by or None,
        "replaces": order.replaces or None,
        "asset_id": order.asset_id,
        "symbol": order.symbol,
        "asset_class": order.asset_class.value if order.asset_class else "",
        "notional": _decimal(order.notional),
        "qty": _decimal(order.qty),
        "filled_qty": render_decimal(order.filled_qty),
        "filled_avg_price": _decimal(order.filled_avg_price),
        "order_class": order.order_class.value,
        "order_type": kind,
        "type": kind,
        "side": order.side.value if order.side else "",
        "position_intent": order.position_intent.value if order.position_intent else None,
        "time_in_force": order.time_in_force.value,
        "limit_price": _decimal(order.limit_price),
        "stop_price": _decimal(order.stop_price),
        "status": order.status.value,
        "extended_hours": order.extended_hours,
        "trail_percent": _decimal(order.trail_percent),
        "trail_price": _decimal(order.trail_price),
        "hwm": _decimal(order.hwm) if order.type is OrderType.TRAILING_STOP else None,
        "ratio_qty": _decimal(order.ratio_qty),
        "subtag": None,
        "source": None,
    }


def _leg_fill(fill: Fill) -> dict[str, Any]:
    return {
        "execution_id": fill.execution_id,
        "order_id": fill.order_id,
        "symbol": fill.symbol,
        "qty": render_decimal(fill.qty),
        "price": render_decimal(fill.price),
        "timestamp": render_instant(fill.ts_ns),
    }


def _quantities(quantities: Mapping[str, Decimal]) -> dict[str, str]:
    return {symbol: render_decimal(quantity) for symbol, quantity in sorted(quantities.items())}


def _decimal(number: Decimal | None) -> str | None:
    return None if number is None else render_decimal(number)


def _instant(ts_ns: int) -> str | None:
    return render_instant(ts_ns) if ts_ns else None
