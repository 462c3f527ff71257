"""What a made market tells beside stocks and crypto: options, news and the test stream, mixed into its rows.

They are no business of the generator, whose symbols, rates and dice stay as they are with or without them. Options
follow what their underlyings trade at in those rows, so the two never contradict each other. All of it together is some
six events a second, and less beside a market that makes less than fifty itself.
"""

import heapq
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from engine.exchange.contracts import choose_underlyings
from engine.exchange.generator import EVENTS_PER_S, Generator
from engine.exchange.line.endpoints import TEST_SYMBOL
from engine.exchange.made.news import news_rows
from engine.exchange.made.options import option_rows, place_rows
from engine.exchange.market import Row, Source
from engine.exchange.symbol_market import PRICES
from engine.model.market import Trade

TEST_EVENTS_PER_S: Final = 2.0
"""Lively at any hour, which is what the test stream is for."""
FULL_EVENTS_PER_S: Final = 50.0
"""A market of so many events a second has the others at their full rate, a slower one in proportion."""


@frozen
class Families:
    """A `Source`: ``source``, which makes ``events_per_s``, with the other families mixed in.

    ``prices`` are those at which its stocks begin. ``symbols`` are the source's: nobody asks for contracts, articles or
    the test symbol without knowing of them.
    """

    source: Source
    seed: int
    events_per_s: float = EVENTS_PER_S
    prices: Mapping[str, float] = field(default=PRICES)

    @property
    def symbols(self) -> tuple[str, ...]:
        """As the source's."""
        return self.source.symbols

    @property
    def start_ns(self) -> int:
        """As the source's."""
        return self.source.start_ns

    @property
    def endless(self) -> bool:
        """As the source's."""
        return self.source.endless

    def rows(self) -> Iterator[Row]:
        """Every event in the order of publication; ends with the source."""
        start = choose_underlyings(self.symbols, self.prices)
        spot = dict(start)
        pace = min(self.events_per_s / FULL_EVENTS_PER_S, 1.0)
        test = Generator(self.seed, self.start_ns, (TEST_SYMBOL,), TEST_EVENTS_PER_S * pace, burst=False)
        extras = heapq.merge(
            place_rows(0, option_rows(self.seed, self.start_ns, start, spot, pace)),
            place_rows(1, news_rows(self.seed, self.start_ns, self.symbols)),
            place_rows(2, test.rows()),
        )
        next_ns, _, _, extra = next(extras)
        for row in self.source.rows():
            due_ns, event = row
            while next_ns < due_ns:
                yield next_ns, extra
                next_ns, _, _, extra = next(extras)
            if type(event) is Trade and event.symbol in spot:
                spot[event.symbol] = event.price
            yield row
