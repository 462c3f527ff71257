"""Stops are triggered by trades of this session, and a trailing stop moves only in its order's favour."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.amounts import price_step
from engine.core.matching.triggers import trail, triggered, worst_price
from engine.core.matching.view import SymbolView
from engine.model.account import Asset
from engine.model.market import Bar, Quote, Status, Trade
from engine.model.order import AssetClass, Order, OrderStatus, OrderType, Side, TimeInForce

D = Decimal
ASSET = Asset(id="a", symbol="A", name="A", asset_class=AssetClass.US_EQUITY, exchange="X")


def order(side: Side, kind: OrderType, **terms: Any) -> Order:
    return Order(
        id="1", client_order_id="c", symbol="A", asset_id="a", asset_class=AssetClass.US_EQUITY, side=side, type=kind,
        time_in_force=TimeInForce.DAY, status=OrderStatus.NEW, qty=D(10), **terms,
    )  # fmt: skip


def stop(side: Side, price: str, **terms: Any) -> Order:
    return order(side, OrderType.STOP, stop_price=D(price), **terms)


def view_after(*prices: float) -> SymbolView:
    view = SymbolView("A", ASSET)
    for ts_ns, price in enumerate(prices, 1):
        view.take(Trade("A", ts_ns, price, 100.0))
    return view


@pytest.mark.parametrize(
    ("side", "price", "last", "triggers"),
    [
        (Side.BUY, "10", 9.99, False),
        (Side.BUY, "10", 10.0, True),
        (Side.BUY, "10", 10.01, True),
        (Side.SELL, "10", 10.01, False),
        (Side.SELL, "10", 10.0, True),
        (Side.SELL, "10", 9.99, True),
    ],
)
def test_a_stop_is_triggered_when_the_last_price_reaches_it(
    side: Side, price: str, last: float, triggers: bool
) -> None:
    assert triggered(stop(side, price), view_after(last)) is triggers


def test_a_quote_triggers_nothing() -> None:
    view = view_after(10.0)
    view.take(Quote("A", 2, 12.0, 100.0, 12.1, 100.0))
    assert not triggered(stop(Side.BUY, "11"), view)


@pytest.mark.parametrize("condition", ["I", "W", "Z", "M"])
def test_a_print_that_does_not_set_the_last_price_triggers_nothing(condition: str) -> None:
    view = view_after(10.0)
    view.take(Trade("A", 2, 12.0, 50.0, conditions=("@", condition)))
    assert not triggered(stop(Side.BUY, "11"), view)


def test_a_trade_that_came_late_triggers_nothing() -> None:
    view = view_after(10.0, 10.0, 10.0)
    view.take(Trade("A", 2, 12.0, 100.0))
    assert not triggered(stop(Side.BUY, "11"), view)


def test_the_last_price_of_another_session_triggers_nothing() -> None:
    view = view_after(12.0)
    view.new_session(10)
    assert not triggered(stop(Side.BUY, "11"), view)
    view.take(Trade("A", 11, 12.0, 100.0))
    assert triggered(stop(Side.BUY, "11"), view)


def test_nothing_is_triggered_during_a_halt() -> None:
    view = view_after(12.0)
    view.take(Status("A", 2, "H"))
    assert not triggered(stop(Side.BUY, "11"), view)


def test_an_order_without_a_stop_price_is_never_triggered() -> None:
    assert not triggered(order(Side.BUY, OrderType.LIMIT, limit_price=D(11)), view_after(12.0))


def test_with_bars_alone_the_high_triggers_those_who_saw_all_of_it_and_the_close_the_others() -> None:
    view = SymbolView("A", ASSET)
    view.take(Bar("A", 100, 10.0, 12.0, 9.0, 10.0, 1000.0))
    assert triggered(stop(Side.BUY, "11", submitted_ns=100), view)
    assert triggered(stop(Side.SELL, "9.5", submitted_ns=100), view)
    assert not triggered(stop(Side.BUY, "11", submitted_ns=101), view)
    assert triggered(stop(Side.BUY, "10", submitted_ns=101), view)


@pytest.mark.parametrize(
    ("side", "price", "worst"),
    [
        (Side.BUY, "10", "10.40"),
        (Side.BUY, "49.99", "51.98"),
        (Side.BUY, "50", "51.25"),
        (Side.BUY, "0.5", "0.52"),
        (Side.SELL, "10", None),
    ],
)
def test_only_a_buy_stop_has_a_collar(side: Side, price: str, worst: str | None) -> None:
    assert worst_price(stop(side, price), ASSET) == (None if worst is None else D(worst))


@pytest.mark.parametrize(
    ("kind", "worst"),
    [
        (OrderType.LIMIT, D(11)),
        (OrderType.STOP_LIMIT, D(11)),
        (OrderType.MARKET, None),
        (OrderType.TRAILING_STOP, None),
    ],
)
def test_the_worst_price_is_the_limit_where_there_is_one(kind: OrderType, worst: Decimal | None) -> None:
    assert worst_price(order(Side.BUY, kind, limit_price=D(11)), ASSET) == worst


@pytest.mark.parametrize(
    ("side", "trail_by", "mark", "stops_at"),
    [
        (Side.SELL, {"trail_price": D("0.5")}, "12", "11.5"),
        (Side.BUY, {"trail_price": D("0.5")}, "10", "10.5"),
        (Side.SELL, {"trail_percent": D(1)}, "12", "11.88"),
        (Side.SELL, {"trail_percent": D("1.01")}, "12", "11.87"),
        (Side.BUY, {"trail_percent": D("1.01")}, "10", "10.11"),
    ],
)
def test_a_trailing_stop_follows_the_best_price_at_its_distance(
    side: Side, trail_by: dict[str, Decimal], mark: str, stops_at: str
) -> None:
    view, moved = SymbolView("A", ASSET), order(side, OrderType.TRAILING_STOP, **trail_by)
    assert trail(moved, view) is moved, "nothing has traded yet"
    for ts_ns, price in enumerate((11.0, 12.0, 10.0, 11.0), 1):
        view.take(Trade("A", ts_ns, price, 100.0))
        moved = trail(moved, view)
    assert (moved.hwm, moved.stop_price) == (D(mark), D(stops_at))
    assert trail(moved, view) is moved


@given(
    st.sampled_from(Side),
    st.one_of(
        st.integers(1, 40).map(lambda cents: {"trail_price": D(cents) / 100}),
        st.integers(1, 500).map(lambda share: {"trail_percent": D(share) / 100}),
    ),
    st.lists(st.integers(50, 300).map(lambda cents: cents / 100), min_size=2, max_size=30),
)
@settings(max_examples=200)
def test_a_trailing_stop_never_moves_against_its_order_and_is_never_too_close(
    side: Side, trail_by: dict[str, Decimal], prices: list[float]
) -> None:
    view, before = SymbolView("A", ASSET), order(side, OrderType.TRAILING_STOP, **trail_by)
    for ts_ns, price in enumerate(prices, 1):
        view.take(Trade("A", ts_ns, price, 100.0))
        after = trail(before, view)
        assert after.stop_price is not None
        assert after.hwm is not None
        if before.stop_price is not None:
            assert (after.stop_price - before.stop_price) * side.sign <= 0
        distance = trail_by.get("trail_price") or after.hwm * trail_by["trail_percent"] / 100
        assert (after.stop_price - after.hwm) * side.sign >= distance
        assert after.stop_price % price_step(after.stop_price, ASSET) == 0
        before = after
