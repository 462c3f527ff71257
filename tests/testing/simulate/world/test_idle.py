"""Idle connections of the engine's HTTP client end by virtual time, and by the machine's again afterwards."""

import time

import trio
from trio.testing import MockClock

from engine.testing.simulate.world.idle import CLOCK, keeper_of_time, sealed_idling


def test_httpcore_keeps_its_clock_where_it_is_sealed() -> None:
    assert getattr(keeper_of_time(), CLOCK) is time


def test_inside_it_is_the_time_of_trio() -> None:
    async def look() -> float:
        await trio.sleep(3600.0)
        with sealed_idling():
            return float(getattr(keeper_of_time(), CLOCK).monotonic()) - trio.current_time()

    assert trio.run(look, clock=MockClock(autojump_threshold=0)) == 0.0
    assert getattr(keeper_of_time(), CLOCK) is time
