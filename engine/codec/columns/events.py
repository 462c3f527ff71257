"""Columns of a tape to events: trades, quotes and minute bars, a chunk of some thousand rows at a time.

Which kind a file holds is told by its columns (`kind_of`). A chunk of Arrow columns becomes lists of Python values
(`lists_of`: numbers are copied from the buffers, texts are looked up, so a text that repeats is one object), and the
lists become events in C: ``map`` over the constructor, one list per field. Some 4 million trades a second.

In the lists a text is never ``None`` (no text is ``""``); a number is ``None`` where the tape has none.
Needs no pyarrow itself: whoever opened the file hands in its arrays.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, TypeAlias

from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Kind, Origin, Quote, Trade

Columns: TypeAlias = Mapping[str, Sequence[Any]]

BAR_TOLD_AFTER_NS: Final = 60 * NS_PER_S
"""A bars file carries the START of each minute; its bar is told at the minute's end."""
NEEDED: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.TRADES: frozenset({"symbol", "ts_ns", "price", "size"}),
    Kind.QUOTES: frozenset({"symbol", "ts_ns", "bid_price", "bid_size", "ask_price", "ask_size"}),
    Kind.BARS: frozenset({"symbol", "ts_ns", "open", "high", "low", "close", "volume"}),
}
"""The columns that a file of a kind has at least."""
OPTIONAL: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.TRADES: frozenset({"exchange", "conditions", "id", "side", "tape"}),
    Kind.QUOTES: frozenset({"bid_exchange", "ask_exchange", "conditions", "tape"}),
    Kind.BARS: frozenset({"trade_count", "vwap"}),
}
TEXTS_KEPT: Final = 4096
"""Distinct texts of conditions remembered; a day of US stocks has a few hundred."""


class _Marks(dict[str, tuple[str, ...]]):
    """One letter is one condition, as TAQ writes them."""

    def __missing__(self, text: str) -> tuple[str, ...]:
        if len(self) >= TEXTS_KEPT:
            self.clear()
        marks = self[text] = tuple(text)
        return marks


class _Sides(dict[str, str]):
    """``buy``, ``Sell``, ``B``: the first letter says it."""

    def __missing__(self, text: str) -> str:
        if len(self) >= TEXTS_KEPT:
            self.clear()
        side = self[text] = text[:1].upper()
        return side


_marks: Final = _Marks()
_sides: Final = _Sides()


def kind_of(names: frozenset[str]) -> Kind | None:
    """Which kind a file with these columns holds, or ``None``."""
    return next((kind for kind, needed in NEEDED.items() if needed <= names), None)


def wanted_columns(kind: Kind, names: frozenset[str]) -> list[str]:
    """Which of a file's columns its events are made of, sorted."""
    return sorted((NEEDED[kind] | OPTIONAL[kind]) & names)


def what_tapes_have() -> str:
    """The columns of every kind, for the sentence about a file that lacks them."""
    return "; or ".join(f"{kind}: {', '.join(sorted(needed))}" for kind, needed in NEEDED.items())


def trades(
    columns: Columns,
    symbol: str,
    ids: Iterable[int | None],
    received: Iterable[int] | None = None,
    origin: Origin = "live",
) -> Iterator[Trade]:
    """Trades of one symbol; ``ids`` are those of the column with the absent ones made."""
    blank = repeat("")
    return map(
        Trade, repeat(symbol), columns["ts_ns"], columns["price"], columns["size"], ids,
        texts(columns, "exchange"), _conditions(columns), texts(columns, "tape"),
        map(_sides.__getitem__, texts(columns, "side")), blank, repeat(0),
        repeat(0) if received is None else received, repeat(origin),
    )  # fmt: skip


def quotes(
    columns: Columns, symbol: str, received: Iterable[int] | None = None, origin: Origin = "live"
) -> Iterator[Quote]:
    """Quotes of one symbol."""
    return map(
        Quote, repeat(symbol), columns["ts_ns"], columns["bid_price"], columns["bid_size"], columns["ask_price"],
        columns["ask_size"], texts(columns, "bid_exchange"), texts(columns, "ask_exchange"), _conditions(columns),
        texts(columns, "tape"), repeat(0), repeat(0) if received is None else received, repeat(origin),
    )  # fmt: skip


def bars(
    columns: Columns, symbol: str, received: Iterable[int] | None = None, origin: Origin = "live"
) -> Iterator[Bar]:
    """Minute bars of one symbol."""
    counts = [count or 0 for count in columns["trade_count"]] if "trade_count" in columns else repeat(0)
    vwaps = [vwap or 0.0 for vwap in columns["vwap"]] if "vwap" in columns else repeat(0.0)
    return map(
        Bar, repeat(symbol), columns["ts_ns"], columns["open"], columns["high"], columns["low"], columns["close"],
        columns["volume"], counts, vwaps, repeat(0) if received is None else received, repeat(origin),
    )  # fmt: skip


def texts(columns: Columns, name: str) -> Iterable[str]:
    """The texts of a column; empty ones without end where the tape lacks it."""
    return columns.get(name) or repeat("")


def _conditions(columns: Columns) -> Iterable[tuple[str, ...]]:
    found = columns.get("conditions")
    return map(_marks.__getitem__, found) if found else repeat(())
