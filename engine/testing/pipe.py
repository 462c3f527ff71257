"""One direction of a virtual TCP connection: the bytes that were sent and not read yet.

A pipe is bounded like the window of a real connection, because what happens when the other side does not read is half
of what a network does to a program. It behaves as loopback on Linux does: what was received before a reset can still be
read, and the first bytes sent to somebody who left are lost without a word.

Its two waits are its only checkpoints: whoever uses it checkpoints first and then acts in one step, so a cancelled task
has taken and put nothing.

What a network does to it on the way is done by `engine.testing.link`: bytes can be held up (`hold`), let through some
at a time (`let`), and a `Fuse` burns down by what is sent and ends the connection in the middle of it.
"""

import errno
import os
from collections.abc import Callable

import trio
from attrs import define, field


def os_error(number: int, what: str = "") -> OSError:
    """An `OSError` as the operating system words it."""
    told = os.strerror(number)
    return OSError(number, f"{told}: {what}" if what else told)


@define(eq=False)
class Fuse:
    """``left_bytes`` more get through; then ``burnt`` is called, and what else was sent is lost."""

    left_bytes: int
    burnt: Callable[[], None]


@define(eq=False)
class Pipe:
    """Bytes on their way, at most ``window_bytes`` of them."""

    window_bytes: int
    ended: bool = False
    """The sender said that no more will come (FIN)."""
    broken: bool = False
    """The connection was reset (RST)."""
    deserted: bool = False
    """The reader has closed its socket."""
    held: bool = False
    """What is sent does not arrive, nor what else happens at the other end: see `hold`."""
    fuse: Fuse | None = None
    _on_way: bytearray = field(factory=bytearray)
    _waiting: bytearray = field(factory=bytearray)
    _readers: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    _writers: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._on_way)

    @property
    def readable(self) -> bool:
        """Whether `take` has something to say: bytes, the end, or an error."""
        return bool(self._waiting) or self.deserted or ((self.ended or self.broken) and not self.held)

    @property
    def writable(self) -> bool:
        """Whether `put` would take a byte, or say why not."""
        return len(self) < self.window_bytes or ((self.broken or self.deserted) and not self.held)

    def take(self, size_max: int) -> bytes:
        """Remove up to ``size_max`` bytes; ``b""`` at the end. Only when `readable`; raises ``ECONNRESET``."""
        if not self._waiting:
            if self.broken:
                raise os_error(errno.ECONNRESET)
            return b""
        taken = bytes(self._waiting[:size_max])
        del self._waiting[:size_max]
        if self._writers:
            self._writers.unpark_all()
        return taken

    def put(self, sent: bytes | bytearray | memoryview) -> int:
        """Add as much as the window takes; returns how many bytes. Only when `writable`; raises ``EPIPE``."""
        if self.ended or (self.broken and not self.held):
            raise os_error(errno.EPIPE)
        if self.deserted and not self.held:
            return len(sent)  # gone; the reset that answers it is for the sockets to exchange
        put = min(len(sent), self.window_bytes - len(self))
        if self.fuse is not None:
            self._burn(self.fuse, sent[:put])
        else:
            self.slip(sent[:put])
        return put

    def slip(self, some: bytes | bytearray | memoryview) -> None:
        """Let these bytes be on their way, whoever sends them."""
        if self.held:
            self._on_way += some
            return
        self._waiting += some
        if self._readers:
            self._readers.unpark_all()

    def _burn(self, fuse: Fuse, sent: bytes | bytearray | memoryview) -> None:
        through = sent[: fuse.left_bytes]
        fuse.left_bytes -= len(through)
        self.slip(through)
        if len(through) < len(sent):
            self.fuse = None
            fuse.burnt()

    def hold(self) -> None:
        """From now on nothing arrives: what is sent waits on its way, and so does that the sender ended or left."""
        self.held = True

    def let(self, size_max: int | None = None) -> None:
        """Let what is on its way arrive, at most ``size_max`` bytes of it; it is still held up behind those."""
        size = len(self._on_way) if size_max is None else size_max
        self._waiting += self._on_way[:size]
        del self._on_way[:size]
        self.wake()

    def free(self) -> None:
        """Let everything arrive, and hold nothing up any more."""
        self.held = False
        self.let()

    def end(self) -> None:
        """No more bytes come after those that wait."""
        self.ended = True
        self.wake()

    def desert(self) -> None:
        """Nobody will read any more: what waits is gone."""
        self.deserted = True
        self._waiting.clear()
        self._on_way.clear()
        self.wake()

    def break_off(self) -> None:
        """The connection was reset; what waits can still be read."""
        self.broken = True
        self.wake()

    def lose(self) -> None:
        """The sender resets the connection: what has not left its system yet never will."""
        self._on_way.clear()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        self._readers.unpark_all()
        self._writers.unpark_all()

    async def wait_readable(self) -> None:
        """Wait for a change on the reader's side, and look again; raises `trio.BusyResourceError` if somebody waits."""
        if self._readers:
            raise trio.BusyResourceError("another task is already reading from this socket")
        await self._readers.park()

    async def wait_writable(self) -> None:
        """Wait for a change on the writer's side, and look again; raises `trio.BusyResourceError` if somebody waits."""
        if self._writers:
            raise trio.BusyResourceError("another task is already writing to this socket")
        await self._writers.park()
