"""Whatever is wrong with the file is one sentence with its path, and no session has the name of another."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Misconfigured, StoreFailed
from engine.store import open_store, read_store

NOBODY = 65534
WRITER = """
import sys, time, trio
from decimal import Decimal
from pathlib import Path
from engine.errors import GaplessError
from engine.model.entry import Saved
from engine.store import open_store

async def main():
    async with open_store(Path(sys.argv[1]), now_ns=time.time_ns) as store:
        for number in range(10_000):
            await store.write(Saved(strategy=f"s{number}", values={"text": "x" * 10_000}))
            print(number, flush=True)

exec(sys.argv[2])
try:
    trio.run(main)
except* GaplessError as group:
    while isinstance(group, ExceptionGroup):
        group = group.exceptions[0]
    print(type(group).__name__, group)
"""


def write_elsewhere(folder: Path, first: str = "", **more: Any) -> list[str]:
    """Write in a process of its own, after running ``first`` there; returns what it said."""
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(folder), first],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONDONTWRITEBYTECODE": "1"},
        **more,
    )
    assert not done.stderr
    said: str = done.stdout
    return said.splitlines()


async def begin(folder: Path, now_ns: Callable[[], int]) -> str:
    """Open and close it; returns the name of the session."""
    async with open_store(folder, now_ns=now_ns) as store:
        return store.session


async def test_no_two_sessions_have_one_name(tmp_path: Path, now_ns: Any) -> None:
    older = tmp_path / "older.db"
    names = [await begin(tmp_path, now_ns)]
    shutil.copy(tmp_path / "orders.db", older)
    names += [await begin(tmp_path, now_ns) for _ in range(2)]
    shutil.copy(older, tmp_path / "orders.db")  # a backup is put back
    names.append(await begin(tmp_path, now_ns))
    (tmp_path / "orders.db").unlink()
    names.append(await begin(tmp_path, now_ns))
    assert len(set(names)) == len(names)
    assert all(name.isalnum() and name == name.lower() and 4 <= len(name) <= 16 for name in names)


async def test_a_clock_that_stands_still_gives_no_name_twice(tmp_path: Path) -> None:
    names = [await begin(tmp_path, lambda: 0) for _ in range(3)]
    assert names == ["1000000000000", "2000000000000", "3000000000000"]


async def test_only_its_owner_may_read_it(tmp_path: Path, now_ns: Any) -> None:
    folder = tmp_path / "deep" / "er"
    async with open_store(folder, now_ns=now_ns):
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == dict.fromkeys(["lock", "orders.db", "orders.db-shm", "orders.db-wal"], 0o600)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in folder.iterdir()) == ["lock", "orders.db"]


async def test_a_second_engine_is_told_the_pid_of_the_first(tmp_path: Path, now_ns: Any) -> None:
    async with open_store(tmp_path, now_ns=now_ns):
        with pytest.raises(Misconfigured, match=rf"Another engine \(pid {os.getpid()}\)"):
            await begin(tmp_path, now_ns)
        (said,) = write_elsewhere(tmp_path)
    assert said.startswith(f"Misconfigured Another engine (pid {os.getpid()})")
    await begin(tmp_path, now_ns)


async def test_another_process_reads_while_the_engine_has_it(tmp_path: Path, now_ns: Any, intended: Any) -> None:
    async with open_store(tmp_path, now_ns=now_ns) as store:
        mine = intended(4, session=store.session)
        await store.write(intended(9), mine)
        read = "from engine.store import read_store; print(read_store(Path(sys.argv[1]))); sys.exit()"
        assert write_elsewhere(tmp_path, read) == [repr(read_store(tmp_path))]
        remembered = read_store(tmp_path)
    assert remembered.session == store.session
    assert remembered.intents == (intended(9).intent, mine.intent)
    assert remembered.next_seq == {"s": 5}


def test_where_no_engine_ever_ran_nothing_is_made_up(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"There is no order file .*orders\.db"):
        read_store(tmp_path)
    assert not list(tmp_path.iterdir())


async def test_a_file_in_the_place_of_the_folder(tmp_path: Path, now_ns: Any) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreFailed, match="is to be the folder of the order file, but it is a file"):
        await begin(tmp_path / "state", now_ns)
    with pytest.raises(StoreFailed, match="cannot be made: Not a directory"):
        await begin(tmp_path / "state" / "deeper", now_ns)


async def test_a_file_that_is_no_order_file(tmp_path: Path, now_ns: Any) -> None:
    (tmp_path / "orders.db").write_text("time,symbol,price\n" * 1000)
    for attempt in (lambda: begin(tmp_path, now_ns), None):
        with pytest.raises(StoreFailed, match=r"orders\.db: it is no order file, or damaged; move it aside"):
            await attempt() if attempt else read_store(tmp_path)


async def test_a_file_of_another_program(tmp_path: Path, now_ns: Any) -> None:
    with sqlite3.connect(tmp_path / "orders.db") as connection:
        connection.execute("CREATE TABLE mails (text)")
    connection.close()
    with pytest.raises(StoreFailed, match="belongs to another program"):
        await begin(tmp_path, now_ns)


async def test_a_file_of_a_newer_format_is_not_touched(tmp_path: Path, now_ns: Any) -> None:
    await begin(tmp_path, now_ns)
    with sqlite3.connect(tmp_path / "orders.db") as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    before = (tmp_path / "orders.db").read_bytes()
    with pytest.raises(StoreFailed, match=r"a newer gapless \(format 2, this one reads 1\): update gapless"):
        await begin(tmp_path, now_ns)
    assert (tmp_path / "orders.db").read_bytes() == before


@pytest.mark.parametrize("page", [1, 2, 3, 5, 8])
async def test_damage_is_found_at_opening(tmp_path: Path, now_ns: Any, intended: Any, page: int) -> None:
    async with open_store(tmp_path, now_ns=now_ns) as store:
        await store.write(*(intended(seq) for seq in range(200)))
    path = tmp_path / "orders.db"
    content = bytearray(path.read_bytes())
    content[page * 4096 : page * 4096 + 2000] = b"\xa5" * 2000
    path.write_bytes(content)
    with pytest.raises(StoreFailed, match=r"orders\.db.* damaged"):
        await begin(tmp_path, now_ns)


async def test_a_row_that_means_nothing_is_named(tmp_path: Path, now_ns: Any, intended: Any) -> None:
    async with open_store(tmp_path, now_ns=now_ns) as store:
        await store.write(intended(1))
    with sqlite3.connect(tmp_path / "orders.db") as connection:
        connection.execute("UPDATE entry SET body = ?", (json.dumps({"entry": "heard", "mark": 3}),))
    connection.close()
    with pytest.raises(StoreFailed, match=r"row 1: .*entry\.source"):
        read_store(tmp_path)


@pytest.mark.slow
async def test_a_file_that_another_program_holds_is_not_waited_for_long(
    tmp_path: Path, now_ns: Any, intended: Any
) -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(tmp_path, now_ns=now_ns))
        other = sqlite3.connect(tmp_path / "orders.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        store.write_soon(intended(1))
        with pytest.raises(StoreFailed, match="another program is writing it"):
            await stack.aclose()
    other.close()


@pytest.mark.slow
def test_a_full_disk_is_a_sentence_and_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    quota = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))"
    *written, said = write_elsewhere(tmp_path, quota)
    assert said.startswith(f"StoreFailed The order file {tmp_path / 'orders.db'}: the disk ")
    assert len(written) > 10
    assert list(read_store(tmp_path).saved)[: len(written)] == [f"s{number}" for number in written]


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that every user may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody, whom a mode of a folder stops")
async def test_a_folder_that_may_not_be_written(outside: Path, now_ns: Any) -> None:
    become = f"import os; os.setuid({NOBODY})"
    outside.joinpath("state").mkdir(0o755)
    (said,) = write_elsewhere(outside / "state", become)
    assert said.startswith(f"StoreFailed The lock {outside / 'state' / 'lock'} cannot be opened: Permission denied")
    (said,) = write_elsewhere(outside / "state" / "new", become)
    assert said.startswith(f"StoreFailed The folder {outside / 'state' / 'new'} for the order file cannot be made")
    await begin(outside / "state", now_ns)
    outside.joinpath("state", "lock").chmod(0o666)
    (said,) = write_elsewhere(outside / "state", become)
    assert said.startswith(f"StoreFailed The order file {outside / 'state' / 'orders.db'}: it ")


@pytest.mark.slow
async def test_years_of_sessions_do_not_grow_the_file(tmp_path: Path, stood: Any) -> None:
    clock = count(0)
    sizes = []
    for _ in range(30):
        async with open_store(tmp_path, now_ns=lambda: next(clock)) as store:
            for _ in range(20):
                await store.write(*(stood(seq) for seq in range(20)))
        sizes.append((tmp_path / "orders.db").stat().st_size)
    assert max(sizes) == sizes[0]
