"""Market data by REST: pages of history, the latest of everything, snapshots.

What a client's repair of a hole depends on is here: order by symbol, then time; ties in the order of publication; both
bounds inclusive; pages that join exactly; history that trails the market, or is refused, when a fault says so.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final, Protocol

import msgspec
from attrs import frozen

from engine.codec.pages import render_page, render_rows
from engine.codec.wire import KIND_NAMES, Family
from engine.exchange.bars import DAY_NS, TimeFrame, day_start_ns, fold_bars, parse_timeframe
from engine.exchange.clock import NEW_YORK, instant_of
from engine.exchange.market import Market
from engine.exchange.rest.http import Request, Response
from engine.exchange.rest.tokens import cut_page, parse_token, render_token, resume
from engine.model.instant import NS_PER_S, parse_instant, render_instant
from engine.model.market import Bar, Book, Kind, MarketEvent, Quote, Trade

LIMIT_DEFAULT: Final = 1000
LIMIT_MAX: Final = 10_000
SYMBOLS_MAX: Final = 1000
BAR_LATE_NS: Final = 60 * NS_PER_S
"""A bar is published a minute after its start."""
US_NS: Final = 1000
NOT_FOR_PLAN: Final = (42210000, "subscription does not permit querying recent SIP data")
FEEDS: Final = frozenset({"sip", "iex", "otc", "boats"})
"""Feeds with history; ``delayed_sip`` and ``overnight`` have only a latest."""


class BadRequest(ValueError):
    """A parameter is wrong: HTTP 400 with this text."""


class NotForPlan(Exception):
    """The span asked for is too recent for the plan: HTTP 403."""


class HistoryFaults(Protocol):
    """What a fault plan says about history. Durations in market seconds."""

    @property
    def history_lag_s(self) -> float: ...

    @property
    def history_refused_s(self) -> float: ...

    def empty_last_page(self) -> bool: ...


@frozen
class Query:
    """A checked request for history."""

    kind: Kind
    family: Family
    symbols: tuple[str, ...]
    start_ns: int
    end_ns: int
    limit: int
    token: tuple[str, str] | None
    descending: bool
    frame: TimeFrame


class HistoryDesk:
    """Answers market-data requests from a market's past."""

    def __init__(self, market: Market, faults: HistoryFaults) -> None:
        self._market = market
        self._faults = faults

    def page(self, family: Family, kind: Kind, request: Request, single: str | None = None) -> bytes:
        """One page of trades, quotes or bars; raises `BadRequest` or `NotForPlan`."""
        query = self._query(family, kind, request.query, single)
        rows, token = self._read(query)
        return render_page(kind, family, rows, token, single_symbol=single)

    def latest(self, family: Family, kind: Kind, request: Request, single: str | None = None) -> bytes:
        """The newest row of each symbol."""
        symbols = _symbols(request.query, single)
        found = {symbol: self._newest(family, kind, symbol) for symbol in symbols}
        rows = {symbol: row for symbol, row in found.items() if row is not None}
        if single is not None:
            return _json({KIND_NAMES[kind][:-1]: rows.get(single), "symbol": single})
        return _json({KIND_NAMES[kind]: rows})

    def snapshots(self, family: Family, request: Request, single: str | None = None) -> bytes:
        """The latest of everything of each symbol: bare for stocks, wrapped for crypto, as the venue has it."""
        parts = {symbol: self._snapshot(family, symbol) for symbol in _symbols(request.query, single)}
        if single is not None:
            return _json({"symbol": single, **(parts[single] or {})})
        return _json({"snapshots": parts} if family is Family.CRYPTO else parts)

    def _snapshot(self, family: Family, symbol: str) -> dict[str, Any] | None:
        trade = self._newest(family, Kind.TRADES, symbol)
        quote = self._newest(family, Kind.QUOTES, symbol)
        bar = self._newest(family, Kind.BARS, symbol)
        if trade is None and quote is None and bar is None:
            return None
        today_ns = day_start_ns(symbol, self._market.clock.now_ns())
        minutes = self._market.past.between(Kind.BARS, symbol, today_ns - 7 * DAY_NS, self._seen_until_ns())
        days = fold_bars((each for each in minutes if isinstance(each, Bar)), TimeFrame(1, "Day"))
        last = _rendered(Kind.BARS, family, days[-1]) if days else None
        before = _rendered(Kind.BARS, family, days[-2]) if len(days) > 1 else None
        return {
            "latestTrade": trade, "latestQuote": quote, "minuteBar": bar, "dailyBar": last, "prevDailyBar": before,
        }  # fmt: skip

    def _newest(self, family: Family, kind: Kind, symbol: str) -> dict[str, Any] | None:
        """The newest row that sets the last price, as REST writes it."""
        past = self._market.past
        if kind is Kind.BOOKS:
            book = past.book(symbol)
            return None if book is None else _render_book(book)
        for row in reversed(past.series(kind, symbol).rows):
            if self._seen(row) and not (isinstance(row, Trade) and ("I" in row.conditions or row.revision)):
                return _rendered(kind, family, row)
        return None

    def _query(self, family: Family, kind: Kind, asked: Mapping[str, str], single: str | None) -> Query:
        now_ns = self._market.clock.now_ns()
        symbols = _symbols(asked, single)
        refused_ns = round(self._faults.history_refused_s * NS_PER_S) if family is Family.STOCKS else 0
        feed = asked.get("feed", "sip")
        if family is Family.STOCKS and feed not in FEEDS:
            raise BadRequest(f"invalid feed: {feed}")
        sort = asked.get("sort", "asc")
        if sort not in ("asc", "desc"):
            raise BadRequest(f"invalid sort: {sort}")
        start_ns = _moment(asked, "start", day_start_ns(symbols[0], now_ns))
        end_ns = _moment(asked, "end", now_ns - refused_ns)
        if refused_ns and "end" in asked and end_ns > now_ns - refused_ns:
            raise NotForPlan
        if "start" in asked and "end" in asked and end_ns < start_ns:
            raise BadRequest("end should not be before start")
        try:
            token = parse_token(asked["page_token"]) if asked.get("page_token") else None
            frame = parse_timeframe(asked.get("timeframe") or "") if kind is Kind.BARS else TimeFrame(1, "Min")
        except ValueError as error:
            raise BadRequest(str(error)) from None
        descending = sort == "desc"
        return Query(kind, family, symbols, start_ns, end_ns, _limit(asked), token, descending, frame)

    def _read(self, query: Query) -> tuple[list[MarketEvent], str | None]:
        """The rows of one page, and the token of the next."""
        page: list[MarketEvent] = []
        more = False
        for symbol in query.symbols:
            if query.token is not None and symbol < query.token[0]:
                continue
            rows = self._rows(query, symbol)
            first = 0
            if query.token is not None and symbol == query.token[0]:
                first = _resume(rows, query.token[1], query.descending)
            left = query.limit - len(page)
            if first >= len(rows):
                continue
            if left <= 0:
                more = True
                break
            behind = cut_page(rows, first, left, descending=query.descending)
            if page and behind - first > left:  # a run of twins that has no room behind other symbols' rows
                more = True
                break
            page.extend(rows[first:behind])
            if behind < len(rows):
                more = True
                break
        if not more and page and self._faults.empty_last_page():
            more = True
        return page, render_token(page[-1], descending=query.descending) if more else None

    def _rows(self, query: Query, symbol: str) -> Sequence[MarketEvent]:
        """What history shows of one symbol now, in the order of reading."""
        start_ns = query.start_ns
        if query.kind is Kind.BARS:  # a bar belongs to the span that holds its start
            start_ns = query.start_ns if query.frame.native else query.frame.start_ns(symbol, query.start_ns)
        rows = self._market.past.between(query.kind, symbol, start_ns, query.end_ns)
        if self._faults.history_lag_s > 0:
            rows = [row for row in rows if self._seen(row)]
        if query.kind is Kind.BARS and not query.frame.native:
            wide = fold_bars((row for row in rows if isinstance(row, Bar)), query.frame)
            rows = [row for row in wide if row.ts_ns >= query.start_ns]
        return rows[::-1] if query.descending else rows

    def _seen_until_ns(self) -> int:
        """Up to where history has come. To the microsecond, so that rows of one instant appear together."""
        until_ns = self._market.clock.now_ns() - round(self._faults.history_lag_s * NS_PER_S)
        return until_ns - until_ns % US_NS + US_NS - 1

    def _seen(self, row: MarketEvent) -> bool:
        if self._faults.history_lag_s <= 0:
            return True
        if isinstance(row, Trade | Quote):
            return row.venue_ns <= self._seen_until_ns()
        return row.ts_ns + (BAR_LATE_NS if isinstance(row, Bar) else 0) <= self._seen_until_ns()


