"""The market's events of a session, handed to the subscriptions that took them: read once, and as far as needed."""

from collections import deque
from collections.abc import Iterator

from attrs import define, field

from engine.errors import StoreFailed
from engine.model.market import Kind, MarketEvent, News
from engine.model.stream import ANY, Stream


@define(eq=False)
class Inlet:
    """What one subscription that lets nothing go was told and has not been given: from behind ``after_seq``."""

    streams: frozenset[Stream]
    after_seq: int
    waiting: deque[MarketEvent] = field(factory=deque)

    def wants(self, event: MarketEvent) -> bool:
        """Whether it was told this event."""
        if event.seq <= self.after_seq:
            return False
        if isinstance(event, News):
            names = {one.symbol.replace("/", "") for one in self.streams if one.kind is Kind.NEWS}
            return ANY in names or not names.isdisjoint(event.symbols)
        kind = event.kind
        return (kind, event.symbol) in self.streams or (kind, ANY) in self.streams


@define(eq=False)
class Pump:
    """``wanted``: how many subscriptions that let events go took each of these numbers."""

    _market: Iterator[MarketEvent]
    _wanted: dict[int, int]
    _kept: dict[int, MarketEvent] = field(factory=dict)
    _inlets: dict[int, Inlet] = field(factory=dict)
    _seq: int = 0

    def open(self, number: int, streams: frozenset[Stream], after_seq: int) -> None:
        """A subscription that lets nothing go."""
        self._inlets[number] = Inlet(streams, after_seq)

    def close(self, number: int) -> None:
        """It is left."""
        self._inlets.pop(number, None)

    def next(self, number: int) -> MarketEvent:
        """The next event of a subscription. Raises `StoreFailed` where the session does not hold it."""
        inlet = self._inlets[number]
        while not inlet.waiting:
            self._advance()
        return inlet.waiting.popleft()

    def take(self, seq: int) -> MarketEvent:
        """One event by its number. Raises `StoreFailed`."""
        while self._seq < seq:
            self._advance()
        event = self._kept.get(seq)
        if event is None:
            raise StoreFailed(f"the market's event {seq} is missing")
        self._wanted[seq] -= 1
        if not self._wanted[seq]:
            del self._kept[seq], self._wanted[seq]
        return event

    def _advance(self) -> None:
        event = next(self._market, None)
        if event is None:
            raise StoreFailed(f"the market's events end at {self._seq}, before what its strategies were told")
        self._seq = event.seq
        if event.seq in self._wanted:
            self._kept[event.seq] = event
        for inlet in self._inlets.values():
            if inlet.wants(event):
                inlet.waiting.append(event)
