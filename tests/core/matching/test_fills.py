"""An order fills only where the market would have traded with it: every detail, on markets made by hand."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from attrs import define, evolve, field

from engine.core.matching.citation import Execution
from engine.core.matching.fills import fillable, try_fill
from engine.core.matching.models import MODELS
from engine.core.matching.queue import Queue
from engine.core.matching.view import SymbolView
from engine.model.account import Asset
from engine.model.market import Bar, Book, Luld, MarketEvent, Quote, Status, Trade
from engine.model.order import AssetClass, Order, OrderStatus, OrderType, Side, TimeInForce

D = Decimal
S = 1_000_000_000
MINUTE = 60 * S


def stock(asset_class: AssetClass = AssetClass.US_EQUITY, **rules: Any) -> Asset:
    return Asset(id="a", symbol="A", name="A", asset_class=asset_class, exchange="X", **rules)


def order(side: Side, shares: str, limit: str | None = None, *, at: int = 0, **terms: Any) -> Order:
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    values: dict[str, Any] = {
        "id": "1", "client_order_id": "c", "symbol": "A", "asset_id": "a", "asset_class": AssetClass.US_EQUITY,
        "side": side, "type": kind, "time_in_force": TimeInForce.DAY, "status": OrderStatus.NEW, "qty": D(shares),
        "limit_price": None if limit is None else D(limit), "submitted_ns": at,
    }  # fmt: skip
    return Order(**(values | terms))


def quote(ts: int, bid: float, ask: float, size: float = 100.0) -> Quote:
    return Quote("A", ts, bid, size, ask, size)


def trade(ts: int, price: float, size: float = 100.0, *conditions: str) -> Trade:
    return Trade("A", ts, price, size, 1, "V", conditions or ("@",))


@define
class Desk:
    """One order at one view: what a venue does with it, and nothing else."""

    order: Order
    model: str = "touch"
    view: SymbolView = field(factory=lambda: SymbolView("A", stock()))
    left_notional: Decimal | None = None
    dice: Random = field(factory=lambda: Random(1))
    queue: Queue = field(factory=Queue)

    def ask(self, *, resting: bool) -> list[Execution]:
        found = []
        while (
            got := try_fill(
                self.order, self.view, MODELS[self.model], self.queue,
                resting=resting, left_notional=self.left_notional, dice=self.dice,
            )
        ):  # fmt: skip
            found.append(got)
            self.order = evolve(self.order, filled_qty=self.order.filled_qty + got.qty)
            if self.left_notional is not None:
                self.left_notional -= got.qty * got.price
        return found

    def arrive(self, *before: MarketEvent) -> list[tuple[str, str]]:
        for event in before:
            self.view.take(event)
        return told(self.ask(resting=False))

    def see(self, *events: MarketEvent) -> list[tuple[str, str]]:
        found = []
        for event in events:
            self.view.take(event)
            found += self.ask(resting=True)
        return told(found)


def told(executions: Sequence[Execution]) -> list[tuple[str, str]]:
    return [(str(each.qty), str(each.price)) for each in executions]


def test_a_market_order_takes_the_other_side_of_the_quote() -> None:
    assert Desk(order(Side.BUY, "50")).arrive(quote(1, 10.0, 10.02)) == [("50", "10.02")]
    assert Desk(order(Side.SELL, "50")).arrive(quote(1, 10.0, 10.02)) == [("50", "10")]


def test_a_marketable_limit_order_fills_at_the_quote_not_at_its_limit() -> None:
    assert Desk(order(Side.BUY, "50", "10.10")).arrive(quote(1, 10.0, 10.02)) == [("50", "10.02")]


def test_no_more_than_the_displayed_size_fills_and_the_rest_waits_for_the_next_quote() -> None:
    desk = Desk(order(Side.BUY, "250"))
    assert desk.arrive(quote(1, 10.0, 10.02)) == [("100", "10.02")]
    assert desk.see(quote(2, 10.0, 10.03), quote(3, 10.0, 10.04)) == [("100", "10.03"), ("50", "10.04")]


def test_the_rest_of_a_marketable_order_goes_on_taking_at_the_quote() -> None:
    desk = Desk(order(Side.BUY, "150", "10.10"))
    desk.arrive(quote(1, 10.0, 10.02))
    assert desk.see(quote(2, 10.0, 10.03)) == [("50", "10.03")]


@pytest.mark.parametrize("model", ["touch", "queue", "through"])
def test_who_rests_trades_at_his_own_price_when_the_market_goes_through_it(model: str) -> None:
    desk = Desk(order(Side.BUY, "150", "9.95"), model)
    assert desk.arrive(quote(1, 10.0, 10.02)) == []
    assert desk.see(quote(2, 9.90, 9.93)) == [("100", "9.95")]
    assert desk.see(trade(3, 9.94, 30.0)) == [("30", "9.95")]


@pytest.mark.parametrize(("model", "fills"), [("touch", True), ("queue", True), ("through", False), ("paper", True)])
def test_a_quote_that_only_reaches_the_price_fills_by_model(model: str, fills: bool) -> None:
    desk = Desk(order(Side.SELL, "10", "10.05"), model, dice=Random(3))
    assert desk.arrive(quote(1, 10.0, 10.02)) == []
    assert desk.see(quote(2, 10.05, 10.06)) == ([("10", "10.05")] if fills else [])


@pytest.mark.parametrize(("model", "fills"), [("touch", True), ("queue", False), ("through", False), ("paper", False)])
def test_a_print_that_only_reaches_the_price_fills_by_model(model: str, fills: bool) -> None:
    desk = Desk(order(Side.BUY, "10", "10"), model)
    assert desk.arrive(quote(1, 10.0, 10.02)) == []
    assert desk.see(trade(2, 10.0)) == ([("10", "10")] if fills else [])


def test_in_the_queue_what_stood_there_before_is_served_first() -> None:
    desk = Desk(order(Side.BUY, "50", "10"), "queue")
    desk.arrive(quote(1, 10.0, 10.02, 300.0))
    assert desk.see(trade(2, 10.0, 250.0)) == []
    assert desk.see(trade(3, 10.0, 70.0)) == [("20", "10")]
    assert desk.see(trade(4, 10.0, 70.0)) == [("30", "10")]


def test_the_queue_gets_shorter_when_less_is_displayed_and_not_longer_when_more_is() -> None:
    desk = Desk(order(Side.BUY, "50", "10"), "queue")
    desk.arrive(quote(1, 10.0, 10.02, 300.0))
    assert desk.see(quote(2, 10.0, 10.02, 100.0), quote(3, 10.0, 10.02, 500.0), trade(4, 10.0, 100.0)) == []
    assert desk.see(trade(5, 10.0, 10.0)) == [("10", "10")]


def test_in_a_locked_market_the_queue_still_stands() -> None:
    desk = Desk(order(Side.BUY, "50", "10"), "queue")
    desk.arrive(quote(1, 10.0, 10.02, 300.0))
    assert desk.see(quote(2, 10.0, 10.0, 300.0)) == []
    assert desk.see(quote(3, 9.99, 10.0, 300.0)) == [("50", "10")]


def test_an_order_that_has_ended_does_not_rest() -> None:
    desk = Desk(order(Side.BUY, "50", "10", status=OrderStatus.CANCELED))
    desk.arrive(quote(1, 10.0, 10.02))
    assert desk.queue.place("1") is None


def test_who_betters_the_market_has_nobody_before_him() -> None:
    desk = Desk(order(Side.BUY, "50", "10.01"), "queue")
    desk.arrive(quote(1, 10.0, 10.02, 300.0))
    assert desk.see(trade(2, 10.01, 20.0)) == [("20", "10.01")]


def test_a_print_is_shared_among_our_orders() -> None:
    first = Desk(order(Side.BUY, "80", "10"))
    second = Desk(order(Side.BUY, "80", "10", id="2"), view=first.view)
    assert first.arrive(quote(1, 9.99, 10.02)) == second.arrive() == []
    first.view.take(trade(2, 10.0, 100.0))
    assert told(first.ask(resting=True)) == [("80", "10")]
    assert told(second.ask(resting=True)) == [("20", "10")]


def test_an_odd_lot_is_liquidity_but_an_average_price_is_not() -> None:
    desk = Desk(order(Side.BUY, "50", "10"))
    desk.arrive(quote(1, 9.99, 10.02))
    assert desk.see(trade(2, 9.5, 30.0, "@", "W")) == []
    assert desk.see(trade(3, 10.0, 30.0, "@", "I")) == [("30", "10")]


def test_what_was_printed_before_an_order_came_does_not_fill_it() -> None:
    desk = Desk(order(Side.BUY, "50", "10", at=100))
    desk.arrive(trade(50, 10.0))
    assert desk.see(trade(99, 9.0)) == [], "a report that came late"
    assert desk.see(trade(100, 9.0)) == [("50", "9")]


def test_without_quotes_a_market_order_fills_at_the_next_print() -> None:
    desk = Desk(order(Side.SELL, "150"))
    assert desk.arrive(trade(1, 10.0)) == []
    assert desk.see(trade(2, 10.01), trade(3, 10.03)) == [("100", "10.01"), ("50", "10.03")]


def test_with_quotes_a_market_order_does_not_chase_prints() -> None:
    desk = Desk(order(Side.BUY, "150"))
    assert desk.arrive(quote(1, 10.0, 10.02)) == [("100", "10.02")]
    assert desk.see(trade(2, 10.0)) == []


def test_a_large_order_walks_the_book_and_each_level_is_cited() -> None:
    asset = stock(AssetClass.CRYPTO, min_trade_increment=D("0.001"))
    desk = Desk(order(Side.BUY, "2"), view=SymbolView("A", asset))
    desk.view.take(Book("A", 1, (), ((101.0, 9.0), (102.0, 0.7504), (103.0, 5.0)), reset=True))
    desk.view.take(quote(2, 100.0, 101.0, 0.5))
    found = desk.ask(resting=False)
    assert told(found) == [("0.5", "101"), ("0.750", "102"), ("0.750", "103")]
    assert [(each.cites.kind, each.cites.ts_ns) for each in found] == [("quote", 2), ("book", 1), ("book", 1)]


@pytest.mark.parametrize("halt", ["H", "P", "2"])
def test_nothing_fills_during_a_halt_and_what_stood_before_it_is_gone(halt: str) -> None:
    desk = Desk(order(Side.BUY, "50"))
    assert desk.arrive(quote(1, 10.0, 10.02), Status("A", 2, halt)) == []
    assert desk.see(quote(3, 10.0, 10.02), trade(4, 10.0), Status("A", 5, "3" if halt == "2" else "T")) == []
    assert desk.see(trade(4, 10.0)) == [], "it was made during the halt"
    assert desk.see(quote(6, 10.0, 10.30)) == [("50", "10.3")]


def test_after_a_halt_or_a_night_everybody_trades_at_the_first_price() -> None:
    desk = Desk(order(Side.BUY, "50", "9.50"))
    desk.arrive(quote(1, 10.0, 10.02))
    desk.view.new_session(2)
    assert desk.see(trade(3, 9.00, 5000.0, "@", "O")) == [("50", "9")]


def test_yesterdays_quote_fills_nobody() -> None:
    desk = Desk(order(Side.BUY, "50"))
    desk.view.take(quote(1, 10.0, 10.02))
    desk.view.new_session(2)
    assert desk.arrive() == []
    assert desk.see(quote(3, 10.0, 11.0)) == [("50", "11")]


def test_nothing_fills_outside_the_price_band() -> None:
    desk = Desk(order(Side.BUY, "50"))
    assert desk.arrive(Luld("A", 1, 10.01, 9.0), quote(2, 10.0, 10.02)) == []
    assert desk.see(Luld("A", 3, 10.02, 9.0)) == [("50", "10.02")]


def test_a_buy_stop_does_not_run_after_the_market_beyond_its_collar() -> None:
    stop = order(Side.BUY, "50", type=OrderType.STOP, stop_price=D(10))
    assert Desk(stop).arrive(quote(1, 10.3, 10.41)) == []
    assert Desk(stop).arrive(quote(1, 10.3, 10.40)) == [("50", "10.4")]


def test_an_order_for_dollars_spends_them_to_the_last_share_it_can_buy() -> None:
    desk = Desk(order(Side.BUY, "0", qty=None, notional=D(100)), left_notional=D(100))
    assert desk.arrive(quote(1, 33.32, 33.33)) == [("3.000300030", "33.33")]
    assert desk.left_notional is not None
    assert 0 <= desk.left_notional < D("33.33e-9")


def test_whole_shares_fill_in_whole_shares() -> None:
    desk = Desk(order(Side.BUY, "10"))
    assert desk.arrive(quote(1, 10.0, 10.02, 2.5)) == [("2", "10.02")]
    assert Desk(order(Side.BUY, "10.5")).arrive(quote(1, 10.0, 10.02, 2.5)) == [("2.5", "10.02")]


def test_fill_or_kill_can_ask_what_there_is_without_taking_it() -> None:
    view = SymbolView("A", stock())
    view.take(quote(1, 10.0, 10.02))
    wanted = order(Side.BUY, "150", "10.02")
    assert fillable(wanted, view, MODELS["touch"]) == 100
    assert fillable(wanted, view, MODELS["touch"]) == 100
    assert fillable(wanted, view, MODELS["paper"]) == 150
    assert fillable(evolve(wanted, limit_price=D("10.01")), view, MODELS["touch"]) == 0
    view.take(Status("A", 2, "H"))
    assert fillable(wanted, view, MODELS["paper"]) == 0


def test_paper_ignores_the_size_and_fills_one_in_ten_partly() -> None:
    sizes = [
        len(desk.arrive(quote(1, 10.0, 10.02)) + desk.see(quote(2, 10.0, 10.02)))
        for desk in (Desk(order(Side.BUY, "5000"), "paper", dice=Random(seed)) for seed in range(400))
    ]
    assert 20 <= sum(size > 1 for size in sizes) <= 60
    again = Desk(order(Side.BUY, "5000"), "paper", dice=Random(7))
    once = Desk(order(Side.BUY, "5000"), "paper", dice=Random(7))
    assert again.arrive(quote(1, 10.0, 10.02)) == once.arrive(quote(1, 10.0, 10.02))


def test_on_paper_who_rests_is_filled_at_the_quote() -> None:
    desk = Desk(order(Side.BUY, "50", "9.95"), "paper", dice=Random(3))
    assert desk.arrive(quote(1, 10.0, 10.02)) == []
    assert desk.see(trade(2, 9.90), quote(3, 9.90, 9.93)) == [("50", "9.93")]


def test_paper_never_fills_a_fill_or_kill_order_partly() -> None:
    for seed in range(100):
        desk = Desk(order(Side.BUY, "100", time_in_force=TimeInForce.FOK), "paper", dice=Random(seed))
        assert desk.arrive(quote(1, 10.0, 10.02)) == [("100", "10.02")]


def test_a_partly_filled_paper_order_waits_for_the_next_event() -> None:
    seed = next(n for n in range(100) if Random(n).random() < 0.1)
    desk = Desk(order(Side.BUY, "100"), "paper", dice=Random(seed))
    part = desk.arrive(quote(1, 10.0, 10.02))
    assert len(part) == 1
    assert 0 < int(part[0][0]) < 100
    assert desk.ask(resting=True) == []
    assert sum(int(qty) for qty, _ in part + desk.see(*(quote(n, 10.0, 10.02) for n in range(2, 9)))) == 100


def bar(minute: int, first: float, high: float, low: float, last: float, volume: float = 1000.0) -> Bar:
    return Bar("A", minute * MINUTE, first, high, low, last, volume)


@pytest.mark.parametrize(
    ("model", "limit", "at", "fill"),
    [
        ("touch", None, 2 * MINUTE, "10"),  # there before the minute: its open
        ("touch", "10.5", 2 * MINUTE, "10"),
        ("touch", "9", 2 * MINUTE, "9"),  # touched by the low
        ("queue", "9", 2 * MINUTE, None),
        ("through", "9", 2 * MINUTE, None),
        ("through", "9.01", 2 * MINUTE, "9.01"),
        ("touch", "8.99", 2 * MINUTE, None),
        ("touch", None, 2 * MINUTE + S, "11"),  # came during the minute: its close
        ("touch", "11", 2 * MINUTE + S, "11"),
        ("touch", "9.5", 2 * MINUTE + S, None),
        ("touch", None, 3 * MINUTE, None),  # came after it
    ],
)
def test_with_bars_alone_an_order_fills_at_the_open_its_limit_or_the_close(
    model: str, limit: str | None, at: int, fill: str | None
) -> None:
    desk = Desk(order(Side.BUY, "50", limit, at=at), model)
    desk.arrive(bar(1, 12.0, 12.0, 12.0, 12.0))
    assert desk.see(bar(2, 10.0, 11.5, 9.0, 11.0)) == ([] if fill is None else [("50", fill)])


def test_a_bars_volume_is_all_there_is() -> None:
    desk = Desk(order(Side.SELL, "50"))
    assert desk.see(bar(1, 10.0, 11.0, 9.0, 10.5, 30.0), bar(2, 9.0, 9.0, 9.0, 9.0, 30.0)) == [
        ("30", "10"),
        ("20", "9"),
    ]


def test_a_stop_that_a_bar_triggered_fills_at_its_close() -> None:
    desk = Desk(order(Side.SELL, "50", type=OrderType.STOP, stop_price=D("9.5")))
    assert desk.arrive(bar(1, 10.0, 10.0, 9.0, 9.2)) == [("50", "9.2")]
