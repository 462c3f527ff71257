"""An event asks the orders that it reaches, in their priority, and leaves thousands of others alone."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from engine.core.matching.orders.waiting import Waiting, Working
from engine.core.matching.queue import Place
from engine.core.matching.view import SymbolView
from engine.exchange.assets import build_assets
from engine.model.market import Book, Quote, Status, Trade
from engine.model.order import AssetClass, Order, OrderStatus, OrderType, Side, TimeInForce

ORDER = Order(
    id="o",
    client_order_id="c",
    symbol="AAPL",
    asset_id="a",
    asset_class=AssetClass.US_EQUITY,
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    status=OrderStatus.NEW,
    qty=Decimal(1),
)
D = Decimal


class Desk:
    """One symbol's orders and market."""

    def __init__(self, *, in_line: bool = False) -> None:
        self.waiting = Waiting(in_line=in_line)
        self.view = SymbolView("AAPL", build_assets(["AAPL"])["AAPL"])
        self.made: dict[str, Working] = {}
        self.quote(99.0, 101.0)

    def file(self, name: str, rests: float | None = None, *, triggered: bool = False, **values: Any) -> None:
        order = evolve(ORDER, **values)
        side = order.side or Side.BUY
        price = D(str(rests or 0))
        working = self.made.get(name) or Working(name, ("AAPL",), len(self.made), -price * side.sign)
        working.triggered = triggered
        self.made[name] = working
        self.waiting.file(working, order, None if rests is None else Place(side, price, None, 0))

    def quote(self, bid: float, ask: float) -> list[str]:
        self.view.take(Quote("AAPL", 1, bid, 1.0, ask, 1.0))
        return self.reached()

    def trade(self, price: float) -> list[str]:
        self.view.take(Trade("AAPL", 1, price, 1.0))
        return self.reached()

    def reached(self) -> list[str]:
        return [working.order_id for working in self.waiting.reached(self.view)]


@pytest.fixture
def desk() -> Desk:
    """Buys that rest from 98 down, and sells from 102 up, a thousand of each."""
    made = Desk()
    for number in range(1000):
        made.file(f"b{number}", round(98 - number / 100, 2))
        made.file(f"s{number}", round(102 + number / 100, 2), side=Side.SELL)
    return made


def test_nobody_is_asked_while_the_market_is_between(desk: Desk) -> None:
    assert desk.quote(98.01, 101.99) == desk.trade(100.0) == []


def test_a_quote_or_a_print_asks_those_that_it_reaches_the_better_price_first(desk: Desk) -> None:
    assert desk.quote(97.0, 97.98) == ["b0", "b1", "b2"]
    assert desk.quote(102.0, 103.0) == ["s0"]
    desk.quote(99.0, 101.0)
    assert desk.trade(97.99) == ["b0", "b1"]
    assert desk.trade(102.01) == ["s0", "s1"]


def test_of_equal_prices_the_older_comes_first(desk: Desk) -> None:
    desk.file("late", 98.0)
    assert desk.trade(98.0) == ["b0", "late"]


def test_a_side_on_which_nobody_is_reaches_nothing(desk: Desk) -> None:
    assert desk.quote(0.0, 0.0) == []


def test_an_order_that_left_is_asked_no_more(desk: Desk) -> None:
    desk.waiting.drop(desk.made["b0"])
    desk.waiting.drop(desk.made["b0"])
    assert desk.trade(98.0) == []


def test_nobody_that_rests_is_asked_during_a_halt(desk: Desk) -> None:
    desk.view.take(Status("AAPL", 1, "H"))
    assert desk.quote(97.0, 97.5) == []


@pytest.mark.parametrize(("side", "stop", "not_yet"), [(Side.BUY, 105, 104.99), (Side.SELL, 95, 95.01)])
def test_a_stop_waits_for_the_last_price(side: Side, stop: int, not_yet: float) -> None:
    desk = Desk()
    desk.file("stop", type=OrderType.STOP, side=side, stop_price=D(stop))
    assert desk.trade(not_yet) == []
    assert desk.trade(float(stop)) == ["stop"]
    desk.file("stop", type=OrderType.STOP, side=side, stop_price=D(stop), triggered=True)
    assert desk.quote(99.0, 101.0) == ["stop"]


def test_a_trailing_stop_looks_at_prints_and_what_does_not_rest_at_everything() -> None:
    desk = Desk()
    desk.file("trail", type=OrderType.TRAILING_STOP, side=Side.SELL, stop_price=D(90))
    desk.file("market", type=OrderType.MARKET)
    assert desk.quote(99.0, 101.0) == ["market"]
    assert desk.trade(100.0) == ["trail", "market"]


def test_where_the_place_in_line_counts_the_best_price_of_the_own_side_asks_too() -> None:
    desk = Desk(in_line=True)
    desk.file("at", 99.0)
    desk.file("behind", 98.0)
    assert desk.quote(99.0, 101.0) == ["at"]
    assert desk.quote(0.0, 101.0) == ["at", "behind"]
    desk.quote(100.0, 101.0)
    desk.view.take(Book("AAPL", 1, bids=((98.0, 5.0),), asks=(), reset=True))
    assert desk.reached() == ["at", "behind"]


def test_it_is_empty_when_all_have_left(desk: Desk) -> None:
    for working in desk.made.values():
        desk.waiting.drop(working)
    assert not desk.waiting
