"""The disk under a simulated engine: full, slow, and forgetful when the power goes.

It stands where the engine has its seam for what blocks (``run_sync``), and in the copy that is taken of a state folder
when a process dies. The file system below is a real one; what it would have lost is worked out here: a commit whose
caller was not told yet is there, or not, or half; and what SQLite was not told to sync is gone.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar, TypeVarTuple

import trio
from attrs import define

from engine.store.failures import telling
from engine.store.folder import LATCHES, ORDERS

LOG: Final = f"{ORDERS}-wal"
WRITES: Final = frozenset({"commit", "begin_session", "make_folder", "open_order_file"})
"""What is refused by a full disk: all that the engine runs in this way and that writes."""
FULL_SYNC: Final = 2
"""SQLite's ``synchronous=FULL``: the log is synced at each commit."""
TORN_MAX: Final = 4096
"""Bytes of nonsense that a torn write leaves behind the end of the log: up to a page."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@define(eq=False)
class Disk:
    """The disk of one life of the engine. ``hits`` counts what it did, by kind of trouble."""

    folder: Path
    dice: Random
    hits: Counter[str]
    full: bool = False
    latency_s: float = 0.0
    failures: int = 0
    _untold: tuple[int, int] | None = None
    """The size of the log before and behind a commit whose caller does not know of it yet."""
    _synced_bytes: int | None = None
    """How much of the log was synced; ``None``: whatever is there was."""

    def renewed(self, folder: Path) -> "Disk":
        """The same disk for the next life, which works in another folder."""
        return Disk(folder, self.dice, self.hits, full=self.full, latency_s=self.latency_s)

    async def run_sync(self, function: Callable[[*Ts], T], /, *args: *Ts, abandon_on_cancel: bool = False) -> T:
        """As `trio.to_thread.run_sync`, without a thread, at this disk's pace."""
        await trio.lowlevel.checkpoint()
        name = getattr(function, "__name__", "")
        if self.full and name in WRITES:
            self.failures += 1
            self.hits["disk_full"] += 1
            self._refuse()
        if not self.latency_s:
            return self._run(function, *args)
        self.hits["disk_slow"] += 1
        with trio.CancelScope(shield=not abandon_on_cancel):
            if self.dice.random() < 0.5:
                before = self._log_bytes()
                done = self._run(function, *args)
                self._untold = before, self._log_bytes()
                await trio.sleep(self.dice.expovariate(1 / self.latency_s))
                self._untold = None
                return done
            try:
                await trio.sleep(self.dice.expovariate(1 / self.latency_s))
            except trio.Cancelled:
                self._run(function, *args)  # the thread goes on, whoever waits for it
                raise
        return self._run(function, *args)

    def _run(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        done = function(*args)
        if getattr(function, "__name__", "") == "commit":
            self._note_sync(getattr(function, "__self__", None))
        return done

    def _note_sync(self, file: Any) -> None:
        connection = getattr(file, "_connection", None)
        if connection is not None and connection.execute("PRAGMA synchronous").fetchone()[0] >= FULL_SYNC:
            self._synced_bytes = self._log_bytes()
        elif self._synced_bytes is None:
            self._synced_bytes = 0

    def _refuse(self) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
        with telling(self.folder / ORDERS):
            raise error

    def _log_bytes(self) -> int:
        path = self.folder / LOG
        return path.stat().st_size if path.exists() else 0

    def copy_to(self, folder: Path, *, torn: bool, power: bool) -> None:
        """What the next life finds: as it is at this instant, less what a loss of ``power`` takes with it.

        ``torn``: the last write was under way, and left a part of itself.
        """
        folder.mkdir(mode=0o700, parents=True)
        for name in (ORDERS, LOG):
            if (self.folder / name).exists():
                shutil.copy2(self.folder / name, folder / name)
        if (self.folder / LATCHES).is_dir():
            shutil.copytree(self.folder / LATCHES, folder / LATCHES)
        log = folder / LOG
        if not log.exists():
            return
        if power and self._synced_bytes is not None and self._synced_bytes < log.stat().st_size:
            _cut(log, self._synced_bytes)
        if self._untold is not None and self._untold[1] > self._untold[0]:
            before, behind = self._untold
            _cut(log, self.dice.choice((before, behind, self.dice.randint(before, behind))))
            self.hits["torn_write"] += 1
        elif torn:
            with log.open("ab") as file:
                file.write(self.dice.randbytes(self.dice.randint(1, TORN_MAX)))
            self.hits["torn_write"] += 1


def _cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)
