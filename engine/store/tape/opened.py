"""An opened tape: its sources, and the place of one replay in them."""

from collections.abc import Sequence, Set
from heapq import merge
from typing import Final

from attrs import define, field, frozen

from engine.errors import Misconfigured
from engine.model.control import Gap
from engine.model.market import Kind, MarketEvent
from engine.model.stream import ANY, Stream
from engine.ports.tape import Window
from engine.store.tape.chunks import CHUNK_EVENTS, CHUNK_EVENTS_MIN, NEVER_NS, WINDOW_EVENTS, Cursor, Source
from engine.store.tape.digest import digest_of
from engine.store.tape.made import MadeBars, MadeDays
from engine.store.tape.merging import Merge

HISTORY_EVENTS_MAX: Final = 2_000_000
"""Of one question: a busy symbol's whole week, some 500 MB. Who wants more asks for less at a time."""
_MADE: Final = (Kind.BARS, Kind.UPDATED_BARS, Kind.DAILY_BARS)


@frozen
class Span:
    """The instants, both inclusive, between which events are told by when they are due."""

    first_ns: int
    last_ns: int = NEVER_NS


@define(eq=False)
class OpenTape:
    """See `engine.ports.tape.Tape`."""

    sources: tuple[Source, ...]
    """What was opened, in order."""
    symbols: tuple[str, ...]
    start_ns: int
    end_ns: int
    """When the last event that is on the tape itself is due."""
    span: Span
    gaps: tuple[Gap, ...] = ()
    """What the sessions on it are known to lack within the span, in order of ``at_ns``, when each is told."""
    _all: dict[Stream, list[Source]] = field(init=False)
    _wanted: frozenset[Stream] = field(default=frozenset(), init=False)
    _merge: Merge = field(init=False)
    _digest: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._all = with_made(self.sources)
        self._merge = Merge([], self.span.first_ns - 1)

    @property
    def streams(self) -> frozenset[Stream]:
        """What it can tell, bars that are made included."""
        return frozenset(self._all)

    @property
    def digest(self) -> str:
        """A hash of the rows within the span. One pass over the columns, when it is asked for first."""
        if not self._digest:
            self._digest = digest_of(self.sources, self.span.first_ns, self.span.last_ns)
        return self._digest

    def want(self, streams: Set[Stream], *, after_ns: int = 0) -> None:
        """See `engine.ports.tape.Tape`."""
        wanted = {each for stream in streams for each in self._matching(stream)}
        if wanted == self._wanted:
            return
        self._merge.give_back()
        kept = {cursor.source: cursor for cursor in self._merge.cursors if cursor.stream in wanted}
        sources = [source for stream in wanted for source in self._all[stream]]
        sources.sort(key=lambda source: (source.order, source.stream))
        rows = min(max(WINDOW_EVENTS // max(len(sources), 1), CHUNK_EVENTS_MIN), CHUNK_EVENTS)
        begin_ns = max(self._merge.told_ns, after_ns)
        self._merge.cursors = [
            kept.get(source) or Cursor(source, source.read(begin_ns, self.span.last_ns, rows, "replay"))
            for source in sources
        ]
        self._wanted = frozenset(wanted)

    def window(self) -> Window | None:
        """See `engine.ports.tape.Tape`."""
        return self._merge.window()

    def advance(self, count: int) -> None:
        """See `engine.ports.tape.Tape`."""
        self._merge.advance(count)

    def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int, *, before_ns: int) -> Sequence[MarketEvent]:
        """See `engine.ports.tape.Tape`. Rows before the tape's span are known too, those behind it never."""
        before_ns = min(before_ns, self.span.last_ns)
        sources = self._all.get(Stream(kind, symbol), [])
        # Days are told once, not once for each file with bars of them: the last source has counted them all.
        found = [source.past(start_ns, end_ns, before_ns) for source in sources]
        known: list[MarketEvent] = []
        for event in merge(*found, key=lambda event: event.ts_ns):
            if kind is Kind.DAILY_BARS and known and known[-1].ts_ns == event.ts_ns:
                known.pop()
            known.append(event)
            if len(known) > HISTORY_EVENTS_MAX:
                raise Misconfigured(
                    f"The history of {kind} of {symbol} that was asked for has more than {HISTORY_EVENTS_MAX:,} "
                    "events: ask for a shorter span."
                )
        return known

    def _matching(self, stream: Stream) -> list[Stream]:
        if stream.kind is Kind.NEWS:  # one sequence of articles, whatever symbols they are about
            return [each for each in self._all if each.kind is Kind.NEWS]
        if stream.symbol == ANY:
            return [each for each in self._all if each.kind is stream.kind]
        return [stream] if stream in self._all else []


def with_made(sources: Sequence[Source]) -> dict[Stream, list[Source]]:
    """Every source by what it tells, with those that are made: bars where a symbol has trades and none, days where it
    has bars and none."""
    found: dict[Stream, list[Source]] = {}
    for source in sources:
        found.setdefault(source.stream, []).append(source)
    for symbol in sorted({source.stream.symbol for source in sources}):
        trades, bars = Stream(Kind.TRADES, symbol), Stream(Kind.BARS, symbol)
        days = Stream(Kind.DAILY_BARS, symbol)
        if bars in found:
            if days not in found:
                mine = tuple(found[bars])
                found[days] = [MadeDays(days, mine, one) for one in mine]
        elif trades in found:
            for kind in _MADE:
                found.setdefault(Stream(kind, symbol), [MadeBars(Stream(kind, symbol), tuple(found[trades]))])
    return found
