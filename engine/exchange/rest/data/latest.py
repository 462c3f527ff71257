"""The latest trade, quote, bar or book of each symbol, and snapshots: the latest of everything.

Shapes differ by family, as at the venue: snapshots of stocks are a bare map, those of crypto and options are wrapped,
and only stocks have paths for a single symbol. What is "latest" is what sets the last price, so an odd lot is not.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from attrs import frozen

from engine.codec.pages import render_rows
from engine.codec.wire import KIND_NAMES, Family
from engine.core.bars import DAY_NS
from engine.exchange.market import Market
from engine.exchange.rest.data.asking import (
    LATEST_ONLY,
    OPTION_FEEDS,
    STOCK_FEEDS,
    NotForPlan,
    read_choice,
    read_symbols,
)
from engine.exchange.rest.data.spans import DAY, shape_of
from engine.exchange.rest.history import MINUTE, HistoryDesk
from engine.exchange.tiers import RECENT_NS, Tier
from engine.model.instant import render_instant
from engine.model.market import Bar, Book, Kind, MarketEvent, Trade

DAYS_BACK: Final = 14
"""How far back the day before is looked for: past any holiday and any week that a symbol did not trade."""

Row = dict[str, Any]


@frozen
class LatestDesk:
    """Answers from a market's past, as far as ``history`` shows it."""

    market: Market
    history: HistoryDesk
    tier: Tier

    def latest(self, family: Family, kind: Kind, asked: Mapping[str, str], single: str | None = None) -> bytes:
        """The newest row of each symbol; symbols without one are left out."""
        symbols = read_symbols(asked, family, single)
        until_ns = self.until_ns(family, asked)
        found = {symbol: self.newest_row(family, kind, symbol, until_ns) for symbol in symbols}
        rows = {symbol: row for symbol, row in found.items() if row is not None}
        if single is not None:
            return msgspec.json.encode({KIND_NAMES[kind][:-1]: rows.get(single), "symbol": single})
        return msgspec.json.encode({KIND_NAMES[kind]: rows})

    def snapshots(self, family: Family, asked: Mapping[str, str], single: str | None = None) -> bytes:
        """The latest of everything of each stock or pair; ``null`` for a symbol of which nothing is known."""
        until_ns = self.until_ns(family, asked)
        parts = {symbol: self.snapshot(family, symbol, until_ns) for symbol in read_symbols(asked, family, single)}
        if single is not None:
            return msgspec.json.encode({"symbol": single, **(parts[single] or {})})
        return msgspec.json.encode({"snapshots": parts} if family is Family.CRYPTO else parts)

    def snapshot(self, family: Family, symbol: str, until_ns: int) -> Row | None:
        """The latest of everything of one symbol."""
        trade = self.newest_row(family, Kind.TRADES, symbol, until_ns)
        quote = self.newest_row(family, Kind.QUOTES, symbol, until_ns)
        if trade is None and quote is None:
            return None
        spans = self.history.spans
        days = spans.bars(symbol, DAY, until_ns - DAYS_BACK * DAY_NS, until_ns)
        minutes = spans.bars(symbol, MINUTE, until_ns - DAY_NS, until_ns)
        return {
            "latestTrade": trade,
            "latestQuote": quote,
            "minuteBar": _render_bar(family, minutes[-1:]),
            "dailyBar": _render_bar(family, days[-1:]),
            "prevDailyBar": _render_bar(family, days[-2:-1]),
        }

    def newest_row(self, family: Family, kind: Kind, symbol: str, until_ns: int) -> Row | None:
        """The newest row of a kind as REST writes it."""
        if kind is Kind.BOOKS:
            book = self.market.past.book(symbol)
            return None if book is None else _render_book(book)
        row = self.newest(kind, symbol, until_ns)
        return None if row is None else render_rows(kind, family, [row])[0]

    def newest(self, kind: Kind, symbol: str, until_ns: int) -> MarketEvent | None:
        """The newest event of a kind that sets the last price."""
        for row in reversed(self.market.past.between(kind, symbol, 0, until_ns)):
            if self.history.seen(row) and not (isinstance(row, Trade) and _is_aside(row)):
                return row
        return None

    def until_ns(self, family: Family, asked: Mapping[str, str]) -> int:
        """Up to when the feed that is asked for tells; raises `NotForPlan` where the plan does not have it."""
        now_ns = self.market.clock.now_ns()
        if family is Family.CRYPTO:
            return now_ns
        if family is Family.OPTIONS:
            feed = read_choice(asked, "feed", OPTION_FEEDS, "opra" if self.tier.recent else "indicative")
        else:
            feed = read_choice(asked, "feed", STOCK_FEEDS | LATEST_ONLY, "sip" if self.tier.recent else "iex")
        if feed in ("sip", "opra") and not self.tier.recent:
            raise NotForPlan
        return now_ns - RECENT_NS if feed == "delayed_sip" else now_ns


def _is_aside(trade: Trade) -> bool:
    """Whether a stock trade leaves the last price as it was; the ``I`` of an option trade means something else."""
    return bool(trade.revision) or (bool(trade.tape) and "I" in trade.conditions)


def _render_bar(family: Family, bars: Sequence[Bar]) -> Row | None:
    """The one bar in a list that may be empty."""
    rows = render_rows(Kind.BARS, shape_of(family, Kind.BARS), bars)
    return rows[0] if rows else None


def _render_book(book: Book) -> Row:
    bids, asks = ([{"p": price, "s": size} for price, size in side] for side in (book.bids, book.asks))
    return {"t": render_instant(book.ts_ns), "b": bids, "a": asks}
