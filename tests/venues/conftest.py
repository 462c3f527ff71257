"""A small venue on loopback for tests of the line: scripted, JSON, on trio-websocket's server or on raw TCP.

Test modules cannot import this file (importlib mode), so they ask for the fixture ``loopback``.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket
from wsproto.utilities import generate_accept_token

from engine.codec.wire import Encoding, Family
from engine.errors import GaplessError
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.feed import AlpacaFeed, AlpacaLine
from engine.venues.alpaca.socket import LineSettings

Script = Callable[[WebSocketConnection], Awaitable[None]]


class Loopback:
    """What a scripted venue needs, and what a test asks of a line."""

    now_ns = 1_772_461_867_000_000_000
    upgrade = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %s\r\n\r\n"
    )

    def trade(self, number: int) -> dict:
        """One trade on the wire, told from others by its id and price."""
        fields = {"T": "t", "S": "AAPL", "i": number, "x": "V", "p": 100.0 + number, "s": 1, "c": ["@"], "z": "C"}
        return fields | {"t": "2026-03-02T14:31:07.123456789Z"}

    async def tell(self, ws: WebSocketConnection, *messages: dict) -> None:
        """Send one frame."""
        await ws.send_message(json.dumps(messages))

    async def welcome(self, ws: WebSocketConnection) -> None:
        """Welcome and log in whoever comes."""
        await self.tell(ws, {"T": "success", "msg": "connected"})
        assert json.loads(await ws.get_message())["action"] == "auth"
        await self.tell(ws, {"T": "success", "msg": "authenticated"})

    async def acknowledge(self, ws: WebSocketConnection) -> None:
        """Answer one subscription with what was asked for."""
        request = json.loads(await ws.get_message())
        request.pop("action")
        await self.tell(ws, {"T": "subscription", **request})

    async def stay(self, ws: WebSocketConnection) -> None:
        """Read until the client goes."""
        while True:
            await ws.get_message()

    def text_frame(self, *messages: dict) -> bytes:
        """A frame by hand."""
        payload = json.dumps(messages).encode()
        length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
        return b"\x81" + length + payload

    async def talk_until_welcome(self, stream: trio.SocketStream) -> None:
        """A venue by hand: answer the upgrade, welcome, and read the login."""
        request = b""
        while b"\r\n\r\n" not in request:
            request += await stream.receive_some()
        lines = (line.split(b": ") for line in request.split(b"\r\n") if b": " in line)
        key = {name.lower(): value for name, value in lines}[b"sec-websocket-key"]
        await stream.send_all(self.upgrade % generate_accept_token(key))
        await stream.send_all(self.text_frame({"T": "success", "msg": "connected"}))
        await stream.receive_some()

    async def talk_until_login(self, stream: trio.SocketStream) -> None:
        """The same, and answer the login."""
        await self.talk_until_welcome(stream)
        await stream.send_all(self.text_frame({"T": "success", "msg": "authenticated"}))

    def make_feed(self, url: str, **settings: float) -> AlpacaFeed:
        """A feed at ``url``; ``settings`` are those of `LineSettings`."""
        return AlpacaFeed(
            name="iex",
            url=url,
            family=Family.STOCKS,
            encoding=Encoding.JSON,
            keys=Keys("PKEXAMPLE", "s3cr3t"),
            now_ns=lambda: self.now_ns,
            settings=LineSettings(**settings),
        )

    @asynccontextmanager
    async def open_venue(self, script: Script) -> AsyncIterator[str]:
        """Serve every connection with ``script``, then stay; yields the URL. How a script fails fails the test."""

        async def answer(request: WebSocketRequest) -> None:
            ws = await request.accept()
            try:
                await script(ws)
                await self.stay(ws)
            except ConnectionClosed:
                pass

        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve_websocket, answer, "127.0.0.1", 0, None)
            yield f"ws://127.0.0.1:{server.port}/v2/iex"
            nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def open_peer(self, talk: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[str]:
        """Serve every TCP connection with ``talk``; yields the URL."""
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, talk, 0)
            yield f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v2/iex"
            nursery.cancel_scope.cancel()

    async def ids_of(self, line: AlpacaLine, count: int) -> list[int]:
        """The ids of the next ``count`` events."""
        ids: list[int] = []
        while len(ids) < count:
            ids += [e.id for e in (await line.receive()).events]
        return ids

    async def failure_of(self, line: AlpacaLine) -> GaplessError:
        """What ends the line, after everything before it."""
        try:
            while True:
                await line.receive()
        except GaplessError as exc:
            return exc


@pytest.fixture
def loopback() -> Loopback:
    """The scripted venue."""
    return Loopback()
