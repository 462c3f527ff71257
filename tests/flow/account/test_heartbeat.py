"""The sign of life is written while the loop runs, says how late the loop is, and stays when a session dies."""

from pathlib import Path

import pytest
import trio
import trio.testing

from engine.flow.account.heartbeat import BEAT_EVERY_S, FILE_NAME, end_heartbeat, read_heartbeat, serve_heartbeat


async def test_it_changes_with_every_beat_and_tells_the_progress(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_heartbeat, tmp_path, trio.current_time, lambda: 7)
        await trio.testing.wait_all_tasks_blocked()
        first = read_heartbeat(tmp_path)
        await trio.sleep(BEAT_EVERY_S * 1.5)
        second = read_heartbeat(tmp_path)
        nursery.cancel_scope.cancel()
    assert first is not None
    assert second is not None
    assert second.at == pytest.approx(first.at + BEAT_EVERY_S)
    assert second.open_orders == 7
    assert second.loop_lag_s == 0
    assert read_heartbeat(tmp_path) == second, "a session that dies leaves its last beat behind"


async def test_a_loop_that_is_blocked_says_for_how_long(tmp_path: Path, mock_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_heartbeat, tmp_path, trio.current_time, lambda: 0)
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(BEAT_EVERY_S + 2.5)
        await trio.testing.wait_all_tasks_blocked()
        beat = read_heartbeat(tmp_path)
        nursery.cancel_scope.cancel()
    assert beat is not None
    assert beat.loop_lag_s == 2.5


async def test_an_orderly_end_leaves_nothing_to_guard(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    with trio.move_on_after(1.5):
        await serve_heartbeat(tmp_path, trio.current_time, lambda: 0)
    end_heartbeat(tmp_path)
    end_heartbeat(tmp_path)
    assert read_heartbeat(tmp_path) is None


async def test_each_beat_is_one_line_of_the_same_length_written_over_the_last_in_the_same_file(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    orders = 10**9
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_heartbeat, tmp_path, trio.current_time, lambda: orders)
        await trio.testing.wait_all_tasks_blocked()
        before = (tmp_path / FILE_NAME).stat()
        orders = 7
        await trio.sleep(BEAT_EVERY_S * 1.5)
        after = (tmp_path / FILE_NAME).stat()
        assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size) != (0, 0)
        (tmp_path / FILE_NAME).unlink()
        await trio.sleep(BEAT_EVERY_S * 1.5)
        assert read_heartbeat(tmp_path) is not None, "what somebody removed is there again"
        nursery.cancel_scope.cancel()


async def test_a_disk_that_does_not_take_it_stops_nothing(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    with trio.move_on_after(3) as scope:
        await serve_heartbeat(tmp_path / "gone", trio.current_time, lambda: 0)
    assert scope.cancelled_caught


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"pid": 1}', "not JSON"])
def test_what_is_no_heartbeat_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(ValueError, match=r"."):
        read_heartbeat(tmp_path)
