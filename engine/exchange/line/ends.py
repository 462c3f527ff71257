"""The first and the last moment of a connection, which both kinds of stream share: the upgrade and the goodbye."""

from collections.abc import Mapping
from typing import Final

import trio
from trio_websocket import WebSocketConnection, WebSocketRequest

from engine.codec.wire import Encoding
from engine.exchange.faults.kinds import Fault
from engine.exchange.line.limits import CLOSE_WITHIN_S
from engine.exchange.line.stream import LineStream

MSGPACK: Final = "application/msgpack"


def encoding_of(headers: Mapping[str, str]) -> Encoding:
    """What the headers of an upgrade (names in lower case) ask for: JSON unless they say MessagePack."""
    asked = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Encoding.MSGPACK if asked == MSGPACK else Encoding.JSON


async def refuse_upgrade(request: WebSocketRequest, fault: Fault) -> None:
    """Answer an upgrade with the HTTP status that a fault asks for."""
    headers = [(name.encode(), value.encode()) for name, value in fault.headers.items()]
    await request.reject(fault.status or 503, extra_headers=headers, body=b'{"message":"as scripted"}')


async def hang_up(ws: WebSocketConnection, raw: LineStream, code: int) -> None:
    """Close with a goodbye; a peer that does not answer it in time is cut off."""
    with trio.move_on_after(CLOSE_WITHIN_S) as scope:
        await ws.aclose(code)
    if scope.cancelled_caught:
        await raw.reset()
