"""Invariants 10, 11 and 16: nothing grows without end, and time goes on."""

from collections.abc import Callable
from typing import Final

from attrs import define

from engine.flow.channel import HANDED_MAX
from engine.testing.simulate.judge.ground import Ground, broken
from engine.testing.simulate.watch import Watch

TASKS_MAX: Final = 600
"""Of engine and exchange together: some fifty for the engine, some ten a connection, one for each order whose fate is
open; players place less than one a second."""
STILL_MAX: Final = 300
"""Looks at one virtual instant, thousands of steps each: a burst of a whole outage's backfill needs some ten."""
ARRIVAL_MAX: Final = 4096
"""Events that one arrival may bring above the capacity of a channel that blocks: 64 KiB of the smallest messages."""
LOOK_EVERY_S: Final = 20.0


@define(eq=False)
class Bounds(Watch):
    """Looks at each step. ``living`` counts the tasks of this run of Trio."""

    ground: Ground
    living: Callable[[], int]
    _still: int = 0
    _at_s: float = -1.0
    _look_s: float = 0.0

    def step(self) -> None:
        """All three."""
        now_s = self.ground.now_s
        self._still = self._still + 1 if now_s == self._at_s else 0
        self._at_s = now_s
        if self._still > STILL_MAX:
            broken(16, f"nothing but steps at {now_s:.3f} s: time does not go on")
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_EVERY_S
            self.check_tasks(self.living())
            self.check_queues()

    def check_tasks(self, living: int) -> None:
        """So many tasks live."""
        if living > TASKS_MAX:
            broken(11, f"{living} tasks live")

    def check_queues(self) -> None:
        """Every channel of the present life holds what it says and no more, and streams remember what they may."""
        account = self.ground.life.account if self.ground.life is not None else None
        if account is None:
            return
        for channel, _ in account.markets.fanout.channels():
            queue = channel.queue
            more = ARRIVAL_MAX if queue.full == "block" else 0
            if len(queue) > queue.capacity + more and queue.full != "latest":
                broken(
                    10, f"{channel.strategy}: {len(queue)} events wait in a channel of {queue.capacity} ({queue.full})"
                )
            if queue.full == "latest" and len(queue) > queue.capacity + len(channel.streams) + HANDED_MAX:
                broken(10, f"{channel.strategy}: {len(queue)} events wait where the newest of each stream should")
