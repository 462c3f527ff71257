"""The recording of a live session: what is told is put on a list, and a task takes the list to the disk.

On the loop a telling costs an append for each arrival, whatever the disk does. Ten times a second a thread encodes
and writes what waits, and once a second another one syncs, so that a slow sync does not hold up the writing.

A recording never stops the trading beside it. Where the disk refuses or stands still it gives up: it says so once,
keeps what is written, and the streams get a gap from there to the end.
"""

import math
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import trio
from attrs import define, field

from engine.errors import StoreFailed
from engine.model.intent import Ticket
from engine.model.journal import JournalRecord
from engine.model.market import MarketEvent
from engine.model.stream import Stream
from engine.store.folder import make_folder
from engine.store.lock import hold_lock
from engine.store.session.compact import Compaction
from engine.store.session.manifest import Manifest
from engine.store.session.orders import append_orders
from engine.store.session.writer import Batch, SessionWriter
from engine.store.sqlite import RunSync

FLUSH_S: Final = 0.1
"""How long an event waits to be written at most, while the disk keeps up."""
SYNC_S: Final = 1.0
"""A sync this often costs a disk little; what is written survives the process without one."""
ORDERS_S: Final = 2.0
"""How often changes of orders are noted: what a report of a session that crashed may lack of them."""
EVENT_BYTES: Final = 256
"""What an event or a record that waits takes, about."""
URGENT_BYTES: Final = 20_000 * EVENT_BYTES
"""As much as is encoded in some 20 ms: more does not wait for its turn."""
WAITING_BYTES_MAX: Final = 500_000 * EVENT_BYTES
"""128 MB, or 25 s of 20,000 events a second: a disk that stood still for longer is not waited for."""
CLOSE_MAX_S: Final = 10.0
"""For the last batch, and again for the gaps and the sync at the end."""
CONCLUDE_MAX_S: Final = 60.0
"""For the hashes of the files: some ten gigabytes of journal, where it is not compacted."""


def _ignore(_: str) -> None:
    """The default of who is told."""


@define(eq=False)
class Recording:
    """An open session that is recorded; implements `engine.ports.journal.Journal`. `open_recording` makes it."""

    folder: Path
    notice: str
    """What a person should know of how it began: empty, or how a session that crashed goes on."""
    last_seq: int
    """The number of the last event before this run: the fan-out goes on behind it."""
    _writer: SessionWriter
    _run_sync: RunSync
    _on_failure: Callable[[str], None]
    _frames: bool
    _flush_s: float
    _waiting_max: int
    failure: str = field(default="", init=False)
    """Why it stopped recording; empty while it records."""
    outcome: str = field(default="", init=False)
    """What became of the market's events at the end where they are not in ``market/``: a sentence."""
    flushed_s: float | None = field(default=None, init=False)
    """When the last of what waited was written, by Trio's clock; ``None`` before that."""
    tickets: Callable[[], Iterable[Ticket]] | None = field(default=None, init=False)
    """Where the orders of the session can be read; ``None`` where it has no account."""
    _kept: dict[str, Ticket] = field(factory=dict, init=False)
    """Orders as they were noted last."""
    _batch: Batch = field(factory=Batch, init=False)
    _waiting: int = field(default=0, init=False)
    _urgent: trio.Event = field(factory=trio.Event, init=False)
    _unsynced: bool = field(default=False, init=False)
    _closed: bool = field(default=False, init=False)
    _shield: trio.CancelScope = field(factory=lambda: trio.CancelScope(shield=True), init=False)

    def tell(self, events: Sequence[MarketEvent], at_ns: int) -> None:
        """The market told these. The list may be used again by who gave it."""
        if self._closed or self.failure or not events:
            return
        self._batch.told.append((at_ns, tuple(events)))
        self._count(len(events) * EVENT_BYTES)

    def note(self, record: JournalRecord) -> None:
        """Something crossed between the session and a strategy."""
        if self._closed or self.failure:
            return
        self._batch.noted.append(record)
        self._count(EVENT_BYTES)

    def frame(self, feed: str, at_ns: int, data: bytes | str) -> None:
        """A frame came off the wire; ignored where frames are not recorded."""
        if self._closed or self.failure or not self._frames:
            return
        self._batch.frames.append((feed, at_ns, data))
        self._count(len(data))

    def _count(self, more: int) -> None:
        self._waiting += more
        if self._waiting > URGENT_BYTES:
            self._urgent.set()
        if self._waiting > self._waiting_max:
            self._fail(f"more than {self._waiting_max / 1e6:.0f} MB wait for a disk that does not keep up: look at it")

    def _fail(self, reason: str) -> None:
        if not self.failure:
            self.failure = (
                f"The session is no longer recorded in {self.folder}: {reason}. Trading goes on; what is missing is "
                "noted as gaps when it ends."
            )
            self._on_failure(self.failure)

    # -- to the disk

    async def serve(self) -> None:
        """Write until closed, and then what still waits. Shielded: the end of a session is a part of it."""
        with self._shield:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._sync_often)
                if self._flush_s < math.inf:
                    nursery.start_soon(self._keep_orders)
                while not self._closed:
                    with trio.move_on_after(self._flush_s):
                        await self._urgent.wait()
                    await self._flush()
                await self._flush()
                nursery.cancel_scope.cancel()
        if self._shield.cancelled_caught:
            self._fail(f"the disk did not answer for {CLOSE_MAX_S:g} s at the end")

    async def _flush(self) -> None:  # noqa: ASYNC910 - the disk is one, or the line below it
        batch, self._batch = self._batch, Batch()
        self._waiting = 0
        if not self._closed:
            self._urgent = trio.Event()
        if not batch:
            await trio.lowlevel.checkpoint()
            self.flushed_s = trio.current_time()
            return
        try:
            await self._run_sync(self._writer.write, batch, abandon_on_cancel=True)
            self._unsynced = True
            self.flushed_s = trio.current_time()
        except OSError as error:
            self._batch = Batch()
            self._fail(f"the disk refused ({error.strerror or error}); look at its free space and its health")

    async def _keep_orders(self) -> None:
        noted = False
        while True:
            await trio.sleep(ORDERS_S)
            if self.tickets is None or self.failure:
                continue
            changed = [one for one in self.tickets() if self._kept.get(one.client_order_id) is not one]
            if noted and not changed:
                continue
            noted = True  # that there is none yet, too: a report of a crash then knows it
            self._kept.update((one.client_order_id, one) for one in changed)
            try:
                await self._run_sync(append_orders, self.folder, changed, abandon_on_cancel=True)
            except OSError as error:
                self._fail(f"the disk refused ({error.strerror or error}); look at its free space and its health")

    async def _sync_often(self) -> None:
        while True:
            await trio.sleep(SYNC_S)
            if self._unsynced and not self.failure:
                self._unsynced = False
                try:
                    await self._run_sync(self._writer.sync, abandon_on_cancel=True)
                except OSError as error:
                    # After a refused sync nobody knows what is on the disk, and the next one may call it a success.
                    self._fail(f"the disk refused to sync ({error.strerror or error}); look at its health")

    async def end_run(self, ended_ns: int) -> None:
        """Note what is missing at the end, and sync; the caller bounds it. A disk that refuses is told in
        ``outcome``."""
        self.outcome = (
            f"The end of the session could not be written to {self.folder}: it reads as one that crashed, and what was "
            "written before is there."
        )
        try:
            await self._run_sync(self._writer.end_run, ended_ns, self.failure, abandon_on_cancel=True)
            self.outcome = ""
        except OSError:
            await trio.lowlevel.checkpoint()

    async def conclude(self, compaction: Compaction, ended_ns: int) -> None:
        """Say in the manifest that the session has ended, unless its end could not be written."""
        await trio.lowlevel.checkpoint()
        if not self.outcome:
            self.outcome = await self._run_sync(
                compaction.conclude, self._writer.manifest, ended_ns, abandon_on_cancel=True
            )

    def close(self) -> None:
        """Take nothing more; `serve` writes what waits, and leaves."""
        self._closed = True
        self._shield.deadline = trio.current_time() + CLOSE_MAX_S
        self._urgent.set()


