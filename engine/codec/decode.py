"""Frames of a market-data stream into events: fast while nothing is odd, patient when something is.

The fast path decodes a whole frame with one msgspec union of strict Structs. Whatever surprises it (an unknown type or
field, a malformed message, a control message) sends that one frame to ``salvage``, message by message. So a new field
at the venue costs speed, not data; and when it is there to stay, after `SURPRISES_MAX` frames, the decoder stops
being strict about fields and only looks closely at every `SAMPLE_EVERY`-th frame, to go on counting.

Nothing that a peer sends makes `MarketDecoder.decode` raise.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Final, Union

import msgspec
from msgspec import Raw, Struct
from msgspec.msgpack import Ext

from engine.codec.instants import parse_ext, parse_exts, parse_text, parse_texts
from engine.codec.salvage import UNREADABLE, Control, Counts, Malformed, Reader, excerpt, salvage
from engine.codec.wire import Encoding, Family, encoding_of, is_map
from engine.codec.wire_crypto import CRYPTO_WIRES, crypto_events
from engine.codec.wire_news import NEWS_WIRES, news_events
from engine.codec.wire_options import OPTION_WIRES, option_events
from engine.codec.wire_stocks import STOCK_WIRES, stock_events
from engine.model.market import MarketEvent

__all__ = ["Control", "Counts", "Malformed", "MarketDecoder"]

# A burst of odd frames is not a new protocol: a thousand of them is seconds at the open and minutes on a quiet line.
SURPRISES_MAX: Final = 1000
# Looking at 1.5 % of the frames closely costs less than a tenth of the speed.
SAMPLE_EVERY: Final = 64

_FAMILIES: Final[Mapping[Family, tuple[tuple[type[Struct], ...], Callable[..., list[MarketEvent]]]]] = {
    Family.STOCKS: (STOCK_WIRES, stock_events),
    Family.CRYPTO: (CRYPTO_WIRES, crypto_events),
    Family.OPTIONS: (OPTION_WIRES, option_events),
    Family.NEWS: (NEWS_WIRES, news_events),
}

# Whose loops compare exact types; the first two wires of these are the trade and the quote.
_IN_LINE: Final = frozenset({Family.STOCKS, Family.CRYPTO})


class MarketDecoder:
    """Decodes the frames of one line, text or binary; keeps ``counts``. One for each line, not shared between them."""

    def __init__(self, family: Family, encoding: Encoding) -> None:
        self.counts: Final = Counts()
        self._family = family
        self._encoding = encoding
        self._surprises = 0
        self._until_sample = 0
        self._tolerant = False
        self._set_fast_path()

    def decode(self, frame: bytes | str, received_ns: int) -> tuple[list[MarketEvent], list[Control | Malformed]]:
        """The events of a frame in its order, and what in it was not an event.

        ``received_ns`` is written into every event. The frame may be an array of messages or one bare message.
        """
        if self._tolerant:
            self._until_sample -= 1
            if self._until_sample <= 0:
                self._until_sample = SAMPLE_EVERY
                return self._decode_singly(frame, received_ns)
        try:
            wires = self._wires(frame)
            events = self._events(wires, self._instants(wires), self._parse, received_ns)
        except UNREADABLE:
            return self._decode_singly(frame, received_ns)
        self.counts.messages += len(events)
        return events, []

    def decode_all(
        self, frames: Sequence[bytes | str], received_ns: int
    ) -> tuple[list[MarketEvent], list[Control | Malformed]]:
        """Decode what one wake-up of a reader found; the same as `decode` of each frame, their answers strung together.

        Small frames are what a busy venue sends a client that keeps up, and their cost is mostly calls: together they
        take half the time.
        """
        if not self._tolerant:
            wires: list[Any] = []
            try:
                for frame in frames:
                    wires += self._wires(frame)
                together = self._events(wires, self._instants(wires), self._parse, received_ns)
            except UNREADABLE:
                pass  # one of them is odd: each alone
            else:
                self.counts.messages += len(together)
                return together, []
        events: list[MarketEvent] = []
        others: list[Control | Malformed] = []
        for frame in frames:
            found, other = self.decode(frame, received_ns)
            events += found
            others += other
        return events, others

    def _set_fast_path(self) -> None:
        reader = _reader(self._family, self._encoding, self._tolerant)
        self._wires = reader.frame
        self._instants = reader.instants
        self._parse = reader.parse
        self._events = reader.events

    def _decode_singly(
        self, frame: bytes | str, received_ns: int
    ) -> tuple[list[MarketEvent], list[Control | Malformed]]:
        events: list[MarketEvent] = []
        others: list[Control | Malformed] = []
        encoding = encoding_of(frame)
        raw_frame = frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else bytes(frame)
        try:
            messages = _split(raw_frame, encoding)
        except UNREADABLE as error:
            self.counts.malformed += 1
            return [], [Malformed("$", str(error), excerpt(raw_frame, encoding))]
        reader = _reader(self._family, encoding, False)
        unknown_before = self.counts.unknown_fields.total()
        for path, message in messages:
            item = salvage(message, path, reader, self.counts, received_ns)
            if isinstance(item, Control | Malformed):
                others.append(item)
            elif item is not None:
                events.append(item)
        self._adapt(encoding, surprised=self.counts.unknown_fields.total() > unknown_before)
        return events, others

    def _adapt(self, encoding: Encoding, *, surprised: bool) -> None:
        """Follow the encoding the peer really speaks, and give up strictness where it only costs."""
        self._surprises += surprised
        tolerant = self._surprises >= SURPRISES_MAX
        if encoding is not self._encoding or tolerant is not self._tolerant:
            self._encoding, self._tolerant = encoding, tolerant
            self._set_fast_path()


def _split(frame: bytes, encoding: Encoding) -> list[tuple[str, bytes | Raw]]:
    """The messages of a frame with their paths, not looked into."""
    if is_map(frame, encoding):
        return [("$", frame)]
    decoder = _RAWS[encoding]
    return [(f"$[{index}]", message) for index, message in enumerate(decoder.decode(frame))]


_RAWS: Final[Mapping[Encoding, Any]] = {
    Encoding.JSON: msgspec.json.Decoder(list[Raw]),
    Encoding.MSGPACK: msgspec.msgpack.Decoder(list[Raw]),
}


@cache  # four families, two encodings, strict or not: sixteen at most; they keep no state
def _reader(family: Family, encoding: Encoding, tolerant: bool) -> Reader:
    wires, events = _FAMILIES[family]
    stamp = str if encoding is Encoding.JSON else Ext
    shapes: list[Any] = [_tolerant(wire, stamp) if tolerant else types.GenericAlias(wire, (stamp,)) for wire in wires]
    if tolerant and family in _IN_LINE:
        events = partial(events, trade=shapes[0], quote=shapes[1])
    union: Any = Union[tuple(shapes)]  # noqa: UP007 - made at run time
    fields = {
        str(wire.__struct_config__.tag): frozenset(
            {"T", *(field.encode_name for field in msgspec.structs.fields(wire))}
        )
        for wire in wires
    }
    form: Any = msgspec.json if encoding is Encoding.JSON else msgspec.msgpack
    one, frame = form.Decoder(union).decode, form.Decoder(types.GenericAlias(list, (union,))).decode
    if encoding is Encoding.JSON:
        return Reader(encoding, frame, one, fields, parse_texts, parse_text, events)
    return Reader(encoding, frame, one, fields, parse_exts, parse_ext, events)


def _tolerant(wire: type[Struct], stamp: type) -> Any:
    """The same Struct, but deaf to fields it does not know."""
    alias: Any = types.GenericAlias(wire, (stamp,))
    config = {"tag": wire.__struct_config__.tag, "gc": False, "forbid_unknown_fields": False}
    return types.new_class(f"Tolerant{wire.__name__}", (alias,), config)
