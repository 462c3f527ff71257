"""The order file itself: SQLite, opened so that what was committed is there after a loss of power.

SQLite and not a file of lines of our own: torn writes, half-written pages, the order in which a disk may write, and
readers beside the writer are what it was tested for, for longer than anything here. A write-ahead log with
``synchronous=FULL`` costs one sync for a commit, and lets ``gapless kill`` read while the engine writes, or hangs.

All of this blocks, and is called from a worker thread by one caller at a time.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from attrs import define

from engine.errors import Misconfigured, StoreFailed
from engine.model.entry import Entry, Remembered
from engine.store.failures import damaged, telling
from engine.store.folder import FILE_MODE, ORDERS, sync_folder
from engine.store.rows import TABLES, Row, drop, put, recall, render_rows, transaction

APPLICATION: Final = 0x67617073
"""``gaps``: says whose file it is, to us and to ``file``."""
FORMAT: Final = 1
"""Of the tables and of the entries in them. A file of a newer one is not touched."""
BUSY_MAX_S: Final = 1.0
"""How long to wait for another program that has the file locked: an order waits with it. No reader of ours locks it."""
LOG_MAX_BYTES: Final = 16 * 1024 * 1024
"""What is left of the log once it was copied. SQLite copies it at every 1000 pages (4 MB) that no reader is in."""
CHECK_MAX_BYTES: Final = 64 * 1024 * 1024
"""A file up to this size is checked whole at opening, in a tenth of a second or two. A larger one is not: each row is
read and parsed at opening anyway, and what that does not see is the index, without which a row is only found twice."""

_SESSION_DIGITS: Final = 12
"""Of base 36: nanoseconds since 1970 until the year 2120."""
_RUNS_MAX: Final = 36**4 - 1
"""A session has at most 16 characters."""
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@define(eq=False)
class OrderFile:
    """One open file of entries. Every method but `close` raises `StoreFailed`."""

    path: Path
    _connection: sqlite3.Connection

    def begin_session(self, now_ns: int) -> str:
        """Write down that another run begins; returns its name, which no run has had.

        It is made of the number of the run and the instant: the number keeps two runs apart when the clock was set
        back, the instant when the file was deleted or an older copy of it was put back.
        """
        with telling(self.path), transaction(self._connection, "IMMEDIATE"):
            (last,) = self._connection.execute("SELECT max(number) FROM run").fetchone()
            number = (last or 0) + 1
            if number > _RUNS_MAX:
                raise StoreFailed(f"The order file {self.path} has seen {last} runs, its most; move it aside.")
            session = _base36(number) + _base36(now_ns).rjust(_SESSION_DIGITS, "0")
            self._connection.execute("DELETE FROM run")
            self._connection.execute("INSERT INTO run VALUES (?, ?)", (number, session))
        return session

    def commit(self, rows: Sequence[Row]) -> None:
        """Write these in one piece; on return they survive a loss of power.

        This runs in a thread that fights with the event loop for the interpreter, several times a statement. One row,
        which is what an order waits for, is one statement and its own transaction.
        """
        with telling(self.path):
            if len(rows) == 1:
                put(self._connection, rows)
                return
            with transaction(self._connection, "IMMEDIATE"):
                put(self._connection, rows)

    def fold(self, lines: Iterable[Entry], forgotten: Iterable[Entry]) -> None:
        """Put these lines in the place of what is forgotten, in one piece."""
        with telling(self.path), transaction(self._connection, "IMMEDIATE"):
            put(self._connection, render_rows(lines))
            drop(self._connection, forgotten)

    def recall(self) -> Remembered:
        """Everything in it."""
        with telling(self.path):
            return recall(self._connection, self.path)

    def close(self) -> None:
        """Copy the log into the file, and close it. Where that fails nothing is lost: the next opening reads it."""
        with suppress(sqlite3.Error), closing(self._connection):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def open_order_file(folder: Path) -> OrderFile:
    """Open the file in this folder for writing, or make it. The caller holds the folder's lock."""
    path = folder / ORDERS
    with telling(path):
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))  # SQLite keeps the mode
            sync_folder(folder)
        connection = sqlite3.connect(path, timeout=BUSY_MAX_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return OrderFile(path, connection)


def read_store(folder: Path) -> Remembered:
    """What the file in this folder holds, read beside the engine that writes it, whether that lives or hangs.

    Raises `Misconfigured` when there is none, `StoreFailed` when it cannot be read.
    """
    path = folder / ORDERS
    with telling(path):
        if not path.exists():
            raise Misconfigured(f"There is no order file {path}: no engine has traded this account with this folder.")
        address = f"{path.resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=BUSY_MAX_S, isolation_level=None)
        with closing(connection):
            _check_format(connection, path)
            return recall(connection, path)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = _check_format(connection, path)
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreFailed(f"The order file {path}: there is no write-ahead log on this disk; use a local one.")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: without it a sync stops at the disk's own cache
    connection.execute(f"PRAGMA journal_size_limit = {LOG_MAX_BYTES}")
    if not version:
        _lay_out(connection)
    elif path.stat().st_size <= CHECK_MAX_BYTES:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise damaged(path, " ".join(verdict.split()))


def _check_format(connection: sqlite3.Connection, path: Path) -> int:
    """The format of the file, 0 of a new one; raises `StoreFailed` where it is not ours to read."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise StoreFailed(f"The order file {path} belongs to another program; name another folder.")
    if version > FORMAT:
        raise StoreFailed(
            f"The order file {path} was written by a newer gapless (format {version}, this one reads {FORMAT}): "
            "update gapless, or name another folder."
        )
    return int(version)


def _lay_out(connection: sqlite3.Connection) -> None:
    """All or nothing: a file of which the making was cut off is a new one."""
    with transaction(connection, "IMMEDIATE"):
        for table in TABLES:
            connection.execute(table)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
