"""A market that happened: Parquet files of trades, quotes and minute bars, told again row for row.

Which kind a file holds is told by its columns. Rows of all files are told in order of time; rows of one instant in the
order of the files, and in a file in its own order. Times, prices and sizes are served unchanged. Missing trade ids are
made, one sequence per symbol, exchange and New York day, as the venue would have: without them nobody could tell twin
trades apart. Where a tape has trades of a symbol but no bars, bars are made from its trades; a bars file carries the
START of each minute, and its bar is told at the minute's end.

Bounded: per file and symbol, that symbol's rows of one row group (as Arrow columns, some 60 bytes a row) and
``CHUNK_ROWS`` of them as Python values.
Needs pyarrow, which is an extra: it is imported when a tape is opened.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from engine.codec import columns
from engine.codec.columns import BAR_TOLD_AFTER_NS
from engine.core.bars import BarMaker, TradeIds
from engine.errors import Misconfigured
from engine.exchange.market import Row
from engine.model.market import Bar, Kind, MarketEvent, Trade

CHUNK_ROWS: Final = 4096
"""Rows decoded at a time per file and symbol: about 2 ms, a pause that nobody on a tape notices."""


@frozen
class Part:
    """The rows of one symbol in one file: where they are, and when the first is told."""

    path: Path
    kind: Kind
    symbol: str
    groups: tuple[int, ...]
    """The row groups that hold some of them."""
    first_ns: int


@frozen
class Tape:
    """An opened tape: a `Source`."""

    parts: tuple[Part, ...]
    symbols: tuple[str, ...]
    start_ns: int
    endless: bool = field(default=False, init=False)

    def rows(self) -> Iterator[Row]:
        """Every row in order, with the bars that are made from trades between them."""
        told = heapq.merge(*(_keyed(order, part) for order, part in enumerate(self.parts)))
        have_bars = {part.symbol for part in self.parts if part.kind is Kind.BARS}
        return _with_bars(told, {part.symbol for part in self.parts} - have_bars)


def open_tape(paths: Sequence[Path], symbols: Sequence[str] | None = None) -> Tape:
    """Open Parquet files as one tape, limited to ``symbols`` if any are given.

    Raises `Misconfigured` when a file is absent, is not Parquet, lacks columns, or nothing is left to tell.
    """
    try:
        import pyarrow.parquet  # an extra of some 160 MB: only who plays a tape needs it
    except ImportError:
        raise Misconfigured("A tape needs pyarrow, which is not installed: pip install 'gapless[tape]'.") from None
    wanted = frozenset(symbols) if symbols else None
    parts: list[Part] = []
    held: set[str] = set()
    for path in paths:
        found = _index(pyarrow.parquet, path)
        held |= {part.symbol for part in found}
        parts += [part for part in found if wanted is None or part.symbol in wanted]
    if not parts:
        where = ", ".join(path.name for path in paths) or "no file"
        have = f" It holds {', '.join(sorted(held)[:20])}." if held else ""
        asked = f" of {', '.join(sorted(wanted))}" if wanted else ""
        raise Misconfigured(f"The tape ({where}) has no row{asked}: nothing would be told.{have}")
    if wanted is not None and (absent := wanted - held):
        missing, have = ", ".join(sorted(absent)), ", ".join(sorted(held)[:20])
        raise Misconfigured(f"The tape has no row of {missing}. It holds {have}.")
    names = tuple(sorted({part.symbol for part in parts}))
    return Tape(tuple(parts), names, min(part.first_ns for part in parts))


def _index(parquet: Any, path: Path) -> list[Part]:
    """What a file holds: a part for each symbol."""
    if not path.is_file():
        raise Misconfigured(f"There is no tape {path}: check its name.")
    groups: dict[str, list[int]] = {}
    bounds: dict[str, tuple[int, int]] = {}
    try:
        with parquet.ParquetFile(path) as file:
            kind = _kind(path, frozenset(file.schema_arrow.names))
            for group in range(file.metadata.num_row_groups):
                table = file.read_row_group(group, columns=["symbol", "ts_ns"])
                for symbol in table["symbol"].unique().to_pylist():
                    groups.setdefault(symbol, []).append(group)
                    first_ns, last_ns = _ordered(path, table, symbol, bounds.get(symbol))
                    bounds[symbol] = (bounds.get(symbol, (first_ns, 0))[0], last_ns)
    except (OSError, ValueError, KeyError) as error:  # what pyarrow raises is derived from these
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Misconfigured(f"The tape {path} cannot be read as Parquet: {reason}") from None
    late_ns = BAR_TOLD_AFTER_NS if kind is Kind.BARS else 0
    return [Part(path, kind, each, tuple(groups[each]), bounds[each][0] + late_ns) for each in sorted(groups)]


def _rows_of(table: Any, symbol: str) -> Any:
    import pyarrow.compute  # see `open_tape`

    return table.filter(pyarrow.compute.equal(table["symbol"], symbol))


def _ordered(path: Path, table: Any, symbol: str, before: tuple[int, int] | None) -> tuple[int, int]:
    """First and last instant of a symbol in a row group; raises `Misconfigured` when its rows go back in time."""
    import pyarrow.compute  # see `open_tape`

    times = _rows_of(table, symbol)["ts_ns"].combine_chunks()
    first_ns, last_ns = times[0].as_py(), times[-1].as_py()
    back = pyarrow.compute.any(pyarrow.compute.less(times[1:], times[:-1])).as_py()
    if back or (before is not None and first_ns < before[1]):
        raise Misconfigured(
            f"The tape {path} is not sorted: rows of {symbol} go back in time. Sort it by symbol, ts_ns."
        )
    return first_ns, last_ns


def _kind(path: Path, names: frozenset[str]) -> Kind:
    if (kind := columns.kind_of(names)) is None:
        raise Misconfigured(f"The tape {path} lacks columns. A tape has those of {columns.what_tapes_have()}.")
    return kind


def _keyed(order: int, part: Part) -> Iterator[tuple[int, int, int, MarketEvent]]:
    """A part's rows with what they are merged by: when told, which part, and a number that is never compared twice."""
    late_ns = BAR_TOLD_AFTER_NS if part.kind is Kind.BARS else 0
    for number, event in enumerate(_events(part)):
        yield event.ts_ns + late_ns, order, number, event


