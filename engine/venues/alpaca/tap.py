"""A tap on the stream beneath trio-websocket: whole data frames go straight to an inbox, one item a socket read.

trio-websocket stays in charge of the connection (upgrade, pings, pongs, closing, anything odd) through its public
`wrap_client_stream`, yet a data message costs a slice instead of a trip through wsproto, a lock and a channel:
1.3 million messages a second against 75 thousand at one message a frame. The plain path stays: a message the tap
does not take is reassembled by trio-websocket, pumped into the same inbox, and told in its place.

Decided against: trio-websocket's private queue (breaks with a release) and a WebSocket engine of our own.
"""

from collections import deque
from typing import Final, TypeAlias, cast

import trio
from trio_websocket import ConnectionRejected

from engine.errors import GaplessError, LineLost, Overrun
from engine.venues.alpaca.frames import FrameSplitter

Message: TypeAlias = bytes | str

# One read takes all that the kernel's buffer usually holds, and splitting it takes about 2 ms at one message a frame.
READ_BYTES: Final = 64 * 1024
# What `receive_some` may return beyond one read: the beginning of a frame's header that was held back.
_HELD_BACK: Final = 16


class Inbox:
    """What arrived and was not handed on yet: bounded in bytes, in the order of the wire.

    ``bytes_max`` counts bytes off the wire; one read and one reassembled message may go beyond it.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._chunks: deque[tuple[list[bytes], int] | None] = deque()
        self._reassembled: deque[tuple[Message, int]] = deque()
        self._wake: trio.Event | None = None
        self._room: trio.Event | None = None
        self._nudged = False
        self.bytes = 0
        """How many bytes wait."""
        """How many bytes have been taken so far."""
        self.failure: GaplessError | None = None
        """Why nothing more will come; told once everything before it has been taken."""
        self.in_place = True
        """Whether reassembled messages have a place kept; if not, they come in any case."""

    @property
    def full(self) -> bool:
        """Whether the reader has to wait."""
        return self.bytes >= self._bytes_max and self.failure is None

    @property
    def ready(self) -> bool:
        """Whether `take` would return something."""
        if self._chunks:
            return self._chunks[0] is not None or bool(self._reassembled)
        return bool(self._reassembled) and not self.in_place

    def put(self, messages: list[bytes], size: int) -> None:
        """Add the messages of one read, which took ``size`` bytes of the wire; ignored after a failure."""
        if self.failure is not None:
            return
        self._chunks.append((messages, size))
        self.bytes += size
        self._wake_reader()

    def put_place(self) -> None:
        """Keep the place of one message that will be put by `put_reassembled`."""
        self._chunks.append(None)
        self._wake_reader()

    def put_reassembled(self, message: Message) -> None:
        """Add a message that trio-websocket reassembled; ignored after a failure."""
        if self.failure is not None:
            return
        self._reassembled.append((message, len(message)))
        self.bytes += len(message)
        self._wake_reader()

    def fail(self, failure: GaplessError) -> None:
        """Say why nothing more will come; the first reason stands.

        The socket is still read, so that a close frame finds its answer, but what it brings is dropped.
        """
        if self.failure is None:
            self.failure = failure
        if self._room is not None:
            self._room.set()
        self._wake_reader()

    def nudge(self) -> None:
        """End a `wait` although nothing came."""
        self._nudged = True
        self._wake_reader()

    def take(self, size_max: int) -> list[Message]:
        """Remove what arrived, in order, and stop after about ``size_max`` bytes; empty when nothing is ready."""
        out: list[Message] = []
        size = 0
        while size < size_max and self._chunks:
            chunk = self._chunks[0]
            if chunk is not None:
                out += chunk[0]
                size += chunk[1]
            elif self._reassembled:
                size += self._take_reassembled(out)
            else:
                break
            self._chunks.popleft()
        while not self.in_place and not self._chunks and self._reassembled and size < size_max:
            size += self._take_reassembled(out)
        self.bytes -= size
        if self._room is not None and not self.full:
            self._room.set()
        return out

    def _take_reassembled(self, out: list[Message]) -> int:
        message, size = self._reassembled.popleft()
        out.append(message)
        return size

    async def wait(self) -> None:
        """Wait until something came, nothing more will come or `nudge`; always a checkpoint. Look before and after."""
        if self.ready or self.failure is not None or self._nudged:
            await trio.lowlevel.checkpoint()
        else:
            self._wake = trio.Event()
            await self._wake.wait()
        self._nudged = False

    async def wait_for_room(self) -> None:
        """Wait until the inbox is not full; always a checkpoint."""
        await trio.lowlevel.checkpoint()
        while self.full:
            self._room = trio.Event()
            await self._room.wait()

    def _wake_reader(self) -> None:
        if self._wake is not None:
            self._wake.set()
            self._wake = None


class FrameTap(trio.abc.Stream):
    """The stream that trio-websocket is given: what it is not needed for goes to ``inbox`` instead.

    ``where`` names the line in sentences. When the inbox is full for ``patience_s`` seconds, `Overrun` ends the line.
    """

    def __init__(
        self, transport: trio.abc.Stream, inbox: Inbox, where: str, *, message_bytes_max: int, patience_s: float
    ) -> None:
        self._transport = transport
        self._inbox = inbox
        self._where = where
        self._patience_s = patience_s
        self._splitter = FrameSplitter(message_bytes_max)
        self._uncounted = 0  # bytes of a frame that has not arrived whole
        self.reads = 0
        """How often bytes have arrived: as long as it grows, the peer lives."""

    @property
    def pongs(self) -> int:
        """How many pongs have arrived."""
        return self._splitter.pongs

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """What is left to trio-websocket; empty only at the end of the stream."""
        read_max = READ_BYTES if max_bytes is None else max(1, min(READ_BYTES, max_bytes - _HELD_BACK))
        while True:
            if self._inbox.full:
                await self._wait_for_room()
            try:
                data = await self._transport.receive_some(read_max)
            except trio.BrokenResourceError as exc:
                self._check_upgraded(f"was reset ({exc.__cause__ or exc})")
                raise
            if not data:
                self._check_upgraded("was closed")
                return b""
            self.reads += 1
            left = self._split(bytes(data))
            if left:
                return left

    def _split(self, data: bytes) -> bytes:
        """Put what can be taken into the inbox; return what is left."""
        taken: list[bytes | None] = []
        messages_left = self._splitter.left
        left = self._splitter.split(data, taken)
        size = self._uncounted + len(data) - len(left)
        self._inbox.in_place = not self._splitter.off and self._splitter.status == 101
        if self._splitter.left != messages_left:
            self._put_with_places(taken)
        elif taken:
            self._inbox.put(cast("list[bytes]", taken), size)  # no message was left, so there is no None in it
        else:
            self._uncounted = size
            return left
        self._uncounted = 0
        return left

    def _put_with_places(self, taken: list[bytes | None]) -> None:
        """The plain path: one by one, a place kept for each message that trio-websocket reassembles."""
        for message in taken:
            if message is None:
                self._inbox.put_place()
            else:
                self._inbox.put([message], len(message))

    def _check_upgraded(self, how: str) -> None:
        """An end before the answer to the upgrade would leave trio-websocket waiting for good: say it here."""
        status = self._splitter.status
        if not status:
            raise LineLost(f"{self._where}: the connection {how} before the venue answered the WebSocket upgrade.")
        if status != 101:
            raise ConnectionRejected(status, tuple(self._splitter.headers), None)

    async def _wait_for_room(self) -> None:
        """Back-pressure, but only for a while: unread pings would look like a dead client to the venue."""
        with trio.move_on_after(self._patience_s):
            await self._inbox.wait_for_room()
            return
        self._inbox.fail(
            Overrun(
                f"{self._where}: {self._inbox.bytes >> 20} MiB arrived and were not handed on for "
                f"{self._patience_s:g} s; the strategies are too slow for this many streams: subscribe to less "
                "or let them drop (full='latest')."
            )
        )

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Pass on to the transport."""
        await self._transport.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Pass on to the transport."""
        await self._transport.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()
