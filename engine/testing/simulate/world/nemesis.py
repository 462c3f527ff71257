"""Who lets things go wrong: each trouble of the plan at its time, until the calm, and then everything is put right.

Troubles of the exchange are handed to its switchboard. The others are done to the engine's connections, its names, its
disk, its clock and its process; one that lasts is a task, and what it did is undone when it ends.
"""

from collections.abc import Mapping
from typing import Any, Final

import trio
from attrs import define, field

from engine.exchange.faults.script import build_fault
from engine.testing.link import BOTH, Link, Way
from engine.testing.simulate.catalogue import ROADS, TROUBLES, fault_table
from engine.testing.simulate.plan import Trouble
from engine.testing.simulate.world.machine import Machine
from engine.testing.simulate.world.weather import ROAD_OF

ARMED_S: Final = 180.0
"""A death at a step waits so long for the step."""
PUMP_S: Final = 1.0
"""A trickle lets bytes through so often."""
SLEEPS_MIN_S: Final = 0.01
WAYS: Final[Mapping[str, tuple[Way, ...]]] = {"up": ("up",), "down": ("down",), "both": BOTH}
FRAMES: Final[Mapping[str, bytes]] = {
    "garbage": b"\xff" * 64,
    "huge": b"\x82\x7f" + (1 << 40).to_bytes(8, "big") + b"\x00" * 32,
    "bad_utf8": b"\x81\x02\xff\xfe",
    "ping_in_close": b"\x88\x02\x03\xe9\x89\x00",
}
"""Frames of a WebSocket that are no good: reserved bits, a terabyte, text that is none, a ping after a close."""


