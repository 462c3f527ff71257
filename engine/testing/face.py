"""What a virtual socket is, before it does anything: its kind, its addresses, its options, and whether it is open.

Apart from `engine.testing.sockets`, where it listens, connects, sends and ends, because programs ask these questions at
any time and the answers need nothing of a network.
"""

import errno
import socket as numbers
import struct
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import trio

from engine.testing.pipe import os_error

Address: TypeAlias = tuple[str, int]
"""An IP address as text, and a port."""
_ErrorType: TypeAlias = type[BaseException] | None
"""Spelled here, because inside the class ``type`` is the kind of socket."""

_ABORT: Final = struct.pack("ii", 1, 0)
"""``SO_LINGER`` on with no time: closing resets the connection."""


class SocketFace(trio.socket.SocketType):
    """The part of a socket that only answers. ``number`` stands in place of a file descriptor."""

    def __init__(self, number: int, family: int, proto: int) -> None:
        super().__init__()
        self._number = number
        self._family = numbers.AddressFamily(family)
        self._proto = proto
        self._options: dict[tuple[int, int], int | bytes] = {}
        self._here: Address | None = None
        self._there: Address | None = None
        self._listening = False
        self._closed = False
        self._sent_eof = False

    @property
    def family(self) -> numbers.AddressFamily:
        """IPv4 or IPv6."""
        return self._family

    @property
    def type(self) -> numbers.SocketKind:
        """Always a stream."""
        return numbers.SOCK_STREAM

    @property
    def proto(self) -> int:
        """As it was asked for."""
        return self._proto

    @property
    def did_shutdown_SHUT_WR(self) -> bool:  # noqa: N802 - Trio's name for it
        """Whether this side has said that it sends no more."""
        return self._sent_eof

    def __repr__(self) -> str:
        return f"<VirtualSocket {self._number} {self._here} -> {self._there}>"

    def fileno(self) -> int:
        """A number that no file has; -1 once closed."""
        return -1 if self._closed else self._number

    def getsockname(self) -> Any:
        """The address on this side."""
        self._check_open()
        return self._shown(self._here or (self.wildcard, 0))

    def getpeername(self) -> Any:
        """The address on the other side; raises ``ENOTCONN``."""
        self._check_open()
        if self._there is None:
            raise os_error(errno.ENOTCONN)
        return self._shown(self._there)

    def _shown(self, address: Address) -> Any:
        return (*address, 0, 0) if self._family == numbers.AF_INET6 else address

    def getsockopt(self, level: int, optname: int, buflen: int | None = None) -> Any:
        """What was set, else zero; ``SO_ACCEPTCONN`` and ``SO_TYPE`` tell the truth."""
        self._check_open()
        if level == numbers.SOL_SOCKET and optname == numbers.SO_ACCEPTCONN:
            return int(self._listening)
        if level == numbers.SOL_SOCKET and optname == numbers.SO_TYPE:
            return int(numbers.SOCK_STREAM)
        told = self._options.get((level, optname), 0)
        if buflen is None:
            return told
        return told[:buflen] if isinstance(told, bytes) else told.to_bytes(buflen, "little", signed=True)

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None) -> None:
        """Remember it; only ``SO_LINGER`` changes anything, as it says how `close` closes."""
        self._check_open()
        self._options[level, optname] = value if isinstance(value, int) else bytes(value or b"")

    @property
    def wildcard(self) -> str:
        """The address that stands for all addresses of its family."""
        return "::" if self._family == numbers.AF_INET6 else "0.0.0.0"

    @property
    def aborts(self) -> bool:
        """Whether closing it is to reset the connection."""
        return self._options.get((numbers.SOL_SOCKET, numbers.SO_LINGER)) == _ABORT

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: _ErrorType, exc_value: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise os_error(errno.EBADF)

    def _check_not_closed_meanwhile(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("another task closed this socket")
