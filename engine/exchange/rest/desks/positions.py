"""``/v2/positions``: what is held, closing it, and exercising options.

Closing is an ordinary market order on the other side, so everything that can refuse an order can refuse it; closing all
answers for each position on its own, whatever becomes of the others.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from functools import partial
from typing import Final

from engine.codec.account import render_position
from engine.codec.order_requests import BadBody, parse_number
from engine.codec.orders import render_order, render_position_symbol
from engine.core.rules.refusal import Refused
from engine.exchange.rest.data.asking import read_flag
from engine.exchange.rest.desks.orders import cancel_one
from engine.exchange.rest.desks.replies import UNPROCESSABLE, Calls, NotThere, failure_body, reply
from engine.exchange.rest.http import Request, Response
from engine.exchange.trading.brokerage import Brokerage
from engine.model.account import Position
from engine.model.order import (
    ZERO,
    AssetClass,
    Order,
    OrderRequest,
    OrderType,
    PositionIntent,
    Side,
    TimeInForce,
)

PATH: Final = "/v2/positions"
QTY_STEP: Final = Decimal("1e-9")
"""Alpaca's OpenAPI: quantities and percentages have up to nine decimals."""
WHOLE: Final = Decimal(1)
PERCENT: Final = Decimal(100)
INVALID_SYMBOL: Final = "invalid symbol"
NO_POSITION: Final = "position does not exist"


class PositionDesk:
    """Shows, closes and exercises positions."""

    def __init__(self, brokerage: Brokerage) -> None:
        self._brokerage = brokerage

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path; a pair may be quoted (``BTC%2FUSD``) or spelled ``BTCUSD``."""
        match steps:
            case ["v2", "positions"]:
                return {"GET": self._list, "DELETE": self._close_all}
            case ["v2", "positions", name]:
                return {"GET": partial(self._show, name), "DELETE": partial(self._close, name)}
            case ["v2", "positions", name, "exercise"]:
                return {"POST": partial(self._exercise, name)}
        return None

    def _list(self, _: Request) -> Response:
        if self._brokerage.plan.use_for_call("empty_snapshot", "GET", PATH):
            return reply([])
        return reply([render_position(position) for position in self._brokerage.books.positions()])

    def _show(self, name: str, _: Request) -> Response:
        asset = self._brokerage.assets.get(name)
        position = self._brokerage.books.position(asset.symbol) if asset else None
        if position is None:
            raise NotThere(NO_POSITION)
        return reply(render_position(position))

    def _close(self, name: str, request: Request) -> Response:
        asset = self._brokerage.assets.get(name)
        if asset is None:
            raise BadBody(422, UNPROCESSABLE, f"could not find asset {name}")
        position = self._brokerage.matching.position(asset.symbol)
        if position is None:
            raise NotThere(NO_POSITION)
        return reply(render_order(self._submit_close(position, _asked_qty(position, request.query))))

    def _close_all(self, request: Request) -> Response:
        if read_flag(request.query, "cancel_orders"):
            for order in self._brokerage.open_orders():
                cancel_one(self._brokerage, order, at_once=True)
        return reply([self._close_one(position) for position in self._brokerage.matching.positions()], 207)

    def _close_one(self, position: Position) -> dict[str, object]:
        row: dict[str, object] = {"symbol": render_position_symbol(position.asset.symbol)}
        try:
            order = self._submit_close(position, abs(position.qty))
        except Refused as refused:
            body = failure_body(refused.code, refused.message, refused.extra)
            return row | {"status": refused.status, "body": body}
        return row | {"order_id": order.id, "status": 200, "body": render_order(order)}

    def _submit_close(self, position: Position, qty: Decimal) -> Order:
        crypto = position.asset.asset_class is AssetClass.CRYPTO
        side = position.side.opposite
        return self._brokerage.submit(
            OrderRequest(
                symbol=position.asset.symbol,
                side=side,
                type=OrderType.MARKET,
                time_in_force=TimeInForce.GTC if crypto else TimeInForce.DAY,
                qty=qty,
                position_intent=None if crypto else _closing(side),
            )
        )

    def _exercise(self, name: str, _: Request) -> Response:
        asset = self._brokerage.assets.get(name)
        if asset is None or asset.asset_class is not AssetClass.US_OPTION:
            raise BadBody(422, UNPROCESSABLE, INVALID_SYMBOL)
        self._brokerage.exercise(asset)
        return reply(None)


def _closing(side: Side) -> PositionIntent:
    return PositionIntent.SELL_TO_CLOSE if side is Side.SELL else PositionIntent.BUY_TO_CLOSE


def _asked_qty(position: Position, asked: Mapping[str, str]) -> Decimal:
    """How much of a position is to be closed: ``qty``, a ``percentage``, or all of it. Raises `BadBody`."""
    held = abs(position.qty)
    qty, percentage = asked.get("qty"), asked.get("percentage")
    if qty and percentage:
        raise BadBody(422, UNPROCESSABLE, "only one of qty or percentage is accepted")
    if qty:
        return parse_number("qty", qty)
    if not percentage:
        return held
    share = parse_number("percentage", percentage)
    if not ZERO < share <= PERCENT:
        raise BadBody(422, UNPROCESSABLE, "percentage must be between 0 and 100")
    # "Would only sell fractional if position is originally fractional" (Alpaca's OpenAPI).
    step = QTY_STEP if held % WHOLE else WHOLE
    return (held * share / PERCENT).quantize(step, ROUND_DOWN)