@define(eq=False)
class Nemesis:
    """Works through the troubles of one plan."""

    machine: Machine
    _nursery: trio.Nursery | None = field(default=None, init=False)
    _held: list[Link] = field(factory=list, init=False)
    _still: list[Link] = field(factory=list, init=False)
    """Those of them that let nothing through, however slowly another trouble would."""

    async def run(self) -> None:
        """Let every trouble happen; cancelling this ends all that last, and puts everything right."""
        stage = self.machine.stage
        try:
            async with trio.open_nursery() as nursery:
                for trouble in stage.plan.troubles:
                    await trio.sleep(max(trouble.at_s - stage.now_s(), 0.0))
                    nursery.start_soon(self._happen, trouble)
                await trio.sleep_forever()
        finally:
            self._mend()

    def _mend(self) -> None:
        machine = self.machine
        machine.scene.running.switchboard.clear()
        machine.weather.clear()
        for link in machine.network.links.values():
            for pipe in link.pipes:
                pipe.fuse = None
        self._thaw([*machine.network.links.values(), *self._held])
        self._held.clear()
        machine.disk.full, machine.disk.latency_s = False, 0.0
        machine.disarm()
        machine.wake()

    async def _happen(self, trouble: Trouble) -> None:
        kind, keys = trouble.kind, dict(trouble.keys)
        if kind not in TROUBLES:
            raise ValueError(f"{kind} is no kind of trouble")
        if kind == "server_restart":
            self._restart_server(keys)
        elif kind.startswith("net_"):
            await self._break_network(kind, keys)
        elif kind.startswith("disk_"):
            await self._break_disk(kind, keys)
        elif kind in ("kill", "power_loss"):
            self.machine.die(kind, keys, power=kind == "power_loss")
        elif kind == "kill_at_step":
            self.machine.arm(keys)
            await trio.sleep(ARMED_S)
            self.machine.disarm()
        elif kind in ("wall_step", "sleep"):
            self._step_clock(kind, keys)
        else:
            self.machine.stage.fault(kind, _told(keys))
            self.machine.scene.running.inject(build_fault(**fault_table(kind, keys)))
        await trio.lowlevel.checkpoint()

    # -- exchange

    def _restart_server(self, keys: Mapping[str, Any]) -> None:
        """Every line ends with 1012, and nobody is let in for a while."""
        self.machine.stage.fault("server_restart", _told(keys))
        running = self.machine.scene.running
        self.machine.stage.hits["server_restart"] += 1
        for line in ("data", "trading"):
            running.inject(build_fault(kind="cut", code=1012, line=line))
            running.inject(build_fault(kind="refuse", line=line, cut=False, **keys))

    # -- network

    def _links(self, *roads: str) -> list[Link]:
        """The connections of the engine on these roads."""
        return [each for each in self.machine.network.links.values() if ROAD_OF.get(each.host) in roads]

    async def _break_network(self, kind: str, keys: Mapping[str, Any]) -> None:
        stage, weather = self.machine.stage, self.machine.weather
        roads = (str(keys["road"]),) if "road" in keys else ROADS
        links = self._links(*roads)
        if kind == "net_cut":
            self._lay(links, keys)
            await trio.lowlevel.checkpoint()
            return
        stage.fault(kind, _told(keys))
        await trio.lowlevel.checkpoint()
        if kind in ("net_refuse", "net_hang", "net_no_name", "net_away"):
            frozen = kind == "net_away" and bool(links)
            weather.rise(kind, roads, float(keys["for_s"]), met=frozen)
            if frozen:
                stage.hits[kind] += 1
                await self._hold(links, BOTH, float(keys["for_s"]))
            return
        if not links:
            return
        stage.hits[kind] += 1
        if kind == "net_freeze":
            await self._hold(links, WAYS[str(keys["ways"])], float(keys["for_s"]))
        elif kind == "net_trickle":
            await self._pump(links, float(keys["for_s"]), PUMP_S, int(keys["bytes_per_s"]))
        elif kind == "net_latency":
            await self._pump(links, float(keys["for_s"]), max(float(keys["latency_s"]), SLEEPS_MIN_S), None)
        else:
            self._strike(kind, links, keys)

    def _strike(self, kind: str, links: list[Link], keys: Mapping[str, Any]) -> None:
        for link in links:
            if kind in ("net_fin", "net_keep_alive"):
                link.finish()
            elif kind == "net_rst":
                link.reset()
            else:
                link.slip("down", FRAMES[str(keys["what"])])

    def _lay(self, links: list[Link], keys: Mapping[str, Any]) -> None:
        """Each of these ends so many bytes later. Of a line that says little that is minutes later, or never: the
        fault is told when it comes about."""
        stage, told = self.machine.stage, _told(keys)

        def cut() -> None:
            stage.hits["net_cut"] += 1
            stage.fault("net_cut", told)

        stage.note("world", f"net_cut is laid: {told}")
        for link in links:
            link.burn(keys["way"], int(keys["after_bytes"]), resets=bool(keys["resets"]), told=cut)

    async def _hold(self, links: list[Link], ways: tuple[Way, ...], for_s: float) -> None:
        for link in links:
            link.freeze(ways)
        self._held += links
        self._still += links
        await trio.sleep(for_s)
        for link in links:
            self._still.remove(link)
        self._release(links)

    async def _pump(self, links: list[Link], for_s: float, every_s: float, size: int | None) -> None:
        """Let things through in pieces, each ``every_s``."""
        for link in links:
            link.freeze()
        self._held += links
        with trio.move_on_after(for_s):
            while True:
                await trio.sleep(every_s)
                for link in links:
                    for pipe in () if link in self._still else link.pipes:
                        if len(pipe):
                            pipe.let(size)
        self._release(links)

    def _release(self, links: list[Link]) -> None:
        """This trouble is over: thaw what no other one holds."""
        for link in links:
            self._held.remove(link)
        self._thaw([link for link in links if link not in self._held])

    def _thaw(self, links: list[Link]) -> None:
        for link in links:
            link.thaw()

    # -- machine

    async def _break_disk(self, kind: str, keys: Mapping[str, Any]) -> None:
        machine = self.machine
        machine.stage.fault(kind, _told(keys))
        if kind == "disk_full":
            machine.disk.full = True
        else:
            machine.disk.latency_s = float(keys["latency_s"])
        await trio.sleep(float(keys["for_s"]))
        if kind == "disk_full":
            machine.disk.full = False
        else:
            machine.disk.latency_s = 0.0

    def _step_clock(self, kind: str, keys: Mapping[str, Any]) -> None:
        """The clock of the machine jumps; a laptop that slept also finds all its connections dead."""
        machine = self.machine
        machine.stage.hits[kind] += 1
        machine.stage.fault(kind, _told(keys))
        machine.wall_step_s += float(keys["by_s"] if kind == "wall_step" else keys["for_s"])
        if kind == "sleep":
            for link in self._links(*ROADS):
                link.reset()


def _told(keys: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in keys.items())
