"""The names the wire uses: encodings, families of streams and channels.

A family is a vocabulary, not an endpoint: every stock feed and the test stream speak ``stocks``, crypto and perpetuals
speak ``crypto``. Families share no message shapes by accident: ``c`` is a list on stocks and a string on options.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from msgspec import UNSET

from engine.model.market import Kind


class Encoding(StrEnum):
    """How messages travel; asked for by the ``Content-Type`` of the upgrade request."""

    JSON = "json"
    MSGPACK = "msgpack"


class Family(StrEnum):
    """Which catalogue of messages a feed speaks."""

    STOCKS = "stocks"
    CRYPTO = "crypto"
    OPTIONS = "options"
    NEWS = "news"


KIND_NAMES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.TRADES: "trades",
        Kind.QUOTES: "quotes",
        Kind.BARS: "bars",
        Kind.UPDATED_BARS: "updatedBars",
        Kind.DAILY_BARS: "dailyBars",
        Kind.STATUSES: "statuses",
        Kind.LULDS: "lulds",
        Kind.CORRECTIONS: "corrections",
        Kind.CANCELS: "cancelErrors",
        Kind.IMBALANCES: "imbalances",
        Kind.BOOKS: "orderbooks",
        Kind.PRICING: "pricing",
        Kind.NEWS: "news",
    }
)
"""What a channel is called in requests and acknowledgements."""

KINDS_BY_NAME: Final[Mapping[str, Kind]] = MappingProxyType({name: kind for kind, name in KIND_NAMES.items()})


ABSENT: Final[Any] = UNSET
"""Written into a wire field, it leaves the field out of the message. Never read from one."""


def encoding_of(frame: bytes | str) -> Encoding:
    """Tell the encoding by the first byte: MessagePack's maps and arrays start where JSON text never does.

    The opcode says nothing (Alpaca sends JSON in binary frames on one of its streams). What is neither counts as JSON,
    whose parser gives the better complaint.
    """
    if isinstance(frame, str) or not frame:
        return Encoding.JSON
    first = frame[0]
    return Encoding.MSGPACK if 0x80 <= first <= 0x9F or 0xDC <= first <= 0xDF else Encoding.JSON


def is_map(frame: bytes, encoding: Encoding) -> bool:
    """Whether a frame is one bare message rather than an array of them."""
    if encoding is Encoding.JSON:
        return frame.lstrip()[:1] == b"{"
    return frame[:1] in (b"\xde", b"\xdf") or b"\x80" <= frame[:1] <= b"\x8f"
