"""A raw client of the exchange, for tests: trio-websocket and the codec, nothing of the engine between."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import pytest
import trio
from attrs import define, field, frozen
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from engine.codec.decode import Control, Malformed, MarketDecoder
from engine.codec.render import render_request
from engine.codec.wire import Encoding, Family
from engine.exchange.line.endpoints import ENDPOINTS
from engine.exchange.market import Row
from engine.model.market import MarketEvent, Trade

Dial: TypeAlias = Callable[..., AbstractAsyncContextManager["Client"]]
START_NS = 1_000_000_000


@frozen
class Trades:
    """A tape of ``count`` trades of one symbol, numbered from 1, ``step_ns`` apart."""

    count: int
    step_ns: int = 1_000_000
    symbols: tuple[str, ...] = ("A",)
    start_ns: int = START_NS
    endless: bool = False

    def rows(self) -> Iterator[Row]:
        """One trade per row; the symbols take turns."""
        for number in range(1, self.count + 1):
            ts_ns = START_NS + number * self.step_ns
            symbol = self.symbols[number % len(self.symbols)]
            yield ts_ns, Trade(symbol, ts_ns, 10.0 + number, 1.0, id=number, exchange="V", tape="C", conditions=("@",))


@define
class Client:
    """One connection."""

    ws: WebSocketConnection
    encoding: Encoding
    decoder: MarketDecoder
    events: list[MarketEvent] = field(factory=list)
    malformed: list[Malformed] = field(factory=list)
    said: list[Control] = field(factory=list)
    frames: list[int] = field(factory=list)

    async def say(self, **request: Any) -> None:
        """Send a request."""
        await self.ws.send_message(render_request(request, self.encoding))

    async def receive(self) -> list[Control]:
        """One frame: its events are kept, its control messages are returned (and kept)."""
        with trio.fail_after(30):
            frame = await self.ws.get_message()
        events, rest = self.decoder.decode(frame, 0)
        self.events += events
        self.frames += [len(events)] if events else []
        said = [each for each in rest if isinstance(each, Control)]
        self.said += said
        self.malformed += [each for each in rest if isinstance(each, Malformed)]
        return said

    async def hear(self) -> Control:
        """The next control message, past any data."""
        while True:
            if said := await self.receive():
                return said[0]

    async def login(self) -> Control:
        """Read the welcome and log in; returns the answer."""
        assert (await self.hear()).msg == "connected"
        await self.say(action="auth", key="PK1", secret="s3cr3t")
        return await self.hear()

    async def subscribe(self, **channels: list[str]) -> Control:
        """Log in and subscribe; returns the answer."""
        assert (await self.login()).msg == "authenticated"
        await self.say(action="subscribe", **channels)
        return await self.hear()

    async def until_closed(self) -> int:
        """Read until the connection ends; returns the close code."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            return closed.reason.code if closed.reason else 0

    async def until_event(self, number: int) -> None:
        """Read until the trade of this id has come."""
        while not self.ids or self.ids[-1] != number:
            await self.receive()

    @property
    def ids(self) -> list[int]:
        """The ids of the trades so far."""
        return [event.id for event in self.events if isinstance(event, Trade) and event.id is not None]


@pytest.fixture
def dial() -> Dial:
    """Connect to an endpoint of an exchange."""

    @asynccontextmanager
    async def connect(
        url: str, path: str = "/v2/iex", encoding: Encoding = Encoding.MSGPACK, headers: Mapping[str, str] = {}
    ) -> AsyncIterator[Client]:
        content_type = "application/msgpack" if encoding is Encoding.MSGPACK else "application/json"
        told = [(name.encode(), value.encode()) for name, value in {"Content-Type": content_type, **headers}.items()]
        family = ENDPOINTS[path].family if path in ENDPOINTS else Family.STOCKS
        host, port = url.removeprefix("ws://").split(":")
        async with await trio.open_tcp_stream(host, int(port)) as stream, trio.open_nursery() as nursery:
            with trio.fail_after(5):
                ws = await wrap_client_stream(
                    nursery, stream, host, path, extra_headers=told, message_queue_size=256, receive_buffer_size=262_144
                )
            yield Client(ws, encoding, MarketDecoder(family, encoding))
            with trio.move_on_after(1):
                await ws.aclose()
            nursery.cancel_scope.cancel()

    return connect


@pytest.fixture
def trades() -> Callable[..., Trades]:
    """Make a tape of numbered trades."""
    return Trades
