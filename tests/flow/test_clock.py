"""Market time follows the venue at every speed, never goes backwards, and every sleep ends when its instant comes."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import KeysRefused, LineLost
from engine.flow.clock import LOOK_AGAIN_S, POLL_LIVE_S, MarketClock, VenueReading

S = 1_000_000_000
MARCH_NS = 1_772_461_860 * S
"""2026-03-02T14:31:00Z, in the regular session."""
CLOSE_NS = 1_772_485_200 * S
OPEN_NS = CLOSE_NS + 63_000 * S


@frozen
class Reading:
    timestamp_ns: int = MARCH_NS
    is_open: bool = True
    next_open_ns: int = OPEN_NS
    next_close_ns: int = CLOSE_NS
    speed: float | None = None
    moving: bool = True
    tape_ended: bool = False
    round_trip_s: float = 0.0


def wall_ns() -> int:
    """A wall clock that runs with Trio's, as in simulation."""
    return MARCH_NS + round(trio.current_time() * S)


def venue(readings: list[VenueReading | Exception]) -> Callable[[], Awaitable[VenueReading]]:
    """Tells these readings one after the other, and then the last one for ever."""

    async def read() -> VenueReading:
        await trio.lowlevel.checkpoint()
        reading = readings.pop(0) if len(readings) > 1 else readings[0]
        if isinstance(reading, Exception):
            raise reading
        return reading

    return read


def fixed_clock(reading: VenueReading) -> MarketClock:
    clock = MarketClock(venue([reading]), wall_ns)
    clock.take(reading)
    return clock


async def test_a_live_venue_is_the_wall_clock_and_its_skew_is_told(autojump_clock: trio.testing.MockClock) -> None:
    clock = fixed_clock(Reading(timestamp_ns=wall_ns() + 3 * S, round_trip_s=1.0))
    assert clock.skew_s == pytest.approx(3.5)
    assert (clock.skewed, clock.speed, clock.ended, clock.is_open) == (True, 1.0, False, True)
    await trio.sleep(5)
    assert clock.now_ns() == wall_ns()


async def test_a_wall_clock_that_is_set_back_stands_still(autojump_clock: trio.testing.MockClock) -> None:
    told_ns = [MARCH_NS, MARCH_NS - 5 * S, MARCH_NS + 1]
    clock = MarketClock(None, lambda: told_ns.pop(0))
    assert [clock.now_ns() for _ in range(3)] == [MARCH_NS, MARCH_NS, MARCH_NS + 1]


async def test_a_wall_clock_that_jumps_ahead_ends_a_sleep_early(autojump_clock: trio.testing.MockClock) -> None:
    jumped_ns = 0
    clock = MarketClock(None, lambda: wall_ns() + jumped_ns)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.sleep_until, wall_ns() + 3600 * S)
        await trio.sleep(1)
        jumped_ns = 3600 * S
    assert trio.current_time() <= LOOK_AGAIN_S + 1


@pytest.mark.parametrize("speed", [0.5, 1.0, 100.0])
async def test_a_paced_market_runs_at_its_speed_from_the_venue_s_instant(
    autojump_clock: trio.testing.MockClock, speed: float
) -> None:
    clock = fixed_clock(Reading(speed=speed, timestamp_ns=MARCH_NS))
    started_s = trio.current_time()
    await clock.sleep_until(MARCH_NS + 600 * S)
    assert trio.current_time() - started_s == pytest.approx(600 / speed)
    assert MARCH_NS + 600 * S <= clock.now_ns() <= MARCH_NS + 601 * S


async def test_a_market_that_has_not_begun_stands_still_until_its_first_event(
    autojump_clock: trio.testing.MockClock,
) -> None:
    clock = fixed_clock(Reading(speed=100.0, moving=False))
    await trio.sleep(50)
    assert clock.now_ns() == MARCH_NS
    clock.advance(MARCH_NS + 7)
    assert clock.now_ns() == MARCH_NS + 7
    await trio.sleep(1)
    assert clock.now_ns() == MARCH_NS + 7 + 100 * S
    clock.take(Reading(speed=100.0, moving=False))  # told before the event was, and late
    assert clock.now_ns() == MARCH_NS + 7 + 100 * S


async def test_at_speed_0_only_events_move_time_until_the_tape_ends(autojump_clock: trio.testing.MockClock) -> None:
    clock = fixed_clock(Reading(speed=0.0))
    await trio.sleep(100)
    assert clock.now_ns() == MARCH_NS
    clock.advance(MARCH_NS + 5)
    clock.advance(MARCH_NS + 3)
    assert clock.now_ns() == MARCH_NS + 5
    clock.take(Reading(speed=0.0, timestamp_ns=MARCH_NS + 60 * S))
    assert clock.now_ns() == MARCH_NS + 5
    clock.take(Reading(speed=0.0, timestamp_ns=MARCH_NS + 3600 * S, tape_ended=True))
    assert (clock.now_ns(), clock.ended) == (MARCH_NS + 3600 * S, True)


async def test_at_speed_0_sleepers_wake_in_the_order_of_their_instants(autojump_clock: trio.testing.MockClock) -> None:
    clock = fixed_clock(Reading(speed=0.0))
    woken: list[int] = []

    async def sleep(after_ns: int) -> None:
        await clock.sleep_until(MARCH_NS + after_ns)
        woken.append(after_ns)

    async with trio.open_nursery() as nursery:
        for after_ns in (30, 10, 20, 99, 0):
            nursery.start_soon(sleep, after_ns)
        await trio.testing.wait_all_tasks_blocked()
        assert woken == [0]
        for at_ns in range(5, 35, 5):
            clock.advance(MARCH_NS + at_ns)
            await trio.testing.wait_all_tasks_blocked()
        assert woken == [0, 10, 20, 30]
        nursery.cancel_scope.cancel()
    clock.advance(MARCH_NS + 100)  # the cancelled sleeper is not there to be woken


