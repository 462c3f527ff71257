"""Bars as the venue makes them: minutes from trades, days and other spans from minutes.

A minute's bar appears after the minute, is told again half a minute later when a late trade changed it, and does not
appear at all without a trade that may set a price: an odd lot (condition ``I``) counts for volume only, and official
prices (``M``, ``Q``) count for nothing. Stock days begin at midnight in New York, crypto days at midnight UTC.

Trades beyond regular hours (``T``) make minutes, but add only volume to days (Alpaca's FAQ). Days are made of minutes,
live and in history alike, so here it is the minute's place in the day that decides: prices count from the open to the
close, and of the minute that begins with the close its first, the closing auction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias, TypeVar

from attrs import define, frozen

from engine.core.calendar import HOUR_NS, NEW_YORK, day_at, instant_of, new_york
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, DailyBar, MarketEvent, Trade, UpdatedBar

MINUTE_NS: Final = 60 * NS_PER_S
DAY_NS: Final = 24 * HOUR_NS
UPDATE_AFTER_NS: Final = 30 * NS_PER_S
"""A bar that late trades changed is told again this long after its minute."""
VOLUME_ONLY: Final = frozenset("I")
UNCOUNTED: Final = frozenset("MQ")

AnyBar = TypeVar("AnyBar", bound=Bar)
Prices: TypeAlias = tuple[float, float, float, float]
"""Open, high, low, close."""


def is_crypto(symbol: str) -> bool:
    """Whether a symbol is a crypto pair: it is written with a slash."""
    return "/" in symbol


@lru_cache(maxsize=4096)  # hours: half a year of them, two numbers each
def _stock_day(hour: int) -> int:
    midnight = new_york(hour * HOUR_NS).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return instant_of(midnight)


def day_start_ns(symbol: str, ts_ns: int) -> int:
    """Where the trading date of an instant begins."""
    return ts_ns - ts_ns % DAY_NS if is_crypto(symbol) else _stock_day(ts_ns // HOUR_NS)


@define
class _Sum:
    """What a span of trades adds up to so far."""

    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0
    money: float = 0.0
    count: int = 0
    last_ns: int = 0
    priced: bool = False
    told: bool = False
    changed: bool = False

    def add(self, trade: Trade) -> None:
        price, size = trade.price, trade.size
        self.volume += size
        self.money += price * size
        self.count += 1
        self.changed = True
        if not VOLUME_ONLY.isdisjoint(trade.conditions):
            return
        if not self.priced:
            self.open = self.high = self.low = price
            self.priced = True
        if trade.ts_ns >= self.last_ns:  # a late trade may be the highest, it cannot be the last
            self.last_ns, self.close = trade.ts_ns, price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price

    def add_all(self, trades: Iterable[Trade]) -> None:
        """As `add` for each, of trades in order of time: twice as fast. Sums are made one by one, as there."""
        volume, money, close, high, low = self.volume, self.money, self.close, self.high, self.low
        count, priced, last_ns = 0, self.priced, self.last_ns
        for trade in trades:
            price, size = trade.price, trade.size
            volume += size
            money += price * size
            count += 1
            if trade.conditions and not VOLUME_ONLY.isdisjoint(trade.conditions):
                continue
            if not priced:
                self.open = high = low = price
                priced = True
            last_ns, close = trade.ts_ns, price
            if price > high:
                high = price
            elif price < low:
                low = price
        self.volume, self.money, self.close, self.high, self.low = volume, money, close, high, low
        self.count, self.priced, self.last_ns, self.changed = self.count + count, priced, last_ns, True

    def bar(self, make: type[AnyBar], symbol: str, start_ns: int) -> AnyBar:
        vwap = round(self.money / self.volume, 6) if self.volume else 0.0
        volume = round(self.volume, 9)
        return make(symbol, start_ns, self.open, self.high, self.low, self.close, volume, self.count, vwap)


class BarMaker:
    """Minute, updated and daily bars of some symbols, made from their trades as time passes.

    ``delay_ns`` is how long after its minute a bar appears. Bounded: a symbol has two open minutes, the present one and
    the last, which may still be updated.
    """

    def __init__(self, delay_ns: int = 0) -> None:
        self._delay_ns = delay_ns
        self._minutes: dict[tuple[str, int], _Sum] = {}
        self._days: dict[str, _Wide] = {}
        self._told_ns = 0
        self.next_ns: int | None = None
        """The next instant at which `due` has something to do."""

    def add(self, trade: Trade) -> None:
        """Count a trade; one that comes when its minute can no longer be updated is left out."""
        if not UNCOUNTED.isdisjoint(trade.conditions):
            return
        start_ns = trade.ts_ns - trade.ts_ns % MINUTE_NS
        key = (trade.symbol, start_ns)
        minute = self._minutes.get(key)
        if minute is None:
            if start_ns + MINUTE_NS + UPDATE_AFTER_NS <= self._told_ns:
                return
            minute = self._minutes[key] = _Sum()
            due_ns = start_ns + MINUTE_NS + self._delay_ns
            self.next_ns = due_ns if self.next_ns is None else min(self.next_ns, due_ns)
        minute.add(trade)

    def add_minute(self, trades: Sequence[Trade]) -> None:
        """As `add` for each, of trades of one symbol and minute in order of time, before that minute is due."""
        counted = [each for each in trades if not each.conditions or UNCOUNTED.isdisjoint(each.conditions)]
        if counted:
            self.add(counted[0])  # begins the minute
            start_ns = counted[0].ts_ns - counted[0].ts_ns % MINUTE_NS
            self._minutes[counted[0].symbol, start_ns].add_all(islice(counted, 1, None))

    def due(self, now_ns: int) -> list[tuple[int, MarketEvent]]:
        """What is to be published until ``now_ns``, each with its instant, in their order."""
        found: list[tuple[int, MarketEvent]] = []
        waiting: list[int] = []
        for (symbol, start_ns), minute in list(self._minutes.items()):
            # A minute whose only trade came late is told at once, never in the past.
            told_ns = max(start_ns + MINUTE_NS + self._delay_ns, self._told_ns)
            if told_ns <= now_ns and not minute.told:
                minute.told, minute.changed = True, False
                if minute.priced:
                    bar = minute.bar(Bar, symbol, start_ns)
                    found.append((told_ns, bar))
                    if (day := self.day(bar)) is not None:
                        found.append((told_ns, day))
            again_ns = start_ns + MINUTE_NS + UPDATE_AFTER_NS + self._delay_ns
            if again_ns <= now_ns:
                if minute.changed and minute.priced:
                    found.append((max(again_ns, self._told_ns), minute.bar(UpdatedBar, symbol, start_ns)))
                del self._minutes[symbol, start_ns]
            else:
                waiting.append(again_ns if minute.told else told_ns)
        self.next_ns = min(waiting, default=None)
        self._told_ns = now_ns
        found.sort(key=lambda row: row[0])
        return found

    def day(self, bar: Bar) -> DailyBar | None:
        """The day so far, with this minute counted into it; ``None`` before regular hours gave it a price."""
        start_ns = day_start_ns(bar.symbol, bar.ts_ns)
        day = self._days.get(bar.symbol)
        if day is None or day.start_ns != start_ns:
            day = self._days[bar.symbol] = _Wide(start_ns)
        day.add(bar, _day_prices(bar))
        return day.bar(DailyBar, bar.symbol) if day.priced else None


@define
class _Wide:
    """What minutes add up to, in their order."""

    start_ns: int
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0
    money: float = 0.0
    count: int = 0
    priced: bool = False

    def add(self, bar: Bar, prices: Prices | None) -> None:
        """Count a minute: its volume, and the prices that it has for this span, if any."""
        self.volume += bar.volume
        self.money += bar.vwap * bar.volume
        self.count += bar.trade_count
        if prices is None:
            return
        first, high, low, last = prices
        if not self.priced:
            self.open, self.high, self.low, self.priced = first, high, low, True
        self.high, self.low, self.close = max(self.high, high), min(self.low, low), last

    def bar(self, make: type[AnyBar], symbol: str) -> AnyBar:
        vwap = round(self.money / self.volume, 6) if self.volume else 0.0
        volume = round(self.volume, 9)
        return make(symbol, self.start_ns, self.open, self.high, self.low, self.close, volume, self.count, vwap)


def _prices(bar: Bar) -> Prices:
    return bar.open, bar.high, bar.low, bar.close


def _day_prices(bar: Bar) -> Prices | None:
    """What a minute says about the prices of its day."""
    today = None if is_crypto(bar.symbol) else day_at(bar.ts_ns)
    if today is None or today.open_ns <= bar.ts_ns < today.close_ns:
        return _prices(bar)
    return (bar.open,) * 4 if bar.ts_ns == today.close_ns else None


@frozen
class TimeFrame:
    """The width of a bar: ``count`` times ``unit`` (``Min``, ``Hour``, ``Day``, ``Week``, ``Month``)."""

    count: int
    unit: str

    @property
    def native(self) -> bool:
        """Whether it is what is published: one minute."""
        return self.count == 1 and self.unit == "Min"

    def start_ns(self, symbol: str, ts_ns: int) -> int:
        """Where the bar that holds this instant begins."""
        day_ns = day_start_ns(symbol, ts_ns)
        if self.unit in ("Min", "Hour"):
            width_ns = self.count * (MINUTE_NS if self.unit == "Min" else HOUR_NS)
            return day_ns + (ts_ns - day_ns) // width_ns * width_ns
        if self.unit == "Day":
            return day_ns
        # Noon: so that neither zone nor summer time moves the date.
        noon = new_york(day_ns + DAY_NS // 2)
        day = noon.date() - timedelta(days=noon.weekday() if self.unit == "Week" else noon.day - 1)
        if self.unit == "Month":
            day = day.replace(month=(day.month - 1) // self.count * self.count + 1)
        midnight_ns = instant_of(datetime(day.year, day.month, day.day, 12, tzinfo=NEW_YORK))
        return day_start_ns(symbol, midnight_ns)


def parse_timeframe(text: str) -> TimeFrame:
    """Read ``1Min``, ``15T``, ``1Hour``, ``1D``, ``1Week``, ``3M`` ...; raises ``ValueError``."""
    digits = len(text) - len(text.lstrip("0123456789"))
    unit = _UNITS.get(text[digits:])
    count = int(text[:digits] or "0") if digits <= 2 else 0
    if unit is None or count not in _COUNTS[unit]:
        raise ValueError(f"invalid timeframe: {text}")
    return TimeFrame(count, unit)


def fold_bars(bars: Iterable[Bar], frame: TimeFrame) -> list[MarketEvent]:
    """Minute bars of one symbol put together into wider ones; no day without a trade in regular hours."""
    read = _prices if frame.unit in ("Min", "Hour") else _day_prices
    spans: dict[int, _Wide] = {}
    symbol = ""
    for bar in bars:
        symbol = bar.symbol
        start_ns = frame.start_ns(symbol, bar.ts_ns)
        span = spans.get(start_ns)
        if span is None:
            span = spans[start_ns] = _Wide(start_ns)
        span.add(bar, read(bar))
    return [span.bar(Bar, symbol) for span in spans.values() if span.priced]


_UNITS: Final = {
    "Min": "Min", "T": "Min", "Hour": "Hour", "H": "Hour", "Day": "Day", "D": "Day",
    "Week": "Week", "W": "Week", "Month": "Month", "M": "Month",
}  # fmt: skip
_COUNTS: Final = {
    "Min": range(1, 60), "Hour": range(1, 24), "Day": range(1, 2), "Week": range(1, 2), "Month": (1, 2, 3, 4, 6, 12),
}  # fmt: skip
