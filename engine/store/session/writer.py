"""What writes a session's journals: plain code that blocks, run in a thread by `Recording`.

Market events are written before the records of the same batch, so no record is on the disk that tells of an event
which is not.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from attrs import define, evolve, field

from engine.codec.journal import (
    Arrival,
    decode_market,
    decode_records,
    encode_frames,
    encode_market,
    encode_records,
    render_control,
)
from engine.errors import Misconfigured
from engine.model.control import Gap
from engine.model.instant import render_instant
from engine.model.journal import JournalRecord, Noted
from engine.model.market import EVENT_TYPES, MarketEvent
from engine.model.stream import Stream
from engine.store.folder import sync_folder
from engine.store.session.compact import hash_files
from engine.store.session.files import DECISIONS, FRAMES, MARKET, JournalFile, decoded
from engine.store.session.manifest import Manifest, Run, read_manifest, write_manifest

BLOCK_EVENTS: Final = 8192
"""Events of one block, some half a megabyte: what a torn block costs at most, and what a reader holds at a time."""
BLOCK_FRAMES: Final = 256
"""Frames of one block: a frame has 64 KiB at most where the venue is Alpaca, and mostly a few."""

T = TypeVar("T")

_KINDS: Final = {event_type: kind for kind, event_type in EVENT_TYPES.items()}


@define(eq=False)
class Batch:
    """What waits to be written."""

    told: list[Arrival] = field(factory=list)
    noted: list[JournalRecord] = field(factory=list)
    frames: list[tuple[str, int, bytes | str]] = field(factory=list)

    def __bool__(self) -> bool:
        return bool(self.told or self.noted or self.frames)


@define(eq=False)
class SessionWriter:
    """The open journals of one session. Not for two threads at once, but `sync` may run beside `write`."""

    folder: Path
    manifest: Manifest
    feed_of: Callable[[Stream], str]
    last_seq: int = 0
    """The number of the last event that is written."""
    last_ns: int = 0
    """Market time of the last arrival that is written."""
    _last: dict[tuple[type, str], int] = field(factory=dict)
    """The instant of the last event of each stream."""
    _holes: dict[tuple[type, str], int] = field(factory=dict)
    """Streams that a former run told and this one has not yet: since when."""
    _files: dict[str, JournalFile] = field(factory=dict)

    @classmethod
    def open(
        cls, folder: Path, manifest: Manifest, *, frames: bool, feed_of: Callable[[Stream], str]
    ) -> "SessionWriter":
        """Begin a session in this folder, or go on with the one that a crash left there.

        Raises `Misconfigured` for the folder of a session that has ended, `StoreFailed` for one that is damaged, and
        ``OSError``.
        """
        former = read_manifest(folder)
        if former is not None and former.finished:
            raise Misconfigured(
                f"{folder} holds a session that has ended: give another folder, nothing is added to it."
            )
        writer = cls(folder, manifest, feed_of)
        try:
            writer._open(former, [MARKET, DECISIONS, *([FRAMES] if frames else [])])
        except BaseException:
            writer.close()
            raise
        return writer

    def _open(self, former: Manifest | None, names: Sequence[str]) -> None:
        for name in names:
            see = {MARKET: self._see_market, DECISIONS: self._see_records}.get(name, _pass_over)
            self._files[name] = JournalFile.open(self.folder / name, see)
        torn = sum(file.torn for file in self._files.values())
        run = Run(started_ns=self.manifest.started_ns, after_seq=self.last_seq, torn=torn)
        if former is not None:
            self._holes = dict(self._last)
            first = evolve(self.manifest, started_ns=former.started_ns, started=former.started)
            self.manifest = evolve(first, runs=(*former.runs, run))
        else:
            self.manifest = evolve(self.manifest, started=render_instant(self.manifest.started_ns), runs=(run,))
        write_manifest(self.folder, self.manifest)
        sync_folder(self.folder)

    def _see_market(self, payload: memoryview, where: str) -> None:
        for at_ns, events in decoded(payload, lambda block: list(decode_market(block)), where):
            self._remember(at_ns, events)

    def _see_records(self, payload: memoryview, where: str) -> None:
        for record in decoded(payload, decode_records, where):
            self.last_seq = max(self.last_seq, record.seq)

    def _remember(self, at_ns: int, events: Sequence[MarketEvent]) -> None:
        last = self._last
        for event in events:
            last[type(event), event.symbol] = event.ts_ns
        if events:
            self.last_seq = max(self.last_seq, events[-1].seq)
            self.last_ns = at_ns

    @property
    def notice(self) -> str:
        """What a person should know of how this began; empty where the folder was new."""
        if len(self.manifest.runs) < 2:
            return ""
        run = self.manifest.runs[-1]
        cut = f" {run.torn:,} bytes of a torn tail were cut." if run.torn else ""
        missing = ""
        if self._holes:
            since = render_instant(max(self._holes.values()))
            missing = (
                f" What {len(self._holes)} streams told between {since} and the first event now is not in it; each "
                "such span is noted as a gap (not_recorded)."
            )
        return (
            f"{self.folder} holds a session that did not end: run {len(self.manifest.runs)} of it goes on behind event "
            f"{run.after_seq:,}.{cut}{missing}"
        )

    # -- writing

    def write(self, batch: Batch) -> None:
        """Append a batch. Raises ``OSError``; then whole blocks of it may be written, and no part of one."""
        for arrivals in _blocks(batch.told):
            closed = self._close_holes(arrivals) if self._holes else []
            self._files[MARKET].append(encode_market(arrivals))
            for at_ns, events in arrivals:
                self._remember(at_ns, events)
            batch.noted += closed
            if closed:
                batch.noted.sort(key=lambda record: record.seq)
        for records in _parts(batch.noted, BLOCK_EVENTS):
            self._files[DECISIONS].append(encode_records(records))
        for frames in _parts(batch.frames, BLOCK_FRAMES):
            self._files[FRAMES].append(encode_frames(frames))

    def _close_holes(self, arrivals: Sequence[Arrival]) -> list[JournalRecord]:
        """The gaps of streams that are told again for the first time in this run."""
        closed: list[JournalRecord] = []
        for at_ns, events in arrivals:
            for event in events:
                since_ns = self._holes.pop((type(event), event.symbol), None)
                if since_ns is not None:
                    stream = Stream(event.kind, event.symbol)
                    closed.append(self._gap(stream, since_ns, event.ts_ns, at_ns, event.seq - 1))
        return closed

    def _gap(self, stream: Stream, start_ns: int, end_ns: int, at_ns: int, seq: int) -> Noted:
        gap = Gap(self.feed_of(stream), stream, start_ns, max(start_ns, end_ns), "not_recorded", at_ns)
        return Noted(seq, at_ns, "", render_control(gap))

    def sync(self) -> None:
        """Make durable what was appended. Raises ``OSError``."""
        for file in list(self._files.values()):
            file.sync()

    def end_run(self, ended_ns: int, failure: str = "") -> None:
        """Nothing more comes in this run: note the spans that are missing, and sync. Raises ``OSError``.

        ``failure``: why not everything was written; then every stream has a hole up to the end.
        """
        holes = self._last if failure else self._holes
        gaps = [
            self._gap(Stream(_KINDS[event_type], symbol), since_ns, ended_ns, ended_ns, self.last_seq)
            for (event_type, symbol), since_ns in sorted(holes.items(), key=lambda one: (_KINDS[one[0][0]], one[0][1]))
        ]
        self._holes = {}
        self.write(Batch(noted=list(gaps)))
        self.sync()
        runs = self.manifest.runs
        last = evolve(runs[-1], ended_ns=ended_ns, failure=failure)
        self.manifest = evolve(self.manifest, runs=(*runs[:-1], last), last_seq=self.last_seq)
        write_manifest(self.folder, self.manifest)

    def finish(self, ended_ns: int, failure: str = "") -> None:
        """`end_run`, and the session has ended: nothing is added to it any more. Raises ``OSError``.

        For who writes without a `Recording`; the market's events stay in their journal.
        """
        self.end_run(ended_ns, failure)
        files = hash_files(self.folder, compacted=False)
        self.manifest = evolve(self.manifest, ended_ns=ended_ns, ended=render_instant(ended_ns), files=files)
        write_manifest(self.folder, self.manifest)

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            file.close()
        self._files = {}


def _pass_over(_payload: memoryview, _where: str) -> None:
    """Of frames only how far they are whole is to be known."""


def _blocks(told: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Arrivals in portions of some `BLOCK_EVENTS`; one that is larger is cut into several of the same instant."""
    block: list[Arrival] = []
    room = BLOCK_EVENTS
    for at_ns, events in told:
        for part in _parts(events, BLOCK_EVENTS):
            if block and len(part) > room:
                yield block
                block, room = [], BLOCK_EVENTS
            block.append((at_ns, part))
            room -= len(part)
    if block:
        yield block


def _parts(items: Sequence[T], most: int) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, most)):
        yield part
