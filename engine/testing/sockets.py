"""A TCP socket that exists in this process only, with the face of `trio.socket.SocketType`.

That face is where real programs meet the network: `trio.SocketStream`, `trio.open_tcp_stream`, trio-websocket, httpcore
and anyio all end in it. So they run unmodified on top, and what a kernel would do (windows, half-closing, resets,
refused connections, addresses) is done here, in virtual time and in the same order on every run.

What TCP programs of this kind never use (datagrams, ancillary data, sharing between processes) is left as Trio's own
class has it: ``NotImplementedError``.
"""

import errno
import socket as numbers
from collections import deque
from operator import index
from typing import Any, Final, Protocol

import trio
from attrs import define, field

from engine.testing.face import Address, SocketFace
from engine.testing.pipe import Pipe, os_error

_WAYS: Final = (numbers.SHUT_RD, numbers.SHUT_WR, numbers.SHUT_RDWR)


class Registry(Protocol):
    """What a socket asks of its network."""

    window_bytes: int

    def claim(self, socket: "VirtualSocket", host: str, port: int) -> Address: ...

    def release(self, socket: "VirtualSocket", address: Address) -> None: ...

    def holder(self, family: int, address: Address) -> "VirtualSocket | None": ...

    def next_number(self) -> int: ...

    async def reach(self, there: Address) -> None: ...

    def joined(self, near: "VirtualSocket", there: Address, up: Pipe, down: Pipe) -> None: ...

    def parted(self, near: "VirtualSocket") -> None: ...


@define(eq=False)
class Backlog:
    """Connections that are made and not accepted yet, at most ``size_max``."""

    size_max: int
    waiting: deque["VirtualSocket"] = field(factory=deque)
    changed: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    @property
    def full(self) -> bool:
        """Whether whoever connects has to wait."""
        return len(self.waiting) >= self.size_max


