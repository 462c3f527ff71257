"""Sleep by the virtual clock's own alarms is sleep: the same instants, the same order, cancelled as ever."""

import math
from contextlib import nullcontext

import trio

from engine.flow.replay.scheduler import sealed_scheduling
from engine.testing.simulate.world.alarms import SLEEP, bedroom, sealed_sleeping
from engine.testing.simulate.world.clock import JumpingClock

Told = list[tuple[float, str]]


def night(seed: int, *, sealed: bool) -> Told:
    """What sleepers tell of a night with dreams (a deadline each), a bed that is left early, and twins."""
    told: Told = []

    def tell(what: str) -> None:
        told.append((trio.current_time(), what))

    async def sleep(name: str, seconds: float, times: int) -> None:
        for _ in range(times):
            await trio.sleep(seconds)
            tell(name)

    async def leave_early(seconds: float) -> None:
        with trio.move_on_after(seconds):
            await trio.sleep(10 * seconds)
        tell(f"left after {seconds}")

    async def dream() -> None:
        with trio.move_on_after(3.0) as ended:
            await trio.sleep(math.inf)  # noqa: ASYNC116 - that it may be written so is what is tried
        tell(f"dreamt {ended.cancelled_caught}")
        await trio.sleep_until(trio.current_time() - 1.0)
        tell("it is later than it thought")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for name in ("one", "twin", "triplet"):
                nursery.start_soon(sleep, name, 1.0, 5)
            nursery.start_soon(sleep, "slow", 2.5, 2)
            nursery.start_soon(leave_early, 0.5)
            nursery.start_soon(leave_early, 1.0)
            nursery.start_soon(dream)

    clock = JumpingClock()
    with sealed_scheduling(seed), sealed_sleeping(clock) if sealed else nullcontext():
        trio.run(main, clock=clock)
    assert not clock.alarms or not sealed or all(task is None for _, _, task in clock.alarms)
    return told


def test_trio_still_sleeps_where_we_look_for_it() -> None:
    assert getattr(bedroom(), SLEEP) is trio.sleep_until


def test_everybody_wakes_when_they_would_and_in_the_same_order() -> None:
    for seed in range(20):
        assert night(seed, sealed=True) == night(seed, sealed=False)


def test_afterwards_trio_sleeps_as_before() -> None:
    before = trio.sleep_until
    night(1, sealed=True)
    assert trio.sleep_until is before
    assert bedroom().sleep_until is before


def test_who_sleeps_costs_no_deadline() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 5.0)
            await trio.sleep(1.0)
            assert trio.lowlevel.current_statistics().seconds_to_next_deadline == math.inf

    clock = JumpingClock()
    with sealed_sleeping(clock):
        trio.run(main, clock=clock)


def test_both_ways_to_sleep_may_end_at_one_instant() -> None:
    woken: list[str] = []

    async def sleep() -> None:
        await trio.sleep(1.0)
        woken.append("sleep")

    async def sleep_until() -> None:
        await trio.sleep_until(1.0)
        woken.append("sleep_until")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for each in (sleep, sleep_until) * 3:
                nursery.start_soon(each)

    clock = JumpingClock()
    with sealed_sleeping(clock):
        trio.run(main, clock=clock)
    assert sorted(woken) == ["sleep"] * 3 + ["sleep_until"] * 3
