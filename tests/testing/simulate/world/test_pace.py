"""Virtual time jumps when nobody has anything to do, and a loop that never waits is found out."""

import trio

from engine.flow.replay.scheduler import sealed_scheduling
from engine.testing.simulate.world.clock import JumpingClock
from engine.testing.simulate.world.pace import AT_ONCE_MAX, LOOK_EVERY, Pace


async def spin(scope: trio.CancelScope) -> None:
    with scope:
        while True:  # noqa: ASYNC110 - the mistake that is to be found
            await trio.lowlevel.checkpoint()


def test_a_day_of_waiting_takes_no_time_and_deadlines_come_in_order() -> None:
    told: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await trio.sleep(seconds)
        told.append((name, trio.current_time()))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for name, seconds in (("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0)):
                nursery.start_soon(wait, name, seconds)

    trio.run(main, clock=JumpingClock())
    assert told == [("minute", 60.0), ("hour", 3_600.0), ("day", 86_400.0)]


def test_a_loop_that_does_not_wait_is_told_once() -> None:
    told: list[str] = []
    scope = trio.CancelScope()

    def stuck(sentence: str) -> None:
        told.append(sentence)
        scope.cancel()

    pace = Pace(stuck, steps_max=10_000_000)
    with sealed_scheduling(1, pace.count):
        trio.run(spin, scope, clock=JumpingClock())
    assert len(told) == 1
    assert "time does not go on" in told[0]
    assert AT_ONCE_MAX <= pace.steps < AT_ONCE_MAX + 4 * LOOK_EVERY


def test_a_session_has_a_bound_in_all() -> None:
    told: list[str] = []
    scope = trio.CancelScope()

    def stuck(sentence: str) -> None:
        told.append(sentence)
        scope.cancel()

    async def tick() -> None:
        with scope:
            while True:  # noqa: ASYNC110 - it is about the number of steps
                await trio.sleep(0.001)

    with sealed_scheduling(1, Pace(stuck, steps_max=5_000).count):
        trio.run(tick, clock=JumpingClock())
    assert len(told) == 1
    assert "more than any session needs" in told[0]
