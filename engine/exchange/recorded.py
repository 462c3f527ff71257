"""A session that somebody recorded, told again: the lines that the ``audit`` strategy writes, as a source.

A strategy hears a hole's events after what came behind it, so the lines are put back into the order of their time:
two numbers a line are kept in memory (when it is told, where it stands in the file), the events stay on the disk. Gaps
are skipped: what nobody received, nobody can play.
"""

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from attrs import field, frozen
from msgspec.structs import replace

from engine.codec.columns import BAR_TOLD_AFTER_NS
from engine.errors import Misconfigured
from engine.exchange.market import Row
from engine.model.market import EVENT_TYPES, Bar, DailyBar, Kind, MarketEvent, Quote, Trade

ENDING: Final = ".jsonl"
LINES_MAX: Final = 10_000_000
"""A long day of a busy account; its index takes 160 MB."""
LINE_BYTES_MAX: Final = 1_048_576
"""A whole order book or a long article is some ten kilobytes."""

_GAP: Final = "gap"
_READ: Final = {
    name: msgspec.json.Decoder(EVENT_TYPES[kind])
    for name, kind in {
        "trade": Kind.TRADES,
        "quote": Kind.QUOTES,
        "bar": Kind.BARS,
        "updated_bar": Kind.UPDATED_BARS,
        "daily_bar": Kind.DAILY_BARS,
        "status": Kind.STATUSES,
        "luld": Kind.LULDS,
        "correction": Kind.CORRECTIONS,
        "cancel": Kind.CANCELS,
        "imbalance": Kind.IMBALANCES,
        "book": Kind.BOOKS,
        "pricing": Kind.PRICING,
        "news": Kind.NEWS,
    }.items()
}
"""By the names that ``audit`` gives them."""


class _Head(msgspec.Struct):
    """The part of a line that says what it is."""

    type: str


_read_head: Final = msgspec.json.Decoder(_Head)


@frozen
class Recorded:
    """An opened recording: a `Source`."""

    path: Path
    symbols: tuple[str, ...]
    start_ns: int
    dues_ns: "array[int]"
    offsets: "array[int]"
    endless: bool = field(default=False, init=False)

    def rows(self) -> Iterator[Row]:
        """Every event in the order of its time; ties as they were recorded."""
        with self.path.open("rb") as file:
            for place in sorted(range(len(self.dues_ns)), key=self.dues_ns.__getitem__):
                file.seek(self.offsets[place])
                event = _parse(file.readline(LINE_BYTES_MAX))
                if event is not None:
                    yield self.dues_ns[place], replace(event, received_ns=0, origin="live", seq=0)


def open_recorded(path: Path, symbols: Sequence[str] | None = None) -> Recorded:
    """Open a recording, limited to ``symbols`` if any are given.

    Raises `Misconfigured` when the file is absent, a line cannot be read, or nothing is left to tell. A last line
    without its end (the process was killed while writing) is left out.
    """
    wanted = frozenset(symbols) if symbols else None
    dues_ns, offsets = array("q"), array("q")
    held: set[str] = set()
    try:
        with path.open("rb") as file:
            offset = 0
            for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES_MAX), b""), 1):
                event = _parse(line, f"Line {number} of the recording {path}") if line.endswith(b"\n") else None
                if event is not None and (wanted is None or event.symbol in wanted):
                    held.add(event.symbol)
                    dues_ns.append(_due_ns(event))
                    offsets.append(offset)
                offset += len(line)
                if number > LINES_MAX:
                    raise Misconfigured(f"The recording {path} has more than {LINES_MAX:,} lines: split it.")
    except OSError as error:
        raise Misconfigured(f"The recording {path} cannot be read: {error.strerror}. Check its name.") from None
    if not dues_ns:
        raise Misconfigured(f"The recording {path} has no event of what was asked for: nothing would be told.")
    return Recorded(path, tuple(sorted(held - {""})), min(dues_ns), dues_ns, offsets)


def _due_ns(event: MarketEvent) -> int:
    """When it is told: a trade when the venue had it, a bar at its minute's end."""
    if isinstance(event, Trade | Quote):
        return event.venue_ns or event.ts_ns
    if isinstance(event, Bar):
        return event.received_ns if isinstance(event, DailyBar) else event.ts_ns + BAR_TOLD_AFTER_NS
    return event.ts_ns


def _parse(line: bytes, where: str = "A line of the recording, which changed meanwhile,") -> MarketEvent | None:
    """The event of a line, as it was before anybody received it; ``None`` for a gap."""
    try:
        name = _read_head.decode(line).type
        return None if name == _GAP else _READ[name].decode(line)
    except (msgspec.MsgspecError, KeyError) as error:
        raise Misconfigured(f"{where} is no event of a session: {error}. Record one with the audit strategy.") from None
