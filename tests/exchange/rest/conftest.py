"""A served exchange with a given past, and a client of it."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import takewhile
from typing import Any

import httpx
import pytest
import trio
from attrs import define, field

from engine.exchange.clock import MarketClock
from engine.exchange.faults import Fault
from engine.exchange.generator import Generator
from engine.exchange.made.families import Families
from engine.exchange.made.prehistory import PreHistory, start_prices
from engine.exchange.market import Market, Row
from engine.exchange.rest import RestServer
from engine.model.instant import NS_PER_S, parse_instant

T0 = parse_instant("2026-03-02T14:30:00Z")
KEYS = {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "hidden"}


@define
class Told:
    """A fault plan that says what it is set to."""

    history_lag_s: float = 0.0
    history_refused_s: float = 0.0
    status: tuple[int, Mapping[str, str]] | None = None
    delay_s: float = 0.0
    cut: bool = False
    empty_last: bool = False

    def use_for_call(self, kind: str, method: str, path: str, stage: str | None = None) -> Fault | None:
        if kind != "http_status" or self.status is None:
            return None
        return Fault(kind=kind, status=self.status[0], headers=self.status[1])

    def page_delay_s(self) -> float:
        return self.delay_s

    def cut_body(self) -> bool:
        return self.cut

    def empty_last_page(self) -> bool:
        return self.empty_last


@define
class Listed:
    """A source of given rows."""

    listed: list[Row]
    endless: bool = False
    symbols: tuple[str, ...] = ()
    start_ns: int = T0

    def rows(self) -> Iterator[Row]:
        return iter(self.listed)


@define
class Site:
    """A served exchange and a client of it."""

    market: Market
    plan: Told
    client: httpx.AsyncClient
    url: str
    rest: RestServer
    last: httpx.Response | None = field(default=None)

    async def get(self, path: str, **params: Any) -> Any:
        self.last = await self.client.get(path, params=params)
        return self.last.json()

    async def pages(self, path: str, key: str, **params: Any) -> list[dict[str, list[dict[str, Any]]]]:
        """Every page, following the tokens."""
        found = []
        token = None
        while True:
            page = await self.get(path, **params, **({"page_token": token} if token else {}))
            found.append(page[key])
            token = page["next_page_token"]
            if token is None:
                return found


@asynccontextmanager
async def _served(rows: list[Row], **rest: Any) -> AsyncIterator[Site]:
    market = Market(Listed(rows), MarketClock(T0, 0))
    await market.swallow(len(rows))
    plan = Told()
    server = RestServer(market, plan, **rest)
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, server.serve_connection, listeners)
        url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, headers=KEYS, trust_env=False) as client:
            with trio.fail_after(30):  # noqa: ASYNC100 - the test awaits in it
                yield Site(market, plan, client, url, server)
        nursery.cancel_scope.cancel()


@pytest.fixture
def served() -> Callable[..., AbstractAsyncContextManager[Site]]:
    """Serve rows that are all published already: ``async with served(rows) as site``; keywords are `RestServer`'s."""
    return _served


@define
class Made:
    """Three minutes of a market with all its families, and the year before it."""

    rows: list[Row]
    before: PreHistory


@pytest.fixture(scope="session")
def made() -> Made:
    """Rows to serve with ``served``; do not change them."""
    symbols = ("AAPL", "BTC/USD", "MSFT")
    whole = Families(Generator(3, T0, symbols, 60.0), 3).rows()
    rows = list(takewhile(lambda row: row[0] < T0 + 185 * NS_PER_S, whole))
    return Made(rows, PreHistory(start_prices(symbols, 3), T0))
