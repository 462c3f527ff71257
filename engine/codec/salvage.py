"""A surprising frame, one message at a time: what is good in it is kept, what is not is named and counted.

The whole-frame decoder refuses a frame for one unknown field. Here each message stands alone, so that

- an unknown type is counted and skipped, an unknown field is counted and the message is still read,
- a ``null`` counts as absent,
- a malformed message becomes one `Malformed` with its path, and its neighbours survive,
- a control message (welcome, error, acknowledgement) is read, since it always travels in a frame of its own.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from attrs import define, field, frozen
from msgspec import Raw, Struct

from engine.codec.wire import KIND_NAMES, Encoding
from engine.model.market import MarketEvent
from engine.model.stream import Stream

# What msgspec and our instants raise over bytes they cannot read. All are about the bytes, none is a bug of ours:
# ValueError includes DecodeError and bad UTF-8, RecursionError is deep nesting, TypeError is text given to MessagePack.
UNREADABLE: Final = (ValueError, RecursionError, TypeError, OverflowError)

EXCERPT_CHARS_MAX: Final = 200
# A peer that invents names must not fill memory: this is ten times what the whole protocol has.
_NAMES_MAX: Final = 500
_NAME_CHARS_MAX: Final = 40
_OVERFLOWN: Final = "(others)"

_AT: Final = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_MISSING: Final = re.compile(r"missing required field `(.+)`", re.DOTALL)


@frozen
class Control:
    """What the venue says about the line. ``subscribed`` is the whole acknowledged set, on ``"subscription"`` only."""

    type: str
    msg: str = ""
    code: int | None = None
    subscribed: frozenset[Stream] | None = None


@frozen
class Malformed:
    """One message, or with path ``$`` a whole frame, that could not be read; ``excerpt`` is at most 200 characters."""

    path: str
    reason: str
    excerpt: str


@define
class Counts:
    """What one decoder has met. ``messages`` counts all of readable frames, whatever became of them.

    ``unknown_types`` is by ``T``, ``unknown_fields`` by ``T.name``. Once a decoder has become tolerant these two are
    lower bounds, from every 64th frame.
    """

    messages: int = 0
    malformed: int = 0
    unknown_types: Counter[str] = field(factory=Counter)
    unknown_fields: Counter[str] = field(factory=Counter)


class _Notice(Struct):
    """``success`` and ``error``."""

    msg: str | None = ""
    code: int | None = None


_Acknowledged: Final[Any] = msgspec.defstruct(
    "_Acknowledged",
    [(str(kind), tuple[str, ...] | None, None) for kind in KIND_NAMES],
    rename={str(kind): name for kind, name in KIND_NAMES.items()},
)
_CONTROL_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "success": frozenset({"T", "msg", "code"}),
    "error": frozenset({"T", "msg", "code"}),
    "subscription": frozenset({"T", "msg", *KIND_NAMES.values()}),
}
_FORMATS: Final[Mapping[Encoding, Any]] = {Encoding.JSON: msgspec.json, Encoding.MSGPACK: msgspec.msgpack}
_NULLS: Final[Mapping[Encoding, bytes]] = {Encoding.JSON: b"null", Encoding.MSGPACK: b"\xc0"}


@frozen
class Reader:
    """How one family is read in one encoding; made once for each pair by ``decode``."""

    encoding: Encoding
    frame: Callable[[bytes | str], list[Any]]
    """A whole frame to its wire Structs, or an exception."""
    message: Callable[[bytes | Raw], Any]
    """One strict message to its wire Struct."""
    fields_by_type: Mapping[str, frozenset[str]]
    instants: Callable[[list[Any]], list[int]]
    parse: Callable[[Any], int]
    events: Callable[[list[Any], list[int], Callable[[Any], int], int], list[MarketEvent]]

    def event(self, wire: Any, path: str, received_ns: int) -> MarketEvent:
        """One event; raises `_Refused` where an instant in it is none."""
        try:
            instants = self.instants([wire])
        except UNREADABLE as error:
            raise _Refused(f"{path}.t", str(error)) from error
        try:
            return self.events([wire], instants, self.parse, received_ns)[0]
        except UNREADABLE as error:
            raise _Refused(path, str(error)) from error


class _Refused(Exception):
    """Where in a message reading stopped, and why; it never leaves this module."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


