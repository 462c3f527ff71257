"""Our orders and fills as a chart shows them, read from the books of orders."""

from collections.abc import Iterable
from typing import Any, Final

from engine.core.rules import plain
from engine.model.instant import NS_PER_S
from engine.model.intent import Ticket
from engine.model.order import Fill, Order, Side

FILLS_MAX: Final = 500
"""On one chart; more would hide the candles."""
LINES_MAX: Final = 40
"""Prices of open orders on one chart."""


def fill_marks(tickets: Iterable[Ticket], symbol: str) -> list[dict[str, Any]]:
    """The newest fills of a symbol, oldest first: second, side, quantity, price and strategy."""
    fills = [(fill, ticket.strategy) for ticket in tickets for fill in ticket.fills if fill.symbol == symbol]
    fills.sort(key=lambda pair: pair[0].ts_ns)
    return [_fill(fill, strategy) for fill, strategy in fills[-FILLS_MAX:]]


def order_lines(tickets: Iterable[Ticket], symbol: str) -> list[dict[str, Any]]:
    """The prices at which open orders of a symbol wait."""
    lines: list[dict[str, Any]] = []
    for ticket in tickets:
        order = ticket.order
        if order is None or order.symbol != symbol or order.side is None:
            continue
        for name, price in (("limit", order.limit_price), ("stop", order.stop_price)):
            if price is not None:
                lines.append({"side": order.side.value, "price": float(price), "text": _label(order, name)})
    return lines[-LINES_MAX:]


def _fill(fill: Fill, strategy: str) -> dict[str, Any]:
    return {
        "time": fill.ts_ns // NS_PER_S,
        "buy": fill.side is Side.BUY,
        "text": f"{'B' if fill.side is Side.BUY else 'S'} {plain(fill.qty)} @ {plain(fill.price)}",
        "strategy": strategy,
    }


def _label(order: Order, name: str) -> str:
    side = order.side.value.upper() if order.side is not None else ""
    return f"{side} {plain(order.left_qty)} {name}"
