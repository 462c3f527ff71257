"""The market of the demonstration: an episode of the seeded generator, with an end, and a witness of what was told.

The generator's venue also corrects and cancels trades and tells bars again, and then history rightly differs from
what was once said live. Those messages are left out here, so that "delivered equals published, row for row" is a
fair demand; late trades, bursts and halts stay.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from attrs import define, field, frozen

from engine.exchange.generator import Generator
from engine.exchange.market import Row
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Kind, MarketEvent

SPEED: Final = 30.0
"""Market seconds a second: a minute bar every two seconds, so that a moving average has something to cross."""
LENGTH_S: Final = 660
"""Eleven market minutes: 22 s to watch."""
EVENTS_PER_S: Final = 60.0
"""In market time; about 1,800 a second to the eye."""
SYMBOLS: Final = ("AAPL", "SPY", "TSLA", "BTC/USD", "ETH/USD")
CHANNELS: Final = (Kind.TRADES, Kind.QUOTES, Kind.BARS)
START_NS: Final = parse_instant("2026-03-02T15:00:00Z")
"""A Monday morning in New York, half an hour after the open: the same for everybody who runs it."""
FAULTS: Final = """
# Five ways to lose a line. The first three are noticed at once; a line that is mute or half open has to be found out.
[[fault]]
kind = "cut"
after_events = 3000

[[fault]]
kind = "cut_without_close"
after_events = 8000

[[fault]]
kind = "truncated_frame"
after_events = 13000

[[fault]]
kind = "mute"
after_events = 18000

[[fault]]
kind = "half_open"
after_events = 23000

# And all the while: the venue repeats itself, shuffles a little, and its history is not up to date.
[[fault]]
kind = "duplicate"
p = 0.02

[[fault]]
kind = "reorder"
p = 0.02

[[fault]]
kind = "history_lag"
lag = "5s"
"""
_LEFT_OUT: Final = frozenset({Kind.CORRECTIONS, Kind.CANCELS, Kind.UPDATED_BARS})


@frozen
class Episode:
    """A `Source` that ends: the first ``length_s`` market seconds of a generated market."""

    generator: Generator
    length_s: float = LENGTH_S
    endless: bool = field(default=False, init=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols it will tell of."""
        return self.generator.symbols

    @property
    def start_ns(self) -> int:
        """Market time at which it begins."""
        return self.generator.start_ns

    def rows(self) -> Iterator[Row]:
        """Every event in the order of publication."""
        end_ns = self.start_ns + round(self.length_s * NS_PER_S)
        within = takewhile(lambda row: row[0] < end_ns, self.generator.rows())
        return (row for row in within if row[1].kind not in _LEFT_OUT)


@define(eq=False)
class Witness:
    """Hears every published event before any line does: a sink of the market that no fault can touch."""

    events: list[MarketEvent] = field(factory=list)
    reading: bool = field(default=False, init=False)  # the market does not wait for it

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Remember a batch."""
        self.events += events

    async def ready(self) -> None:
        """Never asked, because it is never `reading`."""

    def flushed(self) -> bool:
        """It holds nothing back."""
        return True


def build_episode(seed: int, length_s: float = LENGTH_S) -> Episode:
    """The market of this seed."""
    return Episode(Generator(seed=seed, start_ns=START_NS, symbols=SYMBOLS, events_per_s=EVENTS_PER_S), length_s)
