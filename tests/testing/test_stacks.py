"""The real stacks run on a virtual network as they are: trio-websocket on both sides, httpx, anyio and TLS."""

import ssl
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
import trio
import trustme
from trio_websocket import (
    ConnectionClosed,
    HandshakeError,
    WebSocketRequest,
    open_websocket,
    open_websocket_url,
    serve_websocket,
)

from engine.exchange.serve import ExchangeOptions, open_exchange
from engine.testing.network import Network


async def echo(request: WebSocketRequest) -> None:
    """Send back what comes."""
    ws = await request.accept()
    try:
        while True:
            await ws.send_message(await ws.get_message())
    except ConnectionClosed:
        await trio.lowlevel.checkpoint()


async def test_trio_websocket_talks_to_itself_for_a_day(autojump_clock: Any, network: Network) -> None:
    with network.use():
        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve_websocket, echo, "127.0.0.1", 0, None)
            async with open_websocket("localhost", server.port, "/echo", use_ssl=False) as ws:
                for message in ("text", b"bytes", "x" * 300_000):
                    await ws.send_message(message)
                    assert await ws.get_message() == message
                for _ in range(24):
                    await trio.sleep(3600)
                    with trio.fail_after(1):
                        await ws.ping()
            nursery.cancel_scope.cancel()


async def test_trio_websocket_is_refused_where_nothing_listens(network: Network) -> None:
    with network.use(), pytest.raises((OSError, HandshakeError)):
        async with open_websocket_url("ws://127.0.0.1:9/"):
            pass


async def test_httpx_keeps_its_connection_and_notices_when_it_was_dropped(
    autojump_clock: Any, network: Network
) -> None:
    with network.use():
        async with open_exchange(ExchangeOptions(events_per_s=0.01)) as exchange, httpx.AsyncClient() as client:
            headers = {"APCA-API-KEY-ID": "any", "APCA-API-SECRET-KEY": "any"}
            seen = set()
            for pause_s in (1, 1, 3600, 1):  # in an hour the exchange drops the idle connection
                reply = await client.get(f"{exchange.trading_url}/v2/clock", headers=headers)
                assert reply.status_code == 200
                seen.add(reply.extensions["network_stream"].get_extra_info("client_addr"))
                await trio.sleep(pause_s)
    assert len(seen) == 2


async def test_anyio_connects_and_half_closes(network: Network) -> None:
    with network.use():
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with await anyio.connect_tcp("localhost", listener.socket.getsockname()[1]) as here:
            there = await listener.accept()
            await here.send(b"hello")
            await here.send_eof()
            assert await there.receive_some() == b"hello"
            assert await there.receive_some() == b""
            await there.send_all(b"bye")
            assert await here.receive() == b"bye"


async def test_tls_runs_over_it(network: Network) -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("venue.example").configure_cert(ours)
    authority.configure_trust(theirs)

    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        await stream.send_all((await stream.receive_some()).upper())

    with Network({"venue.example": "10.0.0.1"}).use():
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(trio.serve_ssl_over_tcp, serve, 443, ours, host="10.0.0.1"))
            stream = await trio.open_ssl_over_tcp_stream("venue.example", 443, ssl_context=theirs)
            await stream.send_all(b"private")
            assert await stream.receive_some() == b"PRIVATE"
            nursery.cancel_scope.cancel()
