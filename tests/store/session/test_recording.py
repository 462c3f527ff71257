"""Recording costs the loop an append, loses no more than its window, and never stops what it stands beside."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from engine.errors import Misconfigured, StoreFailed
from engine.model.entry import Stood
from engine.model.intent import Ticket
from engine.model.journal import Said
from engine.store.session import Manifest, open_recording, read_orders, read_session
from engine.store.session.manifest import WINDOW_S
from engine.store.session.orders import PART
from engine.store.session.recording import CLOSE_MAX_S, EVENT_BYTES, ORDERS_S, URGENT_BYTES


class Disk:
    """Runs what blocks at once, unless it is told to refuse or to stand still."""

    def __init__(self) -> None:
        self.refuses = ""
        self.stands: trio.Event | None = None

    async def __call__(self, function: Callable[..., Any], /, *args: Any, abandon_on_cancel: bool = False) -> Any:
        if self.stands is not None:
            await self.stands.wait()
        await trio.lowlevel.checkpoint()
        if function.__name__ == self.refuses if hasattr(function, "__name__") else False:
            raise OSError(errno.ENOSPC, "No space left on device")
        return function(*args)


@pytest.fixture
def disk() -> Disk:
    return Disk()


async def test_what_was_told_is_on_the_disk_within_the_window(
    tmp_path: Path, manifest: Manifest, market: Any, disk: Disk, autojump_clock: MockClock
) -> None:
    async with open_recording(tmp_path, manifest, run_sync=disk) as recording:
        for _ in range(20):
            recording.tell(market.trades(10), 5)
            told = len(market.told)
            await trio.sleep(WINDOW_S / 2)
            assert len(list(read_session(tmp_path).market())) == told


async def test_a_list_that_is_used_again_was_told_as_it_was(tmp_path: Path, manifest: Manifest, market: Any) -> None:
    async with open_recording(tmp_path, manifest) as recording:
        arrival = market.trades(3)
        recording.tell(arrival, 5)
        recording.note(Said(3, 5, "s", "x"))
        arrival.clear()
    session = read_session(tmp_path)
    assert list(session.market()) == market.told
    assert list(session.records()) == [Said(3, 5, "s", "x")]
    assert (session.compacted, recording.outcome, recording.failure) == (True, "", "")
    assert session.manifest.last_seq == 3


async def test_orders_are_noted_as_they_change(
    tmp_path: Path, manifest: Manifest, disk: Disk, stood: Callable[..., Stood], autojump_clock: MockClock
) -> None:
    tickets: list[Ticket] = []
    async with open_recording(tmp_path, manifest, run_sync=disk) as recording:
        recording.tickets = lambda: tickets
        await trio.sleep(ORDERS_S + 0.1)
        assert (tmp_path / PART).exists()  # that there is none is noted, too
        tickets.append(stood(1).ticket)
        await trio.sleep(ORDERS_S)
        assert list(read_orders(tmp_path)) == tickets
        tickets[0] = evolve(tickets[0], reason="changed")
        tickets.append(stood(2).ticket)
        await trio.sleep(ORDERS_S)
        assert list(read_orders(tmp_path)) == tickets
        size = (tmp_path / PART).stat().st_size
        await trio.sleep(10 * ORDERS_S)
        assert (tmp_path / PART).stat().st_size == size
        disk.refuses = "append_orders"
        tickets.append(stood(3).ticket)
        await trio.sleep(ORDERS_S)
        assert "the disk refused" in recording.failure


async def test_a_large_batch_does_not_wait_for_its_turn(
    tmp_path: Path, manifest: Manifest, market: Any, disk: Disk, autojump_clock: MockClock
) -> None:
    async with open_recording(tmp_path, manifest, run_sync=disk, flush_s=float("inf")) as recording:
        recording.tell(market.trades(10), 5)
        await trio.sleep(100)
        assert list(read_session(tmp_path).market()) == []
        recording.tell(market.trades(URGENT_BYTES // EVENT_BYTES), 5)
        await trio.testing.wait_all_tasks_blocked()
        assert len(list(read_session(tmp_path).market())) == len(market.told)


async def test_a_disk_that_refuses_ends_the_recording_and_nothing_else(
    tmp_path: Path, manifest: Manifest, market: Any, disk: Disk, autojump_clock: MockClock
) -> None:
    said: list[str] = []
    async with open_recording(tmp_path, manifest, run_sync=disk, on_failure=said.append) as recording:
        recording.tell(market.trades(5), 5)
        await trio.sleep(1)
        disk.refuses = "write"
        for _ in range(3):
            recording.tell(market.trades(5), 6)
            await trio.sleep(1)
        disk.refuses = ""
        recording.tell(market.trades(5), 7)
    assert said == [recording.failure]
    assert "No space left on device" in recording.failure
    session = read_session(tmp_path)
    assert list(session.market()) == market.told[:5]
    (gap,) = session.gaps()
    assert (gap.cause, gap.start_ns) == ("not_recorded", market.told[4].ts_ns)
    assert session.manifest.runs[-1].failure == recording.failure


async def test_a_disk_that_stands_still_costs_bounded_memory(
    tmp_path: Path, manifest: Manifest, market: Any, disk: Disk, autojump_clock: MockClock
) -> None:
    said: list[str] = []
    waiting_max = 10_000 * EVENT_BYTES
    async with open_recording(
        tmp_path, manifest, run_sync=disk, on_failure=said.append, waiting_max=waiting_max
    ) as recording:
        disk.stands = trio.Event()
        for _ in range(100):
            recording.tell(market.trades(1000), 5)
        assert len(said) == 1
        assert "does not keep up" in recording.failure
        disk.stands.set()
    session = read_session(tmp_path)
    assert list(session.market()) == market.told[:11_000]
    (gap,) = session.gaps()
    assert gap.start_ns == market.told[10_999].ts_ns


async def test_a_disk_that_hangs_at_the_end_is_not_waited_for(
    tmp_path: Path, manifest: Manifest, market: Any, disk: Disk, autojump_clock: MockClock
) -> None:
    async with open_recording(tmp_path, manifest, run_sync=disk) as recording:
        recording.tell(market.trades(5), 5)
        await trio.sleep(1)
        disk.stands = trio.Event()
        recording.tell(market.trades(5), 6)
        left_s = trio.current_time()
    assert trio.current_time() - left_s <= 2 * CLOSE_MAX_S + 1
    assert "reads as one that crashed" in recording.outcome
    session = read_session(tmp_path)
    assert (session.manifest.finished, list(session.market())) == (False, market.told[:5])


async def test_a_cancelled_session_keeps_all_it_was_told(tmp_path: Path, manifest: Manifest, market: Any) -> None:
    with trio.CancelScope() as scope:
        async with open_recording(tmp_path, manifest) as recording:
            recording.tell(market.trades(5), 5)
            scope.cancel()
            await trio.lowlevel.checkpoint()
    session = read_session(tmp_path)
    assert session.manifest.finished
    assert list(session.market()) == market.told


async def test_numbers_go_on_after_a_crash(tmp_path: Path, manifest: Manifest, market: Any, begin: Any) -> None:
    from engine.store.session.writer import Batch

    crashed = begin(tmp_path)
    crashed.write(Batch(told=[(5, market.trades(3))]))
    crashed.close()
    async with open_recording(tmp_path, manifest) as recording:
        assert recording.last_seq == 3
        assert "did not end" in recording.notice
        recording.tell(market.trades(2), 6)
    assert list(read_session(tmp_path).market()) == market.told


async def test_two_do_not_write_one_folder(tmp_path: Path, manifest: Manifest) -> None:
    async with open_recording(tmp_path, manifest):
        with pytest.raises(Misconfigured, match=str(tmp_path)):
            async with open_recording(tmp_path, manifest):
                pass


async def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreFailed):
        async with open_recording(tmp_path / "file", manifest):
            pass