def _resume(rows: Sequence[MarketEvent], key: str, descending: bool) -> int:
    try:
        return resume(rows, key, descending=descending)
    except ValueError:
        raise BadRequest("invalid page_token") from None


def _symbols(asked: Mapping[str, str], single: str | None) -> tuple[str, ...]:
    """The symbols asked for, each once, in the venue's order."""
    named = [single] if single is not None else asked.get("symbols", "").split(",")
    symbols = sorted({name.strip() for name in named if name.strip()})
    if not symbols:
        raise BadRequest("symbols is required")
    if len(symbols) > SYMBOLS_MAX:
        raise BadRequest(f"too many symbols: {len(symbols)}, the most is {SYMBOLS_MAX}")
    if "*" in symbols:
        raise BadRequest("invalid symbol: *")
    return tuple(symbols)


def _limit(asked: Mapping[str, str]) -> int:
    text = asked.get("limit") or str(LIMIT_DEFAULT)
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= LIMIT_MAX):
        raise BadRequest(f"invalid limit: it must be from 1 to {LIMIT_MAX}")
    return int(text)


def _moment(asked: Mapping[str, str], name: str, default_ns: int) -> int:
    """RFC 3339, or a date: its first instant in New York for ``start``, its last for ``end``."""
    text = asked.get(name)
    if not text:
        return default_ns
    try:
        if len(text) > len("2026-03-02"):
            return parse_instant(text)
        day = datetime.combine(datetime.fromisoformat(text).date(), time(), NEW_YORK)
        return instant_of(day) if name == "start" else instant_of(day + timedelta(days=1)) - 1
    except ValueError:
        raise BadRequest(f"invalid {name}: {text} is neither RFC 3339 nor a date") from None


def _render_book(book: Book) -> dict[str, Any]:
    bids, asks = ([{"p": price, "s": size} for price, size in side] for side in (book.bids, book.asks))
    return {"t": render_instant(book.ts_ns), "b": bids, "a": asks}


def _rendered(kind: Kind, family: Family, row: MarketEvent) -> dict[str, Any]:
    return render_rows(kind, family, [row])[0]


_json: Callable[[object], bytes] = msgspec.json.encode


def failure(status: int, message: str, code: int | None = None) -> Response:
    """A reply that refuses, in the venue's shape."""
    body = {"message": message} if code is None else {"code": code, "message": message}
    return Response(status, _json(body))
