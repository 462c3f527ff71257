"""A network inside one Trio run: sockets, names and ports that no other process can see.

    network = Network()
    with network.use():
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")

While it is in use every ``trio.socket.socket`` of this run is one of its sockets, so trio-websocket, httpx and an
exchange meet on it without knowing. There is no file descriptor, so Trio's mock clock may jump whenever all tasks
wait, and a day of market passes in seconds; and there is no kernel, so the order of things is the same on every run.

Every address is on this one network, bytes arrive at once, and a name that it was not given does not exist. What goes
wrong is said by its `Weather` (who can be reached at all) and done to its ``links`` (what happens to a connection).
"""

import errno
import socket as numbers
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count, cycle
from types import MappingProxyType
from typing import Any, Final

import trio

from engine.testing.face import Address
from engine.testing.link import CLEAR, Link, Weather
from engine.testing.pipe import Pipe, os_error
from engine.testing.sockets import VirtualSocket

WINDOW_BYTES: Final = 131_072
"""What a connection holds unread: Linux's first receive buffer."""
NAMES: Final[Mapping[str, str]] = MappingProxyType({"localhost": "127.0.0.1"})
_FREE_PORTS: Final = range(49_152, 65_536)
"""The ports that IANA leaves to whoever asks for any."""
_FIRST_NUMBER: Final = 1 << 20
"""Above every file descriptor that a process could have, so that no system call mistakes one for a file."""
_ANY: Final = frozenset({"0.0.0.0", "::"})
_FAMILIES: Final = (numbers.AF_INET, numbers.AF_INET6)
OWNER: Final[ContextVar[int]] = ContextVar("owner", default=0)
"""Who connects: a number that a task and all that it starts have in common; 0 where nobody has said one."""


class Network(trio.abc.SocketFactory, trio.abc.HostnameResolver):
    """Virtual sockets and the names they can be reached by.

    ``names`` are host names and their IP addresses; ``window_bytes`` is what a connection holds unread each way.
    ``weather`` is asked whenever somebody connects.
    """

    def __init__(
        self, names: Mapping[str, str] = NAMES, *, window_bytes: int = WINDOW_BYTES, weather: Weather = CLEAR
    ) -> None:
        if window_bytes < 1:
            raise ValueError(f"a window of {window_bytes} bytes would never let anything through")
        self.window_bytes = window_bytes
        self.weather = weather
        self.links: dict[VirtualSocket, Link] = {}
        """The connections that stand, by the socket that connected, oldest first."""
        self._names = dict(names)
        self._taken: dict[tuple[int, int], dict[str, VirtualSocket]] = {}
        self._ports = cycle(_FREE_PORTS)
        self._numbers = count(_FIRST_NUMBER)

    @contextmanager
    def use(self) -> Iterator[None]:
        """Let this run of Trio have no other network while the block runs."""
        factory = trio.socket.set_custom_socket_factory(self)
        resolver = trio.socket.set_custom_hostname_resolver(self)
        try:
            yield
        finally:
            trio.socket.set_custom_socket_factory(factory)
            trio.socket.set_custom_hostname_resolver(resolver)

    # What Trio asks.

    def socket(
        self,
        family: numbers.AddressFamily | int = numbers.AF_INET,
        type: numbers.SocketKind | int = numbers.SOCK_STREAM,  # noqa: A002 - Trio's name for it
        proto: int = 0,
    ) -> trio.socket.SocketType:
        """A new TCP socket; raises ``EAFNOSUPPORT`` or ``EPROTONOSUPPORT`` for any other kind."""
        if family not in _FAMILIES:
            raise os_error(errno.EAFNOSUPPORT, "a virtual network has IPv4 and IPv6 only")
        if type != numbers.SOCK_STREAM:
            raise os_error(errno.EPROTONOSUPPORT, "a virtual network has TCP only")
        return VirtualSocket(self, family, proto)

    async def getaddrinfo(
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002 - Trio's name for it
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        """The address of a name that this network was given; numeric addresses never come here."""
        await trio.lowlevel.checkpoint()
        name = (host or b"").decode("ascii").lower()
        await self.weather.resolve(OWNER.get(), name)
        if name not in self._names:
            raise numbers.gaierror(numbers.EAI_NONAME, f"{name!r} is not a name on this virtual network")
        return numbers.getaddrinfo(self._names[name], port, family, type, proto, flags | numbers.AI_NUMERICHOST)

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        """The address itself: a virtual network has no reverse names."""
        await trio.lowlevel.checkpoint()
        return str(sockaddr[0]), str(sockaddr[1])

    # What its sockets ask.

    def claim(self, socket: VirtualSocket, host: str, port: int) -> Address:
        """Give a socket an address, with a free port for port 0; raises ``EADDRINUSE``."""
        wanted = (port,) if port else (next(self._ports) for _ in _FREE_PORTS)
        for number in wanted:
            if self.holder(socket.family, (host, number)) is None:
                self._taken.setdefault((socket.family, number), {})[host] = socket
                return host, number
        raise os_error(errno.EADDRINUSE, f"{host}:{port}")

    def release(self, socket: VirtualSocket, address: Address) -> None:
        """The socket was closed: its address is free."""
        host, port = address
        holders = self._taken.get((socket.family, port), {})
        if holders.get(host) is socket:
            del holders[host]

    def holder(self, family: int, address: Address) -> VirtualSocket | None:
        """The socket that has this address, or has its port on every address of the family."""
        host, port = address
        holders = self._taken.get((family, port), {})
        return next((holders[each] for each in holders if each == host or {each, host} & _ANY), None)

    async def reach(self, there: Address) -> None:
        """Wait for, or raise, what the weather makes of connecting to an address."""
        await self.weather.reach(OWNER.get(), there[0])

    def joined(self, near: VirtualSocket, there: Address, up: Pipe, down: Pipe) -> None:
        """A connection was made by ``near``."""
        self.links[near] = Link(owner=OWNER.get(), host=there[0], near=near, up=up, down=down)

    def parted(self, near: VirtualSocket) -> None:
        """A socket was closed; if it made a connection, that is one no more."""
        self.links.pop(near, None)

    def next_number(self) -> int:
        """A number for a socket, in place of a file descriptor."""
        return next(self._numbers)
