"""A hash of what a tape holds: of the rows, not of the files.

For each stream every column is hashed by itself, row behind row, so it does not matter how rows are cut into groups,
batches and files. Texts are hashed as their lengths and bytes, numbers as they lie in memory (little-endian, which
every supported machine is) and the places where there is none; a column with nothing in it is the same as no column.
Each row group is read once, whatever symbols are in it. Some 10 million trades a second.

Files of one stream are taken in order of their first rows; where they overlap, their order is a part of the content.
"""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
from attrs import define, evolve, field

from engine.codec import columns
from engine.model.stream import Stream
from engine.store.tape.chunks import CHUNK_EVENTS, Source
from engine.store.tape.parts import Group, Part
from engine.store.tape.reading import Rows

_encode: Final = msgspec.msgpack.Encoder().encode
_WIDE: Final = {
    **dict.fromkeys(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"), "int64"),
    **dict.fromkeys(("halffloat", "float", "double"), "double"),
    "uint64": "uint64",
}
"""Numbers, as they are hashed: a file may have them in fewer bytes than another."""
_TEXT: Final = "string"
_OTHER: Final = "other"


def digest_of(sources: Sequence[Source], first_ns: int, last_ns: int) -> str:
    """The hash over all sources of what is due within both inclusive bounds.

    Files are opened anew, so a thread may do this while others read the sources.
    """
    found: dict[Stream, _StreamHash] = {source.stream: _StreamHash() for source in sources}
    parts = [source.part for source in sources if isinstance(source, Rows)]
    for batch_of_parts in _in_passes(parts):
        _read_file(batch_of_parts, found, first_ns, last_ns)
    for source in sources:
        if not isinstance(source, Rows):
            for chunk in source.read(first_ns - 1, last_ns, CHUNK_EVENTS, "replay"):
                found[source.stream].add_events(chunk.events)
    whole = hashlib.sha256(b"gapless-tape 2")
    for stream in sorted(found):
        if found[stream].rows:
            whole.update(_encode((stream.kind, stream.symbol, found[stream].rows, found[stream].told())))
    return whole.hexdigest()


def _in_passes(parts: Iterable[Part]) -> list[list[Part]]:
    """The parts file by file, so that each stream's come in order of their first rows: a list is one pass of a file."""
    by_file: dict[int, list[Part]] = {}
    by_stream: dict[Stream, list[Part]] = {}
    for part in sorted(parts, key=lambda part: part.groups[0].first_ns):
        by_file.setdefault(id(part.file), []).append(part)
        by_stream.setdefault(part.stream, []).append(part)
    turns = {name: turn for turn, name in enumerate(by_file)}
    # Where streams of the same files disagree about their order, the ones that go back are read by themselves.
    odd = {
        stream
        for stream, mine in by_stream.items()
        if any(turns[id(one.file)] > turns[id(other.file)] for one, other in pairwise(mine))
    }
    passes = [[part for part in mine if part.stream not in odd] for mine in by_file.values()]
    return [one for one in passes if one] + [[part] for stream in sorted(odd) for part in by_stream[stream]]


def _read_file(parts: Sequence[Part], found: "dict[Stream, _StreamHash]", first_ns: int, last_ns: int) -> None:
    """One pass over a file, row group by row group."""
    file, late_ns = parts[0].file.again(), parts[0].late_ns
    by_number: dict[int, list[tuple[Part, Group]]] = {}
    for part in parts:
        for group in part.groups:
            if group.first_ns <= last_ns - late_ns and group.last_ns >= first_ns - late_ns:
                by_number.setdefault(group.number, []).append((part, group))
    for number, mine in sorted(by_number.items()):
        held = None if mine[0][1].whole else file.hold(number)  # as long as all of its parts are read
        for part, group in mine:
            for _, batch in evolve(part, file=file, groups=(group,)).rows(first_ns - late_ns, last_ns - late_ns):
                found[part.stream].add(batch)
        del held


@define(eq=False)
class _ColumnHash:
    """One column of a stream."""

    rows: int = 0
    empty: bool = True
    """Whether there was no number and no text in any row."""
    _content: "hashlib._Hash" = field(factory=hashlib.sha256)
    _shape: "hashlib._Hash" = field(factory=hashlib.sha256)
    """Of the lengths of texts, or of the places without a number."""

    def add(self, column: Any, kind: str) -> None:
        """The next rows, of a column that was cast to this kind."""
        if kind == _OTHER:
            self._content.update(b"".join(map(_encode, column.to_pylist())))
            self.empty = False
        elif kind == _TEXT:
            self._add_texts(column)
        else:
            self._add_numbers(column)
        self.rows += len(column)

    def add_nothing(self, rows: int, kind: str) -> None:
        """Rows of a file that does not have the column."""
        if kind == _OTHER:
            self._content.update(_encode(None) * rows)
        elif kind == _TEXT:
            self._shape.update(bytes(4 * rows))
        else:
            self._content.update(bytes(8 * rows))
            self._note_places(range(rows))
        self.rows += rows

    def _add_texts(self, column: Any) -> None:
        """No text is an empty one."""
        import pyarrow.compute as pc  # an extra: see `engine.store.tape.parts.open_file`

        column = column.fill_null("")
        self._shape.update(columns.numbers(pc.binary_length(column)).cast("B"))
        _, begins, texts = column.buffers()
        places = memoryview(begins).cast("B").cast("i")  # of each text, and of the end
        begin, end = places[column.offset], places[column.offset + len(column)]
        if end > begin:
            self._content.update(memoryview(texts)[begin:end])
            self.empty = False

    def _add_numbers(self, column: Any) -> None:
        """A number that is not there is 0, and its place is noted."""
        import pyarrow.compute as pc  # as above

        if column.null_count:
            self._note_places(columns.list_of(pc.indices_nonzero(column.is_null())))
            column = column.fill_null(0)
        self.empty = False
        self._content.update(columns.numbers(column).cast("B"))

    def _note_places(self, places: Iterable[int]) -> None:
        self._shape.update(b"".join((self.rows + place).to_bytes(8, "little") for place in places))

    def told(self) -> tuple[str, str]:
        """Both hashes."""
        return self._content.hexdigest(), self._shape.hexdigest()


@define(eq=False)
class _StreamHash:
    """All rows of one stream, column by column; what is no Parquet, as the events that it is."""

    rows: int = 0
    _columns: dict[tuple[str, str], _ColumnHash] = field(factory=dict)
    """By name, and by the kind that it was cast to."""
    _events: "hashlib._Hash" = field(factory=hashlib.sha256)

    def add(self, batch: Any) -> None:
        """The next rows."""
        assert sys.byteorder == "little"
        for name in batch.schema.names:
            column = batch.column(name)
            if name == "symbol" or column.null_count == len(column):
                continue
            column = column.combine_chunks() if hasattr(column, "chunks") else column
            if str(column.type).startswith("dictionary"):
                column = column.dictionary_decode()
            kind = str(column.type)
            kind = _TEXT if kind in columns.TEXTUAL else _WIDE.get(kind, _OTHER)
            mine = self._columns.setdefault((name, kind), _ColumnHash())
            mine.add_nothing(self.rows - mine.rows, kind)
            mine.add(column if kind == _OTHER else column.cast(kind), kind)
        self.rows += batch.num_rows

    def add_events(self, events: Sequence[Any]) -> None:
        """The next events."""
        for event in events:
            self._events.update(_encode(event))
        self.rows += len(events)

    def told(self) -> tuple[Any, ...]:
        """What says all of it."""
        named = []
        for (name, kind), one in sorted(self._columns.items()):
            one.add_nothing(self.rows - one.rows, kind)
            if not one.empty:
                named.append((name, *one.told()))
        return named, self._events.hexdigest()
