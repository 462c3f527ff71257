"""Pages of history: trades, quotes, bars and auctions of stocks, crypto and options.

What a client's repair of a hole depends on is here: order by symbol, then time; ties in the order of publication; both
bounds inclusive; pages that join exactly; history that trails the market, or is refused, when a fault or the plan says
so.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec
from attrs import frozen

from engine.codec.pages import render_page
from engine.codec.wire import Family
from engine.core.bars import TimeFrame, day_start_ns, parse_timeframe
from engine.exchange.made.prehistory import PreHistory
from engine.exchange.market import Market
from engine.exchange.rest.data.asking import (
    STOCK_FEEDS,
    BadRequest,
    NotForPlan,
    read_adjustment,
    read_choice,
    read_descending,
    read_limit,
    read_moment,
    read_symbols,
)
from engine.exchange.rest.data.auctions import auction_prints, render_auctions
from engine.exchange.rest.data.spans import INTRADAY, Spans, shape_of
from engine.exchange.rest.http import Request, Response
from engine.exchange.rest.tokens import Keyset, parse_token
from engine.exchange.tiers import PLUS, RECENT_NS, Tier
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Kind, MarketEvent, Quote, Trade

BAR_LATE_NS: Final = 60 * NS_PER_S
"""A bar is published a minute after its start."""
US_NS: Final = 1000
NOT_FOR_PLAN: Final = (42210000, "subscription does not permit querying recent SIP data")
MINUTE: Final = TimeFrame(1, "Min")


class HistoryFaults(Protocol):
    """What a fault plan says about history. Durations in market seconds."""

    @property
    def history_lag_s(self) -> float: ...

    @property
    def history_refused_s(self) -> float: ...

    def empty_last_page(self) -> bool: ...


@frozen
class Query:
    """A checked request for history. ``until_ns`` is up to where rows are shown at all."""

    kind: Kind
    family: Family
    symbols: tuple[str, ...]
    start_ns: int
    end_ns: int
    until_ns: int
    limit: int
    token: tuple[str, str] | None
    frame: TimeFrame
    adjusted: frozenset[str]
    keyset: Keyset


class HistoryDesk:
    """Answers requests for history from a market's past, and from the made-up year before it where there is one."""

    def __init__(self, market: Market, faults: HistoryFaults, *, tier: Tier = PLUS, before: PreHistory) -> None:
        self._market = market
        self._faults = faults
        self._tier = tier
        self.spans = Spans(market.past, before, self.seen)

    def page(
        self, family: Family, kind: Kind, request: Request, single: str | None = None, *, auctions: bool = False
    ) -> bytes:
        """One page of trades, quotes or bars, or of the prints of auctions; raises `BadRequest` or `NotForPlan`."""
        query = self._query(family, kind, request.query, single, auctions=auctions)
        rows, token = self._read(query)
        if auctions:
            return render_auctions(rows, token, single)
        return render_page(kind, shape_of(family, kind), rows, token, single_symbol=single)

    def _query(
        self, family: Family, kind: Kind, asked: Mapping[str, str], single: str | None, *, auctions: bool
    ) -> Query:
        now_ns = self._market.clock.now_ns()
        symbols = read_symbols(asked, family, single)
        utc = family is Family.CRYPTO
        refused_ns = self._refused_ns(asked) if family is Family.STOCKS else 0
        until_ns = now_ns - refused_ns
        start_ns = read_moment(asked, "start", day_start_ns(symbols[0], now_ns), utc=utc)
        end_ns = read_moment(asked, "end", until_ns, utc=utc)
        if refused_ns and asked.get("end") and end_ns > until_ns:
            raise NotForPlan
        if asked.get("start") and asked.get("end") and end_ns < start_ns:
            raise BadRequest("end should not be before start")
        try:
            token = parse_token(asked["page_token"]) if asked.get("page_token") else None
            frame = parse_timeframe(asked.get("timeframe") or "") if kind is Kind.BARS else MINUTE
        except ValueError as error:
            raise BadRequest(str(error)) from None
        adjusted = read_adjustment(asked) if family is Family.STOCKS and kind is Kind.BARS else frozenset[str]()
        keyset = Keyset(read_descending(asked), "M" if frame.unit in INTRADAY else "D", auctions)
        limit = read_limit(asked)
        return Query(kind, family, symbols, start_ns, end_ns, until_ns, limit, token, frame, adjusted, keyset)

    def _refused_ns(self, asked: Mapping[str, str]) -> int:
        """How young history of stocks must not be: by a fault, or on the feed of all exchanges by the plan."""
        feed = read_choice(asked, "feed", STOCK_FEEDS, "sip")
        by_plan_ns = 0 if self._tier.recent or feed != "sip" else RECENT_NS
        return max(round(self._faults.history_refused_s * NS_PER_S), by_plan_ns)

    def _read(self, query: Query) -> tuple[list[MarketEvent], str | None]:
        """The rows of one page, and the token of the next."""
        page: list[MarketEvent] = []
        more = False
        keyset = query.keyset
        for symbol in query.symbols:
            if query.token is not None and symbol < query.token[0]:
                continue
            rows = self._rows(query, symbol)
            first = 0
            if query.token is not None and symbol == query.token[0]:
                first = _resume(keyset, rows, query.token[1])
            left = query.limit - len(page)
            if first >= len(rows):
                continue
            if left <= 0:
                more = True
                break
            behind = keyset.cut_page(rows, first, left)
            if page and behind - first > left:  # a run of twins that has no room behind other symbols' rows
                more = True
                break
            page.extend(rows[first:behind])
            if behind < len(rows):
                more = True
                break
        if not more and page and self._faults.empty_last_page():
            more = True
        return page, keyset.render(page[-1]) if more else None

    def _rows(self, query: Query, symbol: str) -> Sequence[MarketEvent]:
        """What history shows of one symbol now, in the order of reading."""
        past = self._market.past
        rows: Sequence[MarketEvent]
        if query.kind is Kind.BARS and not (query.frame.native and query.family is not Family.OPTIONS):
            wide = self.spans.bars(symbol, query.frame, query.start_ns, query.until_ns, query.adjusted)
            rows = [bar for bar in wide if query.start_ns <= bar.ts_ns <= query.end_ns]
        else:
            rows = past.between(query.kind, symbol, query.start_ns, query.end_ns)
            if self._faults.history_lag_s > 0:
                rows = [row for row in rows if self.seen(row)]
        if query.keyset.auctions:
            rows = auction_prints(rows)
        return rows[::-1] if query.keyset.descending else rows

    def seen(self, row: MarketEvent) -> bool:
        """Whether history has come as far as this row. To the microsecond: rows of one instant appear together."""
        if self._faults.history_lag_s <= 0:
            return True
        until_ns = self._market.clock.now_ns() - round(self._faults.history_lag_s * NS_PER_S)
        until_ns += US_NS - 1 - until_ns % US_NS
        if isinstance(row, Trade | Quote):
            return row.venue_ns <= until_ns
        return row.ts_ns + (BAR_LATE_NS if isinstance(row, Bar) else 0) <= until_ns


def _resume(keyset: Keyset, rows: Sequence[MarketEvent], key: str) -> int:
    try:
        return keyset.resume(rows, key)
    except ValueError:
        raise BadRequest("invalid page_token") from None


def failure(status: int, message: str, code: int | None = None) -> Response:
    """A reply that refuses, in the venue's shape."""
    body = {"message": message} if code is None else {"code": code, "message": message}
    return Response(status, msgspec.json.encode(body))
