"""The socket: no browser can hold up the session or its end, and what cannot be served is said in a sentence."""

import contextlib
import socket

import pytest
import trio
from trio.testing import MockClock

from engine.app.config.web import WebSettings
from engine.app.secrets import Secret
from engine.errors import Misconfigured
from engine.web import check_web
from engine.web.guard.door import Receive, Scope, Send
from engine.web.serving import CONNECTIONS_MAX, WRITE_S, open_socket, serve

LOOPBACK = "127.0.0.1"
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Endless:
    """An application that tells everybody more than any buffer holds; ``written`` counts what it got rid of."""

    def __init__(self) -> None:
        self.written = 0
        self.ended = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._tell(receive, send)
        finally:
            self.ended += 1

    async def _tell(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._until_gone, receive, nursery.cancel_scope)
            while True:
                await send({"type": "http.response.body", "body": b"x" * 50_000, "more_body": True})
                self.written += 50_000
                await trio.sleep(0.1)

    async def _until_gone(self, receive: Receive, scope: trio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()


async def test_a_browser_that_never_reads_is_dropped_and_the_others_are_not(autojump_clock: MockClock) -> None:
    app = Endless()
    with open_socket(LOOPBACK, 0) as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, app, listener)
            with await connect(listener) as deaf, await connect(listener) as quick:
                await deaf.send(ASK)
                await quick.send(ASK)
                read = 0
                with trio.move_on_after(60):  # noqa: ASYNC912 - it has not ended yet, so it is read from
                    while app.ended == 0:
                        read += len(await quick.recv(1_000_000))
                assert app.ended == 1
                assert app.written < 60_000_000  # it was not told for ever
                before = read
                for _ in range(5):
                    read += len(await quick.recv(1_000_000))
                assert read > before
            nursery.cancel_scope.cancel()


async def test_the_end_of_a_session_waits_for_no_browser_longer_than_a_write(autojump_clock: MockClock) -> None:
    app = Endless()
    with open_socket(LOOPBACK, 0) as listener, await connect(listener) as deaf:
        await deaf.send(ASK)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, app, listener)
            written = -1
            while written != app.written:  # until its buffers are full, and a write waits
                written = app.written
                await trio.sleep(WRITE_S / 4)
            began_s = trio.current_time()
            nursery.cancel_scope.cancel()
        assert trio.current_time() - began_s <= WRITE_S


async def test_connections_are_bounded(autojump_clock: MockClock) -> None:
    with open_socket(LOOPBACK, 0) as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, Endless(), listener)
            sockets = [await connect(listener) for _ in range(CONNECTIONS_MAX)]
            await trio.testing.wait_all_tasks_blocked(0.05)
            with await connect(listener) as one_more, trio.fail_after(20):
                await one_more.send(ASK)
                with contextlib.suppress(ConnectionError):
                    assert await one_more.recv(10) == b""
            for each in sockets:
                each.close()
            nursery.cancel_scope.cancel()


def test_a_port_that_is_taken_is_said_in_a_sentence() -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Misconfigured, match=rf"cannot listen on 127.0.0.1, port {port}: .*--dashboard PORT"):
            open_socket(LOOPBACK, port)


def test_other_machines_are_let_in_only_with_a_token() -> None:
    check_web(WebSettings(port=0))
    check_web(WebSettings(port=None, host="0.0.0.0"))
    check_web(WebSettings(port=0, host="0.0.0.0", token=Secret("x" * 16)))
    with pytest.raises(Misconfigured, match="set GAPLESS_WEB_TOKEN"):
        check_web(WebSettings(port=0, host="0.0.0.0"))
    with pytest.raises(Misconfigured, match="too short"):
        check_web(WebSettings(port=0, token=Secret("short")))


async def connect(listener: socket.socket) -> trio.socket.SocketType:
    """A browser."""
    client = trio.socket.socket()
    await client.connect(listener.getsockname())
    return client
