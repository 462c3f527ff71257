"""The desk's memory on disk: whatever waits to be written goes into one transaction, and one sync pays for all of it.

A sync takes a disk some tenths of a millisecond to some tens of them, and an order cannot leave before its intent is
synced. So there is one writer: while it is in a commit, all that comes collects into the next group. Fifty orders at
once wait for two syncs, and not for fifty.

The writer is shielded from whatever ends the session, because the end of a session is when the last orders are placed
and canceled; it leaves when the store is closed. After a failed write nothing is written any more: a disk that
refused a sync once may call the next one a success without having written what it lost in between.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar, TypeVarTuple

import trio
from attrs import define, field

from engine.errors import StoreFailed
from engine.model.entry import Entry, Intended, Remembered, Saved
from engine.ports.steps import Probe, Step
from engine.store.orderfile import OrderFile
from engine.store.rows import Key, key_of, render_rows

SOON_S: Final = 1.0
"""How long an entry of `SqliteStore.write_soon` waits for a write to go with."""
GROUP_MAX: Final = 10_000
"""Entries that wait for one commit: half a second of writing, and more than there are orders in a burst. More means
that the disk has stood still for a long time."""
CLOSE_MAX_S: Final = 10.0
"""For the last group and again for the closing of the file: a disk that takes longer hangs."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class RunSync(Protocol):
    """Runs what blocks: ``trio.to_thread.run_sync``, or at once where nothing really blocks, as in a simulation."""

    async def __call__(self, function: Callable[[*Ts], T], /, *args: *Ts, abandon_on_cancel: bool = False) -> T: ...


@define(eq=False)
class _Group:
    """What goes into one transaction: the last entry about each thing, and those who wait for it."""

    entries: dict[Key, Entry] = field(factory=dict)
    begun_s: float | None = None
    """When the first of it came, by Trio's clock."""
    begun: trio.Event = field(factory=trio.Event)
    urgent: trio.Event = field(factory=trio.Event)
    through: trio.Event = field(factory=trio.Event)
    failure: str = ""

    def add(self, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            key = key_of(entry)
            if not (isinstance(entry, Intended) and key in self.entries):
                self.entries[key] = entry
        if self.begun_s is None:
            self.begun_s = trio.current_time()
        self.begun.set()


@define(eq=False)
class SqliteStore:
    """The open order file of one engine; implements `engine.ports.OrderStore`. `open_store` makes it."""

    remembered: Remembered
    """What was in it when it was opened, under the name of this run."""
    _file: OrderFile
    _probe: Probe
    _run_sync: RunSync
    _group: _Group = field(factory=_Group, init=False)
    _written: _Group | None = field(default=None, init=False)
    """The group that is being written now."""
    _failure: str = field(default="", init=False)
    _closed: bool = field(default=False, init=False)

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._file.path.parent

    @property
    def session(self) -> str:
        """The name of this run, a part of every client order id of it."""
        return self.remembered.session

    @property
    def waiting_since_s(self) -> float | None:
        """When the oldest of what is not on disk yet came, by Trio's clock; ``None`` where all of it is."""
        return self._group.begun_s if self._written is None else self._written.begun_s

    async def write(self, *entries: Entry) -> None:
        """Write these in one piece and in order; on return they survive a loss of power.

        Raises `StoreFailed`. A cancelled caller leaves at once, and its entries are written all the same.
        """
        group = self._take(entries)
        group.urgent.set()
        await group.through.wait()
        if group.failure:
            raise StoreFailed(group.failure)

    def write_soon(self, *entries: Entry) -> None:
        """Write these with the next `write`, or within a second. Never waits; the next `write` raises a failure."""
        if not self._failure:
            self._take(entries)

    def _take(self, entries: tuple[Entry, ...]) -> _Group:
        if self._failure or self._closed:
            raise StoreFailed(self._failure or f"The order file {self._file.path} is closed.")
        self._group.add(entries)
        if len(self._group.entries) > GROUP_MAX:
            self._failure = (
                f"The order file {self._file.path}: {len(self._group.entries)} entries wait to be written, because the "
                "disk does not keep up; look at its health and start again."
            )
        return self._group

    async def serve(self, scope: trio.CancelScope) -> None:
        """Write until the store is closed, or until this scope, which has to be shielded, is cancelled."""
        with scope:
            while True:
                group = self._group
                await group.begun.wait()
                if not group.urgent.is_set():
                    with trio.move_on_after(SOON_S):
                        await group.urgent.wait()
                self._group, self._written = _Group(), group
                await self._write(group)
                self._written = None
                if self._closed and not self._group.entries:
                    return
        if scope.cancelled_caught:
            self._failure = (
                f"The order file {self._file.path}: the disk did not answer for {CLOSE_MAX_S:g} s at closing."
            )

    async def _write(self, group: _Group) -> None:  # noqa: ASYNC910 - the disk is one, or the line below it
        try:
            if group.entries and not self._failure:
                await self._commit(group)
            else:
                await trio.lowlevel.checkpoint()
        except StoreFailed as failure:
            self._failure = str(failure)
        group.failure = self._failure
        group.through.set()

    async def _commit(self, group: _Group) -> None:
        saves = any(isinstance(entry, Saved) for entry in group.entries.values())
        if saves:
            self._probe(Step.STATE_WRITING)
        await self._run_sync(self._file.commit, render_rows(group.entries.values()), abandon_on_cancel=True)
        if saves:
            self._probe(Step.STATE_WRITTEN)

    def close(self) -> None:
        """Take nothing more; `serve` writes what waits, and leaves."""
        self._closed = True
        self._group.begun.set()
        self._group.urgent.set()

    def raise_failure(self) -> None:
        """Raise `StoreFailed` where the last entries could not be written."""
        if self._failure:
            raise StoreFailed(self._failure)