async def test_a_reading_moves_the_estimate_only_as_far_as_it_must(autojump_clock: trio.testing.MockClock) -> None:
    clock = fixed_clock(Reading(speed=100.0))
    await trio.sleep(1)
    estimate_ns = MARCH_NS + 100 * S
    clock.take(Reading(speed=100.0, timestamp_ns=estimate_ns - 2 * S, round_trip_s=0.05))
    assert clock.now_ns() == estimate_ns
    clock.take(Reading(speed=100.0, timestamp_ns=estimate_ns + S, round_trip_s=0.05))
    assert clock.now_ns() == estimate_ns + S
    clock.take(Reading(speed=100.0, timestamp_ns=estimate_ns - 20 * S, round_trip_s=0.01))
    assert clock.now_ns() == estimate_ns + S
    await trio.sleep(0.1)
    assert clock.now_ns() == estimate_ns + S
    await trio.sleep(0.2)
    assert clock.now_ns() == estimate_ns + 11 * S


@given(
    speed=st.sampled_from([None, 0.0, 1.0, 100.0]),
    steps=st.lists(st.tuples(st.sampled_from("apsr"), st.integers(-(10**10), 10**11)), max_size=30),
)
def test_time_never_goes_backwards_whatever_is_told(speed: float | None, steps: list[tuple[str, int]]) -> None:
    async def check() -> None:
        clock = fixed_clock(Reading(speed=speed))
        last_ns = clock.now_ns()
        for what, number in steps:
            if what == "a":
                clock.advance(last_ns + number)
            elif what == "s":
                await trio.sleep(abs(number) / 1e10)
            else:
                clock.take(Reading(speed=speed, timestamp_ns=last_ns + number, moving=what == "p", round_trip_s=0.01))
            now_ns = clock.now_ns()
            assert now_ns >= last_ns
            last_ns = now_ns

    trio.run(check, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_the_session_turns_at_its_bounds_between_readings(autojump_clock: trio.testing.MockClock) -> None:
    assert MarketClock(None, wall_ns).is_open is None
    clock = fixed_clock(Reading(speed=0.0))
    told = []
    for ts_ns in (MARCH_NS, CLOSE_NS - 1, CLOSE_NS, OPEN_NS - 1, OPEN_NS):
        clock.advance(ts_ns)
        told.append(clock.is_open)
    assert told == [True, True, False, False, True]


async def test_polling_follows_the_venue_and_survives_passing_trouble(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    first = Reading(speed=1.0)
    later = evolve(first, timestamp_ns=MARCH_NS + 7200 * S, tape_ended=True)
    clock = MarketClock(venue([first, LineLost("cut"), LineLost("cut"), later]), wall_ns)
    await nursery.start(clock.run)
    assert (clock.now_ns(), clock.ended) == (MARCH_NS, False)
    await trio.sleep(POLL_LIVE_S * 2 + 1)
    assert (clock.polls_missed, clock.ended) == (2, False)
    await clock.sleep_until(MARCH_NS + 7200 * S)
    assert trio.current_time() <= POLL_LIVE_S * 3 + 2
    assert (clock.polls_missed, clock.ended) == (0, True)


@pytest.mark.parametrize("error", [LineLost("no venue"), KeysRefused("no keys")])
async def test_a_venue_that_cannot_be_asked_at_the_start_is_an_error(error: Exception) -> None:
    with pytest.raises(type(error), match="no "):
        await MarketClock(venue([error]), wall_ns).run()


async def test_refused_keys_later_on_are_an_error_too(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(KeysRefused):
        await MarketClock(venue([Reading(), KeysRefused("revoked")]), wall_ns).run()


@pytest.mark.parametrize(
    ("speed", "told_ns", "now_ns", "bound_ns"),
    [
        (None, MARCH_NS + 9 * S, MARCH_NS, MARCH_NS),
        (0.0, MARCH_NS + 9 * S, MARCH_NS, MARCH_NS + 9 * S),
        (100.0, MARCH_NS + 9 * S, MARCH_NS + 9 * S, MARCH_NS + 9 * S),
    ],
)
async def test_a_refresh_tells_how_far_the_market_is_without_telling_its_events(
    autojump_clock: trio.testing.MockClock, speed: float | None, told_ns: int, now_ns: int, bound_ns: int
) -> None:
    reading = Reading(speed=speed)
    clock = MarketClock(venue([evolve(reading, timestamp_ns=told_ns), LineLost("away")]), lambda: MARCH_NS)
    clock.take(reading)
    assert await clock.refresh() == bound_ns
    assert clock.now_ns() == now_ns
    assert await clock.refresh() == now_ns
    assert clock.polls_missed == (0 if speed is None else 1)


async def test_without_a_venue_the_clock_is_ready_at_once(nursery: trio.Nursery) -> None:
    clock = MarketClock(None, wall_ns)
    await nursery.start(clock.run)
    assert (clock.speed, clock.ended, clock.skew_s, clock.skewed) == (1.0, False, None, False)


async def test_sleeping_until_the_past_still_lets_others_run() -> None:
    with trio.testing.assert_checkpoints():
        await MarketClock(None, wall_ns).sleep_until(0)
