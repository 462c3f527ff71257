"""Laws: who does not leave in time is named with the time, and what a block of orders may take is allowed."""

import time
from collections.abc import Iterator, Sequence

import pytest
import trio

from engine.app.lint.leaving import allowed_to_leave_s, check_cancel, last_told_ns, left_after_s
from engine.app.lint.stopwatch import Stopwatch, timed
from engine.app.options import LoadedStrategy
from engine.app.replay.options import ReplayOptions
from engine.model.instant import NS_PER_S
from engine.model.journal import Asked, Ended, JournalRecord, Took
from engine.model.market import MarketEvent
from engine.ports import Context, Strategy
from engine.ports.tape import Tape
from tests.app.lint.conftest import T0, Lab, Rule, decide


def leaves_after(seconds: float, *before: JournalRecord) -> Rule:
    """Decides at some trades, and is gone so long after the last one."""

    def rule(told: Sequence[MarketEvent], _options: ReplayOptions, _tape: Tape) -> Iterator[JournalRecord]:
        yield from before
        for event in told[::30]:
            yield decide(event)
        last = told[-1]
        yield Took(len(told), last.ts_ns, "mine", 1, 1)
        yield Ended(len(told), last.ts_ns + round(seconds * NS_PER_S), "mine", "finished")

    return rule


def test_who_leaves_at_once_passes(lab: Lab) -> None:
    assert check_cancel(lab.bench(leaves_after(0.0))).outcome == "ok"


def test_who_stays_for_a_minute_is_named_with_the_time(lab: Lab) -> None:
    verdict = check_cancel(lab.bench(leaves_after(60.0)))
    assert verdict.outcome == "finding"
    assert "mine took 60.0 s to leave; 5 s are allowed" in verdict.sentence


def test_a_block_of_orders_has_its_own_time() -> None:
    block = Asked(0, T0, "mine", 1, "orders", '{"on_exit":"flatten","within":60}')
    usual = Asked(0, T0, "mine", 2, "orders", '{"on_exit":"flatten"}')
    assert allowed_to_leave_s((block,), "mine") == 65.0
    assert allowed_to_leave_s((usual,), "mine") == 15.0
    assert allowed_to_leave_s((block,), "other") == 5.0


def test_time_counts_from_the_last_event_that_was_told(lab: Lab) -> None:
    records = (Took(4, T0, "mine", 1, 1), Took(5, T0 + 7, "mine", 1, 1), Ended(5, T0 + 9 * NS_PER_S, "mine", "stopped"))
    assert last_told_ns(records) == T0 + 7
    assert left_after_s(lab.replayed(records), "mine", T0) == pytest.approx(9.0)
    assert left_after_s(lab.replayed(records), "other", T0) == 0.0


def test_time_counts_from_the_end_of_a_tape_that_goes_on_after_its_last_event(lab: Lab) -> None:
    records = (Took(5, T0, "mine", 1, 1), Ended(5, T0 + 62 * NS_PER_S, "mine", "stopped"))
    assert left_after_s(lab.replayed(records), "mine", T0 + 60 * NS_PER_S) == pytest.approx(2.0)


def busy(seconds: float, tasks: int = 0) -> LoadedStrategy:
    """A strategy that computes for so long, itself or in a task of its own."""

    async def compute() -> None:
        loops = 0
        began_s = time.thread_time()
        while time.thread_time() - began_s < seconds:
            loops += 1
        await trio.lowlevel.checkpoint()

    async def run(_ctx: object) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(compute)
            for _ in range(tasks):
                nursery.start_soon(trio.lowlevel.checkpoint)

    return LoadedStrategy(Strategy("mine", run), None, "mine")


def measure(loaded: LoadedStrategy) -> Stopwatch:
    watch = Stopwatch(0.05)
    trio.run(timed(loaded, watch).strategy.run, None)
    return watch


def test_a_long_stretch_of_a_task_is_its_strategy_s() -> None:
    took_s, _ = measure(busy(0.03)).longest["mine"]
    assert took_s > 0.01


def test_short_steps_are_short_however_many() -> None:
    took_s, _ = measure(busy(0.0, tasks=200)).longest["mine"]
    assert took_s < 0.05


def test_others_are_not_measured() -> None:
    async def both(_ctx: Context) -> None:
        await trio.lowlevel.checkpoint()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(timed(LoadedStrategy(Strategy("mine", both), None, "mine"), watch).strategy.run, None)
            nursery.start_soon(busy(0.03).strategy.run, None)

    watch = Stopwatch(0.05)
    trio.run(main)
    assert watch.longest["mine"][0] < 0.01
