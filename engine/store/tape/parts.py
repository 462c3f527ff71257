"""Parquet files by file and symbol: where the rows of a symbol are, and the rows, a batch at a time.

A row group that holds one symbol is read in batches, so its length does not matter. One that holds several is read
once, put in order of symbol and shared by all that read in it, until the last of them is past it.
Needs pyarrow, which is an extra: it is imported when a tape is opened.
"""

import weakref
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from engine.codec import columns
from engine.errors import Misconfigured
from engine.model.market import Kind
from engine.model.stream import Stream

BATCH_ROWS: Final = 65_536
"""Rows decoded at a time of a row group of one symbol: some 4 MB of columns."""
BUFFER_BYTES: Final = 1 << 20
"""Read ahead per column, instead of a column's whole chunk."""


@frozen
class Group:
    """The rows of one symbol in one row group."""

    number: int
    first_row: int
    """Rows of the symbol before it."""
    rows: int
    first_ns: int
    last_ns: int
    whole: bool
    """Whether the row group holds nothing else."""


@define(eq=False)
class Sorted:
    """A row group of several symbols, in order of symbol."""

    table: Any
    spans: dict[str, tuple[int, int]]
    """Where a symbol's rows begin, and how many there are."""


@define(eq=False)
class TapeFile:
    """An open Parquet file."""

    path: Path
    kind: Kind
    parquet: Any
    names: list[str]
    _sorted: dict[int, "weakref.ref[Sorted]"] = field(factory=dict, init=False)

    def again(self) -> "TapeFile":
        """The same file, opened anew: for a reader in another thread."""
        return open_file(self.path)

    def batches(self, group: Group, symbol: str) -> Iterator[Any]:
        """A symbol's rows of a row group, at most `BATCH_ROWS` at a time, without the symbol."""
        if group.whole:
            names = [name for name in self.names if name != "symbol"]
            yield from self.parquet.iter_batches(BATCH_ROWS, row_groups=[group.number], columns=names)
            return
        held = self.hold(group.number)
        first, rows = held.spans[symbol]
        for at in range(first, first + rows, BATCH_ROWS):
            yield held.table.slice(at, min(BATCH_ROWS, first + rows - at))

    def hold(self, number: int) -> Sorted:
        """A row group of several symbols in order of symbol, shared by all who hold it at the time."""
        known = self._sorted.get(number)
        held = None if known is None else known()
        if held is None:
            held = sort_symbols(self.parquet.read_row_group(number, columns=self.names))
            self._sorted[number] = weakref.ref(held)
        return held


def sort_symbols(table: Any) -> Sorted:
    """A table in order of symbol, rows of a symbol in the order that they have."""
    import pyarrow.compute  # an extra: see `open_files`

    table = table.combine_chunks()
    codes = table["symbol"].combine_chunks().dictionary_encode()
    texts, order = codes.dictionary.to_pylist(), codes.indices
    runs = pyarrow.compute.run_end_encode(order)
    if len(runs.values) > len(texts):
        turns = pyarrow.compute.sort_indices(order)
        table, runs = table.take(turns), pyarrow.compute.run_end_encode(order.take(turns))
    ends = runs.run_ends.to_pylist()
    begins = [0, *ends[:-1]]
    spans = {
        texts[code]: (begin, end - begin)
        for code, begin, end in zip(runs.values.to_pylist(), begins, ends, strict=True)
    }
    return Sorted(table.drop_columns(["symbol"]), spans)


@frozen(eq=False)
class Part:
    """The rows of one symbol in one file. ``order`` is its place among the parts of the tape."""

    file: TapeFile
    symbol: str
    order: int
    groups: tuple[Group, ...]

    @property
    def stream(self) -> Stream:
        """What its rows are."""
        return Stream(self.file.kind, self.symbol)

    @property
    def late_ns(self) -> int:
        """How long after the time in a row it is told."""
        return columns.BAR_TOLD_AFTER_NS if self.file.kind is Kind.BARS else 0

    def rows(self, first_ns: int, last_ns: int) -> Iterator[tuple[int, Any]]:
        """Batches of rows with times within both inclusive bounds, each with the number of its first row."""
        for group in self.groups:
            if group.last_ns < first_ns or group.first_ns > last_ns:
                continue
            row = group.first_row
            for batch in self.file.batches(group, self.symbol):
                times = columns.numbers(batch.column("ts_ns"))
                begin, end = bisect_left(times, first_ns), bisect_right(times, last_ns)
                if end > begin:
                    yield row + begin, batch if end - begin == len(times) else batch.slice(begin, end - begin)
                if end < len(times):
                    return
                row += len(times)

    def first_at(self, first_ns: int) -> int | None:
        """The first time at or after an instant, if there is one."""
        for group in self.groups:
            if group.first_ns >= first_ns:
                return group.first_ns
            for _, batch in self.rows(first_ns, group.last_ns):
                return int(columns.numbers(batch.column("ts_ns"))[0])
        return None

    def last_at(self, last_ns: int) -> int | None:
        """The last time at or before an instant, if there is one."""
        for group in reversed(self.groups):
            if group.first_ns <= last_ns:
                if group.last_ns <= last_ns:
                    return group.last_ns
                *_, times = (columns.numbers(batch.column("ts_ns")) for _, batch in self.rows(group.first_ns, last_ns))
                return int(times[-1])
        return None


