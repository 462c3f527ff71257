"""Blocks of market events.

A row is ``[at_ns, kind, events]``: events of one kind that were told at one instant of market time, each an array of
its fields in the order of the Struct. That is a third of what names beside the values would take. A field that is added
to the end of a Struct later has its default in what was written before, and is skipped by who does not know it.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, TypeAlias

import msgspec
from msgspec.structs import astuple, fields

from engine.model.market import EVENT_TYPES, Kind, MarketEvent

Arrival: TypeAlias = tuple[int, Sequence[MarketEvent]]
"""Market time at which they were told, and the events."""

_encode: Final = msgspec.msgpack.Encoder().encode
_ARRAY: Final = struct.Struct(">BI")
_ARRAY_32: Final = 0xDD
"""How msgpack begins an array that may be long."""
_SHORT: Final = tuple(bytes((0x90 | count,)) for count in range(16))
"""And the short ones, which kinds that take turns make most of."""


class _Run(msgspec.Struct, array_like=True, gc=False):
    at_ns: int
    kind: str
    events: msgspec.Raw


class _Block(msgspec.Struct, array_like=True, gc=False):
    what: str
    rows: list[_Run]


def _reader(event_type: type[MarketEvent]) -> Callable[[Any], list[MarketEvent]]:
    """What reads events of one kind: the same fields as an array, made into the event itself."""
    told = [
        (one.name, one.type, msgspec.field(default=one.default)) if not one.required else (one.name, one.type)
        for one in fields(event_type)
    ]
    row = msgspec.defstruct(f"{event_type.__name__}Row", told, array_like=True, gc=False)
    decode = msgspec.msgpack.Decoder(list[row]).decode  # type: ignore[valid-type] # made at run time

    def read(raw: Any) -> list[MarketEvent]:
        return [event_type(*astuple(one)) for one in decode(raw)]

    return read


_READERS: Final = {kind.value: _reader(event_type) for kind, event_type in EVENT_TYPES.items()}
_NAMES: Final[dict[type, str]] = {event_type: kind.value for kind, event_type in EVENT_TYPES.items()}
_blocks: Final = msgspec.msgpack.Decoder(_Block)


def encode_market(arrivals: Iterable[Arrival]) -> bytes:
    """The payload of a block."""
    rows = [
        (at_ns, _NAMES[event_type], _array([_encode(astuple(event)) for event in events]))
        for at_ns, told in arrivals
        for event_type, events in groupby(told, type)
    ]
    return _encode(("m", rows))


def _array(encoded: Sequence[bytes]) -> msgspec.Raw:
    """An array of values that are encoded already: thousands of tuples at once would keep the collector busy."""
    count = len(encoded)
    head = _SHORT[count] if count < len(_SHORT) else _ARRAY.pack(_ARRAY_32, count)
    return msgspec.Raw(head + b"".join(encoded))


def decode_market(payload: bytes | memoryview) -> Iterator[tuple[int, list[MarketEvent]]]:
    """The events of a block by runs of one kind, each with the instant at which it was told.

    Raises ``ValueError`` (of which msgspec's errors are) where it is no block of events, or of a kind unknown here.
    """
    block = _blocks.decode(payload)
    if block.what != "m":
        raise ValueError(f"a block of {block.what!r} is not one of market events")
    for run in block.rows:
        read = _READERS.get(run.kind)
        if read is None:
            raise ValueError(f"there is no kind {run.kind!r}; known are {', '.join(Kind)}")
        yield run.at_ns, read(run.events)
