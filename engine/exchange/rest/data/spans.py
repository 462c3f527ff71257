"""Bars of any width, put together from what there is: minutes, option trades, and days from before the market began."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from engine.codec.wire import Family
from engine.core.bars import TimeFrame, fold_bars
from engine.exchange.contracts import is_contract
from engine.exchange.made.prehistory import PreHistory
from engine.exchange.past import Past
from engine.model.market import Bar, Kind, MarketEvent, Trade

DAY: Final = TimeFrame(1, "Day")
INTRADAY: Final = frozenset({"Min", "Hour"})


def shape_of(family: Family, kind: Kind) -> Family:
    """Whose shape rows have: bars of contracts are written as those of stocks, and no stream tells of them."""
    return Family.STOCKS if family is Family.OPTIONS and kind is Kind.BARS else family


class Spans:
    """Makes bars of a past and of the days before it. ``seen`` says whether history shows a row already."""

    def __init__(self, past: Past, before: PreHistory, seen: Callable[[MarketEvent], bool]) -> None:
        self._past = past
        self._before = before
        self._seen = seen

    def bars(
        self, symbol: str, frame: TimeFrame, start_ns: int, until_ns: int, adjusted: frozenset[str] = frozenset()
    ) -> list[Bar]:
        """The bars from the one that holds ``start_ns``, made of what happened until ``until_ns``.

        ``adjusted`` names what prices are adjusted for. Nothing happens to a stock while the market runs, so that
        matters only to the days before it.
        """
        from_ns = frame.start_ns(symbol, start_ns)
        minutes = self._minutes(symbol, from_ns, until_ns)
        if frame.unit in INTRADAY:
            return _fold(minutes, frame)
        before = [bar for bar in self._before.bars(symbol, adjusted) if from_ns <= bar.ts_ns <= until_ns]
        spans: dict[int, list[Bar]] = {}
        for day in before + _fold(minutes, DAY):
            spans.setdefault(frame.start_ns(symbol, day.ts_ns), []).append(day)
        return [_join(days, span_ns) for span_ns, days in spans.items()]

    def _minutes(self, symbol: str, from_ns: int, until_ns: int) -> list[Bar]:
        if not is_contract(symbol):
            rows = self._past.between(Kind.BARS, symbol, from_ns, until_ns)
            return [row for row in rows if isinstance(row, Bar) and self._seen(row)]
        trades = self._past.between(Kind.TRADES, symbol, from_ns, until_ns)
        return [_bar(row) for row in trades if isinstance(row, Trade) and self._seen(row)]


def _bar(trade: Trade) -> Bar:
    price = trade.price
    return Bar(trade.symbol, trade.ts_ns, price, price, price, price, trade.size, 1, price)


def _join(days: list[Bar], start_ns: int) -> Bar:
    """Days in their order as one bar: a week or a month, or the day itself."""
    volume = sum(day.volume for day in days)
    money = sum(day.vwap * day.volume for day in days)
    return replace(
        days[0],
        ts_ns=start_ns,
        high=max(day.high for day in days),
        low=min(day.low for day in days),
        close=days[-1].close,
        volume=round(volume, 9),
        trade_count=sum(day.trade_count for day in days),
        vwap=round(money / volume, 6) if volume else 0.0,
    )


def _fold(bars: list[Bar], frame: TimeFrame) -> list[Bar]:
    return [bar for bar in fold_bars(bars, frame) if isinstance(bar, Bar)]
