"""Minute candles of one symbol, as they form: from trades, from the venue's own bars, from history.

The venue's bar is the truth of its minute, and takes the place of what was made of trades, because we may have begun to
listen in the middle of it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import define, field

from engine.core.bars.making import MINUTE_NS, UNCOUNTED, VOLUME_ONLY
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Trade

CANDLES_MAX: Final = 1500
"""A day of minutes, extended hours too, with room: 100 kB for a browser."""


@define
class Candle:
    """One minute. ``final``: the venue has told it. A minute that has volume only has no prices, and is not shown."""

    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0
    priced: bool = False
    final: bool = False


@define(eq=False)
class Candles:
    """The newest `CANDLES_MAX` minutes, by their start in seconds since the epoch."""

    changed: set[int] = field(factory=set)
    """Minutes that are not what they were when `take_changed` was last called."""
    _by_start: dict[int, Candle] = field(factory=dict)

    def add_trades(self, trades: Sequence[Trade], times: int = 1) -> None:
        """Count trades, of any minutes, in the order in which they were told; each stands for ``times`` of them.

        In a fast market there are hundreds of thousands a second: those of one minute are counted together, column by
        column, which takes half the time of one by one.
        """
        if not trades:
            return
        stamps = [trade.ts_ns for trade in trades]
        minute_ns = stamps[-1] - stamps[-1] % MINUTE_NS
        if min(stamps) < minute_ns or max(stamps) >= minute_ns + MINUTE_NS:
            for each in self._by_minute(trades):
                self.add_trades(each, times)
            return
        volume_only = set()
        for conditions in {trade.conditions for trade in trades}:
            if not UNCOUNTED.isdisjoint(conditions):
                self.add_trades([trade for trade in trades if UNCOUNTED.isdisjoint(trade.conditions)], times)
                return
            if not VOLUME_ONLY.isdisjoint(conditions):
                volume_only.add(conditions)
        if volume_only:
            prices = [trade.price for trade in trades if trade.conditions not in volume_only]
        else:
            prices = [trade.price for trade in trades]
        self._count(minute_ns // NS_PER_S, prices, times * sum([trade.size for trade in trades]))

    @staticmethod
    def _by_minute(trades: Sequence[Trade]) -> Iterable[Sequence[Trade]]:
        minutes: dict[int, list[Trade]] = {}
        for trade in trades:
            minutes.setdefault(trade.ts_ns // MINUTE_NS, []).append(trade)
        return minutes.values()

    def _count(self, start_s: int, prices: Sequence[float], volume: float) -> None:
        candle = self._open(start_s)
        if candle.final:
            return
        candle.volume += volume
        if not prices:
            return
        high, low = max(prices), min(prices)
        if not candle.priced:
            candle.open, candle.high, candle.low, candle.priced = prices[0], high, low, True
        candle.high, candle.low, candle.close = max(candle.high, high), min(candle.low, low), prices[-1]
        self._trim()

    def add_bars(self, bars: Iterable[Bar]) -> None:
        """Take the venue's word for these minutes."""
        for bar in bars:
            start_s = bar.ts_ns // NS_PER_S
            self._by_start[start_s] = Candle(bar.open, bar.high, bar.low, bar.close, bar.volume, True, True)
            self.changed.add(start_s)
        self._trim()

    def take_changed(self) -> dict[int, tuple[float, float, float, float, float]]:
        """Start, then open, high, low, close and volume, of the minutes that changed since this was last called."""
        starts, self.changed = sorted(self.changed), set()
        found = ((start, self._by_start.get(start)) for start in starts)
        return {
            start: (one.open, one.high, one.low, one.close, one.volume) for start, one in found if one and one.priced
        }

    def all(self) -> dict[int, tuple[float, float, float, float, float]]:
        """As `take_changed`, of every minute that is known."""
        self.changed = set(self._by_start)
        return self.take_changed()

    @property
    def last(self) -> float | None:
        """The last price that is known."""
        for start in sorted(self._by_start, reverse=True):
            if self._by_start[start].priced:
                return self._by_start[start].close
        return None

    def __len__(self) -> int:
        return len(self._by_start)

    def _open(self, start_s: int) -> Candle:
        self.changed.add(start_s)
        return self._by_start.setdefault(start_s, Candle())

    def _trim(self) -> None:
        excess = len(self._by_start) - CANDLES_MAX
        if excess > 0:
            for start in sorted(self._by_start)[:excess]:
                del self._by_start[start]
