"""A market made up from a seed: bursty, with quotes around its trades, halts, and the venue's small untidinesses.

It exists so that a session can be run, and broken, with nothing but a number: the same seed, symbols, rate and start
give the same events. It never closes, since a demonstration at night needs one too; it opens anew at 9:30 in New York.

Each symbol goes through calm, quiet and burst on dice of its own (``Random(f"{seed}/{symbol}")``), so adding a symbol
leaves the others as they are. A second of one symbol is made at a time: that is all the look-ahead there is.

What is untidy, as at the venue: late trades (told seconds after their time), corrections and cancels of trades told
before, halts. ``burst=False`` leaves all of it out and spaces events evenly, at exactly the rate asked for.
"""

import heapq
from collections.abc import Iterable, Iterator
from random import Random
from typing import Final

from attrs import field, frozen

from engine.errors import Misconfigured
from engine.exchange.bars import BarMaker
from engine.exchange.market import Row
from engine.exchange.symbol_market import BurstyMarket, EvenMarket, SymbolMarket
from engine.model.market import MarketEvent, Trade

STOCKS: Final = ("AAPL", "MSFT", "SPY", "TSLA")
CRYPTO: Final = ("BTC/USD", "ETH/USD")
EVENTS_PER_S: Final = 200.0
"""Mean over all symbols: lively to look at, light to run, and bursts still reach thousands."""
EVENTS_PER_S_MAX: Final = 100_000.0
"""More than one core makes, publishes and sends."""
SYMBOLS_MAX: Final = 2000
BAR_DELAY_NS: Final = 50_000_000
"""Bars appear 20 to 100 ms after their minute."""


def _sorted(symbols: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(symbols)))


@frozen
class Generator:
    """A seeded market: a `Source` that never ends.

    ``events_per_s`` is the mean of trades, quotes and changes of books over all symbols, above 0 and up to 100,000.
    """

    seed: int
    start_ns: int
    symbols: tuple[str, ...] = field(default=(*STOCKS, *CRYPTO), converter=_sorted)
    events_per_s: float = EVENTS_PER_S
    burst: bool = True
    endless: bool = field(default=True, init=False)

    def __attrs_post_init__(self) -> None:
        if not self.symbols or len(self.symbols) > SYMBOLS_MAX:
            raise Misconfigured(f"The generator makes 1 to {SYMBOLS_MAX} symbols; {len(self.symbols)} were asked for.")
        if not 0 < self.events_per_s <= EVENTS_PER_S_MAX:
            raise Misconfigured(
                f"The generator makes above 0 and up to {EVENTS_PER_S_MAX:.0f} events a second; "
                f"{self.events_per_s:g} were asked for."
            )

    def rows(self) -> Iterator[Row]:
        """Every event in the order of publication, with the bars between them."""
        share = self.events_per_s / len(self.symbols)
        markets = [
            BurstyMarket(symbol, Random(f"{self.seed}/{symbol}"), self.start_ns, share)
            if self.burst
            else EvenMarket(symbol, Random(f"{self.seed}/{symbol}"), self.start_ns, share, place / self.events_per_s)
            for place, symbol in enumerate(self.symbols)
        ]
        merged = heapq.merge(*(_numbered(place, market) for place, market in enumerate(markets)))
        maker = BarMaker(BAR_DELAY_NS)
        for due_ns, _, _, event in merged:
            if maker.next_ns is not None and maker.next_ns <= due_ns:
                yield from maker.due(due_ns)
            if isinstance(event, Trade):
                maker.add(event)
            yield due_ns, event


def _numbered(place: int, market: SymbolMarket) -> Iterator[tuple[int, int, int, MarketEvent]]:
    """A symbol's rows with what they are merged by; the place and number see to it that events are never compared."""
    number = 0
    while True:
        for due_ns, event in market.next_second():
            number += 1
            yield due_ns, place, number, event
