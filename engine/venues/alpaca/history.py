"""The past of one Alpaca feed, a page at a time: what a hole in a stream is filled from.

Alpaca's defaults would hurt here, so nothing is left to them: ``feed`` decides whether history is the same market as
the live stream (the default changes with the plan and with the age of the data), an omitted ``end`` is quietly
clamped on the free plan, and pages hold 1,000 rows unless asked for 10,000.

A page is one request with its own deadline (``http``), its turn under the account's limit (``rate.py``) and a few
tries: reading twice does no harm. Page tokens are cursors without state at the venue, so a caller that was cut off
goes on with the last token it was given.
"""

from collections.abc import Callable, Mapping
from typing import Final

import stamina

from engine.codec.pages import parse_page
from engine.codec.wire import Family
from engine.errors import HistoryUnavailable, LineLost, VenueBusy
from engine.model.instant import render_instant
from engine.model.market import Kind
from engine.ports import QUERY_SYMBOLS_MAX, HistoryPage, HistoryQuery
from engine.venues.alpaca.http import GuardedClient, Reply
from engine.venues.alpaca.rate import PATIENCE_S, Throttle
from engine.venues.alpaca.refusals import refusal_error

ROWS_MAX: Final = 10_000
"""The largest page Alpaca gives."""
ATTEMPTS: Final = 5
"""With the waits below about four seconds of trouble; longer trouble is the caller's supervisor's."""
WAIT_FIRST_S: Final = 0.25
WAIT_MAX_S: Final = 5.0

STOCK_FEEDS: Final[Mapping[str, str]] = {
    "sip": "sip", "iex": "iex", "boats": "boats", "otc": "otc",
}  # fmt: skip
"""Which history belongs to a stock stream. The test stream and the derived overnight feed have none; the delayed feed's
history is 15 minutes ahead of its line, so that a hole could not be told from what is still to come."""
KINDS_KEPT: Final[Mapping[Family, frozenset[Kind]]] = {
    Family.STOCKS: frozenset({Kind.TRADES, Kind.QUOTES, Kind.BARS}),
    Family.CRYPTO: frozenset({Kind.TRADES, Kind.QUOTES, Kind.BARS}),
    Family.OPTIONS: frozenset({Kind.TRADES, Kind.BARS}),
}
PATHS: Final[Mapping[Family, str]] = {
    Family.STOCKS: "/v2/stocks/{kind}",
    Family.CRYPTO: "/v1beta3/crypto/{place}/{kind}",
    Family.OPTIONS: "/v1beta1/options/{kind}",
}


class AlpacaHistory:
    """History of one feed: stocks of a feed, crypto of a location, or options.

    ``place`` is the stream's feed for stocks (``"iex"``), its location for crypto (``"us"``), and not used for
    options. ``now_ns`` is market time, which rows are stamped with as they arrive.
    """

    def __init__(
        self, client: GuardedClient, throttle: Throttle, family: Family, place: str, now_ns: Callable[[], int]
    ) -> None:
        self._client = client
        self._throttle = throttle
        self._family = family
        self._place = place
        self._now_ns = now_ns
        self._kinds = KINDS_KEPT.get(family, frozenset())
        if family is Family.STOCKS and place not in STOCK_FEEDS:
            self._kinds = frozenset()

    def keeps(self, kind: Kind) -> bool:
        """Whether Alpaca keeps history of this kind for this feed."""
        return kind in self._kinds

    async def page(self, query: HistoryQuery, token: str | None = None) -> HistoryPage:
        """Read one page; see `engine.ports.History.page`.

        Takes at most `QUERY_SYMBOLS_MAX` symbols and only kinds that it `keeps`: more is a mistake of the caller's.
        """
        assert self.keeps(query.kind), f"Alpaca keeps no history of {query.kind} for {self._family} {self._place}"
        assert 0 < len(query.symbols) <= QUERY_SYMBOLS_MAX, (
            f"{len(query.symbols)} symbols in one query, not 1 to {QUERY_SYMBOLS_MAX}"
        )
        path = PATHS[self._family].format(place=self._place, kind=query.kind.value)
        reply = await self._read(path, self._params(query, token))
        return self._parse(path, query.kind, reply, token)

    def _params(self, query: HistoryQuery, token: str | None) -> dict[str, str]:
        params = {
            "symbols": ",".join(query.symbols),
            "start": render_instant(query.start_ns),
            "end": render_instant(query.end_ns),
            "limit": str(ROWS_MAX),
            "sort": "asc",
        }
        if self._family is Family.STOCKS:
            params["feed"] = STOCK_FEEDS[self._place]
        if query.kind is Kind.BARS:
            params["timeframe"] = "1Min"
        if token is not None:
            params["page_token"] = token
        return params

    async def _read(self, path: str, params: Mapping[str, str]) -> Reply:
        """Ask until there is a page; passing trouble that outlasts the tries is `HistoryUnavailable`."""
        try:
            # No timeout: stamina would count it by the wall clock. No jitter: it would come from the global random.
            async for attempt in stamina.retry_context(
                on=_pause_s, attempts=ATTEMPTS, timeout=None, wait_initial=WAIT_FIRST_S, wait_max=WAIT_MAX_S,
                wait_jitter=0.0,
            ):  # fmt: skip
                with attempt:
                    return await self._ask(path, params)
        except (LineLost, VenueBusy) as error:
            raise HistoryUnavailable(f"History was not to be had: {error}") from error
        raise AssertionError("stamina either returns from an attempt or raises")

    async def _ask(self, path: str, params: Mapping[str, str]) -> Reply:
        """One request in its turn; raises what the reply means unless it is a page."""
        await self._throttle.turn()
        reply = await self._client.get(path, params)
        error = refusal_error(self._client, path, reply, self._throttle.learn(reply.headers))
        if error is not None:
            raise error
        return reply

    def _parse(self, path: str, kind: Kind, reply: Reply, token: str | None) -> HistoryPage:
        try:
            rows, next_token = parse_page(self._family, kind, reply.body, self._now_ns())
        except ValueError as error:
            raise HistoryUnavailable(f"GET {path} at {self._client.host} answered with no page: {error}") from error
        if next_token is not None and next_token == token:
            raise HistoryUnavailable(f"GET {path} at {self._client.host} gave the same page token twice.")
        return HistoryPage(rows, next_token)


def _pause_s(error: Exception) -> bool | float:
    """Whether to try again, and for how long to wait where the venue said so (stamina's hook)."""
    if isinstance(error, VenueBusy) and error.retry_after_s:
        return error.retry_after_s if error.retry_after_s <= PATIENCE_S else False
    return isinstance(error, LineLost | VenueBusy)
