"""Arrow columns as lists of Python values, or as the bytes that they are.

Numbers are copied from the buffers, texts are looked up, so a text that repeats is one object. Needs no pyarrow itself:
whoever opened the file hands in its arrays.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

WIDTHS: Final[Mapping[str, tuple[int, Any]]] = {
    "int64": (8, "q"),
    "double": (8, "d"),
    "int32": (4, "i"),
    "float": (4, "f"),
    "uint64": (8, "Q"),
}
"""Arrow types of numbers: bytes of one, and its code in `memoryview.cast`."""
TEXTUAL: Final = frozenset({"string", "large_string"})
"""Arrow types of texts."""


def lists_of(batch: Any) -> dict[str, Sequence[Any]]:
    """An Arrow record batch (or table) as lists by column name; without those that have no type, as they
    hold nothing."""
    found = {name: batch.column(name) for name in batch.schema.names}
    return {name: list_of(each) for name, each in found.items() if str(each.type) != "null"}


def list_of(column: Any) -> Sequence[Any]:
    """One Arrow column as a list."""
    if hasattr(column, "chunks"):
        column = column.combine_chunks()
    kind, rows = str(column.type), len(column)
    if column.null_count == rows:
        return ["" if kind in TEXTUAL else None] * rows
    if kind in WIDTHS and not column.null_count:
        copied: list[Any] = numbers(column).tolist()
        return copied
    if kind in TEXTUAL:
        # Few texts that repeat: looking each up by its number beats making each anew.
        coded = (column.fill_null("") if column.null_count else column).dictionary_encode()
        known: list[str] = coded.dictionary.to_pylist()
        if len(known) == 1:
            return known * rows
        return list(map(known.__getitem__, list_of(coded.indices)))
    values: list[Any] = column.to_pylist()
    return values


def numbers(column: Any) -> "memoryview[Any]":
    """The numbers of an Arrow column that has no null, where they lie."""
    if hasattr(column, "chunks"):
        column = column.combine_chunks()
    width, code = WIDTHS[str(column.type)]
    start = column.offset * width
    return memoryview(column.buffers()[1])[start : start + len(column) * width].cast("B").cast(code)
