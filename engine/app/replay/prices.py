"""What one strategy's own streams told of prices: all that its account may know of them."""

from collections.abc import Callable, Iterable

from attrs import define, field

from engine.core.overflow import Overflow
from engine.flow.markets import Markets
from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream
from engine.ports import Clock, History


@define(eq=False)
class OwnPrices:
    """`engine.flow.account.marks.Told` of one strategy, and `Overheard`: the newest event of each stream.

    ``settle`` accounts for what a strategy has in hand already. Bounded: some events for each symbol of the tape.
    """

    markets: Markets
    settle: Callable[[], None]
    _newest: dict[tuple[type, str], MarketEvent] = field(factory=dict, init=False)

    @property
    def clock(self) -> Clock:
        """Market time."""
        return self.markets.clock

    def history_of(self, stream: Stream) -> History | None:
        """Of the whole tape: anybody may ask for its past."""
        return self.markets.history_of(stream)

    def overhear(self, name: str, kinds: Iterable[Kind], queue: Overflow) -> "OwnPrices":
        """Itself: it is handed what there is to hear."""
        del name, kinds, queue
        return self

    def take(self, event: MarketEvent) -> None:
        """The strategy is told this. The newest come last."""
        key = (type(event), event.symbol)
        self._newest.pop(key, None)
        self._newest[key] = event

    def has_events(self) -> bool:
        """Whether there is anything newer than what was taken."""
        self.settle()
        return bool(self._newest)

    def take_nowait(self) -> MarketEvent:
        """The oldest of them."""
        return self._newest.pop(next(iter(self._newest)))
