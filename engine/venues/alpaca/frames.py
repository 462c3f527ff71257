"""WebSocket data frames out of a stream of bytes: parsing only, no sockets.

trio-websocket costs about 13 microseconds a frame (wsproto, a lock, checkpoints), and a busy feed sends one message
a frame. Nearly all frames of a data feed are of the one shape that needs no protocol engine: text or binary, whole,
unmasked, uncompressed, from the server. `FrameSplitter` takes those out of each read and leaves every other byte, in
order and untouched, to trio-websocket: the HTTP answer, pings, pongs, close, fragments, frames larger than a limit,
compressed ones. Of a data message that is left to trio-websocket it notes the place (`None`), so that order holds.
Where a header is one this parser would not swear on, it turns itself ``off`` and trio-websocket judges the rest.
"""

import re
from typing import Final

_END_OF_HEAD: Final = re.compile(rb"\n\r?\n")  # as lenient as h11, or the two would disagree on where frames begin
# h11, which parses the same bytes beside us, gives up on a head of 16 KiB.
_HEAD_MAX: Final = 64 * 1024
_WHOLE: Final = (0x82, 0x81)  # binary and text frames that are a message each
_CLOSE, _PING, _PONG = 8, 9, 10
_LONG_HEADERS: Final = {126: 4, 127: 10}
"""Bytes of header where the first length byte says that a longer length follows."""


class FrameSplitter:
    """Splits what a server sends into data messages and the bytes that are left to trio-websocket.

    Frames longer than ``message_bytes_max`` are left to it as well.
    """

    def __init__(self, message_bytes_max: int) -> None:
        self._message_bytes_max = message_bytes_max
        self._head: bytearray | None = bytearray()
        self._rest = b""  # the beginning of a frame's header, at most 9 bytes
        self._parts: list[bytes] = []  # of a frame being taken
        self._missing = 0  # bytes of the current frame that have not arrived
        self._taking = False  # whether the current frame is taken or left
        self._owed = False  # whether a data message ends with the frame being left
        self._fragmented = False  # between the first and the last fragment of a message
        self.off = False
        """Whether this parser has given up: everything is left to trio-websocket from here on."""
        self.status = 0
        """The HTTP status of the answer to the upgrade; 0 until it has arrived whole."""
        self.pongs = 0
        """How many pongs have begun to arrive."""
        self.left = 0
        """How many data messages have been left to trio-websocket so far."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of an answer other than 101, for those who must say why; empty before and after 101."""
        lines = bytes(self._head or b"").splitlines()[1:]
        return [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]

    def split(self, data: bytes, taken: list[bytes | None]) -> bytes:
        """Append the messages that end in ``data`` to ``taken`` and return the bytes left to trio-websocket.

        ``None`` in ``taken`` stands for a message that trio-websocket will reassemble.
        """
        left: list[bytes] = []
        if not self.status and not self.off:
            data = self._split_head(data, left)
        if self.off:
            left.append(data)
        elif data:
            self._split_frames(data, taken, left)
        return b"".join(left) if len(left) != 1 else left[0]

    def _split_head(self, data: bytes, left: list[bytes]) -> bytes:
        """Leave the HTTP answer to trio-websocket; return what follows it."""
        head = self._head if self._head is not None else bytearray()
        had = len(head)
        head += data
        end = _END_OF_HEAD.search(head, max(0, had - 2))
        if end is None:
            self.off = len(head) > _HEAD_MAX
            left.append(data)
            return b""
        cut = end.end() - had
        left.append(data[:cut])
        del head[end.end() :]
        status = re.match(rb"HTTP/\d\.\d (\d{3})", head)
        self.status = int(status[1]) if status else 0
        if self.status == 101:
            self._head = None
        else:
            self.off = True
        return data[cut:]

    def _split_frames(self, data: bytes, taken: list[bytes | None], left: list[bytes]) -> None:
        """The hot loop: one turn a frame."""
        at = 0
        if self._missing:
            at = self._go_on(data, taken, left)
        elif self._rest:
            data = self._rest + data
            self._rest = b""
        size = len(data)
        whole_max = self._message_bytes_max
        take = taken.append
        while at < size:
            if size - at < 2:
                break
            first, length = data[at], data[at + 1]
            start = at + 2
            if length > 125:
                header = _LONG_HEADERS.get(length)
                if header is None:  # masked: a server must not, so trio-websocket shall say so
                    self.off = True
                    break
                start = at + header
                if size < start:
                    break
                length = int.from_bytes(data[at + 2 : start], "big")
            end = start + length
            if first in _WHOLE and not self._fragmented and length <= whole_max:
                if end <= size:
                    take(data[start:end])
                else:
                    self._parts = [data[start:]]
                    self._missing, self._taking = end - size, True
                at = end
                continue
            if not self._understand(first, length):
                break
            left.append(data[at:end])
            if end <= size:
                self._end_left(taken)
            else:
                self._missing, self._taking = end - size, False
            at = end
        if self.off:
            left.append(data[at:])
        elif at < size:
            self._rest = data[at:]

    def _go_on(self, data: bytes, taken: list[bytes | None], left: list[bytes]) -> int:
        """Go on with a frame that began in an earlier read; return where the next one begins."""
        piece = data[: self._missing] if self._missing < len(data) else data
        self._missing -= len(piece)
        if not self._taking:
            left.append(piece)
            if not self._missing:
                self._end_left(taken)
        else:
            self._parts.append(piece)  # joined once at the end: a large frame must not be copied at each read
            if not self._missing:
                taken.append(b"".join(self._parts))
                self._parts = []
        return len(piece)

    def _understand(self, first: int, length: int) -> bool:
        """Whether the frame that begins so may be left to trio-websocket while we go on; if not, turns ``off``."""
        final, opcode = first & 0x80, first & 0x0F
        if opcode in (_CLOSE, _PING, _PONG):
            self.off = not final or length > 125
            self.pongs += opcode == _PONG
            self._owed = False
        elif (opcode == 0 and self._fragmented) or (opcode in (1, 2) and not self._fragmented):
            self._fragmented = not final
            self._owed = bool(final)
        else:
            self.off = True
        return not self.off

    def _end_left(self, taken: list[bytes | None]) -> None:
        """A frame that is left to trio-websocket has been handed over whole."""
        if self._owed:
            self._owed = False
            self.left += 1
            taken.append(None)
