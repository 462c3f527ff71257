"""The weeks of a made crypto pair: it never closes, but nights and weekends are slack, and Sunday at three is empty.

A strategy that was tested on weekdays meets, on a Sunday night, one trade in minutes and a spread eight times as wide.
"""

from typing import Final

from attrs import define, field

from engine.exchange.made.rhythm import Rhythm, crypto_mood
from engine.exchange.market import Row
from engine.exchange.symbol_market import CryptoSymbol
from engine.model.instant import NS_PER_S

FIRST_AFTER_NS: Final = 5_000_000
"""A pair's first quote comes this long after the market's start, so that whoever connected before it hears it."""


@define
class CryptoWeeks:
    """Plays one pair from ``now_ns`` on. ``rate``: events a second while New York trades."""

    crypto: CryptoSymbol
    now_ns: int
    rate: float
    _rhythm: Rhythm = field(init=False)
    _begun: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._rhythm = Rhythm(self.crypto.rng)
        self._rhythm.burst(self.now_ns)

    def next_second(self) -> list[Row]:
        """The rows of the next second in the order of publication. The first are a quote and the whole book."""
        start_ns = self.now_ns
        self.now_ns = end_ns = start_ns + NS_PER_S
        mood, crypto = crypto_mood(start_ns), self.crypto
        crypto.wide = mood.wide
        rows: list[Row] = []
        if not self._begun:
            self._begun = True
            start_ns += FIRST_AFTER_NS
            rows += [(start_ns, crypto.quote(start_ns)), (start_ns, crypto.book(start_ns))]
        moments = self._rhythm.moments(start_ns, end_ns, self.rate * mood.busy)
        rows += [(ts_ns, crypto.event(ts_ns)) for ts_ns in moments]
        return rows
