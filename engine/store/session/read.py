"""A recorded session, read back: one that ended, one that a crash ended, and one that is being written.

What a crash ended has its market events in ``market.journal``, and what ended in order in ``market/``, unless it could
not be compacted. A torn tail is left out and counted; damage is refused where it is met.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from engine.codec.journal import RawFrame, decode_frames, decode_market, decode_records, parse_control
from engine.errors import Misconfigured, StoreFailed
from engine.model.control import Gap
from engine.model.journal import JournalRecord, Noted
from engine.model.market import Kind, MarketEvent
from engine.store.session.columns import Columns
from engine.store.session.compact import MARKET_FOLDER
from engine.store.session.files import DECISIONS, FRAMES, MARKET, read_blocks, walk_file
from engine.store.session.manifest import Manifest, read_manifest

BATCH_ROWS: Final = 8192
"""Rows of Parquet that are made into events at a time, for each kind."""


@frozen(eq=False)
class RecordedSession:
    """What a session's folder holds. Everything is read when it is asked for, and in pieces."""

    folder: Path
    manifest: Manifest

    @property
    def compacted(self) -> bool:
        """Whether the market's events are in Parquet."""
        return self.manifest.compacted

    def told(self) -> Iterator[tuple[int, MarketEvent]]:
        """Every market event in the order of its number, with the market time at which it was told.

        Raises `StoreFailed`, and `Misconfigured` where pyarrow is missing and needed.
        """
        return self._from_parquet() if self.compacted else self._from_journal()

    def market(self) -> Iterator[MarketEvent]:
        """Every market event in the order of its number."""
        return (event for _, event in self.told())

    def records(self) -> Iterator[JournalRecord]:
        """What crossed to and from strategies, in order. Raises `StoreFailed`."""
        for records in read_blocks(self.folder / DECISIONS, decode_records):
            yield from records

    def frames(self) -> Iterator[RawFrame]:
        """Raw frames, where they were recorded. Raises `StoreFailed`."""
        for frames in read_blocks(self.folder / FRAMES, decode_frames):
            yield from frames

    def gaps(self) -> Iterator[Gap]:
        """Every gap that was noted. Raises `StoreFailed`."""
        for record in self.records():
            if isinstance(record, Noted):
                control = parse_control(record.event)
                if isinstance(control, Gap):
                    yield control

    def torn(self) -> dict[str, int]:
        """Bytes of a torn tail by file; empty where every file is whole. Raises `StoreFailed`."""
        found = Counter[str]()
        for name in (MARKET, DECISIONS, FRAMES):
            walk = walk_file(self.folder / name)
            for _ in walk:
                pass
            found[name] = walk.torn
        return dict(+found)

    def parquet_files(self) -> list[Path]:
        """The files of the market, oldest day first, empty where the session was not compacted."""
        return sorted((self.folder / MARKET_FOLDER).glob("*/*.parquet")) if self.compacted else []

    def _from_journal(self) -> Iterator[tuple[int, MarketEvent]]:
        for runs in read_blocks(self.folder / MARKET, lambda payload: list(decode_market(payload))):
            for at_ns, events in runs:
                for event in events:
                    yield at_ns, event

    def _from_parquet(self) -> Iterator[tuple[int, MarketEvent]]:
        try:
            import pyarrow.parquet as parquet  # an extra: see `engine.store.session.columns`
        except ImportError:
            raise Misconfigured(
                f"{self.folder} is in Parquet, and pyarrow is not installed: pip install 'gapless[tape]'."
            ) from None
        days = sorted({path.parent for path in self.parquet_files()})
        for day in days:  # a day is never gone back to, so no more than the files of one are open at a time
            parts = [_rows(parquet, path) for path in sorted(day.glob("*.parquet"))]
            yield from heapq.merge(*parts, key=_by_number)


_seq_of: Final = attrgetter("seq")


def _by_number(row: tuple[int, MarketEvent]) -> int:
    number: int = _seq_of(row[1])
    return number


def _rows(parquet: Any, path: Path) -> Iterator[tuple[int, MarketEvent]]:
    try:
        with parquet.ParquetFile(path) as file:
            columns = Columns(Kind(path.stem))
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                yield from columns.from_table(batch)
    except (OSError, ValueError, KeyError) as error:  # what pyarrow raises is derived from these
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreFailed(f"{path} cannot be read: {reason}; take it from a copy.") from error


def read_session(folder: Path) -> RecordedSession:
    """The session that was recorded in a folder. Raises `Misconfigured` where there is none, `StoreFailed`."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise Misconfigured(f"{folder} holds no recorded session: there is no manifest.json in it.")
    return RecordedSession(folder, manifest)
