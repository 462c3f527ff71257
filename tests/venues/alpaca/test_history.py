"""A page of history is asked for in full, tried again where that helps, and each refusal is the right error."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest
import trio
import trio.testing

from engine.codec.wire import Family
from engine.errors import GaplessError, HistoryRefused, HistoryUnavailable, KeysRefused
from engine.model.instant import parse_instant
from engine.model.market import Bar, Kind, Quote, Trade
from engine.ports import QUERY_SYMBOLS_MAX, HistoryPage, HistoryQuery
from engine.venues.alpaca.history import ATTEMPTS, AlpacaHistory
from engine.venues.alpaca.http import open_client
from engine.venues.alpaca.rate import Throttle

Asked: TypeAlias = tuple[str, dict[str, str], dict[str, str]]
Told: TypeAlias = tuple[int, bytes, dict[str, str]]
Answer: TypeAlias = Callable[[Asked], Awaitable[Told]]
OpenLoopback: TypeAlias = Callable[[Answer], AbstractAsyncContextManager[str]]
OpenHistory: TypeAlias = Callable[..., AbstractAsyncContextManager[AlpacaHistory]]

NOW_NS = parse_instant("2026-03-02T15:00:00Z")
START_NS = parse_instant("2026-03-02T14:31:07.123456789Z")
END_NS = parse_instant("2026-03-02T14:32:00Z")
SECRET = "s3cr3t-of-the-account"
TRADES = HistoryQuery(Kind.TRADES, ("AAPL", "MSFT"), START_NS, END_NS)
TRADE = {"t": "2026-03-02T14:31:07.123456789Z", "x": "V", "p": 201.125, "s": 40, "c": ["@"], "i": 4021, "z": "C"}
QUOTE = {
    "t": "2026-03-02T14:31:08Z",
    "ax": "Q",
    "ap": 2.0,
    "as": 1,
    "bx": "V",
    "bp": 1.0,
    "bs": 3,
    "c": ["R"],
    "z": "C",
}
BAR = {"t": "2026-03-02T14:31:00Z", "o": 1.0, "h": 4.0, "l": 0.5, "c": 2.0, "v": 100, "n": 3, "vw": 1.5}


def page_of(rows: dict[str, object], token: str | None = None) -> bytes:
    return json.dumps({**rows, "next_page_token": token}).encode()


class Venue:
    """Tells these replies one after the other, then the last one for ever, and keeps what was asked."""

    def __init__(self, *replies: Told) -> None:
        self.replies = list(replies)
        self.asked: list[Asked] = []
        self.at_s: list[float] = []

    async def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        self.at_s.append(trio.current_time())
        status, body, headers = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return status, body, dict(headers)


@pytest.fixture
def open_history(open_loopback: OpenLoopback) -> OpenHistory:
    @asynccontextmanager
    async def opened(
        venue: Venue, family: Family = Family.STOCKS, place: str = "iex", throttle: Throttle | None = None
    ) -> AsyncIterator[AlpacaHistory]:
        async with open_loopback(venue.answer) as url, open_client(url, {"APCA-API-SECRET-KEY": SECRET}) as client:
            yield AlpacaHistory(client, throttle or Throttle(), family, place, lambda: NOW_NS)

    return opened


async def ask(open_history: OpenHistory, venue: Venue, query: HistoryQuery = TRADES) -> HistoryPage:
    async with open_history(venue) as history:
        return await history.page(query)


async def test_a_stock_page_names_its_feed_and_bounds_and_its_rows_come_from_a_backfill(
    open_history: OpenHistory,
) -> None:
    venue = Venue((200, page_of({"trades": {"AAPL": [TRADE]}}, "QUFQTHwy"), {}))
    page = await ask(open_history, venue)
    assert page.next_token == "QUFQTHwy"
    assert page.rows == [
        Trade("AAPL", START_NS, 201.125, 40, 4021, "V", ("@",), "C", received_ns=NOW_NS, origin="backfill")
    ]
    path, params, headers = venue.asked[0]
    assert path == "/v2/stocks/trades"
    assert params == {
        "symbols": "AAPL,MSFT", "start": "2026-03-02T14:31:07.123456789Z", "end": "2026-03-02T14:32:00Z",
        "limit": "10000", "sort": "asc", "feed": "iex",
    }  # fmt: skip
    assert headers["apca-api-secret-key"] == SECRET


@pytest.mark.parametrize(
    ("family", "place", "kind", "path", "extra"),
    [
        (Family.STOCKS, "sip", Kind.QUOTES, "/v2/stocks/quotes", {"feed": "sip"}),
        (Family.STOCKS, "boats", Kind.BARS, "/v2/stocks/bars", {"feed": "boats", "timeframe": "1Min"}),
        (Family.CRYPTO, "us-1", Kind.TRADES, "/v1beta3/crypto/us-1/trades", {}),
        (Family.CRYPTO, "us", Kind.BARS, "/v1beta3/crypto/us/bars", {"timeframe": "1Min"}),
        (Family.OPTIONS, "indicative", Kind.TRADES, "/v1beta1/options/trades", {}),
        (Family.OPTIONS, "opra", Kind.BARS, "/v1beta1/options/bars", {"timeframe": "1Min"}),
    ],
)
async def test_each_family_has_its_path_and_parameters(
    open_history: OpenHistory, family: Family, place: str, kind: Kind, path: str, extra: dict[str, str]
) -> None:
    venue = Venue((200, page_of({kind.value: {}}), {}))
    async with open_history(venue, family, place) as history:
        assert history.keeps(kind)
        assert await history.page(HistoryQuery(kind, ("X/Y",), START_NS, END_NS)) == HistoryPage([], None)
    assert venue.asked[0][0] == path
    always = {"symbols", "start", "end", "limit", "sort"}
    assert {name: value for name, value in venue.asked[0][1].items() if name not in always} == extra


async def test_quotes_and_bars_are_read_as_well_as_trades(open_history: OpenHistory) -> None:
    quotes = await ask(
        open_history,
        Venue((200, page_of({"quotes": {"AAPL": [QUOTE]}}), {})),
        HistoryQuery(Kind.QUOTES, ("AAPL",), START_NS, END_NS),
    )
    bars = await ask(
        open_history,
        Venue((200, page_of({"bars": {"AAPL": [BAR, BAR]}}), {})),
        HistoryQuery(Kind.BARS, ("AAPL",), START_NS, END_NS),
    )
    assert [type(row) for row in quotes.rows + bars.rows] == [Quote, Bar, Bar]


async def test_a_token_goes_on_with_the_same_question(open_history: OpenHistory) -> None:
    venue = Venue((200, page_of({"trades": {}}, "next"), {}), (200, page_of({"trades": {}}), {}))
    async with open_history(venue) as history:
        first = await history.page(TRADES)
        assert await history.page(TRADES, first.next_token) == HistoryPage([], None)
    assert venue.asked[1][1] == {**venue.asked[0][1], "page_token": "next"}


@pytest.mark.parametrize(
    ("family", "place", "kinds"),
    [
        (Family.STOCKS, "iex", {Kind.TRADES, Kind.QUOTES, Kind.BARS}),
        (Family.CRYPTO, "us", {Kind.TRADES, Kind.QUOTES, Kind.BARS}),
        (Family.OPTIONS, "opra", {Kind.TRADES, Kind.BARS}),
        (Family.STOCKS, "test", set()),
        (Family.STOCKS, "overnight", set()),
        (Family.NEWS, "", set()),
    ],
)
async def test_what_is_kept_depends_on_the_feed(
    open_history: OpenHistory, family: Family, place: str, kinds: set[Kind]
) -> None:
    async with open_history(Venue((200, b"", {})), family, place) as history:
        assert {kind for kind in Kind if history.keeps(kind)} == kinds


@pytest.mark.parametrize("trouble", [(429, b"{}", {}), (500, b"oops", {}), (504, b"", {}), (0, b"", {})])
async def test_passing_trouble_is_tried_again(
    open_history: OpenHistory, autojump_clock: trio.testing.MockClock, trouble: Told
) -> None:
    venue = Venue(trouble, trouble, (200, page_of({"trades": {"AAPL": [TRADE]}}), {}))
    assert len((await ask(open_history, venue)).rows) == 1
    assert len(venue.asked) == 3


@pytest.mark.parametrize("trouble", [(429, b"{}", {}), (503, b"<html>busy</html>", {}), (0, b"", {})])
async def test_trouble_that_stays_is_unavailable_after_a_bounded_number_of_tries(
    open_history: OpenHistory, autojump_clock: trio.testing.MockClock, trouble: Told
) -> None:
    venue = Venue(trouble)
    with pytest.raises(HistoryUnavailable, match="GET /v2/stocks/trades at 127"):
        await ask(open_history, venue)
    assert len(venue.asked) == ATTEMPTS


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "7"},
        {
            "Date": "Mon, 02 Mar 2026 14:31:00 GMT", "X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": "1772461867",
        },
    ],
    ids=["retry-after", "reset"],
)  # fmt: skip
async def test_a_wait_that_the_venue_asks_for_is_kept(
    open_history: OpenHistory, autojump_clock: trio.testing.MockClock, headers: dict[str, str]
) -> None:
    venue = Venue((429, b"{}", headers), (200, page_of({"trades": {}}), {}))
    await ask(open_history, venue)
    assert venue.at_s[1] - venue.at_s[0] == pytest.approx(7, abs=0.1)


async def test_a_wait_beyond_patience_is_handed_to_the_caller_at_once(
    open_history: OpenHistory, autojump_clock: trio.testing.MockClock
) -> None:
    venue = Venue((429, b'{"message": "too many requests."}', {"Retry-After": "3600"}))
    started_s = trio.current_time()
    with pytest.raises(HistoryUnavailable, match=r"too many requests\."):
        await ask(open_history, venue)
    assert trio.current_time() - started_s < 1
    assert len(venue.asked) == 1


PLAN = b'{"code": 42210000, "message": "subscription does not permit querying recent SIP data"}'


@pytest.mark.parametrize(
    ("told", "error", "says"),
    [
        ((403, PLAN, {}), HistoryRefused, "does not permit querying recent SIP data"),
        ((422, PLAN, {}), HistoryRefused, "does not permit"),
        ((403, b'{"code": 42210000, "message": "not for you"}', {}), HistoryRefused, "not for you"),
        ((422, b'{"code": 42210000, "message": "invalid limit"}', {}), HistoryUnavailable, "invalid limit"),
        ((401, b"", {}), KeysRefused, "APCA_API_KEY_ID"),
        ((403, b'{"message": "forbidden."}', {}), KeysRefused, "forbidden"),
        ((403, f'{{"message": "bad secret {SECRET}"}}'.encode(), {}), KeysRefused, r"bad secret \*\*\*"),
        ((400, b'{"code": 40010000, "message": "invalid start"}', {}), HistoryUnavailable, "invalid start"),
        ((404, b"<html>not here</html>", {}), HistoryUnavailable, "not here"),
        ((302, b"", {"Location": "/elsewhere"}), HistoryUnavailable, "HTTP 302"),
        ((200, b"not a page", {}), HistoryUnavailable, "no page"),
        ((200, b"[]", {}), HistoryUnavailable, "no page"),
    ],
)
async def test_each_refusal_is_its_error_with_the_venues_sentence_and_asked_once(
    open_history: OpenHistory, told: Told, error: type[GaplessError], says: str
) -> None:
    venue = Venue(told)
    with pytest.raises(error, match=says) as caught:
        await ask(open_history, venue)
    assert type(caught.value) is error
    assert SECRET not in str(caught.value)
    assert len(venue.asked) == 1


async def test_a_token_that_does_not_move_on_is_not_followed_for_ever(open_history: OpenHistory) -> None:
    async with open_history(Venue((200, page_of({"trades": {}}, "same"), {}))) as history:
        with pytest.raises(HistoryUnavailable, match="same page token twice"):
            await history.page(TRADES, "same")


async def test_requests_take_their_turn_under_the_limit(
    open_history: OpenHistory, autojump_clock: trio.testing.MockClock
) -> None:
    venue = Venue((200, page_of({"trades": {}}), {}))
    started_s = trio.current_time()
    async with open_history(venue, throttle=Throttle(10)) as history:
        for _ in range(10):
            await history.page(TRADES)
    assert trio.current_time() - started_s >= 50


async def test_too_many_symbols_or_a_kind_not_kept_is_the_callers_mistake(open_history: OpenHistory) -> None:
    async with open_history(Venue((200, b"{}", {}))) as history:
        with pytest.raises(AssertionError, match="symbols in one query"):
            await history.page(HistoryQuery(Kind.TRADES, ("X",) * (QUERY_SYMBOLS_MAX + 1), START_NS, END_NS))
        with pytest.raises(AssertionError, match="no history of statuses"):
            await history.page(HistoryQuery(Kind.STATUSES, ("X",), START_NS, END_NS))