@asynccontextmanager
async def open_recording(
    folder: Path,
    manifest: Manifest,
    *,
    run_sync: RunSync = trio.to_thread.run_sync,
    frames: bool = False,
    now_ns: Callable[[], int] | None = None,
    feed_of: Callable[[Stream], str] = lambda _: "",
    on_failure: Callable[[str], None] = _ignore,
    flush_s: float = FLUSH_S,
    waiting_max: int = WAITING_BYTES_MAX,
) -> AsyncIterator[Recording]:
    """Record a session in a folder that is new, or that a crash left: then it goes on with it (see ``notice``).

    ``manifest.started_ns`` is market time now, ``now_ns`` tells it at the end (default: that of the last event).
    ``feed_of`` names feeds in gaps, ``on_failure`` is told the sentence if recording has to stop before the end, and
    ``flush_s`` is infinite where nothing may wake up by itself: then batches are written when they are large, and at
    the end. ``waiting_max`` is how many bytes may wait for the disk. On leaving, the journal of the market is compacted
    to ``market/`` (see `engine.store.session.compact`); what is cancelled there leaves the journal, which reads the
    same.

    Raises `Misconfigured` where another process records in this folder or its session has ended, `StoreFailed` where
    it cannot be used. What the block raises comes out in a group, as of every nursery.
    """
    with ExitStack() as stack:
        try:
            await run_sync(make_folder, folder)
            stack.enter_context(hold_lock(folder))
            writer = await run_sync(partial(SessionWriter.open, folder, manifest, frames=frames, feed_of=feed_of))
        except OSError as error:
            raise StoreFailed(
                f"The session cannot be recorded in {folder}: {error.strerror or error}; look at the path, its rights "
                "and its free space."
            ) from error
        stack.callback(writer.close)
        recording = Recording(
            folder, writer.notice, writer.last_seq, writer, run_sync, on_failure, frames, flush_s, waiting_max
        )
        compaction = Compaction(folder)
        try:
            try:
                async with _serving(recording):
                    yield recording
            finally:
                ended_ns = max(writer.last_ns, writer.manifest.started_ns) if now_ns is None else now_ns()
                with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSE_MAX_S):
                    await recording.end_run(ended_ns)
            more = not recording.outcome
            while more:
                more = await run_sync(compaction.step)
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + CONCLUDE_MAX_S):
                await recording.conclude(compaction, ended_ns)


@asynccontextmanager
async def _serving(recording: Recording) -> AsyncIterator[None]:
    """Write while the block runs, and then what still waits. Not waited for: see `engine.store.open`."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recording.serve)  # noqa: ASYNC113 - what comes before it runs waits for it
        try:
            yield
        finally:
            recording.close()
