"""Orders and changes as they are asked for, values into JSON.

What is not wanted is left out, so that nothing hangs on how the venue reads a null; numbers are text with exactly the
digits that count.
"""

from decimal import Decimal
from typing import Any

from engine.codec.orders import render_decimal
from engine.model.order import Leg, OrderClass, OrderRequest, ReplaceRequest


def render_order_request(request: OrderRequest) -> dict[str, Any]:
    """The body of ``POST /v2/orders``."""
    several = request.order_class is OrderClass.MLEG
    told: dict[str, Any] = {
        "symbol": None if several else request.symbol,
        "side": None if several else request.side.value,
        "type": request.type.value,
        "time_in_force": request.time_in_force.value,
        "extended_hours": request.extended_hours or None,
        "client_order_id": request.client_order_id or None,
        "order_class": request.order_class.value or None,
        "position_intent": request.position_intent.value if request.position_intent else None,
        "take_profit": _exits(limit_price=request.take_profit_limit),
        "stop_loss": _exits(stop_price=request.stop_loss_stop, limit_price=request.stop_loss_limit),
        "legs": [_leg(leg) for leg in request.legs] or None,
    }
    numbers = ("qty", "notional", "limit_price", "stop_price", "trail_price", "trail_percent")
    told |= {name: _decimal(getattr(request, name)) for name in numbers}
    return _without_nothing(told)


def render_replace_request(change: ReplaceRequest) -> dict[str, Any]:
    """The body of ``PATCH /v2/orders/{id}``."""
    told: dict[str, Any] = {
        "time_in_force": change.time_in_force.value if change.time_in_force else None,
        "client_order_id": change.client_order_id or None,
    }
    told |= {name: _decimal(getattr(change, name)) for name in ("qty", "limit_price", "stop_price", "trail")}
    return _without_nothing(told)


def _leg(leg: Leg) -> dict[str, Any]:
    told = {
        "symbol": leg.symbol,
        "ratio_qty": _decimal(leg.ratio_qty),
        "side": leg.side.value,
        "position_intent": leg.position_intent.value if leg.position_intent else None,
    }
    return _without_nothing(told)


def _exits(**prices: Decimal | None) -> dict[str, Any] | None:
    return _without_nothing({name: _decimal(price) for name, price in prices.items()}) or None


def _decimal(number: Decimal | None) -> str | None:
    return None if number is None else render_decimal(number)


def _without_nothing(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