class VirtualSocket(SocketFace):
    """A stream socket of a `Network`. Made by ``trio.socket.socket`` while the network is in use.

    ``backlog`` is there while it listens.
    """

    def __init__(self, network: Registry, family: int, proto: int = 0) -> None:
        super().__init__(network.next_number(), family, proto)
        self._network = network
        self._in: Pipe | None = None
        self._out: Pipe | None = None
        self.backlog: Backlog | None = None

    # Listening.

    async def bind(self, address: Any) -> None:
        """Take an address; port 0 takes a free one. Raises ``EADDRINUSE``."""
        self._check_open()
        host, port = await self._resolve(address, numbers.AI_PASSIVE)
        self._check_open()
        self._here = self._network.claim(self, host, port)

    def listen(self, backlog: int = 128) -> None:
        """Take connections from now on; while ``backlog`` of them wait to be accepted, others wait to connect."""
        self._check_open()
        if self._here is None:
            self._here = self._network.claim(self, self.wildcard, 0)
        if self.backlog is None:
            self._listening, self.backlog = True, Backlog(max(backlog, 1))

    async def accept(self) -> tuple[trio.socket.SocketType, Any]:
        """The next connection and where it comes from."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        backlog = self.backlog
        if backlog is None:
            raise os_error(errno.EINVAL, "this socket does not listen")
        while not backlog.waiting:
            await backlog.changed.park()
            self._check_not_closed_meanwhile()
        made = backlog.waiting.popleft()
        backlog.changed.unpark_all()
        return made, made.getpeername()

    async def connect(self, address: Any) -> None:
        """Connect to a listening socket of this network; raises ``ECONNREFUSED`` where none is."""
        self._check_open()
        if self._out is not None:
            raise os_error(errno.EISCONN)
        there = await self._resolve(address, 0)
        await self._network.reach(there)
        while True:
            self._check_not_closed_meanwhile()
            listener = self._network.holder(self._family, there)
            backlog = listener.backlog if listener is not None else None
            if backlog is None:
                raise os_error(errno.ECONNREFUSED, f"nothing listens at {there[0]}:{there[1]}")
            if not backlog.full:
                break
            await backlog.changed.park()
        backlog.waiting.append(self._join(there))
        backlog.changed.unpark_all()

    def _join(self, there: Address) -> "VirtualSocket":
        """Make both ends of a connection; returns the other one, which waits to be accepted."""
        if self._here is None:
            self._here = self._network.claim(self, there[0], 0)
        self._there = there
        other = VirtualSocket(self._network, self._family, self._proto)
        other._here, other._there = there, self._here
        self._out = other._in = Pipe(self._network.window_bytes)
        self._in = other._out = Pipe(self._network.window_bytes)
        self._network.joined(self, there, self._out, self._in)
        return other

    async def _resolve(self, address: Any, flags: int) -> Address:
        host, port = address[0] or None, address[1]
        found = await trio.socket.getaddrinfo(host, port, self._family, numbers.SOCK_STREAM, self._proto, flags)
        return str(found[0][4][0]), int(found[0][4][1])

    # Sending and receiving.

    async def recv(self, buflen: int, flags: int = 0, /) -> bytes:
        """Some bytes, ``b""`` when the other side will send no more; raises ``ECONNRESET``."""
        size_max = index(buflen)
        if self._connected(self._in).readable:
            await trio.lowlevel.checkpoint()
        pipe = self._connected(self._in)
        while not pipe.readable:  # to wait is a checkpoint, and as with a kernel's socket the only one then
            await pipe.wait_readable()
            self._check_not_closed_meanwhile()
        return pipe.take(size_max)  # noqa: ASYNC910 - as above

    async def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As `recv`, into a buffer; returns how many bytes."""
        view = memoryview(buffer).cast("B")
        got = await self.recv(nbytes or len(view))
        view[: len(got)] = got
        return len(got)

    async def send(self, bytes: Any, flags: int = 0, /) -> int:  # noqa: A002 - Trio's name for it
        """Send what the window takes, at least a byte; returns how many. Raises ``EPIPE`` or ``ECONNRESET``."""
        await trio.lowlevel.checkpoint()
        pipe = self._connected(self._out)
        while not pipe.writable:
            await pipe.wait_writable()
            self._check_not_closed_meanwhile()
        sent = pipe.put(memoryview(bytes).cast("B"))
        if pipe.deserted and not pipe.held:
            self._break_off()  # the answer to bytes for a closed socket
        return sent

    async def wait_writable(self) -> None:
        """Wait until `send` would not wait."""
        await trio.lowlevel.checkpoint()
        pipe = self._connected(self._out)
        while not pipe.writable:
            await pipe.wait_writable()
            self._check_not_closed_meanwhile()

    def is_readable(self) -> bool:
        """Whether `recv` or `accept` would not wait."""
        self._check_open()
        if self.backlog is not None:
            return bool(self.backlog.waiting)
        return self._in is not None and self._in.readable

    # Ending.

    def shutdown(self, flag: int) -> None:
        """Say that no more is sent, or read, or both."""
        self._check_open()
        if flag not in _WAYS:
            raise os_error(errno.EINVAL)
        if self._in is None or self._out is None:
            raise os_error(errno.ENOTCONN)
        if flag != numbers.SHUT_RD:
            self._sent_eof = True
            self._out.end()
        if flag != numbers.SHUT_WR:
            self._in.desert()

    def close(self) -> None:
        """Close with FIN; with RST if something was left unread or ``SO_LINGER`` says so. Twice does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._here is not None:
            self._network.release(self, self._here)
            self._network.parted(self)
        if self.backlog is not None:
            for waiting in self.backlog.waiting:
                waiting.abort()
            self.backlog.waiting.clear()
            self.backlog.changed.unpark_all()
        if self._in is not None and self._out is not None:
            if len(self._in) or self.aborts:
                self._break_off()
            self._out.end()
            self._in.desert()

    def abort(self) -> None:
        """Close with RST."""
        self._break_off()
        self.close()

    def _break_off(self) -> None:
        if self._out is not None:
            self._out.lose()
        for pipe in (self._in, self._out):
            if pipe is not None:
                pipe.break_off()

    def _connected(self, pipe: Pipe | None) -> Pipe:
        self._check_open()
        if pipe is None:
            raise os_error(errno.ENOTCONN)
        return pipe
