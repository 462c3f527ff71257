"""A loopback HTTP server for these tests: real sockets, real framing, and answers as misbehaved as a test wants."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import h11
import pytest
import trio

# Test modules cannot import this file (importlib mode), so requests and replies are plain values.
Asked: TypeAlias = tuple[str, dict[str, str], dict[str, str]]
"""Path, parameters and headers of a request."""
Told: TypeAlias = tuple[int, bytes, dict[str, str]]
"""Status, body and headers; status 0 cuts the connection, and so does ``Cut-After`` that many bytes of the body."""
Answer: TypeAlias = Callable[[Asked], Awaitable[Told]]
OpenLoopback: TypeAlias = Callable[[Answer], AbstractAsyncContextManager[str]]


@pytest.fixture
def open_loopback(nursery: trio.Nursery) -> OpenLoopback:
    """``async with open_loopback(answer) as url``: a server on a port of its own.

    It runs in the test's own nursery, so that an error of the block comes out as itself and not in a group.
    """

    @asynccontextmanager
    async def opened(answer: Answer) -> AsyncIterator[str]:
        serving = trio.CancelScope()

        async def serve(stream: trio.SocketStream) -> None:
            await _serve_connection(stream, answer)

        async def run_server(listeners: list[trio.SocketListener]) -> None:
            with serving:
                await trio.serve_listeners(serve, listeners)

        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(run_server, listeners)
        try:
            yield f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        finally:
            serving.cancel()

    return opened


async def _serve_connection(stream: trio.SocketStream, answer: Answer) -> None:
    """HTTP/1.1 with keep-alive on one connection, until either side has enough."""
    connection = h11.Connection(h11.SERVER)
    try:
        while True:
            await trio.lowlevel.checkpoint()
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some(65536))
            elif isinstance(event, h11.Request):
                told = await answer(_asked(event))
                if not await _tell(stream, connection, told):
                    return
            elif isinstance(event, h11.ConnectionClosed) or connection.our_state is h11.MUST_CLOSE:
                return
            elif isinstance(event, h11.EndOfMessage):
                connection.start_next_cycle()
    except (trio.BrokenResourceError, h11.RemoteProtocolError):
        return  # the client went away, which several tests make it do
    finally:
        await trio.aclose_forcefully(stream)


def _asked(request: h11.Request) -> Asked:
    target = urlsplit(request.target.decode())
    params = {name: values[-1] for name, values in parse_qs(target.query).items()}
    return target.path, params, {name.decode(): value.decode() for name, value in request.headers}


async def _tell(stream: trio.SocketStream, connection: h11.Connection, told: Told) -> bool:
    """Send a reply; false when the connection is to be cut."""
    status, body, headers = told
    if status == 0:
        return False
    cut_after = headers.pop("Cut-After", None)
    head = h11.Response(status_code=status, headers=[("Content-Length", str(len(body))), *headers.items()])
    sent = body if cut_after is None else body[: int(cut_after)]
    await stream.send_all((connection.send(head) or b"") + (connection.send(h11.Data(data=sent)) or b""))
    if cut_after is not None:
        return False
    connection.send(h11.EndOfMessage())
    return True
