"""WebSocket frames written by hand, whole or spoiled.

trio-websocket stays in charge of the handshake, of what the client sends, of pings and of closing. Data frames go past
it: a server's frames are not masked, so a frame is a few bytes in front of its payload, many of them go to the socket
in one call, and a fault can write half of one. Masks, fragments and compression are never needed here.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from engine.codec.wire import Encoding

_TEXT: Final = 0x81
_BINARY: Final = 0x82
_LENGTH_1_MAX: Final = 125
_LENGTH_2_MAX: Final = 0xFFFF
_FIXARRAY: Final = 0x90
_FIXMAP: Final = 0x80
_FIX_MAX: Final = 15
_ARRAY16: Final = 0xDC
_MAP16: Final = 0xDE

NONSENSE: Final[Mapping[str, Any]] = {"T": "t", "S": "?", "p": "not a price", "t": "not a time"}
UNKNOWN: Final[Mapping[str, Any]] = {"T": "zz", "S": "?", "later": True}
"""A message of a type that does not exist yet."""
UNKNOWN_FIELD: Final = ("zz", "later")


def build_frame(payload: str | bytes) -> bytes:
    """One unfragmented, unmasked frame: text for ``str``, binary for ``bytes``."""
    if isinstance(payload, str):
        first, body = _TEXT, payload.encode()
    else:
        first, body = _BINARY, payload
    length = len(body)
    if length <= _LENGTH_1_MAX:
        return bytes((first, length)) + body
    if length <= _LENGTH_2_MAX:
        return bytes((first, 126)) + length.to_bytes(2, "big") + body
    return bytes((first, 127)) + length.to_bytes(8, "big") + body


def add_message(payload: str | bytes, message: Mapping[str, Any], encoding: Encoding) -> str | bytes:
    """The payload, an array of messages, with one more at its end."""
    if encoding is Encoding.JSON:
        text = payload if isinstance(payload, str) else payload.decode()
        return text.rstrip()[:-1] + "," + msgspec.json.encode(message).decode() + "]"
    body = payload.encode() if isinstance(payload, str) else payload
    count, start = _read_head(body, _FIXARRAY, _ARRAY16)
    return _head(count + 1, _FIXARRAY, _ARRAY16) + body[start:] + msgspec.msgpack.encode(message)


def add_field(payload: str | bytes, encoding: Encoding) -> str | bytes:
    """The payload, an array of one message, with one more field at the end of that message."""
    name, value = UNKNOWN_FIELD
    if encoding is Encoding.JSON:
        text = payload if isinstance(payload, str) else payload.decode()
        return text.rstrip()[:-2] + f',"{name}":"{value}"}}]'
    body = payload.encode() if isinstance(payload, str) else payload
    _, start = _read_head(body, _FIXARRAY, _ARRAY16)
    count, inner = _read_head(body[start:], _FIXMAP, _MAP16)
    extra = msgspec.msgpack.encode(name) + msgspec.msgpack.encode(value)
    return _head(1, _FIXARRAY, _ARRAY16) + _head(count + 1, _FIXMAP, _MAP16) + body[start + inner :] + extra


def _read_head(body: bytes, fix: int, wide: int) -> tuple[int, int]:
    """How many items a MessagePack array or map says it has, and where they start."""
    if body[0] == wide:
        return int.from_bytes(body[1:3], "big"), 3
    return body[0] - fix, 1


def _head(count: int, fix: int, wide: int) -> bytes:
    return bytes((fix | count,)) if count <= _FIX_MAX else bytes((wide,)) + count.to_bytes(2, "big")
