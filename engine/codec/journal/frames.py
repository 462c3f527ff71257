"""Blocks of raw frames: what came off the wire, so that a decoder can be run over it again."""

from collections.abc import Sequence
from typing import Final

import msgspec


class RawFrame(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One message of a WebSocket as it came: text or bytes. ``at_ns`` is market time of its reading."""

    feed: str
    at_ns: int
    content: bytes
    text: bool = False
    """Whether it was a text frame (then ``content`` is UTF-8)."""

    @property
    def frame(self) -> bytes | str:
        """What the socket gave."""
        return self.content.decode() if self.text else self.content


class _Block(msgspec.Struct, array_like=True, gc=False):
    what: str
    rows: list[RawFrame]


_encode: Final = msgspec.msgpack.Encoder().encode
_blocks: Final = msgspec.msgpack.Decoder(_Block)


def encode_frames(frames: Sequence[tuple[str, int, bytes | str]]) -> bytes:
    """The payload of a block of (feed, market time, frame)."""
    rows = [
        (feed, at_ns, frame.encode() if isinstance(frame, str) else frame, isinstance(frame, str))
        for feed, at_ns, frame in frames
    ]
    return _encode(("f", rows))


def decode_frames(payload: bytes | memoryview) -> list[RawFrame]:
    """The frames of a block; raises ``ValueError`` (of which msgspec's errors are) where it holds something else."""
    block = _blocks.decode(payload)
    if block.what != "f":
        raise ValueError(f"a block of {block.what!r} is not one of frames")
    return block.rows
