"""What was heard once, told again: recorded session folders, and the ``.jsonl`` files of the audit strategy.

An event is due when the session told it. In a recording of the audit strategy that is when it was received, and an
event out of history, which has no such time, is due with what came before it.

Each stream reads the session once and takes its own events out of it: memory does not grow with the length of the
session, but a tape of a hundred streams is read a hundred times. For those, play Parquet files.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from attrs import frozen
from msgspec.structs import replace

from engine.errors import Misconfigured
from engine.model.control import Gap
from engine.model.market import EVENT_TYPES, Kind, MarketEvent, Origin
from engine.model.stream import ARTICLES, Stream
from engine.store.tape.chunks import CHUNK_EVENTS, NEVER_NS, Chunk, Opened

MANIFEST: Final = "manifest.json"
LINE_BYTES_MAX: Final = 1_048_576
"""A whole order book or a long article is some ten kilobytes."""
Heard: TypeAlias = tuple[int, int, MarketEvent]
"""When due, its number, and the event as it was heard."""

_NAMES: Final = {event_type.__name__: kind for kind, event_type in EVENT_TYPES.items()}
_READ: Final = {
    "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_"): msgspec.json.Decoder(
        EVENT_TYPES[kind]
    )
    for name, kind in _NAMES.items()
}
"""By the names that ``audit`` gives them: ``trade``, ``daily_bar`` ..."""


class _Head(msgspec.Struct):
    """The part of a line that says what it is."""

    type: str


_read_head: Final = msgspec.json.Decoder(_Head)


@frozen(eq=False)
class HeardStream:
    """One stream of something that was heard."""

    stream: Stream
    order: int
    hear: Callable[[], Iterator[Heard]]
    first_ns: int
    last_ns: int

    def read(self, after_ns: int, until_ns: int, rows: int, origin: Origin) -> Iterator[Chunk]:
        """See `engine.store.tape.chunks.Source`."""
        events, dues, places = list[MarketEvent](), list[int](), list[int]()
        for due_ns, number, event in self._mine(after_ns, until_ns):
            received_ns = due_ns if origin == "replay" else 0
            events.append(replace(event, received_ns=received_ns, origin=origin, seq=0))
            dues.append(due_ns)
            places.append(number)
            if len(events) >= rows:
                yield Chunk(events, dues, places)
                events, dues, places = [], [], []
        if events:
            yield Chunk(events, dues, places)

    def past(self, start_ns: int, end_ns: int, before_ns: int) -> Iterator[MarketEvent]:
        """See `engine.store.tape.chunks.Source`: in order of time; of bars that were told twice the last."""
        bars = self.stream.kind in (Kind.BARS, Kind.DAILY_BARS)
        found: dict[object, MarketEvent] = {}
        for chunk in self.read(-1, before_ns, CHUNK_EVENTS, "backfill"):
            for place, event in zip(chunk.places, chunk.events, strict=True):
                if start_ns <= event.ts_ns <= end_ns:
                    found[event.ts_ns if bars else (place,)] = event
        yield from sorted(found.values(), key=lambda event: event.ts_ns)

    def first_due(self, start_ns: int) -> int | None:
        """See `engine.store.tape.chunks.Opened`."""
        if start_ns <= self.first_ns:
            return self.first_ns
        return next((due_ns for due_ns, _, _ in self._mine(start_ns - 1, NEVER_NS)), None)

    def last_due(self, end_ns: int) -> int | None:
        """See `engine.store.tape.chunks.Opened`."""
        if end_ns >= self.last_ns:
            return self.last_ns
        return max((due_ns for due_ns, _, _ in self._mine(-1, end_ns)), default=None)

    def _mine(self, after_ns: int, until_ns: int) -> Iterator[Heard]:
        for heard in self.hear():
            if heard[0] > until_ns:
                return
            if heard[0] > after_ns and _stream_of(heard[2]) == self.stream:
                yield heard


def is_session(path: Path) -> bool:
    """Whether a path is the folder of a recorded session."""
    return (path / MANIFEST).is_file()


def open_session(folder: Path, wanted: frozenset[str], order: int) -> list[Opened]:
    """The streams of a recorded session."""
    from engine.store.session import read_session  # what only sessions need

    return _streams(lambda: _as_told(read_session(folder).told()), wanted, order)


def read_gaps(folder: Path, wanted: frozenset[str]) -> list[Gap]:
    """What a recorded session knows to be missing of the market, in the order in which that was found out.

    Not what one strategy's own subscription lost: in a replay that comes out of itself.
    """
    from engine.store.session import read_session  # what only sessions need

    return [
        gap
        for gap in read_session(folder).gaps()
        if gap.cause not in ("dropped", "restarted") and (not wanted or gap.stream.symbol in wanted)
    ]


def open_recorded(path: Path, wanted: frozenset[str], order: int) -> list[Opened]:
    """The streams of a recording of the audit strategy. A last line without its end is left out."""
    if not path.is_file():
        raise Misconfigured(f"There is no tape {path}: check its name.")
    return _streams(lambda: _in_time(_lines(path)), wanted, order)


def _streams(hear: Callable[[], Iterator[Heard]], wanted: frozenset[str], order: int) -> list[Opened]:
    spans: dict[Stream, tuple[int, int]] = {}
    for due_ns, _, event in hear():
        stream = _stream_of(event)
        if not wanted or stream.symbol in wanted or not wanted.isdisjoint(getattr(event, "symbols", ())):
            spans[stream] = (spans.get(stream, (due_ns, 0))[0], due_ns)
    return [HeardStream(stream, order, hear, *spans[stream]) for stream in sorted(spans)]


def _stream_of(event: MarketEvent) -> Stream:
    return ARTICLES if event.kind is Kind.NEWS else Stream(event.kind, event.symbol)


def _as_told(told: Iterable[tuple[int, MarketEvent]]) -> Iterator[Heard]:
    """As `_in_time`, of a session that wrote down when it told each."""
    due_ns = 0
    for number, (at_ns, event) in enumerate(told):
        due_ns = max(due_ns, at_ns)
        yield due_ns, number, event


def _in_time(events: Iterable[MarketEvent]) -> Iterator[Heard]:
    """Events in the order of their hearing, each with when it is due and its number."""
    due_ns = 0
    for number, event in enumerate(events):
        due_ns = max(due_ns, event.received_ns or (0 if due_ns else event.ts_ns))
        yield due_ns, number, event


def _lines(path: Path) -> Iterator[MarketEvent]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES_MAX), b""), 1):
            if not line.endswith(b"\n"):
                return
            try:
                name = _read_head.decode(line).type
                if name != "gap":
                    yield _READ[name].decode(line)
            except (msgspec.MsgspecError, KeyError) as error:
                raise Misconfigured(
                    f"Line {number} of the recording {path} is no event of a session: {error}. "
                    "Record one with the audit strategy."
                ) from None