def salvage(
    raw: bytes | Raw, path: str, reader: Reader, counts: Counts, received_ns: int
) -> MarketEvent | Control | Malformed | None:
    """Read one message of a frame; ``None`` if its type is unknown."""
    counts.messages += 1
    try:
        return _read(raw, path, reader, counts, received_ns)
    except _Refused as refused:
        counts.malformed += 1
        return Malformed(refused.path, refused.reason, excerpt(bytes(raw), reader.encoding))


def _read(
    raw: bytes | Raw, path: str, reader: Reader, counts: Counts, received_ns: int
) -> MarketEvent | Control | None:
    try:
        wire = reader.message(raw)
    except UNREADABLE:
        pass  # the reason is found below, where unknown fields are told from bad ones
    else:
        return reader.event(wire, path, received_ns)
    fields: dict[str, Raw] = _decode(raw, dict[str, Raw], path, reader.encoding)
    if "T" not in fields:
        raise _Refused(path, "has no T, so its type is not known")
    kind: str = _decode(fields["T"], str, f"{path}.T", reader.encoding)
    known = reader.fields_by_type.get(kind) or _CONTROL_FIELDS.get(kind)
    if known is None:
        _tally(counts.unknown_types, kind)
        return None
    for name in fields.keys() - known:
        _tally(counts.unknown_fields, f"{kind}.{name}")
    if kind in _CONTROL_FIELDS:
        return _control(kind, raw, path, reader.encoding)
    null = _NULLS[reader.encoding]
    kept = {name: value for name, value in fields.items() if name in known and bytes(value) != null}
    try:
        wire = reader.message(_FORMATS[reader.encoding].encode(kept))
    except UNREADABLE as error:
        raise _refusal(path, error) from error
    return reader.event(wire, path, received_ns)


def _control(kind: str, raw: bytes | Raw, path: str, encoding: Encoding) -> Control:
    if kind != "subscription":
        notice = _decode(raw, _Notice, path, encoding)
        return Control(kind, notice.msg or "", notice.code)
    acknowledged = _decode(raw, _Acknowledged, path, encoding)
    subscribed = frozenset(
        Stream(kind, symbol) for kind in KIND_NAMES for symbol in getattr(acknowledged, str(kind)) or ()
    )
    return Control(kind, subscribed=subscribed)


def _decode(raw: bytes | Raw, shape: Any, path: str, encoding: Encoding) -> Any:
    try:
        return _FORMATS[encoding].decode(raw, type=shape)
    except UNREADABLE as error:
        raise _refusal(path, error) from error


def _refusal(path: str, error: Exception) -> _Refused:
    """Put msgspec's path inside a message behind the message's own."""
    reason = str(error)
    inside = _AT.search(reason)
    if inside is not None:
        path, reason = path + inside[1], reason[: inside.start()]
    missing = _MISSING.search(reason)
    if missing is not None:
        path = f"{path}.{missing[1]}"
    return _Refused(path, reason)


def _tally(counter: Counter[str], name: str) -> None:
    name = name[:_NAME_CHARS_MAX]
    counter[name if name in counter or len(counter) < _NAMES_MAX else _OVERFLOWN] += 1


def excerpt(raw: bytes, encoding: Encoding) -> str:
    """The beginning of a message as a person can read it."""
    if encoding is Encoding.JSON:
        return raw[: 4 * EXCERPT_CHARS_MAX].decode("utf-8", "replace")[:EXCERPT_CHARS_MAX]
    try:
        text = repr(msgspec.msgpack.decode(raw))
    except UNREADABLE:
        text = repr(raw[:EXCERPT_CHARS_MAX])
    return text[:EXCERPT_CHARS_MAX]
