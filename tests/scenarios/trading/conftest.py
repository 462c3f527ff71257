"""A trader with the tools that traders have, httpx and trio-websocket, and the truth beside it: the exchange itself."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest
import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, open_websocket_url

from engine.core.matching.venue import Matching
from engine.model.order import Order
from engine.testing.simulated import SimulatedExchange

SYMBOL = "BTC/USD"
PATIENCE_S = 5.0
"""What the trader's HTTP client waits for anything."""
AUTHORIZED = {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
LISTENING = {"stream": "listening", "data": {"streams": ["trade_updates"]}}


@define
class Updates:
    """One connection of the trading stream."""

    ws: WebSocketConnection

    async def ask(self, request: Mapping[str, Any]) -> Any:
        """Say something and hear the answer."""
        await self.ws.send_message(msgspec.json.encode(request))
        return await self.hear()

    async def hear(self, within_s: float = 60.0) -> Any:
        """The next message; raises ``ConnectionClosed``, and ``TooSlowError`` when none comes."""
        with trio.fail_after(within_s):
            return msgspec.json.decode(await self.ws.get_message())

    async def events(self, number: int) -> list[str]:
        """What the next updates say happened."""
        return [(await self.hear())["data"]["event"] for _ in range(number)]

    async def silence(self, for_s: float) -> bool:
        """Whether nothing is said for so long."""
        with trio.move_on_after(for_s):
            await self.ws.get_message()
            return False
        return True

    async def ended(self) -> int:
        """The code with which the connection ended, after whatever is still told; 1006 is no goodbye."""
        with suppress(ConnectionClosed):
            while await self.hear():
                pass
        assert self.ws.closed is not None
        return self.ws.closed.code


@define
class Trader:
    """One trader at one exchange."""

    exchange: SimulatedExchange
    http: httpx.AsyncClient
    _ids: Any = field(factory=lambda: count(1))

    def order(self, **values: Any) -> dict[str, Any]:
        """The body of an order, a small purchase unless told otherwise, with an id of its own."""
        body = {"symbol": SYMBOL, "qty": "0.01", "side": "buy", "type": "market", "time_in_force": "gtc"}
        return body | {"client_order_id": f"mine-{next(self._ids)}"} | values

    def resting(self) -> dict[str, Any]:
        """An order that stays open: far below the market."""
        return self.order(type="limit", limit_price="20000")

    async def post(self, body: Mapping[str, Any]) -> httpx.Response:
        """Send an order."""
        return await self.http.post("/v2/orders", json=body)

    async def listed(self, status: str = "all") -> list[str]:
        """The client ids of the orders that REST lists."""
        reply = await self.http.get("/v2/orders", params={"status": status})
        return [order["client_order_id"] for order in reply.json()]

    @property
    def venue(self) -> Matching:
        """The truth."""
        return self.exchange.running.brokerage.matching

    def truth(self, body: Mapping[str, Any]) -> Order | None:
        """The order as the exchange knows it; ``None`` if it has none."""
        return self.venue.orders.by_client_id(body["client_order_id"])

    def hits(self, kind: str) -> int:
        """How often a fault has happened."""
        return int(self.exchange.summary()["faults"]["hits"].get(kind, 0))

    @asynccontextmanager
    async def dial(self) -> AsyncIterator[Updates]:
        """Open the trading stream, up to the upgrade."""
        url = f"{self.exchange.trading_stream_url}/stream"
        async with open_websocket_url(url, connect_timeout=30, disconnect_timeout=5) as ws:
            yield Updates(ws)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[Updates]:
        """Open the trading stream and listen."""
        async with self.dial() as updates:
            login = {"action": "auth", "key": self.exchange.key_id, "secret": self.exchange.secret}
            assert await updates.ask(login) == AUTHORIZED
            assert await updates.ask({"action": "listen", "data": {"streams": ["trade_updates"]}}) == LISTENING
            yield updates

    async def turned_away(self) -> int:
        """The status with which an upgrade is refused."""
        with pytest.raises(ConnectionRejected) as refused:
            await self._knock()
        return int(refused.value.status_code)

    async def _knock(self) -> None:
        async with self.dial():
            await trio.lowlevel.checkpoint()


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    """A quiet market of one coin, which has no closing hours."""
    return {"symbols": SYMBOL, "events_per_s": 5.0, "burst": False, "seed": 3}


@pytest.fixture
async def trader(exchange: SimulatedExchange) -> AsyncIterator[Trader]:
    """A trader whose market has begun."""
    async with httpx.AsyncClient(base_url=exchange.trading_url, headers=exchange.headers, timeout=PATIENCE_S) as http:
        await trio.sleep(5)
        yield Trader(exchange, http)
