"""What a replay needs of a tape: a part of it at a time, in order, of the streams that somebody wants."""

from collections.abc import Sequence, Set
from typing import Protocol

from attrs import frozen

from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream


@frozen(eq=False)
class Window:
    """A stretch of a tape: events in the order in which they are told, and when each is due (market time, ns).

    Both lists are as long, ``dues_ns`` never falls. Events have ``origin="replay"`` and ``received_ns`` = due; their
    ``seq`` is given when they are told. ``streams`` holds every stream that has an event in it.
    """

    events: list[MarketEvent]
    dues_ns: list[int]
    streams: frozenset[Stream]


class Tape(Protocol):
    """An opened tape and a place in it. Not safe to share: one replay has one."""

    @property
    def symbols(self) -> tuple[str, ...]: ...

    @property
    def start_ns(self) -> int:
        """When its first event is due."""
        ...

    @property
    def end_ns(self) -> int:
        """When its last event is due, or the end of its span: until then the deadlines of strategies pass."""
        ...

    @property
    def digest(self) -> str:
        """A hash of what it holds within its span and symbols, the same on every machine."""
        ...

    @property
    def streams(self) -> frozenset[Stream]:
        """What it can tell, bars that are made from its trades included."""
        ...

    def want(self, streams: Set[Stream], *, after_ns: int = 0) -> None:
        """From the present place on tell these streams and no others; a symbol may be `engine.model.stream.ANY`.

        A stream that was not wanted before begins behind the last instant that was told, and behind ``after_ns``,
        until when time went on without an event. Streams that the tape does not have are ignored.
        """
        ...

    def window(self) -> Window | None:
        """The next stretch, from the present place on; ``None`` at the end. Asking again gives the same.

        Bounded: at most some 65,536 events, so memory does not grow with the length of the tape.
        """
        ...

    def advance(self, count: int) -> None:
        """The first ``count`` events of the present window were told: the place moves behind them."""
        ...

    def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int, *, before_ns: int) -> Sequence[MarketEvent]:
        """Rows with times within both inclusive bounds whose due time is at most ``before_ns`` (what is known by
        then and nothing later), oldest first, ``origin="backfill"``."""
        ...
