"""Where connections come in: faults of the very first moments, the upgrade, and the path that decides who serves.

One connection is one scope here. What a broken or hostile client can raise is named and counted, so it ends that
connection and nothing else; a bug of ours is in none of those classes and is not hidden.
"""

from collections.abc import Mapping
from typing import Final

import h11
import trio
from trio_websocket import (
    ConnectionClosed,
    HandshakeError,
    WebSocketConnection,
    WebSocketRequest,
    wrap_server_stream,
)
from wsproto.utilities import ProtocolError

from engine.exchange.data_socket import serve_data_line
from engine.exchange.line.endpoints import endpoint_at
from engine.exchange.line.limits import LineOptions
from engine.exchange.line.stream import LineStream
from engine.exchange.line.switchboard import Switchboard
from engine.exchange.line.trading import serve_trading_line

UPGRADE_WITHIN_S: Final = 10.0
"""From TCP to the upgrade request; a loopback client needs milliseconds."""
STALL_S: Final = 60.0
"""How long a stalled handshake is kept if the client keeps it: longer than any client of ours waits."""
CONNECTIONS_MAX: Final = 512
"""Each costs four tasks and a queue; a client of ours has a handful, and faults leave some behind."""
MESSAGE_BYTES_MAX: Final = 1_048_576
"""A subscription to ten thousand symbols is about 100 kB; more is answered with close code 1009, as Alpaca does."""
MESSAGES_QUEUED: Final = 16
TRADING_PATHS: Final = frozenset({"/stream", ""})

_NETWORK: Final = (
    OSError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    trio.BusyResourceError,
    trio.TooSlowError,
    ConnectionClosed,
    HandshakeError,
    ProtocolError,
    h11.ProtocolError,
    UnicodeDecodeError,
)
"""What the network and the peer can raise."""


class Door:
    """Takes TCP connections of the WebSocket port."""

    def __init__(self, board: Switchboard, options: LineOptions) -> None:
        self._board = board
        self._options = options
        self._open = 0

    async def serve_connection(self, stream: trio.SocketStream) -> None:
        """Serve one connection to its end; raises nothing of the network's or the client's making."""
        stats = self._board.stats
        stats.connections += 1
        raw = LineStream(stream)
        self._open += 1
        try:
            if self._open > CONNECTIONS_MAX:
                stats.turned_away += 1
            elif self._board.plan.use("refuse"):
                await raw.reset()
            elif self._board.plan.use("stall_handshake"):
                with trio.move_on_after(STALL_S):
                    raw.deafen()
                    await raw.receive_some()
            else:
                await self._serve(raw)
        except* _NETWORK as failures:
            stats.broken.update(_names(failures))
        finally:
            self._open -= 1
            await trio.aclose_forcefully(raw)

    async def _serve(self, raw: LineStream) -> None:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(UPGRADE_WITHIN_S):
                request = await wrap_server_stream(
                    nursery, raw, message_queue_size=MESSAGES_QUEUED, max_message_size=MESSAGE_BYTES_MAX
                )
                await self._board.holes_told()
                ws = await self._upgrade(request)
            if ws is not None:
                await self._dispatch(ws, raw, request)
            nursery.cancel_scope.cancel()

    async def _upgrade(self, request: WebSocketRequest) -> WebSocketConnection | None:
        """Accept the request, or answer it with an HTTP status."""
        path = _path(request)
        if path not in TRADING_PATHS and endpoint_at(path) is None:
            self._board.stats.turned_away += 1
            await request.reject(404, body=b'{"message":"endpoint not found."}')
            return None
        if path not in TRADING_PATHS and (fault := self._board.plan.use("upgrade_status")) is not None:
            headers = [(name.encode(), value.encode()) for name, value in fault.headers.items()]
            await request.reject(fault.status or 503, extra_headers=headers, body=b'{"message":"as scripted"}')
            return None
        return await request.accept()

    async def _dispatch(self, ws: WebSocketConnection, raw: LineStream, request: WebSocketRequest) -> None:
        endpoint = endpoint_at(_path(request))
        if endpoint is None:
            await serve_trading_line(ws, self._options.keys)
        else:
            await serve_data_line(ws, raw, endpoint, _headers(request), self._board, self._options)


def _path(request: WebSocketRequest) -> str:
    return request.path.partition("?")[0].rstrip("/")


def _headers(request: WebSocketRequest) -> Mapping[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}


def _names(group: BaseExceptionGroup[BaseException]) -> list[str]:
    names: list[str] = []
    for each in group.exceptions:
        names += _names(each) if isinstance(each, BaseExceptionGroup) else [type(each).__name__]
    return names
