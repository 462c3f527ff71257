"""``/v2/orders``: taking, listing, replacing and canceling orders."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from attrs import frozen

from engine.codec.order_requests import parse_order, parse_replace
from engine.codec.orders import render_order
from engine.core.rules.refusal import Refused
from engine.exchange.rest.data.asking import BadRequest, read_choice, read_flag, read_limit
from engine.exchange.rest.desks.replies import (
    Calls,
    NotThere,
    failure_body,
    no_content,
    read_instant,
    read_words,
    reply,
)
from engine.exchange.rest.http import Request, Response
from engine.exchange.trading.books import Books, legs_of
from engine.exchange.trading.brokerage import Brokerage
from engine.model.order import Order, OrderStatus

PATH: Final = "/v2/orders"
LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 500
STATUSES: Final = frozenset({"open", "closed", "all"})
NOT_FOUND: Final = "order not found"
CURSORS: Final = ("before_order_id", "after_order_id")


@frozen
class _Filter:
    """Which orders a list holds. Instants of submission, exclusive, as Alpaca's OpenAPI has them."""

    status: str
    after_ns: int | None
    until_ns: int | None
    symbols: frozenset[str]
    side: str
    asset_classes: frozenset[str]

    def takes(self, order: Order) -> bool:
        """Whether the list holds this order."""
        return (
            self._in_status(order)
            and (self.after_ns is None or order.submitted_ns > self.after_ns)
            and (self.until_ns is None or order.submitted_ns < self.until_ns)
            and (not self.symbols or order.symbol.replace("/", "") in self.symbols)
            and (self.side in ("", "all") or order.side == self.side)
            and (not self.asset_classes or order.asset_class in self.asset_classes)
        )

    def _in_status(self, order: Order) -> bool:
        # A leg that waits for its parent is not among the open ones: bots have thought themselves unprotected.
        if self.status == "open":
            return order.open and order.status is not OrderStatus.HELD
        return self.status == "all" or not order.open


class OrderDesk:
    """Takes and shows orders."""

    def __init__(self, brokerage: Brokerage) -> None:
        self._brokerage = brokerage

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path."""
        match steps:
            case ["v2", "orders"]:
                return {"GET": self._list, "POST": self._submit, "DELETE": self._cancel_all}
            case ["v2", "orders:by_client_order_id"]:
                return {"GET": self._show_by_client_id}
            case ["v2", "orders", order_id]:
                return {
                    "GET": partial(self._show, order_id),
                    "PATCH": partial(self._replace, order_id),
                    "DELETE": partial(self._cancel, order_id),
                }
        return None

    def _submit(self, request: Request) -> Response:
        order = self._brokerage.submit(parse_order(request.body))
        return reply(render_order(order, self._brokerage.legs_of(order)))

    def _replace(self, order_id: str, request: Request) -> Response:
        order = self._brokerage.replace(order_id, parse_replace(request.body))
        return reply(render_order(order, self._brokerage.legs_of(order)))

    def _cancel(self, order_id: str, _: Request) -> Response:
        self._brokerage.cancel(order_id)
        return no_content()

    def _cancel_all(self, _: Request) -> Response:
        return reply([cancel_one(self._brokerage, order) for order in self._brokerage.open_orders()], 207)

    def _show(self, order_id: str, request: Request) -> Response:
        books = self._brokerage.books
        return _shown(books, books.order(order_id), nested=read_flag(request.query, "nested"))

    def _show_by_client_id(self, request: Request) -> Response:
        books = self._brokerage.books
        return _shown(books, books.order_of(request.query.get("client_order_id", "")), nested=True)

    def _list(self, request: Request) -> Response:
        if self._brokerage.plan.use_for_call("empty_snapshot", "GET", PATH):
            return reply([])
        asked, books = request.query, self._brokerage.books
        descending = read_choice(asked, "direction", frozenset({"asc", "desc"}), "desc") == "desc"
        nested = read_flag(asked, "nested")
        limit = read_limit(asked, LIMIT_DEFAULT, LIMIT_MAX)
        wanted = _read_filter(request)
        orders = tuple(books.orders())
        chosen = [order for order in _cut(orders, request) if wanted.takes(order)]
        if nested:
            chosen = _parents(chosen)
        page = (chosen[::-1] if descending else chosen)[:limit]
        return reply([render_order(order, legs_of(books, order) if nested else ()) for order in page])


def cancel_one(brokerage: Brokerage, order: Order, *, at_once: bool = False) -> dict[str, object]:
    """Cancel one of many: its row of a reply with many statuses."""
    try:
        brokerage.cancel(order.id, at_once=at_once)
    except Refused as refused:
        body = failure_body(refused.code, refused.message, refused.extra)
        return {"id": order.id, "status": refused.status, "body": body}
    return {"id": order.id, "status": 200}


def _shown(books: Books, order: Order | None, *, nested: bool) -> Response:
    if order is None:
        raise NotThere(NOT_FOUND)
    return reply(render_order(order, legs_of(books, order) if nested else ()))


def _read_filter(request: Request) -> _Filter:
    asked = request.query
    after_ns, until_ns = read_instant(asked, "after"), read_instant(asked, "until")
    cursors = [name for name in CURSORS if asked.get(name)]
    if len(cursors) > 1 or (cursors and (after_ns is not None or until_ns is not None)):
        raise BadRequest("only one of before_order_id, after_order_id, and after or until may be given")
    return _Filter(
        status=read_choice(asked, "status", STATUSES, "open"),
        after_ns=after_ns,
        until_ns=until_ns,
        symbols=frozenset(symbol.replace("/", "") for symbol in read_words(asked, "symbols")),
        side=read_choice(asked, "side", frozenset({"buy", "sell", "all"}), "all"),
        asset_classes=read_words(asked, "asset_class") - {"all"},
    )


def _cut(orders: tuple[Order, ...], request: Request) -> tuple[Order, ...]:
    """The orders before or after the one that was asked for, exclusive."""
    for name in CURSORS:
        if cursor := request.query.get(name):
            place = next((place for place, order in enumerate(orders) if order.id == cursor), None)
            if place is None:
                raise BadRequest(f"invalid {name}: there is no such order")
            return orders[:place] if name == "before_order_id" else orders[place + 1 :]
    return orders


def _parents(orders: Sequence[Order]) -> list[Order]:
    """The orders without those that are told inside their parent, which stands in the list."""
    listed = {order.id for order in orders}
    return [order for order in orders if order.parent_id not in listed]
