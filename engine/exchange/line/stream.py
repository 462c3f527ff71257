"""The raw TCP stream of one connection, under trio-websocket, where a fault can do to it what networks do.

It passes bytes through with one lock on the way out (trio-websocket's pongs and our own data frames share the socket
and must not mix), and can be reset, ended without a goodbye, or struck deaf and dumb while the socket stays.
"""

import struct
from typing import Final

import trio

_LINGER_NOT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on with no time: closing sends RST."""


class LineStream(trio.abc.Stream):
    """A `trio.SocketStream` with a lock and faults. ``head`` was read of it already and is received first."""

    def __init__(self, stream: trio.SocketStream, head: bytes = b"") -> None:
        self._stream = stream
        self.head = head
        self._lock = trio.Lock()
        self._deaf = False

    @property
    def peer(self) -> str:
        """The address at the other end; empty when it has gone already."""
        try:
            return str(self._stream.socket.getpeername()[0])
        except OSError:
            return ""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send whole frames, after other senders; while deaf they are thrown away."""
        if self._deaf:
            await trio.lowlevel.checkpoint()
            return
        if not self._lock.locked():  # nearly always: then sending is checkpoint enough
            self._lock.acquire_nowait()
        else:
            await self._lock.acquire()
        try:
            if not self._deaf:
                await self._stream.send_all(data)
        finally:
            self._lock.release()

    async def wait_send_all_might_not_block(self) -> None:
        """As `trio.SocketStream`."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Bytes of the peer; while deaf they are thrown away, and only its goodbye comes through."""
        if self.head and not self._deaf:
            await trio.lowlevel.checkpoint()
            most = len(self.head) if max_bytes is None else max_bytes
            known, self.head = self.head[:most], self.head[most:]
            return known
        while True:
            heard = await self._stream.receive_some(max_bytes)
            if not self._deaf or not heard:
                return heard

    def deafen(self) -> None:
        """From now on hear and say nothing, and keep the socket."""
        self._deaf = True

    async def end_with(self, data: bytes) -> None:
        """Send these last bytes, then FIN."""
        async with self._lock:
            await self._stream.send_all(data)
            await self._stream.aclose()

    async def reset(self) -> None:
        """Close with RST: what the peer has not read yet may be lost to it, as when a host dies."""
        self._stream.socket.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, _LINGER_NOT)
        await self._stream.aclose()

    async def aclose(self) -> None:
        """Close with FIN."""
        await self._stream.aclose()
