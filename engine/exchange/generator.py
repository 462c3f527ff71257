"""A market made up from a seed: stocks that follow the trading day of New York, crypto that never closes.

It exists so that a session can be run, and broken, with nothing but a number: the same seed, symbols, rate and start
give the same events. What a day holds is in `engine.exchange.made`: the open, lunch and the close, a burst of news and
an interruption for every stock, jumps overnight, half days; and what is untidy at the venue: late trades (told seconds
after their time), corrections and cancels. At night stocks are silent, and the rows go on with the next morning.

Each symbol has dice of its own (``Random(f"{seed}/{symbol}")``), so adding a symbol leaves the others as they are. A
second of one symbol is made at a time: that is all the look-ahead there is.

``burst=False`` leaves all of it out: it spaces events evenly, at exactly the rate asked for, and never closes.
"""

import heapq
from collections.abc import Iterable, Iterator
from random import Random
from typing import Final, Protocol

from attrs import field, frozen

from engine.core.bars import BarMaker
from engine.errors import Misconfigured
from engine.exchange.made.crypto import CryptoWeeks
from engine.exchange.made.even import EvenTimes
from engine.exchange.made.moments import Moment
from engine.exchange.made.stock import StockDays
from engine.exchange.market import Row
from engine.exchange.symbol_market import CryptoSymbol, build_symbol
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


class Player(Protocol):
    """Decides when something happens to one symbol."""

    def next_second(self) -> list[Row]:
        """The rows of a second or less, in the order of publication; the seconds follow each other."""
        ...


@frozen
class Generator:
    """A seeded market: a `Source` that never ends.

    ``events_per_s`` is the mean of trades, quotes and changes of books over all symbols within regular hours of stocks,
    above 0 and up to 100,000. Before and after them stocks have three hundredths of it and crypto nine tenths, at
    weekends four, and next to nothing on Sunday before six in the morning in New York.

    ``plan``: what happens to stocks, in order for each, in place of what the dice have in store; ``()`` is a day
    without incident. A moment outside regular hours raises ``ValueError`` when its day is reached.
    """

    seed: int
    start_ns: int
    symbols: tuple[str, ...] = field(default=(*STOCKS, *CRYPTO), converter=_sorted)
    events_per_s: float = EVENTS_PER_S
    burst: bool = True
    plan: tuple[Moment, ...] | None = None
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
        players = (self._player(place, symbol) for place, symbol in enumerate(self.symbols))
        merged = heapq.merge(*(_numbered(place, player) for place, player in enumerate(players)))
        maker = BarMaker(BAR_DELAY_NS)
        for due_ns, _, _, event in merged:
            if maker.next_ns is not None and maker.next_ns <= due_ns:
                yield from maker.due(due_ns)
            if isinstance(event, Trade):
                maker.add(event)
            yield due_ns, event

    def _player(self, place: int, symbol: str) -> Player:
        share = self.events_per_s / len(self.symbols)
        made = build_symbol(symbol, Random(f"{self.seed}/{symbol}"))
        if not self.burst:
            return EvenTimes(made, self.start_ns, share, place / self.events_per_s)
        if isinstance(made, CryptoSymbol):
            return CryptoWeeks(made, self.start_ns, share)
        plan = None if self.plan is None else tuple(each for each in self.plan if each.symbol == symbol)
        return StockDays(made, self.start_ns, share, plan)


def _numbered(place: int, player: Player) -> Iterator[tuple[int, int, int, MarketEvent]]:
    """A symbol's rows with what they are merged by; the place and number see to it that events are never compared."""
    number = 0
    while True:
        for due_ns, event in player.next_second():
            number += 1
            yield due_ns, place, number, event
