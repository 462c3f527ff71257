"""The trading day decides when orders are routed and when they end."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.core.matching.fees import NO_FEES

Make = Callable[..., Any]


def test_an_order_outside_its_hours_is_accepted_and_new_at_the_open(trader: Make) -> None:
    made = trader("08:00:00")
    assert made.order("a", "buy", "market") == ["a accepted"]
    made.quote(100.0, 100.02)
    assert made.at("09:30:00") == ["a new"]
    assert made.quote(101.0, 101.02) == ["a fill 10 @ 101.02"]


def test_a_queued_order_does_not_trade_with_what_was_quoted_before_the_open(trader: Make) -> None:
    made = trader("09:29:00")
    made.quote(100.0, 100.02)
    made.order("a", "buy", "limit", limit="101")
    assert made.at("09:30:01") == ["a new"]
    assert made["a"].filled_qty == 0


@pytest.mark.parametrize(("day", "close"), [("2026-03-02", "16:00:00"), ("2026-11-27", "13:00:00")])
def test_a_day_order_expires_at_the_close_and_half_days_close_early(trader: Make, day: str, close: str) -> None:
    made = trader(f"{day} 09:30:00")
    made.quote(100.0, 100.02)
    made.order("a", "buy", "limit", limit="99")
    assert made.at(f"{day} {close}") == ["a expired"]
    assert made["a"].expired_ns == made["a"].expires_ns == made.now_ns


def test_an_order_for_extended_hours_works_before_the_open_and_ends_in_the_evening(trader: Make) -> None:
    made = trader("05:00:00")
    made.quote(100.0, 100.02)
    assert made.order("a", "buy", "limit", limit="99", extended=True) == ["a pending_new", "a new"]
    assert made.trade(98.0, size=3.0) == ["a partial_fill 3 @ 99"]
    made.at("16:00:00")
    made.quote(100.0, 100.02)
    assert made.trade(98.0, size=3.0) == ["a partial_fill 3 @ 99"]
    assert made.at("20:00:00") == ["a expired"]
    assert made["a"].filled_qty == 6


def test_an_order_made_in_the_evening_is_for_the_next_trading_day(trader: Make) -> None:
    made = trader("2026-02-27 18:00:00")
    made.order("a", "buy", "limit", limit="99")
    assert made.at("09:30:00") == ["a new"]
    assert made.at("16:00:00") == ["a expired"]


def test_a_gtc_order_works_every_day_for_ninety_days(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    made.order("a", "buy", "limit", limit="99", time="gtc")
    assert made.at("20:00:00") == []
    assert made.trade(98.0) == []
    assert made.at("2026-05-29 16:00:00") == []
    assert made.at("2026-06-01 16:00:00") == ["a expired"]


def test_crypto_knows_no_hours(trader: Make) -> None:
    made = trader("2026-03-01 03:00:00")
    made.quote(60_000.0, 60_001.0, symbol="BTC/USD")
    told = made.order("a", "buy", "market", "0.1", time="gtc", symbol="BTC/USD")
    assert told == ["a pending_new", "a new", "a fill 0.1 @ 60001"]


def test_stops_do_not_trigger_outside_regular_hours(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    made.order("long", "buy", "market")
    made.order("a", "sell", "stop", stop="99", time="gtc")
    made.at("16:30:00")
    assert made.trade(90.0) == []
    made.at("2026-03-03 09:30:00")
    made.quote(95.0, 95.02)
    assert made.trade(95.01) == ["a fill 10 @ 95"]


def test_an_order_in_flight_at_the_close_is_not_filled_after_it(trader: Make) -> None:
    made = trader(latency_ns=10_000_000)
    made.at("15:59:59.995")
    made.quote(100.0, 100.02)
    made.order("a", "buy", "market")
    made.order("b", "buy", "market", time="gtc")
    assert made.after(10) == ["a expired", "b accepted"]


def test_the_account_s_day_begins_with_yesterday_s_close(trader: Make) -> None:
    made = trader(fees=NO_FEES)
    made.quote(100.0, 100.0)
    made.order("a", "buy", "market")
    made.trade(110.0)
    made.at("16:30:00")
    made.quote(150.0, 150.0)
    made.trade(150.0)
    made.at("2026-03-03 04:00:00")
    assert made.venue.account().last_equity == 100_100
    assert made.venue.account().equity == 100_500
    assert made.venue.position("AAPL").lastday_price == 110


@pytest.mark.parametrize(
    ("time", "size", "told"),
    [
        ("ioc", 4.0, ["a pending_new", "a new", "a partial_fill 4 @ 100.02", "a canceled"]),
        ("fok", 4.0, ["a pending_new", "a new", "a canceled"]),
        ("fok", 10.0, ["a pending_new", "a new", "a fill 10 @ 100.02"]),
    ],
)
def test_immediate_orders_are_resolved_when_they_reach_the_market(
    trader: Make, time: str, size: float, told: list[str]
) -> None:
    made = trader()
    made.quote(100.0, 100.02, size=size)
    assert made.order("a", "buy", "limit", limit="100.02", time=time) == told


def test_a_queued_immediate_order_sees_the_first_market_of_the_day(trader: Make) -> None:
    made = trader("08:00:00")
    made.order("a", "buy", "market", time="ioc")
    assert made.at("09:30:00") == ["a new"]
    assert made.quote(100.0, 100.02, size=4.0) == ["a partial_fill 4 @ 100.02", "a canceled"]


def test_nothing_fills_while_the_symbol_is_halted(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    made.status("H")
    assert made.order("a", "buy", "limit", limit="104") == ["a pending_new", "a new"]
    assert made.status("T") == []
    assert made.quote(103.0, 103.02) == ["a fill 10 @ 103.02"]
