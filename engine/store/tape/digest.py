"""A hash of what a tape holds: of the rows, not of the files.

For each stream the rows are hashed column by column, in blocks of a fixed number of rows that do not depend on row
groups or on where one file ends and the next begins. Texts are hashed as their lengths and bytes, numbers as they lie
in memory (little-endian, which every supported machine is); a column that a block has nothing in is the same as none.
Some 10 million trades a second.

Files of one stream are taken in order of their first rows; where they overlap, their order is a part of the content.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from engine.codec import columns
from engine.store.tape.chunks import CHUNK_EVENTS, Source
from engine.store.tape.reading import Rows

BLOCK_ROWS: Final = 65_536
_encode: Final = msgspec.msgpack.Encoder().encode


def digest_of(sources: Sequence[Source], first_ns: int, last_ns: int) -> str:
    """The hash over all sources of what is due within both inclusive bounds."""
    whole = hashlib.sha256(b"gapless-tape 1")
    by_stream: dict[Any, list[Source]] = {}
    for source in sources:
        by_stream.setdefault(source.stream, []).append(source)
    for stream in sorted(by_stream):
        told = _stream_digest(by_stream[stream], first_ns, last_ns)
        if told:
            whole.update(_encode((stream.kind, stream.symbol, told)))
    return whole.hexdigest()


def _stream_digest(sources: list[Source], first_ns: int, last_ns: int) -> str:
    """The hash of one stream; empty for one with no row in the span."""
    found = hashlib.sha256()
    rows = 0
    parts = [source for source in sources if isinstance(source, Rows)]
    parts.sort(key=lambda source: source.part.groups[0].first_ns)
    for block in _blocks(parts, first_ns, last_ns):
        rows += block.num_rows
        for name in sorted(set(block.schema.names) - {"symbol"}):
            if (content := _content(block.column(name))) is not None:
                found.update(f"{name} {block.num_rows} {len(content)}\n".encode())
                found.update(content)
    for source in sources:
        if not isinstance(source, Rows):
            for chunk in source.read(first_ns - 1, last_ns, CHUNK_EVENTS, "replay"):
                for event in chunk.events:
                    found.update(_encode(event))
                rows += len(chunk.events)
    return f"{rows} {found.hexdigest()}" if rows else ""


def _blocks(parts: list[Rows], first_ns: int, last_ns: int) -> Iterator[Any]:
    """The rows as tables of `BLOCK_ROWS` rows, the last one shorter; columns that a file lacks are null."""
    if not parts:
        return
    import pyarrow as pa  # an extra: see `engine.store.tape.parts.open_file`

    waiting: list[Any] = []
    held = 0
    for part in (source.part for source in parts):
        for _, batch in part.rows(first_ns - part.late_ns, last_ns - part.late_ns):
            table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
            if not held and table.num_rows == BLOCK_ROWS:
                yield table
                continue
            waiting.append(table)
            held += table.num_rows
            while held >= BLOCK_ROWS:
                joined = pa.concat_tables(waiting, promote_options="permissive")
                yield joined.slice(0, BLOCK_ROWS).combine_chunks()
                waiting, held = [joined.slice(BLOCK_ROWS)], held - BLOCK_ROWS
    if held:
        yield pa.concat_tables(waiting, promote_options="permissive").combine_chunks()


def _content(column: Any) -> bytes | memoryview | None:
    """The bytes that say what a column holds; ``None`` where it holds nothing."""
    assert sys.byteorder == "little"
    column = column.combine_chunks()
    kind = str(column.type)
    if column.null_count == len(column):
        return None
    if kind in columns.TEXTUAL:
        coded = column.fill_null("").dictionary_encode()
        texts = coded.dictionary.to_pylist()
        if texts == [""]:
            return None
        # Numbers by order of appearance: the block decides them, not the file.
        return _encode(texts) + columns.numbers(coded.indices).tobytes()
    nulls = b""
    if column.null_count:
        nulls = _encode(column.is_null().to_pylist())
        column = column.fill_null(0)
    if kind not in columns.WIDTHS:
        return nulls + _encode(column.to_pylist())
    return nulls + columns.numbers(column).tobytes() if nulls else columns.numbers(column).cast("B")
