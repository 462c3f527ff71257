"""Requests of one account take turns, in order, at the pace the venue allows."""

import pytest
import trio
import trio.testing

from engine.errors import VenueBusy
from engine.venues.alpaca.rate import PATIENCE_S, REFUSED_S, RESERVE_SHARE, Throttle


async def test_turns_are_spread_over_the_minute_in_the_order_of_coming(autojump_clock: trio.testing.MockClock) -> None:
    throttle, turns = Throttle(20), list[tuple[int, float]]()
    started_s = trio.current_time()

    async def ask(number: int) -> None:
        await throttle.turn()
        turns.append((number, trio.current_time() - started_s))

    async with trio.open_nursery() as nursery:
        for number in range(21):
            nursery.start_soon(ask, number)
            await trio.testing.wait_all_tasks_blocked()
    assert [number for number, _ in turns] == list(range(21))
    assert [after_s for _, after_s in turns[:2]] == [0.0, 0.0]
    assert turns[-1][1] >= 60


async def test_a_limit_that_is_told_replaces_the_first_guess(autojump_clock: trio.testing.MockClock) -> None:
    throttle = Throttle()
    throttle.learn({"x-ratelimit-limit": "10000", "x-ratelimit-remaining": "9999"})
    assert throttle.limit_per_min == 10_000
    started_s = trio.current_time()
    for _ in range(500):
        await throttle.turn()
    assert trio.current_time() == started_s


async def test_a_spent_minute_is_waited_out_even_by_those_already_waiting(
    autojump_clock: trio.testing.MockClock,
) -> None:
    throttle = Throttle(200, wall_s=lambda: 1000.0)
    throttle.learn({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1040"})
    started_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(throttle.turn)
        await trio.sleep(20)
        throttle.learn({"retry-after": "50"})
    assert trio.current_time() - started_s == pytest.approx(70)


async def test_a_longer_silence_than_is_patient_is_the_callers_to_decide(
    autojump_clock: trio.testing.MockClock,
) -> None:
    throttle = Throttle()
    throttle.learn({"retry-after": "600"})
    with pytest.raises(VenueBusy, match="600 s") as caught:
        await throttle.turn()
    assert caught.value.retry_after_s == 600
    await trio.sleep(600 - PATIENCE_S)
    await throttle.turn()


async def test_a_cancelled_turn_does_not_hold_up_the_next(autojump_clock: trio.testing.MockClock) -> None:
    throttle = Throttle(1)
    await throttle.turn()
    with trio.move_on_after(1) as scope:
        await throttle.turn()
    assert scope.cancelled_caught
    started_s = trio.current_time()
    await throttle.turn()
    assert trio.current_time() - started_s <= 60


async def test_a_cancel_goes_at_once_although_a_flood_has_spent_the_budget(
    autojump_clock: trio.testing.MockClock,
) -> None:
    throttle, flooded = Throttle(200, reserve_share=RESERVE_SHARE), 0
    started_s = trio.current_time()

    async def ask_on() -> None:
        nonlocal flooded
        while True:
            await throttle.turn()
            flooded += 1

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(ask_on)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(40):
            await throttle.turn(urgent=True)
        assert trio.current_time() == started_s
        await trio.sleep(60)
        assert flooded + 40 <= 200
        assert flooded > 100
        nursery.cancel_scope.cancel()


async def test_urgent_requests_beyond_the_reserve_go_before_all_others(autojump_clock: trio.testing.MockClock) -> None:
    throttle, turns = Throttle(200, reserve_share=RESERVE_SHARE), list[bool]()

    async def ask(urgent: bool) -> None:
        await throttle.turn(urgent=urgent)
        turns.append(urgent)

    for _ in range(60):
        await throttle.turn()
    for _ in range(40):
        await throttle.turn(urgent=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, False)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(5):
            nursery.start_soon(ask, True)
    assert turns == [True] * 5 + [False]


async def test_in_a_quiet_that_was_asked_for_a_cancel_still_knocks(autojump_clock: trio.testing.MockClock) -> None:
    throttle = Throttle(200, reserve_share=RESERVE_SHARE)
    throttle.learn({"x-ratelimit-remaining": "0", "retry-after": "60"})
    started_s = trio.current_time()
    for _ in range(3):
        await throttle.turn(urgent=True)
    assert trio.current_time() - started_s <= 3
    await throttle.turn()
    assert trio.current_time() - started_s >= 60


async def test_a_429_without_a_word_is_a_short_quiet(autojump_clock: trio.testing.MockClock) -> None:
    throttle = Throttle()
    throttle.learn({}, refused=True)
    started_s = trio.current_time()
    await throttle.turn()
    assert trio.current_time() - started_s == pytest.approx(REFUSED_S)
