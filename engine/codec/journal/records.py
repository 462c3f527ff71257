"""Blocks of records: what crossed between the session and its strategies (`engine.model.journal`)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from engine.model.journal import JournalRecord


class _Block(msgspec.Struct, array_like=True, gc=False):
    what: str
    rows: list[JournalRecord]


_encode: Final = msgspec.msgpack.Encoder().encode
_blocks: Final = msgspec.msgpack.Decoder(_Block)


def encode_records(records: Sequence[JournalRecord]) -> bytes:
    """The payload of a block."""
    return _encode(("r", records))


def decode_records(payload: bytes | memoryview) -> list[JournalRecord]:
    """The records of a block; raises ``ValueError`` (of which msgspec's errors are) where it holds something else."""
    block = _blocks.decode(payload)
    if block.what != "r":
        raise ValueError(f"a block of {block.what!r} is not one of records")
    return block.rows
