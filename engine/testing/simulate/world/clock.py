"""Virtual time that jumps to the next deadline as soon as nobody has anything to do.

As `trio.testing.MockClock` with ``autojump_threshold=0``, but in one round of Trio's loop for each jump in place of
two, and with a time that is read and not worked out: a simulated hour asks for it a quarter of a million times. It
serves where nothing comes from outside of the run: then whoever waits without a deadline waits for ever.
"""

import math
from typing import Final

import trio
from attrs import define

IDLE_MAX: Final = 1000
"""Rounds without a deadline: at its beginning and end Trio waits for its own wake-up call, which needs one or two."""


@define(eq=False)
class JumpingClock(trio.abc.Clock):
    """``now_s`` is what it shows."""

    now_s: float = 0.0
    _idle: int = 0

    def start_clock(self) -> None:
        """It needs no start."""

    def current_time(self) -> float:
        """Now."""
        return self.now_s

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Trio asks when all its tasks wait: then it is that deadline."""
        if deadline == math.inf:
            self._idle += 1
            if self._idle > IDLE_MAX:
                raise RuntimeError("every task waits, and none for a time: nothing would ever happen again")
        elif deadline > self.now_s:
            self.now_s, self._idle = deadline, 0
        return 0.0
