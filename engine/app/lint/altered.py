"""A tape that is not what it was: it begins later, ends earlier, or tells absurd things after an instant.

All of it is done where a replay takes events from its tape, so whatever way a strategy found to the future leads to
the altered one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence, Set
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from engine.app.lint.held import BAR_DUE_NS, rest_of
from engine.model.control import Gap
from engine.model.market import Bar, Kind, MarketEvent
from engine.model.stream import Stream
from engine.ports.tape import Tape, Window

NEVER_NS: Final = 2**63 - 1
"""Later than anything on a tape."""
ABSURD: Final = 10.0
"""No threshold, average or comparison is left as it was; down as well as up, because many a strategy that sees the
next price does what it does on the way up alone."""
PRICES: Final = frozenset(
    {
        "price", "bid_price", "ask_price", "open", "high", "low", "close", "vwap", "limit_up", "limit_down",
        "original_price", "corrected_price", "mark_price", "index_price",
    }
)  # fmt: skip

EventT = TypeVar("EventT", bound=MarketEvent)


def spoil(event: EventT, factor: float = ABSURD) -> EventT:
    """The same event with its prices times ``factor``; one without any is as it was."""
    changed: dict[str, Any] = {
        name: getattr(event, name) * factor for name in event.__struct_fields__ if name in PRICES
    }
    return replace(event, **changed) if changed else event


class AlteredTape:
    """A `Tape` over another one.

    ``start_ns``: events before it are history only. ``until_ns``: the tape ends with the first instant behind it that
    has an event, so that what was decided at ``until_ns`` is not mixed with what a strategy does at the end.
    ``spoil_ns``: every price that is told after it is ``factor`` times itself.
    """

    def __init__(
        self,
        inner: Tape,
        *,
        start_ns: int | None = None,
        until_ns: int | None = None,
        spoil_ns: int | None = None,
        factor: float = ABSURD,
    ) -> None:
        self._inner = inner
        self._start_ns, self._until_ns, self._spoil_ns = start_ns, until_ns, spoil_ns
        self._factor = factor
        self._end_ns: int | None = None
        self._shown: Window | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """As the other's."""
        return self._inner.symbols

    @property
    def start_ns(self) -> int:
        """As the other's, or where this one begins."""
        return max(self._inner.start_ns, self._start_ns or 0)

    @property
    def end_ns(self) -> int:
        """The other's end; where this one is cut off, its end is found while it is told."""
        return self._inner.end_ns if self._until_ns is None else min(self._inner.end_ns, self._until_ns)

    @property
    def gaps(self) -> Sequence[Gap]:
        """The other's, as far as this one goes."""
        first_ns, last_ns = self._start_ns or 0, NEVER_NS if self._until_ns is None else self._until_ns
        return [gap for gap in getattr(self._inner, "gaps", ()) if first_ns <= gap.at_ns <= last_ns]

    @property
    def digest(self) -> str:
        """The other's, with what was altered."""
        return f"{self._inner.digest}/{self._start_ns}/{self._until_ns}/{self._spoil_ns}/{self._factor}"

    @property
    def streams(self) -> frozenset[Stream]:
        """As the other's."""
        return self._inner.streams

    def want(self, streams: Set[Stream], *, after_ns: int = 0) -> None:
        """See `engine.ports.tape.Tape.want`."""
        self._inner.want(streams, after_ns=after_ns)
        self._shown = None

    def window(self) -> Window | None:
        """See `engine.ports.tape.Tape.window`."""
        while self._shown is None and (there := self._inner.window()) is not None:
            before = 0 if self._start_ns is None else bisect_left(there.dues_ns, self._start_ns)
            if before:
                self._inner.advance(before)
                continue
            self._shown = self._alter(there)
            break
        return self._shown

    def advance(self, count: int) -> None:
        """See `engine.ports.tape.Tape.advance`."""
        self._inner.advance(count)
        if self._shown is not None:
            self._shown = rest_of(self._shown, count)

    def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int, *, before_ns: int) -> Sequence[MarketEvent]:
        """See `engine.ports.tape.Tape.history`."""
        known = self._inner.history(kind, symbol, start_ns, end_ns, before_ns=before_ns)
        if self._spoil_ns is None:
            return known
        return [spoil(event, self._factor) if self._told_ns(event) > self._spoil_ns else event for event in known]

    def _told_ns(self, event: MarketEvent) -> int:
        return event.ts_ns + BAR_DUE_NS if isinstance(event, Bar) else event.ts_ns

    def _alter(self, there: Window) -> Window | None:
        events, dues_ns = there.events, there.dues_ns
        if self._until_ns is not None:
            if self._end_ns is None:
                place = bisect_right(dues_ns, self._until_ns)
                self._end_ns = dues_ns[place] if place < len(dues_ns) else None
            if self._end_ns is not None:
                last = bisect_right(dues_ns, self._end_ns)
                if not last:
                    return None
                events, dues_ns = events[:last], dues_ns[:last]
        if self._spoil_ns is not None:
            place = bisect_right(dues_ns, self._spoil_ns)
            events = [*events[:place], *(spoil(event, self._factor) for event in events[place:])]
        return Window(events, dues_ns, there.streams)
