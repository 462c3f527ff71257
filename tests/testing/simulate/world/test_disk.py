"""The disk of a simulated machine refuses when it is full, and what was not promised may be gone after a death."""

import sqlite3
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio

from engine.errors import StoreFailed
from engine.store.folder import ORDERS
from engine.store.orderfile import open_order_file, read_store
from engine.testing.simulate.world.disk import LOG, Disk


def make_disk(folder: Path, seed: int = 1) -> Disk:
    return Disk(folder, Random(seed), Counter())


def sessions(folder: Path) -> list[int]:
    """The numbers of the runs that the order file knows."""
    with sqlite3.connect(folder / ORDERS) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM run")]


async def test_a_full_disk_refuses_what_writes_with_the_sentence_of_a_real_one(tmp_path: Path) -> None:
    disk = make_disk(tmp_path)
    file = await disk.run_sync(open_order_file, tmp_path)
    disk.full = True
    with pytest.raises(StoreFailed, match="the disk is full"):
        await disk.run_sync(file.begin_session, 1)
    assert (disk.failures, disk.hits["disk_full"]) == (1, 1)
    disk.full = False
    assert await disk.run_sync(file.begin_session, 1)
    file.close()


async def test_a_slow_disk_takes_its_time_and_does_it_once(tmp_path: Path, autojump_clock: Any) -> None:
    disk = make_disk(tmp_path)
    disk.latency_s = 5.0
    done: list[int] = []

    def write() -> None:
        done.append(1)

    for number in range(1, 21):
        await disk.run_sync(write)
        assert len(done) == number
    assert 30 < trio.current_time() < 300


async def test_what_was_committed_survives_and_what_was_torn_is_cut_off(tmp_path: Path) -> None:
    file = open_order_file(tmp_path / "old") if (tmp_path / "old").mkdir() is None else None
    assert file is not None
    disk = make_disk(tmp_path / "old")
    for now_ns in range(3):
        await disk.run_sync(file.begin_session, now_ns)
    for torn in (False, True):
        for power in (False, True):
            copy = tmp_path / f"{torn}-{power}"
            disk.copy_to(copy, torn=torn, power=power)
            read_store(copy)
            assert sessions(copy) == [3]
    file.close()


async def test_a_commit_that_nobody_was_told_of_may_be_there_or_not(tmp_path: Path, autojump_clock: Any) -> None:
    """Both must come about, and neither may leave a file that cannot be read."""
    found = set()
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        file = open_order_file(folder)
        disk = make_disk(folder, seed)
        await disk.run_sync(file.begin_session, 1)
        disk.latency_s = 10.0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(disk.run_sync, file.begin_session, 2)
            await trio.sleep(0.001)
            disk.copy_to(folder / "copy", torn=True, power=False)
        read_store(folder / "copy")
        found.add(tuple(sessions(folder / "copy")))
        file.close()
    assert found == {(1,), (2,)}


async def test_a_loss_of_power_takes_what_sqlite_was_not_told_to_sync(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    file = open_order_file(folder)
    disk = make_disk(folder)
    await disk.run_sync(file.begin_session, 1)
    await disk.run_sync(file.commit, ())
    size = (folder / LOG).stat().st_size
    file._connection.execute("PRAGMA synchronous = OFF")
    await disk.run_sync(file.begin_session, 2)
    await disk.run_sync(file.commit, ())
    assert (folder / LOG).stat().st_size > size
    disk.copy_to(tmp_path / "new", torn=False, power=True)
    assert (tmp_path / "new" / LOG).stat().st_size == size
    file.close()
