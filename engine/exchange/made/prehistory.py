"""Daily bars from before a made market begins, so that a strategy which warms up on last year's has something to read.

A market that is made from a seed has no yesterday, and the first thing most programs ask for is daily bars. So a year
of them is invented here: on trading days only, each day going on where the day before it left off, the last one ending
near the price at which the market begins. They follow from the symbol and the market's start alone. Nothing finer than
a day is invented, there are no trades behind these bars, and a tape gets none of it: what a tape does not hold did not
happen.

One stock, the first by name, had a split and paid a dividend in that year, because without them ``adjustment`` would
mean nothing: raw prices from before the split are twice as high, and adjusted ones join without a jump.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import exp, log
from random import Random
from typing import Final

from attrs import frozen
from msgspec.structs import replace

from engine.core.bars import day_start_ns, is_crypto
from engine.core.calendar import instant_of, new_york, next_trading_day, trading_day
from engine.exchange.symbol_market import start_price
from engine.model.market import Bar

DAYS: Final = 365
STOCK_MOVE: Final = 0.012
CRYPTO_MOVE: Final = 0.025
"""Spread of a day's change: about 19 and 48 percent a year."""
GAP_SHARE: Final = 0.35
"""How much of a day's change happens between two days."""
STOCK_VOLUME: Final = 20_000_000.0
CRYPTO_VOLUME: Final = 250.0
SHARES_A_TRADE: Final = 120
SPLIT_BEFORE: Final = 150
DIVIDEND_BEFORE: Final = 40
"""Days before the market's start."""
PAID_AFTER: Final = timedelta(days=14)
SPLIT_RATE: Final = 2
DIVIDEND_SHARE: Final = 0.002
"""Of the price at which the market begins."""


@frozen
class Action:
    """A split (``rate`` new shares for one) or a cash dividend (``rate`` dollars a share) that took effect on a day."""

    symbol: str
    split: bool
    rate: float
    ex_date: date
    process_date: date


def start_prices(symbols: Iterable[str], seed: int) -> dict[str, float]:
    """The dollars at which each symbol of a made market begins: known ones, or the generator's first throw."""
    return {symbol: start_price(symbol, Random(f"{seed}/{symbol}")) for symbol in symbols}


class PreHistory:
    """The year before a market. ``prices`` are what its symbols begin at; a symbol without one has no such year."""

    def __init__(self, prices: Mapping[str, float], start_ns: int) -> None:
        self._prices = dict(prices)
        self._first_day = {
            False: new_york(start_ns).date(),
            True: datetime.fromtimestamp(start_ns // 10**9, UTC).date(),
        }
        self._made: dict[str, list[Bar]] = {}
        self.actions = tuple(self._build_actions())

    def _build_actions(self) -> Iterator[Action]:
        symbol = min((symbol for symbol in self._prices if not is_crypto(symbol)), default=None)
        if symbol is None:
            return
        split = next_trading_day(self._first_day[False] - timedelta(days=SPLIT_BEFORE)).date
        yield Action(symbol, True, SPLIT_RATE, split, split)
        paid = next_trading_day(self._first_day[False] - timedelta(days=DIVIDEND_BEFORE)).date
        rate = round(self._prices[symbol] * DIVIDEND_SHARE, 2)
        if rate > 0:
            yield Action(symbol, False, rate, paid, next_trading_day(paid + PAID_AFTER).date)

    def bars(self, symbol: str, adjusted: frozenset[str] = frozenset()) -> list[Bar]:
        """The days, oldest first, adjusted for ``split`` and ``dividend`` as told; empty where nothing is known."""
        if symbol not in self._made:
            self._made[symbol] = list(self._days_back(symbol))[::-1]
        bars = self._made[symbol]
        for action in self.actions:
            if action.symbol != symbol:
                continue
            if action.split and "split" not in adjusted:
                bars = _undo(action, bars)
            elif not action.split and "dividend" in adjusted:
                bars = _pay(action, bars)
        return bars

    def closes(self) -> dict[str, Decimal]:
        """What each symbol closed at on the last day, in dollars."""
        last = ((symbol, next(self._days_back(symbol), None)) for symbol in self._prices)
        return {symbol: Decimal(repr(bar.close)) for symbol, bar in last if bar is not None}

    def _days_back(self, symbol: str) -> Iterator[Bar]:
        """The days as if the split had always been, newest first: of a big market only the last is wanted of most."""
        close = self._prices.get(symbol, 0.0)
        if close <= 0:
            return
        crypto = is_crypto(symbol)
        move, volume = (CRYPTO_MOVE, CRYPTO_VOLUME) if crypto else (STOCK_MOVE, STOCK_VOLUME)
        digits = 2 if close >= 1 else 6
        rng = Random(f"before/{symbol}")
        for days in range(1, DAYS + 1):
            day = self._first_day[crypto] - timedelta(days=days)
            if crypto or trading_day(day) is not None:
                close, bar = _day(rng, symbol, day, close, move, volume, digits)
                yield bar


def _day(
    rng: Random, symbol: str, day: date, next_open: float, move: float, volume: float, digits: int
) -> tuple[float, Bar]:
    """A day that ends near where the next one opened, and where it opened itself."""
    close = next_open / exp(rng.gauss(0, move * GAP_SHARE))
    opened = close / exp(rng.gauss(0, move * (1 - GAP_SHARE)))
    high = max(opened, close) * (1 + abs(rng.gauss(0, move / 3)))
    low = min(opened, close) / (1 + abs(rng.gauss(0, move / 3)))
    traded = exp(rng.gauss(log(volume), 0.3))
    crypto = is_crypto(symbol)
    size = round(traded, 6) if crypto else float(round(traded))
    count = round(traded * 40) if crypto else round(traded / SHARES_A_TRADE)
    first, top, bottom, last = (round(price, digits) for price in (opened, high, low, close))
    vwap = round((first + top + bottom + last) / 4, digits + 2)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    start_ns = day_start_ns(symbol, instant_of(noon))
    return opened, Bar(symbol, start_ns, first, top, bottom, last, size, count, vwap)


def _undo(split: Action, bars: list[Bar]) -> list[Bar]:
    """The days as they were told before anybody knew of the split."""
    from_ns = _starts(split)
    return [_scale(bar, split.rate, 1 / split.rate) if bar.ts_ns < from_ns else bar for bar in bars]


def _pay(dividend: Action, bars: list[Bar]) -> list[Bar]:
    """The days before a dividend lowered by its share of the last price before it."""
    from_ns = _starts(dividend)
    before = [bar for bar in bars if bar.ts_ns < from_ns]
    if not before:
        return bars
    share = 1 - dividend.rate / before[-1].close
    return [_scale(bar, share, 1.0) for bar in before] + bars[len(before) :]


def _starts(action: Action) -> int:
    day = action.ex_date
    return day_start_ns(action.symbol, instant_of(datetime(day.year, day.month, day.day, 12, tzinfo=UTC)))


def _scale(bar: Bar, price: float, volume: float) -> Bar:
    return replace(
        bar,
        open=round(bar.open * price, 4),
        high=round(bar.high * price, 4),
        low=round(bar.low * price, 4),
        close=round(bar.close * price, 4),
        volume=float(round(bar.volume * volume)),
        vwap=round(bar.vwap * price, 4),
    )
