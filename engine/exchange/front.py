"""One port for everything: a connection is a stream if its first request asks for an upgrade, else it is REST.

Alpaca's trading host serves REST and the trading stream at one address, and its older SDK is told of only one; so there
is one here, and a client in any language needs no second. The head of the first request is read, looked at, and put
back for whoever serves the connection.
"""

from typing import Final, Protocol

import trio

from engine.exchange.line.stream import LineStream
from engine.exchange.rest.http import HEAD_BYTES_MAX, IDLE_MAX_S, READ_BYTES, REQUEST_MAX_S

CONNECTIONS_MAX: Final = 1024
"""Above what the two sides behind it take together: a connection that has not said anything yet counts here alone."""


class Server(Protocol):
    """Somebody who serves a connection to its end and raises nothing of the client's making."""

    async def serve_connection(self, stream: LineStream) -> None: ...


class Front:
    """Takes the connections of the one port. ``streams`` serves upgrades, ``rest`` everything else."""

    def __init__(self, streams: Server, rest: Server) -> None:
        self._streams = streams
        self._rest = rest
        self._open = 0

    async def serve_connection(self, stream: trio.SocketStream) -> None:
        """Serve one connection to its end; raises nothing of the client's making."""
        self._open += 1
        try:
            if self._open > CONNECTIONS_MAX:
                return
            head = await _read_head(stream)
            if not head:
                return
            server = self._streams if is_upgrade(head) else self._rest
            await server.serve_connection(LineStream(stream, head))
        finally:
            self._open -= 1
            await trio.aclose_forcefully(stream)


async def _read_head(stream: trio.SocketStream) -> bytes:
    """The first request up to its empty line, or what came of it before the client stopped, left or said too much."""
    head = bytearray()
    try:
        with trio.move_on_after(IDLE_MAX_S):
            head += await stream.receive_some(READ_BYTES)
        with trio.move_on_after(REQUEST_MAX_S):
            await trio.lowlevel.checkpoint()
            while head and b"\r\n\r\n" not in head and len(head) < HEAD_BYTES_MAX:
                chunk = await stream.receive_some(READ_BYTES)
                if not chunk:
                    break
                head += chunk
    except trio.BrokenResourceError:
        pass  # whoever serves it will find out in turn
    return bytes(head)


def is_upgrade(head: bytes) -> bool:
    """Whether the head of a request asks for a WebSocket."""
    lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    fields = (line.partition(b":") for line in lines)
    return any(name.strip().lower() == b"upgrade" and b"websocket" in value.lower() for name, _, value in fields)
