"""Blocks of bytes one behind the other, and how far a file of them is whole.

A process can die in the middle of a write, and a machine can lose power with half of a file on the disk. Then the last
block is short, or its sum is wrong, or zeros follow: a torn tail, which is cut. A bad block with a whole one behind it
was not torn but damaged, and what is missing there nobody may go on without: that is refused.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from attrs import define, field

from engine.errors import Misconfigured, StoreFailed

FORMAT: Final = 1
"""The version that is written. Fields added to the end of an event or a record do not change it."""
EMPTY: Final = f"gapless-journal {FORMAT}\n".encode()
"""A file without a block."""

Tag: TypeAlias = Literal["m", "r", "f"]
"""What a block holds: market events, records, frames."""
Buffer: TypeAlias = bytes | bytearray | memoryview

_HEAD: Final = struct.Struct("<II")
_NAME: Final = re.compile(rb"gapless-journal ([0-9]{1,9})\n")
_NAME_MAX: Final = 32
"""Bytes that the first line can have."""
_START: Final = re.compile(rb"\x92\xa1[mrf]")
"""How every payload begins: an array of two, the first a text of one letter."""


def pack_block(payload: bytes) -> bytes:
    """One block, ready to be appended."""
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


@define(eq=False)
class Walk:
    """Goes over the blocks of a journal, each yielded as its payload.

    ``content`` is the whole file (memory that is mapped will do), ``name`` what it is called in sentences. ``end`` is
    where the last good block ended that was yielded, or the first line; after the last one it is where to go on
    writing, and ``torn`` says how many bytes there are behind it. It is 0 where not even the first line is whole.

    Iterating raises `StoreFailed` for a file that is damaged or is no journal, and `Misconfigured` for one of a newer
    format.
    """

    content: memoryview = field(converter=memoryview)
    name: str
    end: int = field(default=0, init=False)

    @property
    def torn(self) -> int:
        """Bytes behind the last good block."""
        return len(self.content) - self.end

    def __iter__(self) -> Iterator[memoryview]:
        self.end = self._first_line()
        while self.end and (after := self._whole_at(self.end)):
            start, self.end = self.end + _HEAD.size, after
            yield self.content[start:after]
        if self.end and self.torn and (good := self._good_behind(self.end)):
            raise StoreFailed(
                f"{self.name} is damaged at byte {self.end}: the block there is not what was written, and whole ones "
                f"follow at byte {good}. Take the file from a copy, or cut it there to keep what comes before."
            )

    def _first_line(self) -> int:
        head = bytes(self.content[:_NAME_MAX])
        found = _NAME.match(head)
        if found is None:
            if EMPTY.startswith(head) or not head.strip(b"\0"):
                return 0  # the process died before the first line was out
            raise StoreFailed(f"{self.name} is no journal of gapless: its first line says something else.")
        if int(found[1]) > FORMAT:
            raise Misconfigured(
                f"{self.name} was written by a newer gapless (format {int(found[1])}; this one reads up to {FORMAT}): "
                "update gapless to read it."
            )
        return found.end()

    def _whole_at(self, at: int) -> int:
        """Where the block at this place ends; 0 where there is no whole one."""
        start = at + _HEAD.size
        if start > len(self.content):
            return 0
        length, crc = _HEAD.unpack_from(self.content, at)
        if not length or start + length > len(self.content):
            return 0
        return start + length if zlib.crc32(self.content[start : start + length]) == crc else 0

    def _good_behind(self, at: int) -> int:
        """Where the next whole block begins; 0 where there is none."""
        for found in _START.finditer(self.content, at + _HEAD.size + 1):
            if self._whole_at(found.start() - _HEAD.size):
                return found.start() - _HEAD.size
        return 0
