"""Events and requests into frames: what the embedded exchange sends, and what a client asks.

Every map starts with ``T``, because official clients drop the rest of a frame whose maps do not. In frames of stock and
option streams whole sizes travel as integers, in those of crypto as floats. ``r`` is sent only where ``venue_ns`` is
known. The exchange serves a tape as fast as it is read, so this is a fast path too: an event becomes its wire Struct,
and one encoder writes the whole frame.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine.codec.instants import render_ext, render_text
from engine.codec.wire import Encoding, Family, encoding_of
from engine.codec.wire_crypto import CRYPTO_WRITERS
from engine.codec.wire_news import NEWS_WRITERS
from engine.codec.wire_options import OPTION_WRITERS
from engine.codec.wire_stocks import STOCK_WRITERS
from engine.model.market import MarketEvent

_WRITERS: Final[Mapping[Family, Mapping[type, Callable[[Any, Callable[[int], Any]], Struct]]]] = {
    Family.STOCKS: STOCK_WRITERS,
    Family.CRYPTO: CRYPTO_WRITERS,
    Family.OPTIONS: OPTION_WRITERS,
    Family.NEWS: NEWS_WRITERS,
}
_encode_json: Final = msgspec.json.Encoder().encode
_encode_msgpack: Final = msgspec.msgpack.Encoder().encode


def wire_of(event: MarketEvent, family: Family, stamp: Callable[[int], Any]) -> Struct:
    """The wire message of an event, its instants written by ``stamp``.

    Raises ``ValueError`` if this family has no message for such an event.
    """
    try:
        write = _WRITERS[family][type(event)]
    except KeyError:
        raise _no_message(event, family) from None
    return write(event, stamp)


def render_frame(items: Sequence[MarketEvent], encoding: Encoding, family: Family) -> bytes | str:
    """One data frame, text for JSON and binary for MessagePack; ``ValueError`` for an event the family cannot say."""
    writers = _WRITERS[family]
    stamp: Callable[[int], Any] = render_text if encoding is Encoding.JSON else render_ext
    try:
        wires = [writers[type(event)](event, stamp) for event in items]
    except KeyError:
        raise _no_message(next(event for event in items if type(event) not in writers), family) from None
    return _encode_json(wires).decode() if encoding is Encoding.JSON else _encode_msgpack(wires)


def _no_message(event: MarketEvent, family: Family) -> ValueError:
    return ValueError(f"the {family} streams have no message for a {type(event).__name__}")


def render_control(control: Mapping[str, Any], encoding: Encoding) -> bytes | str:
    """A control frame, always an array of one; ``control`` must have a ``T``, which is sent first."""
    return _render([{"T": control["T"], **control}], encoding)


def render_request(request: Mapping[str, Any], encoding: Encoding) -> bytes | str:
    """What a client sends: one bare map."""
    return _render(dict(request), encoding)


def _render(message: Any, encoding: Encoding) -> bytes | str:
    return _encode_json(message).decode() if encoding is Encoding.JSON else _encode_msgpack(message)


def parse_request(frame: bytes | str) -> dict[str, Any]:
    """Read what a client sent, in either encoding and with either opcode.

    Raises ``ValueError`` if it is not one map with text keys. The message never quotes the frame: it may hold keys.
    """
    try:
        if encoding_of(frame) is Encoding.JSON:
            return msgspec.json.decode(frame, type=dict[str, Any])
        return msgspec.msgpack.decode(frame, type=dict[str, Any])  # type: ignore[arg-type]  # text is always JSON
    except (ValueError, RecursionError, OverflowError):
        raise ValueError("a request is one JSON or MessagePack map with text keys, and this frame is not") from None
