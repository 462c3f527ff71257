"""Time in a replay is the tape's, exact to the nanosecond, and moves only when it is moved."""

import math

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from engine.flow.replay.clock import ReplayClock, TapeClock
from tests.flow.replay.made import NS, START_NS, Floor, MemoryTape, replay, trade

DAY_S = 86_400
YEAR_NS = 365 * DAY_S * NS


@given(passed_ns=st.integers(0, 26 * DAY_S * NS))
def test_a_deadline_within_26_days_is_due_at_its_nanosecond(passed_ns: int) -> None:
    clock = ReplayClock(START_NS)
    deadline = clock.deadline_of(START_NS + passed_ns)
    assert clock.due_ns(deadline) == START_NS + passed_ns


@given(passed_ns=st.integers(0, 30 * YEAR_NS))
def test_a_deadline_is_due_at_the_first_nanosecond_that_trio_takes_for_it(passed_ns: int) -> None:
    clock = ReplayClock(START_NS)
    due_ns = clock.due_ns(passed_ns / NS)
    assert due_ns is not None
    clock.move(due_ns - 1)
    assert clock.current_time() < passed_ns / NS or due_ns == START_NS
    clock.move(due_ns)
    assert clock.current_time() >= passed_ns / NS


@given(passed_ns=st.integers(1, 30 * YEAR_NS))
def test_an_instant_that_is_slept_for_is_met_exactly_after_years_too(passed_ns: int) -> None:
    clock = ReplayClock(START_NS)
    deadline = clock.deadline_of(START_NS + passed_ns)
    assert clock.due_ns(deadline) == START_NS + passed_ns
    clock.move(START_NS + passed_ns)
    assert clock.deadline_to_sleep_time(deadline) == 0


def test_what_never_comes_is_never_due_and_what_is_over_is_due_now() -> None:
    clock = ReplayClock(START_NS)
    clock.move(START_NS + 5)
    assert clock.due_ns(math.inf) is None
    assert clock.due_ns(-math.inf) == START_NS + 5
    assert clock.deadline_to_sleep_time(1.0) == math.inf
    assert clock.deadline_to_sleep_time(-math.inf) == 0


def test_time_never_goes_back() -> None:
    clock = ReplayClock(START_NS)
    clock.move(START_NS + 10)
    clock.move(START_NS + 5)
    assert clock.now_ns() == START_NS + 10


@pytest.mark.parametrize(("at_ns", "open_"), [(START_NS, True), (START_NS - 1, False), (START_NS + 23_400 * NS, False)])
def test_the_market_is_open_by_the_calendar(at_ns: int, *, open_: bool) -> None:
    assert TapeClock(ReplayClock(at_ns)).is_open is open_


def test_sleeps_deadlines_and_instants_are_market_time() -> None:
    told: list[tuple[str, float]] = []

    async def sleeper(floor: Floor) -> None:
        time = floor.markets.clock
        await trio.sleep(0.1)
        told.append(("slept", (time.now_ns() - START_NS) / NS))
        with trio.move_on_after(1):
            await trio.sleep_forever()
        told.append(("moved on", (time.now_ns() - START_NS) / NS))
        await time.sleep_until(START_NS + 2 * NS + 7)
        assert time.now_ns() == START_NS + 2 * NS + 7
        await time.sleep_until(START_NS)
        assert await time.refresh() == time.now_ns() == START_NS + 2 * NS + 7

    replay(MemoryTape([trade(0, 0), trade(1, 60)]), sleeper)
    assert told == [("slept", 0.1), ("moved on", 1.1)]
