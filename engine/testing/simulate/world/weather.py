"""Who can be reached in a simulated world, and who not: names that are not found, hosts that refuse or say nothing.

The dead reach nobody: what a former life of the engine still tries has no answer.
"""

import math
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import trio
from attrs import define, field

from engine.testing.link import refused
from engine.testing.simulate.catalogue import ROADS

HOSTS: Final[Mapping[str, str]] = MappingProxyType({road: f"10.0.0.{number}" for number, road in enumerate(ROADS, 1)})
NAMES: Final[Mapping[str, str]] = MappingProxyType({f"{road}.sim": address for road, address in HOSTS.items()})
ROAD_OF: Final[Mapping[str, str]] = MappingProxyType({address: road for road, address in HOSTS.items()})

SAT_OUT_S: Final = 30.0
"""Who waits longer for a connection has no deadline: a handshake's is ten seconds."""


@define(eq=False)
class Storm:
    """One obstacle: ``kind``, the roads it is on, and until when (seconds of Trio's clock)."""

    kind: str
    roads: frozenset[str]
    until_s: float
    met: bool = False


@define(eq=False)
class SimulatedWeather:
    """The weather of a session; ``dialed`` is told the owner, the road and what became of each attempt."""

    hits: Counter[str]
    dialed: Callable[[int, str, str], None]
    dead: list[int] = field(factory=list)
    storms: list[Storm] = field(factory=list)
    _changed: trio.Event = field(factory=trio.Event)

    def rise(self, kind: str, roads: tuple[str, ...], for_s: float, *, met: bool = False) -> None:
        """From now on there is an obstacle; ``met``: it has been counted already."""
        self.storms.append(Storm(kind, frozenset(roads), trio.current_time() + for_s, met))

    def clear(self) -> None:
        """Nothing is in the way any more, but for the dead."""
        self.storms.clear()
        self.change()

    def change(self) -> None:
        """Let whoever waits look again."""
        self._changed.set()
        self._changed = trio.Event()

    async def resolve(self, owner: int, name: str) -> None:
        """A name may be looked up; raises ``socket.gaierror``."""
        await trio.lowlevel.checkpoint()
        road = name.partition(".")[0]
        if owner in self.dead:
            await trio.sleep_forever()
        if self._met("net_no_name", road) or self._met("net_away", road):
            self._tell(owner, road, "no name")
            raise socket.gaierror(socket.EAI_AGAIN, f"{name}: there is no answer to the question for this name")

    async def reach(self, owner: int, host: str) -> None:
        """An address may be connected to; raises ``OSError``."""
        await trio.lowlevel.checkpoint()
        road = ROAD_OF.get(host, host)
        if owner in self.dead:
            await trio.sleep_forever()  # until its own patience ends: what it would do with an answer is in vain
        if self._met("net_refuse", road):
            self._tell(owner, road, "refused")
            raise refused(host)
        if self._met("net_hang", road) or self._met("net_away", road):
            self._tell(owner, road, "hung")
            since_s = trio.current_time()
            await self._wait(road)
            if owner in self.dead:
                await trio.sleep_forever()
            if trio.current_time() - since_s > SAT_OUT_S:
                self._tell(owner, road, "sat out")
                return
        self._tell(owner, road, "made")

    async def _wait(self, road: str) -> None:
        await trio.lowlevel.checkpoint()
        while (left_s := self._left_s(road)) > 0:
            with trio.move_on_after(left_s):
                await self._changed.wait()

    def _left_s(self, road: str) -> float:
        ends = [storm.until_s for storm in self._standing("net_hang", road) + self._standing("net_away", road)]
        return max(ends, default=-math.inf) - trio.current_time()

    def _standing(self, kind: str, road: str) -> list[Storm]:
        now_s = trio.current_time()
        self.storms[:] = [storm for storm in self.storms if storm.until_s > now_s]
        return [storm for storm in self.storms if storm.kind == kind and road in storm.roads]

    def _met(self, kind: str, road: str) -> bool:
        standing = self._standing(kind, road)
        for storm in standing:
            self.hits[kind] += not storm.met
            storm.met = True
        return bool(standing)

    def _tell(self, owner: int, road: str, outcome: str) -> None:
        if owner and owner not in self.dead:
            self.dialed(owner, road, outcome)
