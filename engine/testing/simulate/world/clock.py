"""Virtual time that jumps to the next deadline as soon as nobody has anything to do.

As `trio.testing.MockClock` with ``autojump_threshold=0``, but in one round of Trio's loop for each jump in place of
two, and with a time that is read and not worked out: a simulated hour asks for it a quarter of a million times. It
serves where nothing comes from outside of the run: then whoever waits without a deadline waits for ever.
"""

import math
from heapq import heappop
from typing import Any, Final, TypeAlias

import trio
from attrs import define, field

IDLE_MAX: Final = 1000
"""Rounds without a deadline: at its beginning and end Trio waits for its own wake-up call, which needs one or two."""

Alarm: TypeAlias = list[Any]
"""The instant, a number in the order of setting, and the task; ``None`` in its place once nobody is to be woken."""


@define(eq=False)
class JumpingClock(trio.abc.Clock):
    """``now_s`` is what it shows."""

    now_s: float = 0.0
    alarms: list[Alarm] = field(factory=list)
    """A heap of who is woken when: see `engine.testing.simulate.world.alarms`."""
    _idle: int = 0

    def start_clock(self) -> None:
        """It needs no start."""

    def current_time(self) -> float:
        """Now."""
        return self.now_s

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Trio asks when all its tasks wait: then it is that deadline, or that of the first who sleeps."""
        alarms = self.alarms
        while alarms and alarms[0][2] is None:
            heappop(alarms)
        if alarms and alarms[0][0] <= deadline:
            self.now_s, self._idle = alarms[0][0], 0
            while alarms and alarms[0][0] <= self.now_s:
                if (task := heappop(alarms)[2]) is not None:
                    trio.lowlevel.reschedule(task)
            return 0.0
        if deadline == math.inf:
            self._idle += 1
            if self._idle > IDLE_MAX:
                raise RuntimeError("every task waits, and none for a time: nothing would ever happen again")
        elif deadline > self.now_s:
            self.now_s, self._idle = deadline, 0
        return 0.0