def open_file(path: Path) -> TapeFile:
    """Open a Parquet file; raises `Misconfigured` when it cannot be read or is no tape."""
    try:
        import pyarrow.parquet  # an extra of some 160 MB: only who plays a tape needs it
    except ImportError:
        raise Misconfigured("A tape needs pyarrow, which is not installed: pip install 'gapless[tape]'.") from None
    if not path.is_file():
        raise Misconfigured(f"There is no tape {path}: check its name.")
    try:
        file = pyarrow.parquet.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False)
    except (OSError, ValueError, KeyError) as error:  # what pyarrow raises is derived from these
        raise _unreadable(path, error) from None
    names = frozenset(file.schema_arrow.names)
    if (kind := columns.kind_of(names)) is None:
        raise Misconfigured(f"The tape {path} lacks columns. A tape has those of {columns.what_tapes_have()}.")
    return TapeFile(path, kind, file, columns.wanted_columns(kind, names))


def index_file(file: TapeFile, wanted: frozenset[str], order: int) -> list[Part]:
    """The parts of a file in order of symbol, numbered from ``order``; all symbols where none are named.

    Raises `Misconfigured` when rows of a symbol go back in time.
    """
    found: dict[str, list[Group]] = {}
    try:
        for number in range(file.parquet.metadata.num_row_groups):
            only = _only_symbol(file, number)
            if only is not None and wanted and only not in wanted:
                continue
            for symbol, times in _times(file, number, only):
                if not wanted or symbol in wanted:
                    groups = found.setdefault(symbol, [])
                    groups.append(_group(file, number, symbol, times, groups, only is not None))
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(file.path, error) from None
    return [Part(file, symbol, order + n, tuple(found[symbol])) for n, symbol in enumerate(sorted(found))]


def _unreadable(path: Path, error: Exception) -> Misconfigured:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return Misconfigured(f"The tape {path} cannot be read as Parquet: {reason}")


def _only_symbol(file: TapeFile, number: int) -> str | None:
    """The symbol of a row group that says that it has only one."""
    metadata = file.parquet.metadata.row_group(number)
    for index in range(metadata.num_columns):
        column = metadata.column(index)
        if column.path_in_schema == "symbol":
            told = column.statistics
            if told is not None and told.has_min_max and told.min == told.max and not told.null_count:
                return str(told.min)
    return None


def _times(file: TapeFile, number: int, only: str | None) -> Iterator[tuple[str, Any]]:
    """The times of each symbol in a row group."""
    if only is not None:
        table = file.parquet.read_row_group(number, columns=["ts_ns"])
        if table.num_rows:
            yield only, table["ts_ns"].combine_chunks()
        return
    held = sort_symbols(file.parquet.read_row_group(number, columns=["symbol", "ts_ns"]))
    for symbol, (first, rows) in held.spans.items():
        yield symbol, held.table["ts_ns"].combine_chunks().slice(first, rows)


def _group(file: TapeFile, number: int, symbol: str, times: Any, before: list[Group], whole: bool) -> Group:
    """A row group's rows of a symbol; raises `Misconfigured` when they go back in time."""
    import pyarrow.compute  # an extra: see `open_file`

    first_ns, last_ns = times[0].as_py(), times[-1].as_py()
    back = pyarrow.compute.any(pyarrow.compute.less(times[1:], times[:-1])).as_py()
    if back or (before and first_ns < before[-1].last_ns):
        raise Misconfigured(
            f"The tape {file.path} is not sorted: rows of {symbol} go back in time. Sort it by symbol, ts_ns."
        )
    first_row = before[-1].first_row + before[-1].rows if before else 0
    return Group(number, first_row, len(times), first_ns, last_ns, whole)
