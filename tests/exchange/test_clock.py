"""Market time moves by Trio's clock times the speed, or by what is published; it never goes back."""

import pytest
import trio
import trio.testing

from engine.exchange.clock import MarketClock
from engine.model.instant import NS_PER_S, parse_instant, render_instant

T0 = parse_instant("2026-03-02T14:31:00.000000007Z")


async def test_it_stands_until_started_and_then_moves_by_its_speed(autojump_clock: trio.abc.Clock) -> None:
    clock = MarketClock(T0, 100.0)
    await trio.sleep(5)
    assert (clock.now_ns(), clock.moving) == (T0, False)
    clock.start()
    await trio.sleep(2)
    assert (clock.now_ns(), clock.moving) == (T0 + 200 * NS_PER_S, True)


async def test_sleep_until_wakes_at_the_instant_and_not_before(autojump_clock: trio.abc.Clock) -> None:
    clock = MarketClock(T0, 100.0)
    clock.start()
    started_s = trio.current_time()
    await clock.sleep_until(T0 + 3600 * NS_PER_S + 1)
    assert clock.now_ns() >= T0 + 3600 * NS_PER_S + 1
    assert trio.current_time() - started_s == pytest.approx(36.0, abs=1e-5)


async def test_a_sleeper_before_the_start_sleeps_from_the_start(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    clock = MarketClock(T0, 2.0)
    done: list[float] = []

    async def sleeper() -> None:
        await clock.sleep_until(T0 + 10 * NS_PER_S)
        done.append(trio.current_time())

    nursery.start_soon(sleeper)
    await trio.sleep(7)
    clock.start()
    started_s = trio.current_time()
    await trio.sleep(6)
    assert done == [pytest.approx(started_s + 5, abs=1e-5)]


async def test_at_speed_0_only_what_is_published_moves_it(nursery: trio.Nursery) -> None:
    clock = MarketClock(T0, 0)
    woken: list[int] = []

    async def sleeper(ts_ns: int) -> None:
        await clock.sleep_until(ts_ns)
        woken.append(ts_ns)

    for ts_ns in (T0 + 20, T0 + 10):
        nursery.start_soon(sleeper, ts_ns)
    await trio.testing.wait_all_tasks_blocked()
    clock.start()
    clock.advance(T0 + 9)
    clock.advance(T0 + 5)
    await trio.testing.wait_all_tasks_blocked()
    assert (clock.now_ns(), woken) == (T0 + 9, [])
    clock.advance(T0 + 15)
    await trio.testing.wait_all_tasks_blocked()
    assert woken == [T0 + 10]
    clock.advance(T0 + 20)
    await trio.testing.wait_all_tasks_blocked()
    assert woken == [T0 + 10, T0 + 20]


async def test_advance_does_not_move_a_clock_with_a_speed() -> None:
    clock = MarketClock(T0, 1.0)
    clock.advance(T0 + NS_PER_S)
    assert clock.now_ns() == T0


@pytest.mark.parametrize("speed", [-1.0, float("inf"), float("nan")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="cannot run at speed"):
        MarketClock(T0, speed)


@pytest.mark.parametrize(
    ("now", "is_open", "next_open", "next_close"),
    [
        ("2026-03-02T14:29:59.999999999Z", False, "2026-03-02T14:30:00Z", "2026-03-02T21:00:00Z"),  # a Monday
        ("2026-03-02T14:30:00Z", True, "2026-03-03T14:30:00Z", "2026-03-02T21:00:00Z"),
        ("2026-03-02T20:59:59.999999999Z", True, "2026-03-03T14:30:00Z", "2026-03-02T21:00:00Z"),
        ("2026-03-02T21:00:00Z", False, "2026-03-03T14:30:00Z", "2026-03-03T21:00:00Z"),
        ("2026-03-06T21:00:00Z", False, "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"),  # summer time begins
        ("2026-11-26T16:00:00Z", False, "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"),  # Thanksgiving
        ("2026-11-27T18:00:00Z", False, "2026-11-30T14:30:00Z", "2026-11-30T21:00:00Z"),  # closed early
        ("2026-03-07T16:00:00Z", False, "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"),
    ],
)
def test_regular_hours_are_new_yorks_with_holidays_and_half_days(
    now: str, is_open: bool, next_open: str, next_close: str
) -> None:
    clock = MarketClock(parse_instant(now), 0)
    assert clock.is_open is is_open
    assert render_instant(clock.next_open_ns()) == next_open
    assert render_instant(clock.next_close_ns()) == next_close
