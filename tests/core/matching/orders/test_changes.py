"""Cancels and replacements travel to the market, and what they are about may fill meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.core.rules import Refused

Make = Callable[..., Any]
LATENCY: dict[str, int] = {"latency_ns": 10_000_000, "cancel_latency_ns": 10_000_000}


def _resting(made: Any, name: str = "a", limit: str = "99", **values: Any) -> None:
    made.quote(100.0, 100.02)
    made.order(name, "buy", "limit", limit=limit, **values)
    made.after(10)


def test_a_cancel_without_latency_is_done_at_once(trader: Make) -> None:
    made = trader()
    _resting(made)
    assert made.cancel("a") == ["a canceled"]
    assert made["a"].canceled_ns == made["a"].cancel_requested_ns == made.now_ns


def test_a_cancel_on_its_way_is_pending_and_the_order_works_on(trader: Make) -> None:
    made = trader(**LATENCY)
    _resting(made)
    assert made.cancel("a") == ["a pending_cancel"]
    assert made.after(9) == []
    assert made.after(1) == ["a canceled"]


def test_a_cancel_that_loses_to_a_fill_is_rejected(trader: Make) -> None:
    made = trader(**LATENCY)
    _resting(made)
    made.cancel("a")
    assert made.trade(98.0) == ["a fill 10 @ 99"]
    assert made.after(10) == ["a order_cancel_rejected"]
    assert made["a"].status == "filled"


def test_a_part_that_fills_while_a_cancel_is_pending_leaves_it_pending(trader: Make) -> None:
    made = trader()
    _resting(made)
    made.cancel("a", delay_ms=10)
    assert made.trade(98.0, size=4.0) == ["a partial_fill 4 @ 99"]
    assert made["a"].status == "pending_cancel"
    assert made.after(10) == ["a canceled"]
    assert made["a"].filled_qty == 4


def test_a_cancel_does_not_overtake_its_order(trader: Make) -> None:
    made = trader(latency_ns=10_000_000)
    made.quote(100.0, 100.02)
    assert made.order("a", "buy", "limit", limit="99") == ["a pending_new"]
    assert made.cancel("a") == []
    assert made.after(10) == ["a new", "a canceled"]


def test_canceling_twice_is_a_success_and_canceling_what_is_filled_is_refused(trader: Make) -> None:
    made = trader()
    _resting(made)
    made.cancel("a")
    assert made.cancel("a") == []
    made.order("b", "buy", "market")
    with pytest.raises(Refused, match='order is already in "filled" state') as refusal:
        made.cancel("b")
    assert (refusal.value.status, refusal.value.code) == (422, 42210000)


def test_an_unknown_order_cannot_be_canceled_or_replaced(trader: Make) -> None:
    made = trader()
    with pytest.raises(Refused, match="order not found") as refusal:
        made.venue.cancel("7c1e2a10-0000-4000-8000-00000000a001", made.now_ns)
    assert (refusal.value.status, refusal.value.code) == (404, 40410000)


def test_a_replacement_without_latency_takes_the_place_at_once(trader: Make) -> None:
    made = trader()
    _resting(made)
    assert made.replace("a", "b", limit_price="99.50") == ["a replaced", "b new"]
    old, new = made["a"], made["b"]
    assert (old.replaced_by, new.replaces) == (new.id, old.id)
    assert new.client_order_id not in ("", old.client_order_id)
    assert old.replaced_ns == made.now_ns


def test_a_marketable_replacement_fills_at_once(trader: Make) -> None:
    made = trader()
    _resting(made)
    assert made.replace("a", "b", limit_price="100.50") == ["a replaced", "b new", "b fill 10 @ 100.02"]


def test_a_replacement_on_its_way_leaves_the_old_order_working(trader: Make) -> None:
    made = trader(**LATENCY)
    _resting(made)
    assert made.replace("a", "b", limit_price="99.50") == ["a pending_replace"]
    assert made["b"].status == "pending_new"
    assert made.after(10) == ["a replaced", "b new"]


def test_a_replacement_that_loses_to_a_fill_is_rejected(trader: Make) -> None:
    made = trader(**LATENCY)
    _resting(made)
    made.replace("a", "b", limit_price="99.50")
    assert made.trade(98.0) == ["a fill 10 @ 99"]
    assert made.after(10) == ["a order_replace_rejected", "b rejected"]
    assert made.held() == 10
    assert not made.venue.open_orders()


@pytest.mark.parametrize(("change", "left"), [({"limit_price": "99.50"}, 6), ({"qty": "12"}, 8), ({"qty": "5"}, 1)])
def test_the_quantity_of_a_replacement_counts_what_was_filled_before(
    trader: Make, change: dict[str, str], left: int
) -> None:
    made = trader()
    _resting(made)
    made.trade(98.0, size=4.0)
    made.replace("a", "b", **change)
    assert made["a"].filled_qty == 4
    assert (made["b"].qty, made["b"].filled_qty) == (left, 0)


def test_what_fills_while_the_replacement_travels_is_taken_off_it(trader: Make) -> None:
    made = trader(**LATENCY)
    _resting(made)
    made.replace("a", "b", limit_price="99.50")
    assert made.trade(98.0, size=4.0) == ["a partial_fill 4 @ 99"]
    assert made["a"].status == "pending_replace"
    assert made.after(10) == ["a replaced", "b new"]
    assert made["b"].qty == 6
    assert made.trade(98.0) == ["b fill 6 @ 99.50"]
    assert made.held() == 10


def test_an_order_that_filled_all_that_the_replacement_asked_for_keeps_its_place(trader: Make) -> None:
    made = trader(**LATENCY)
    _resting(made)
    made.replace("a", "b", qty="5")
    made.trade(98.0, size=6.0)
    assert made.after(10) == ["a order_replace_rejected", "b rejected"]
    assert made["a"].status == "partially_filled"


def test_an_order_that_is_being_replaced_cannot_be_canceled(trader: Make) -> None:
    made = trader(**LATENCY)
    _resting(made)
    made.replace("a", "b", limit_price="99.50")
    with pytest.raises(Refused, match="pending_replace"):
        made.cancel("a")


def test_a_replacement_canceled_on_its_way_leaves_the_old_order_as_it_was(trader: Make) -> None:
    made = trader(latency_ns=10_000_000)
    _resting(made)
    made.replace("a", "b", limit_price="99.50")
    made.cancel("b")
    assert made.after(10) == ["a replaced", "b new", "b canceled"]


def test_both_lives_of_a_replaced_order_are_held_for_once(trader: Make) -> None:
    made = trader(**LATENCY)
    before = made.venue.account().buying_power
    _resting(made)
    made.replace("a", "b", limit_price="99.50")
    assert before - made.venue.account().buying_power == 995
    made.after(10)
    made.cancel("b")
    made.after(10)
    assert made.venue.account().buying_power == before


def test_a_replaced_trailing_stop_keeps_its_water_mark(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    made.trade(100.0)
    made.order("long", "buy", "market")
    made.order("a", "sell", "trailing_stop", trail="2")
    made.trade(104.0)
    assert (made["a"].hwm, made["a"].stop_price) == (104, 102)
    made.replace("a", "b", trail="1")
    made.trade(103.9)
    assert (made["b"].hwm, made["b"].stop_price) == (104, 103)


def test_queued_orders_are_canceled_where_they_are(trader: Make) -> None:
    made = trader("18:00:00", **LATENCY)
    made.order("a", "buy", "limit", limit="99")
    assert made.cancel("a") == ["a canceled"]
