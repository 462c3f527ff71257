"""The market of a session, read for its report: out of Parquet, out of a journal, or from the tape of a replay."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from engine.app.postmortem.read.collecting import Collecting
from engine.errors import GaplessError, Misconfigured, StoreFailed
from engine.model.market import Kind
from engine.store.session import RecordedSession

ROWS: Final = 262_144
"""Rows of Parquet that are looked at in one piece: some 30 MB of the columns that are read."""
REPLAY: Final = "replay"
"""The venue of a replay's session, whose market stayed on its tapes."""
_THINNED: Final = "More prices were told than are kept here: slippage and the extremes of trades are of some of them."
_TAPED: Final = (Kind.TRADES, Kind.QUOTES, Kind.BARS)
_COLUMNS: Final = {
    Kind.TRADES: ("price",),
    Kind.QUOTES: ("bid_price", "ask_price"),
    Kind.BARS: ("close",),
    Kind.UPDATED_BARS: ("close",),
}
_ALWAYS: Final = ("symbol", "ts_ns", "received_ns", "origin", "at_ns")


@frozen
class MarketRead:
    """What was found, and sentences about what was not."""

    found: Collecting
    remarks: tuple[str, ...] = ()


def read_market(session: RecordedSession, wanted: Collection[str] | None, tapes: Sequence[Path] = ()) -> MarketRead:
    """Read the market of a session, the prices of ``wanted`` symbols; ``tapes`` of a replay stand for those it names.

    Raises `StoreFailed`, and `Misconfigured` where pyarrow is missing and needed, or a tape that was asked for is no
    tape.
    """
    found = Collecting(wanted)
    if session.manifest.venue == REPLAY:
        return MarketRead(found, tuple(_read_tapes(found, session, tapes, wanted)))
    if session.compacted:
        for path in session.parquet_files():
            read_parquet(found, path)
    else:
        found.take_events(session.told())
    return MarketRead(found, (_THINNED,) if found.thinned else ())


def read_parquet(found: Collecting, path: Path) -> None:
    """Take one file of a session. Raises as `read_market`."""
    try:
        import pyarrow.parquet as parquet  # an extra: see `engine.store.session.columns`
    except ImportError:
        raise Misconfigured(
            f"{path} is in Parquet, and pyarrow is not installed: pip install 'gapless[tape]'."
        ) from None
    try:
        kind = Kind(path.stem)
        with parquet.ParquetFile(path) as file:
            names = [*_ALWAYS, *_COLUMNS.get(kind, ())]
            for batch in file.iter_batches(batch_size=ROWS, columns=names):
                found.take_batch(kind, batch)
    except (OSError, ValueError, KeyError) as error:  # what pyarrow raises is derived from these
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreFailed(f"{path} cannot be read: {reason}; take it from a copy.") from error


def _read_tapes(
    found: Collecting, session: RecordedSession, tapes: Sequence[Path], wanted: Collection[str] | None
) -> Iterable[str]:
    """Prices of a replay out of its tapes; gives the sentences about what is not there."""
    settings = session.manifest.settings
    paths = list(tapes) or _beside(session.folder, [str(name) for name in settings.get("tapes", ())])
    if not paths:
        return ["The tapes of this replay are not here: prices are those of its own fills. Name them with --tape."]
    try:
        _take_tapes(found, paths, settings, wanted)
    except GaplessError as error:
        if tapes:
            raise
        return [f"The tapes of this replay cannot be read, so prices are those of its own fills: {error}"]
    return []


def _take_tapes(found: Collecting, paths: Sequence[Path], settings: Any, wanted: Collection[str] | None) -> None:
    from engine.store.tape import open_tape  # only replays need it

    start_ns, end_ns = settings.get("start_ns"), settings.get("end_ns")
    tape = open_tape(paths, symbols=tuple(settings.get("symbols", ())), start_ns=start_ns, end_ns=end_ns)
    digest = settings.get("digest")
    if digest and tape.digest != digest:
        raise Misconfigured(
            f"{', '.join(str(path) for path in paths)} is not what was replayed: its content is another. Name the tape "
            "of then with --tape, or move this one away."
        )
    streams = {source.stream for source in tape.sources}
    tape.want({one for one in streams if one.kind in _TAPED and (wanted is None or one.symbol in wanted)})
    while (window := tape.window()) is not None:
        found.take_events(zip(window.dues_ns, window.events, strict=True))
        tape.advance(len(window.events))


def _beside(folder: Path, names: Sequence[str]) -> list[Path]:
    """Where tapes of these names are: in the current folder, or beside the session; none unless all are there."""
    found = [next((home / name for home in (Path(), folder.parent) if (home / name).exists()), None) for name in names]
    return [path for path in found if path is not None] if all(found) else []
