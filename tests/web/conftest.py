"""A dashboard beside a whole session against the embedded exchange, in virtual time and without a socket of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
import trio
from attrs import define, field

from engine.app.alerts.live import LiveAlarms
from engine.app.beside.engine import Engine
from engine.app.config.web import WebSettings
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.app.secrets import Secret
from engine.core.alerts import Book
from engine.core.alerts.policy import AlertPolicy
from engine.ports import Strategy
from engine.testing.inline import run_inline
from engine.testing.simulated import SimulatedExchange
from engine.web.dashboard import build_site
from engine.web.site import Site

TOKEN = "a-token-of-32-characters-or-more"
PORT = 8123
HOST = f"127.0.0.1:{PORT}"
ORIGIN = {"origin": f"http://{HOST}"}


@define(eq=False)
class Web:
    """The dashboard of a session. ``client`` is a browser that is logged in, ``stranger`` one that is not."""

    engine: Engine
    site: Site
    told: list[str]
    client: httpx.AsyncClient
    stranger: httpx.AsyncClient

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as our own page would."""
        login = self.site.logins.find(self.client.cookies[self.site.cookie])
        assert login is not None
        return await self.client.post(path, data={"csrf": login.csrf, **fields}, headers=ORIGIN)


@define(eq=False)
class Watching:
    """A browser that watches, at the level of ASGI: what it was sent, and how it leaves."""

    site: Site
    cookie: str
    path: str
    sent: list[Mapping[str, Any]] = field(factory=list)
    stuck: bool = False
    gone: trio.Event = field(factory=trio.Event)

    async def run(self) -> None:
        """Watch until it leaves."""
        path, _, query = self.path.partition("?")
        headers = [(b"host", HOST.encode()), (b"cookie", f"{self.site.cookie}={self.cookie}".encode())]
        scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": headers}
        await self.site.app({**scope, "root_path": "", "http_version": "1.1"}, self._receive, self._send)

    async def _receive(self) -> MutableMapping[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        await trio.lowlevel.checkpoint()
        self.sent.append(message)
        if self.stuck:
            await trio.sleep_forever()

    @property
    def news(self) -> list[bytes]:
        """The messages so far."""
        bodies = (message.get("body", b"") for message in self.sent)
        return [body for body in bodies if body.startswith(b"data: ")]


OpenWeb = Callable[..., AbstractAsyncContextManager[Web]]


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    return {"symbols": ("SPY", "AAPL"), "events_per_s": 20.0, "burst": False, "seed": 3}


@pytest.fixture
def open_web(exchange: SimulatedExchange) -> OpenWeb:
    """Runs a session of some strategies for as long as its block, with a dashboard beside it."""

    @asynccontextmanager
    async def opened(*strategies: Strategy, **options: Any) -> AsyncIterator[Web]:
        engines: list[Engine] = []
        told: list[str] = []
        there = trio.Event()

        @asynccontextmanager
        async def attached(engine: Engine) -> AsyncIterator[None]:
            engine.alarms = LiveAlarms(book=Book(AlertPolicy()), wall_ns=lambda: int(trio.current_time() * 1e9))
            engine.report = told.append
            engines.append(engine)
            there.set()
            yield

        run = RunOptions(
            strategies=tuple(LoadedStrategy(one, one.params() if one.params else None, one.name) for one in strategies),
            key_id=Secret(exchange.key_id),
            secret=Secret(exchange.secret),
            attached=attached,
            tuning=Tuning(silence_s=600.0),
            **options,
        )

        def session() -> Awaitable[object]:
            return run_live(run, exchange=exchange.running, run_sync=run_inline)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(session)
            await there.wait()
            site = build_site(engines[0], WebSettings(port=PORT), PORT, Secret(TOKEN), run_inline)
            nursery.start_soon(site.run)
            async with _client(site) as client, _client(site) as stranger:
                response = await client.post("/login", data={"token": TOKEN}, headers=ORIGIN)
                assert response.status_code == 303
                yield Web(engines[0], site, told, client, stranger)
            nursery.cancel_scope.cancel()

    return opened


def _client(site: Site) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=site.app), base_url=f"http://{HOST}")
