"""A guard acts when the engine's heartbeat stands still, and only then: not before there is one, not after it ended."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from engine.app.kill.flags import GuardFlags
from engine.app.kill.guard import guard_command, look, wait_silence
from engine.errors import Misconfigured
from engine.flow.account.heartbeat import FILE_NAME, end_heartbeat, serve_heartbeat

AFTER_S = 10.0


async def acted_s(folder: Path, for_s: float, engine: Callable[[], Awaitable[None]]) -> float | None:
    """When a guard of this folder acts, seconds from now; ``None`` where it does not within ``for_s``."""
    start_s = trio.current_time()
    acted: float | None = None
    with trio.move_on_after(for_s):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine)
            await wait_silence(lambda: look(folder), AFTER_S)
            acted = trio.current_time() - start_s
            nursery.cancel_scope.cancel()
    return acted


async def test_an_engine_that_beats_is_left_alone(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async def engine() -> None:
        await serve_heartbeat(tmp_path, trio.current_time, lambda: 0)

    assert await acted_s(tmp_path, 400, engine) is None


async def test_an_engine_that_stops_beating_is_acted_upon_in_time(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async def engine() -> None:
        with trio.move_on_after(30.5):
            await serve_heartbeat(tmp_path, trio.current_time, lambda: 3)

    when_s = await acted_s(tmp_path, 400, engine)
    assert when_s is not None
    assert 30 + AFTER_S <= when_s <= 30 + AFTER_S + 1


async def test_an_engine_that_ended_in_order_or_never_began_needs_no_guard(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async def engine() -> None:
        await trio.sleep(60)
        with trio.move_on_after(30):
            await serve_heartbeat(tmp_path, trio.current_time, lambda: 0)
        end_heartbeat(tmp_path)

    assert await acted_s(tmp_path, 400, engine) is None


async def test_an_engine_that_is_started_again_in_time_is_let_live(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async def engine() -> None:
        for _ in range(10):
            with trio.move_on_after(30):
                await serve_heartbeat(tmp_path, trio.current_time, lambda: 0)
            await trio.sleep(AFTER_S - 2)
        end_heartbeat(tmp_path)

    assert await acted_s(tmp_path, 400, engine) is None


@pytest.mark.parametrize("text", ["", "no heartbeat"])
async def test_a_heartbeat_that_cannot_be_read_is_none(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, text: str
) -> None:
    (tmp_path / FILE_NAME).write_text(text)

    async def engine() -> None:
        await trio.sleep_forever()

    when_s = await acted_s(tmp_path, 400, engine)
    assert when_s is not None
    assert AFTER_S <= when_s <= AFTER_S + 1


async def test_a_beat_that_was_there_before_the_guard_counts_from_its_start(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    with trio.move_on_after(1.5):
        await serve_heartbeat(tmp_path, trio.current_time, lambda: 0)

    async def engine() -> None:
        await trio.sleep_forever()

    when_s = await acted_s(tmp_path, 400, engine)
    assert when_s is not None
    assert AFTER_S <= when_s <= AFTER_S + 1


async def test_what_is_wrong_is_told_at_the_start() -> None:
    with pytest.raises(Misconfigured, match="too short"):
        await guard_command(GuardFlags(after=0.5))
    with pytest.raises(Misconfigured, match="needs keys"):
        await guard_command(GuardFlags(venue="live"))
