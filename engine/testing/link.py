"""What networks do to a connection of the virtual one: end it, cut it in mid-frame, freeze it, let it trickle.

A `Link` is one connection seen from its middle. Whoever breaks it knows neither end: a freeze is a router that forgot
the connection, a reset is a firewall, and neither end has done anything. A `Weather` decides whether a connection comes
about at all. Nothing here waits but a weather.
"""

import errno
from collections.abc import Callable
from typing import Final, Literal, Protocol, TypeAlias

from attrs import define

from engine.testing.pipe import Fuse, Pipe, os_error

Way: TypeAlias = Literal["up", "down"]
"""``up``: from whoever connected. ``down``: to them."""
BOTH: Final[tuple[Way, ...]] = ("up", "down")


class Near(Protocol):
    """The socket that connected."""

    def abort(self) -> None: ...


class Weather(Protocol):
    """Asked at the beginning of each connection; ``owner`` is who asks."""

    async def resolve(self, owner: int, name: str) -> None:
        """Return when a name may be looked up; raises ``socket.gaierror``."""
        ...

    async def reach(self, owner: int, host: str) -> None:
        """Return when this IP address may be connected to; raises ``OSError``."""
        ...


class _Clear:
    """Nothing is in the way."""

    async def resolve(self, owner: int, name: str) -> None:  # noqa: ASYNC910 - who asks has a checkpoint of its own
        """Every name may be looked up."""

    async def reach(self, owner: int, host: str) -> None:  # noqa: ASYNC910 - as above
        """Every address may be connected to."""


CLEAR: Final[Weather] = _Clear()


@define(eq=False, kw_only=True)
class Link:
    """One connection: ``host`` is the IP address that was connected to, ``owner`` who did (see ``OWNER``)."""

    owner: int
    host: str
    near: Near
    up: Pipe
    down: Pipe

    @property
    def pipes(self) -> tuple[Pipe, Pipe]:
        """Both directions."""
        return self.up, self.down

    def finish(self) -> None:
        """FIN to both ends, as from a proxy that is restarted."""
        for pipe in self.pipes:
            pipe.free()
            pipe.end()

    def reset(self) -> None:
        """RST to both ends, as from a firewall."""
        for pipe in self.pipes:
            pipe.free()
            pipe.break_off()

    def freeze(self, ways: tuple[Way, ...] = BOTH) -> None:
        """From now on nothing arrives that goes this way, not even that the sender has left."""
        for way in ways:
            self.way(way).hold()

    def thaw(self) -> None:
        """All that was held up arrives."""
        for pipe in self.pipes:
            pipe.free()

    def burn(self, way: Way, after_bytes: int, *, resets: bool, told: Callable[[], object] | None = None) -> None:
        """End the connection when so many more bytes went this way, wherever in a frame that is; ``told`` is called
        right before, which may be long after this."""

        def burnt() -> None:
            if told is not None:
                told()
            (self.reset if resets else self.finish)()

        self.way(way).fuse = Fuse(after_bytes, burnt)

    def slip(self, way: Way, some: bytes) -> None:
        """Bytes that nobody sent."""
        self.way(way).slip(some)

    def way(self, way: Way) -> Pipe:
        """The pipe of a direction."""
        return self.up if way == "up" else self.down

    def orphan(self) -> None:
        """The process that connected is gone: its system resets what it had."""
        self.near.abort()


def refused(host: str) -> OSError:
    """What connecting says where a host answers that nobody listens."""
    return os_error(errno.ECONNREFUSED, f"{host} refuses")
