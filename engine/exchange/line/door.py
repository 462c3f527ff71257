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
    WebSocketRequest,
    wrap_server_stream,
)
from wsproto.utilities import ProtocolError

from engine.exchange.data_socket import serve_data_line
from engine.exchange.faults.kinds import Line
from engine.exchange.line.endpoints import endpoint_at
from engine.exchange.line.ends import refuse_upgrade
from engine.exchange.line.limits import UPGRADE_WITHIN_S, LineOptions
from engine.exchange.line.stream import LineStream
from engine.exchange.line.switchboard import Switchboard
from engine.exchange.line.trading import serve_trading_line
from engine.exchange.trading.brokerage import Brokerage

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
    """Takes connections that ask for an upgrade. Without a ``brokerage`` the trading stream tells nothing."""

    def __init__(self, board: Switchboard, options: LineOptions, brokerage: Brokerage | None = None) -> None:
        self._board = board
        self._options = options
        self._brokerage = brokerage
        self._open = 0

    async def serve_connection(self, raw: LineStream) -> None:
        """Serve one connection to its end; raises nothing of the network's or the client's making."""
        stats, plan = self._board.stats, self._board.plan
        stats.connections += 1
        self._open += 1
        path, number = _target(raw.head), stats.connections
        line: Line = "trading" if path in TRADING_PATHS else "data"
        self._tell(number, path, came=True)
        try:
            if self._open > CONNECTIONS_MAX:
                stats.turned_away += 1
            elif plan.use("refuse", line=line):
                await raw.reset()
            elif plan.use("stall_handshake", line=line):
                with trio.move_on_after(STALL_S):
                    raw.deafen()
                    await raw.receive_some()
            else:
                await self._serve(raw)
        except* _NETWORK as failures:
            stats.broken.update(_names(failures))
        finally:
            self._open -= 1
            self._tell(number, path, came=False)
            await trio.aclose_forcefully(raw)

    def _tell(self, number: int, path: str, *, came: bool) -> None:
        if self._board.overhear is not None:
            self._board.overhear(number, path, came)

    async def _serve(self, raw: LineStream) -> None:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(UPGRADE_WITHIN_S):
                request = await wrap_server_stream(
                    nursery, raw, message_queue_size=MESSAGES_QUEUED, max_message_size=MESSAGE_BYTES_MAX
                )
                await self._board.holes_told()
            if _path(request) in TRADING_PATHS:
                await serve_trading_line(
                    request, raw, _headers(request), self._board, self._options.keys, self._brokerage
                )
            else:
                await self._serve_data(request, raw)
            nursery.cancel_scope.cancel()

    async def _serve_data(self, request: WebSocketRequest, raw: LineStream) -> None:
        """Accept the request and serve it to its end, or answer it with an HTTP status."""
        endpoint = endpoint_at(_path(request))
        if endpoint is None:
            self._board.stats.turned_away += 1
            await request.reject(404, body=b'{"message":"endpoint not found."}')
        elif (fault := self._board.plan.use("upgrade_status")) is not None:
            await refuse_upgrade(request, fault)
        else:
            with trio.fail_after(UPGRADE_WITHIN_S):
                ws = await request.accept()
            await serve_data_line(ws, raw, endpoint, _headers(request), self._board, self._options)


def _path(request: WebSocketRequest) -> str:
    return request.path.partition("?")[0].rstrip("/")


def _target(head: bytes) -> str:
    """The path of a request that has not been parsed yet, so that a fault can come before any answer to it."""
    words = head.split(b"\r\n", 1)[0].split()
    return words[1].decode("latin-1").partition("?")[0].rstrip("/") if len(words) > 1 else ""


def _headers(request: WebSocketRequest) -> Mapping[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}


def _names(group: BaseExceptionGroup[BaseException]) -> list[str]:
    names: list[str] = []
    for each in group.exceptions:
        names += _names(each) if isinstance(each, BaseExceptionGroup) else [type(each).__name__]
    return names