def _events(part: Part) -> Iterator[MarketEvent]:
    """The rows of a part, decoded a chunk at a time."""
    import pyarrow.parquet  # see `open_tape`

    read = _readers[part.kind]()
    with pyarrow.parquet.ParquetFile(part.path) as file:
        names = columns.wanted_columns(part.kind, frozenset(file.schema_arrow.names))
        for group in part.groups:
            table = _rows_of(file.read_row_group(group, columns=names), part.symbol).drop_columns(["symbol"])
            for at in range(0, table.num_rows, CHUNK_ROWS):
                yield from read(columns.lists_of(table.slice(at, CHUNK_ROWS)), part.symbol)


def _trades() -> Callable[[columns.Columns, str], Iterator[Trade]]:
    ids = TradeIds()

    def read(found: columns.Columns, symbol: str) -> Iterator[Trade]:
        rows = len(found["ts_ns"])
        exchanges, known = found.get("exchange") or [""] * rows, found.get("id") or [None] * rows
        return columns.trades(found, symbol, ids.fill(found["ts_ns"], exchanges, known))

    return read


_readers: Final[dict[Kind, Callable[[], Callable[[columns.Columns, str], Iterator[MarketEvent]]]]] = {
    Kind.TRADES: _trades,
    Kind.QUOTES: lambda: columns.quotes,
    Kind.BARS: lambda: columns.bars,
}


def _with_bars(told: Iterator[tuple[int, int, int, MarketEvent]], made_for: set[str]) -> Iterator[Row]:
    """The merged rows, and between them the bars made from trades and the days made from bars."""
    maker = BarMaker()
    due_ns = 0
    for due_ns, _, _, event in told:
        if maker.next_ns is not None and maker.next_ns <= due_ns:
            yield from maker.due(due_ns)
        yield due_ns, event
        if isinstance(event, Trade):
            if event.symbol in made_for:
                maker.add(event)
        elif isinstance(event, Bar) and (day := maker.day(event)) is not None:
            yield due_ns, day
    if maker.next_ns is not None:
        yield from maker.due(due_ns + 2 * BAR_TOLD_AFTER_NS)
