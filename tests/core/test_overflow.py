"""The conservation law of a channel: what was put in is delivered, conflated, dropped or queued, whatever comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.overflow import Full, Overflow
from engine.model.control import Gap
from engine.model.market import Kind, MarketEvent, Trade
from engine.model.stream import Stream


def trade(number: int, symbol: str = "A") -> Trade:
    return Trade(symbol, number, 10.0, 1.0, number)


def numbers(items: list[MarketEvent | Gap]) -> list[int]:
    return [item.ts_ns for item in items if not isinstance(item, Gap)]


steps = st.lists(st.one_of(st.integers(1, 30), st.integers(-30, -1), st.none()), max_size=40)
policies: st.SearchStrategy[Full] = st.sampled_from(["block", "drop_oldest", "latest", "fail"])


@given(policies, st.integers(1, 20), steps)
def test_the_books_balance_after_every_step(full: Full, capacity: int, shape: list[int | None]) -> None:
    queue, number = Overflow(full, capacity), 0
    seen: list[int] = []
    for step in shape:
        if step is None:
            queue.abandon()
        elif step > 0:
            queue.put([trade(number + i, "AB"[i % 2]) for i in range(step)], 0)
            number += step
        else:
            seen += numbers(queue.take(-step)[1])
        assert queue.balanced
        assert queue.queued().total() == queue.queued_count
        assert full == "block" or len(queue) <= capacity or full == "latest"
    assert len(set(seen)) == len(seen) == queue.delivered
    assert full == "latest" or seen == sorted(seen)


def test_block_drops_nothing_and_says_when_it_is_crowded() -> None:
    queue = Overflow("block", 3)
    queue.put([trade(number) for number in range(5)], 0)
    assert queue.crowded
    assert numbers(queue.take(100)[1]) == [0, 1, 2, 3, 4]
    assert not queue.crowded


def test_drop_oldest_keeps_the_newest_and_tells_the_span_and_the_number_of_what_it_dropped() -> None:
    queue = Overflow("drop_oldest", 3, feed="iex")
    queue.put([trade(number) for number in range(10)], now_ns=99)
    queue.put([trade(10)], now_ns=99)
    holes, items = queue.take(100)
    assert numbers(items) == [8, 9, 10]
    (hole,) = holes
    assert (hole.stream, hole.start_ns, hole.end_ns, hole.count) == (Stream(Kind.TRADES, "A"), 0, 7, 8)


def test_latest_keeps_one_event_a_stream_in_journal_order() -> None:
    queue = Overflow("latest", 1)
    queue.put([trade(1, "A"), trade(2, "B"), trade(3, "A")], 0)
    assert numbers(queue.take(100)[1]) == [2, 3]
    assert queue.conflated == {Stream(Kind.TRADES, "A"): 1}


def test_fail_says_so_and_keeps_within_its_capacity() -> None:
    queue = Overflow("fail", 2)
    queue.put([trade(1), trade(2)], 0)
    assert not queue.overflowed
    queue.put([trade(3)], 0)
    assert queue.overflowed and len(queue) == 2


def test_a_gap_keeps_its_place_among_the_events_and_is_not_counted_as_one() -> None:
    queue = Overflow("block", 10)
    gap = Gap("iex", Stream(Kind.TRADES, "A"), 1, 2, cause="history_lags", at_ns=2)
    queue.put([trade(1)], 0)
    queue.put_gap(gap)
    queue.put([trade(2)], 0)
    holes, items = queue.take(10)
    assert (holes, items) == ([], [trade(1), gap, trade(2)])
    assert queue.delivered == 2 and queue.balanced


@pytest.mark.parametrize("full", ["fail", "drop_oldest", "block"])
def test_a_warm_up_leaves_the_capacity_to_what_comes_after_it(full: Full) -> None:
    queue = Overflow(full, 2)
    queue.prefill([trade(number) for number in range(5)])
    queue.put([trade(5)], 0)
    assert not queue.overflowed and not queue.crowded
    assert numbers(queue.take(100)[1]) == [0, 1, 2, 3, 4, 5]
    assert queue.balanced
