"""Time of a run from a journal: what the strategy reads is when it was told something, what is due is what was due."""

import math
from collections.abc import Callable

import trio

from engine.flow.journal.clock import wanted_by_strategy


class HeldClock(trio.abc.Clock):
    """Trio's clock. ``now_s`` is what tasks read; deadlines pass where the journal says so, up to ``passed_s``.

    Both are as they were noted. A strategy set its deadlines some microseconds after the record that a run from the
    journal measures them by, so time by itself would let one pass before something that came first.
    """

    def __init__(self, look: Callable[[], float | None]) -> None:
        self.look = look
        """What the task that runs now read then, if that is known."""
        self.now_s = 0.0
        self.passed_s = -math.inf

    def start_clock(self) -> None:
        """Nothing starts: time is told."""

    def current_time(self) -> float:
        """Seconds, for a task; for Trio itself the deadline that passed last."""
        if not trio.lowlevel.in_trio_task():
            return self.passed_s
        read_s = self.look() if wanted_by_strategy() else None
        return self.now_s if read_s is None else read_s

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nothing where it has passed; else for ever."""
        return 0.0 if deadline <= self.passed_s else math.inf
