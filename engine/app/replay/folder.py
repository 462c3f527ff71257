"""The folder of a replayed session: what strategies decided and were told; the market's events stay on their tape."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from attrs import define, field

from engine.app.record.describe import describe_strategy
from engine.app.replay.options import ReplayOptions
from engine.app.report import SessionReport
from engine.errors import StoreFailed
from engine.model.intent import Ticket
from engine.model.journal import JournalRecord
from engine.ports.tape import Tape
from engine.store.folder import make_folder
from engine.store.session import write_closing, write_orders
from engine.store.session.manifest import Manifest
from engine.store.session.writer import Batch, SessionWriter

BATCH: Final = 4096
"""Records that wait to be written: a block of the journal."""


@define(eq=False)
class Folder:
    """An open folder; nothing here runs by itself, so it costs a replay no timers."""

    writer: SessionWriter
    _batch: Batch = field(factory=Batch, init=False)

    @classmethod
    def open(cls, options: ReplayOptions, tape: Tape, digest: str, path: Path) -> "Folder":
        """Begin a session in a folder. Raises `StoreFailed`, and `Misconfigured` where one is already."""
        try:
            make_folder(path)
            session = describe_session(options, tape, digest)
            return cls(SessionWriter.open(path, session, frames=False, feed_of=lambda _: ""))
        except OSError as error:
            raise _refused(path, error) from error

    def note(self, record: JournalRecord) -> None:
        """Write a record, with the next ones. Raises `StoreFailed`."""
        self._batch.noted.append(record)
        if len(self._batch.noted) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        batch, self._batch = self._batch, Batch()
        try:
            self.writer.write(batch)
        except OSError as error:
            raise _refused(self.writer.folder, error) from error

    def end(self, ended_ns: int, tickets: Iterable[Ticket], report: SessionReport) -> None:
        """Write what is left, how each order stands, and the figures of the end. Raises `StoreFailed`."""
        self._flush()
        try:
            write_orders(self.writer.folder, tickets)
            write_closing(self.writer.folder, report.to_json())
            self.writer.finish(ended_ns)
        except OSError as error:
            raise _refused(self.writer.folder, error) from error

    def close(self) -> None:
        """Let go of the files."""
        self.writer.close()


def describe_session(options: ReplayOptions, tape: Tape, digest: str) -> Manifest:
    """What a replay is, so that it can be made again."""
    return Manifest(
        started_ns=tape.start_ns,
        venue="replay",
        strategies=tuple(describe_strategy(loaded) for loaded in options.strategies),
        settings={
            "tapes": [path.name for path in options.tapes],
            "digest": digest,
            "symbols": list(options.symbols),
            "start_ns": options.start_ns,
            "end_ns": options.end_ns,
            "fills": options.fills,
            "cash": options.cash,
        },
        seeds={"session": options.seed, "schedule": options.schedule},
    )


def _refused(path: Path, error: OSError) -> StoreFailed:
    return StoreFailed(
        f"The replay cannot be kept in {path}: {error.strerror or error}; look at the path, its rights and its free "
        "space."
    )
