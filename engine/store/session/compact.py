"""At the end of a session the journal of the market becomes Parquet: ``market/YYYY-MM-DD/KIND.parquet``.

An event is in the file of the UTC day in which it was told (``at_ns``, market time; a day is never gone back to).
Rows are in the order of their numbers. A file is written beside its last name, counted, synced and only then renamed;
the manifest says ``compacted`` once all are; only then is the journal removed. Whatever ends this on its way, the
journal is there, and while it is there and the manifest does not say so, it is what counts.

One piece is done a `step`, so that who runs it can stop between them. Bounded: a block of the journal and a row group
for each kind.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from attrs import define, evolve, field

from engine.codec.journal import decode_market
from engine.errors import GaplessError
from engine.model.instant import NS_PER_S, render_instant
from engine.model.market import Kind, MarketEvent
from engine.store.folder import sync_folder
from engine.store.session.columns import Columns
from engine.store.session.files import DECISIONS, FRAMES, MARKET, read_blocks
from engine.store.session.manifest import Manifest, write_manifest

MARKET_FOLDER: Final = "market"
GROUP_ROWS: Final = 65_536
"""Rows of a row group: some 10 MB while it is collected, and large enough to be packed well."""
_DRAFT: Final = ".parquet.new"
_DAY_NS: Final = 86_400 * NS_PER_S
_READ_BYTES: Final = 1 << 20


@define(eq=False)
class _Part:
    """One file that is being written."""

    path: Path
    columns: Columns
    writer: Any
    rows: list[tuple[int, MarketEvent]] = field(factory=list)
    written: int = 0

    def add(self, at_ns: int, events: list[MarketEvent]) -> None:
        self.rows += [(at_ns, event) for event in events]
        if len(self.rows) >= GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        if self.rows:
            self.writer.write_table(self.columns.to_table(self.rows), row_group_size=GROUP_ROWS)
            self.written += len(self.rows)
            self.rows = []

    def finish(self) -> None:
        """Close, count what is on the disk, sync. Raises ``ValueError`` where rows are missing, ``OSError``."""
        import pyarrow.parquet  # an extra: see `engine.store.session.columns`

        self.flush()
        self.writer.close()
        found = pyarrow.parquet.read_metadata(self.path).num_rows
        if found != self.written:
            raise ValueError(f"{self.path} has {found} rows and not {self.written}")
        with self.path.open("rb") as file:
            os.fsync(file.fileno())


@define(eq=False)
class Compaction:
    """The compaction of one session whose journals are complete and closed to writers."""

    folder: Path
    done: bool = False
    failure: str = ""
    """Why the journal was kept."""
    _work: Iterator[None] | None = None
    _stack: ExitStack = field(factory=ExitStack)

    def step(self) -> bool:
        """Do a piece; whether there is more to do. Raises nothing but bugs: see ``failure``."""
        if self._work is None:
            self._work = self._pieces()
        try:
            next(self._work)
        except StopIteration:
            self.done = True
        except ImportError:
            self.failure = "pyarrow is not installed (pip install 'gapless[tape]')"
        # What pyarrow raises is derived from the last three, and not one of them may cost the recording.
        except (GaplessError, OSError, ValueError, OverflowError, TypeError) as error:
            self.failure = str(error).splitlines()[0] if str(error) else type(error).__name__
        return not (self.done or self.failure)

    def conclude(self, manifest: Manifest, ended_ns: int) -> str:
        """Say in the manifest how it ended and tidy up; returns a sentence where the journal was kept."""
        self._stack.close()
        market = self.folder / MARKET_FOLDER
        if not self.done:
            shutil.rmtree(market, ignore_errors=True)
        try:
            ended = evolve(
                manifest,
                ended_ns=ended_ns,
                ended=render_instant(ended_ns),
                compacted=self.done,
                files=hash_files(self.folder, compacted=self.done),
            )
            write_manifest(self.folder, ended)
            if self.done:
                (self.folder / MARKET).unlink()
        except OSError as error:
            return (
                f"The end of the session could not be written to {self.folder} ({error.strerror or error}): it reads "
                "as one that crashed; what was recorded is all there."
            )
        if self.done:
            return ""
        why = self.failure or "it was stopped"
        return f"The market's events stay in {self.folder / MARKET} and did not become Parquet: {why}."

    def _pieces(self) -> Iterator[None]:
        import_module("pyarrow")  # an extra: its absence is to be found before anything is written

        market = self.folder / MARKET_FOLDER
        shutil.rmtree(market, ignore_errors=True)  # of a compaction that a crash ended
        day, parts = -1, dict[str, _Part]()
        for block in read_blocks(self.folder / MARKET, lambda payload: list(decode_market(payload))):
            for at_ns, events in block:
                if at_ns // _DAY_NS > day:
                    yield from self._finish(parts)
                    day, parts = at_ns // _DAY_NS, {}
                kind = events[0].kind
                if kind not in parts:
                    parts[kind] = self._open(market / _day_name(day), kind)
                parts[kind].add(at_ns, events)
            yield
        yield from self._finish(parts)
        if market.exists():
            sync_folder(market)
        sync_folder(self.folder)

    def _open(self, folder: Path, kind: Kind) -> _Part:
        import pyarrow.parquet  # an extra: see `engine.store.session.columns`

        folder.mkdir(parents=True, exist_ok=True)
        columns = Columns(kind)
        path = folder / f"{kind}{_DRAFT}"
        writer = pyarrow.parquet.ParquetWriter(path, columns.schema, compression="zstd")
        self._stack.callback(writer.close)
        return _Part(path, columns, writer)

    def _finish(self, parts: dict[str, _Part]) -> Iterator[None]:
        for part in parts.values():
            part.finish()
            part.path.rename(part.path.with_name(part.path.name.removesuffix(".new")))
            sync_folder(part.path.parent)
            yield


def _day_name(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")


def hash_files(folder: Path, *, compacted: bool) -> dict[str, str]:
    """SHA-256 of the files that a session rests on, by their names in its folder. Raises ``OSError``."""
    names = [DECISIONS, FRAMES, *([] if compacted else [MARKET])]
    paths = [folder / name for name in names if (folder / name).exists()]
    paths += sorted((folder / MARKET_FOLDER).rglob("*.parquet")) if compacted else []
    return {path.relative_to(folder).as_posix(): _hash(path) for path in paths}


def _hash(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            sha.update(piece)
    return sha.hexdigest()
