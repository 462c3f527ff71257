"""Market events as columns of Parquet, and back: every field of an event is a column, so that it comes back exactly.

Columns have the names of the fields. Trades and quotes are written so that they can be played as a tape
(`engine.exchange.tape`): ``taker_side`` is ``side``, and ``conditions`` is text of one letter a condition. Where a
condition has another length, ``conditions_exact`` tells them one by one. ``at_ns`` is when the event was told.

Needs pyarrow, which is an extra: it is imported when it is used.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from msgspec.structs import astuple, fields

from engine.model.market import EVENT_TYPES, Kind, MarketEvent

AT: Final = "at_ns"
EXACT: Final = "conditions_exact"
_NAMES: Final = {"taker_side": "side"}
_LETTERED: Final = frozenset({Kind.TRADES, Kind.QUOTES})
"""Kinds of which a tape can be made."""


class Columns:
    """How the events of one kind are laid out."""

    def __init__(self, kind: Kind) -> None:
        import pyarrow as pa  # see above

        self._arrow = pa
        self.event_type = EVENT_TYPES[kind]
        self._fields = [one.name for one in fields(self.event_type)]
        self._marks = self._fields.index("conditions") if kind in _LETTERED else -1
        kinds = {one.name: self._type_of(one.type) for one in fields(self.event_type)}
        if self._marks >= 0:
            kinds["conditions"] = pa.string()
        columns = [(_NAMES.get(name, name), kinds[name]) for name in self._fields]
        if self._marks >= 0:
            columns.append((EXACT, pa.list_(pa.string())))
        self.schema = pa.schema([*columns, (AT, pa.int64())])

    def _type_of(self, annotation: Any) -> Any:
        arrow = self._arrow
        text = str(annotation)
        if annotation is float:
            return arrow.float64()
        if annotation is bool:
            return arrow.bool_()
        if annotation is int or text == "int | None":
            return arrow.int64()
        if text.startswith("tuple[tuple[float"):
            return arrow.list_(arrow.list_(arrow.float64()))
        if text.startswith("tuple[str"):
            return arrow.list_(arrow.string())
        return arrow.string()  # text, and words out of a few

    def to_table(self, rows: Sequence[tuple[int, MarketEvent]]) -> Any:
        """A table of events, each with when it was told. Raises ``ValueError`` or ``OverflowError`` (pyarrow's)."""
        columns: list[Sequence[Any]] = list(zip(*(astuple(event) for _, event in rows), strict=True))
        if self._marks >= 0:
            marks = columns[self._marks]
            columns[self._marks] = ["".join(each) for each in marks]
            columns.append([None if all(len(one) == 1 for one in each) else each for each in marks])
        columns.append([at_ns for at_ns, _ in rows])
        arrays = [self._arrow.array(column, kind) for column, kind in zip(columns, self.schema.types, strict=True)]
        return self._arrow.Table.from_arrays(arrays, schema=self.schema)

    def from_table(self, table: Any) -> Iterator[tuple[int, MarketEvent]]:
        """The events of a table, or of a batch of one. A column of a newer gapless is skipped, an absent one has its
        default."""
        there = set(table.schema.names)
        told = [name for name in self._fields if _NAMES.get(name, name) in there]
        columns = {name: table.column(_NAMES.get(name, name)).to_pylist() for name in told}
        for name in told:
            if kind := _RESTORED.get(name):
                columns[name] = [kind(value) for value in columns[name]]
        if self._marks >= 0:
            exact = table.column(EXACT).to_pylist()
            columns["conditions"] = [
                tuple(text if marks is None else marks)
                for text, marks in zip(columns["conditions"], exact, strict=True)
            ]
        event_type: Callable[..., MarketEvent] = self.event_type
        ats = table.column(AT).to_pylist()
        if told == self._fields[: len(told)]:
            for at_ns, *values in zip(ats, *columns.values(), strict=True):
                yield at_ns, event_type(*values)
        else:
            for at_ns, *values in zip(ats, *columns.values(), strict=True):
                yield at_ns, event_type(**dict(zip(told, values, strict=True)))


def _levels(pairs: Any) -> tuple[tuple[float, float], ...]:
    return tuple((price, size) for price, size in pairs)


_RESTORED: Final[dict[str, Callable[[Any], Any]]] = {
    "bids": _levels,
    "asks": _levels,
    "original_conditions": tuple,
    "corrected_conditions": tuple,
    "symbols": tuple,
}
