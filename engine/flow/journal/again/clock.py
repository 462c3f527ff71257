"""Time of a run from a journal: what the strategy reads is when it was told something, what is due is what was due."""

import math

import trio


class HeldClock(trio.abc.Clock):
    """Trio's clock. ``now_s`` is what tasks read; deadlines pass where the journal says so, up to ``passed_s``.

    Both are as they were noted. A strategy set its deadlines some microseconds after the record that a run from the
    journal measures them by, so time by itself would let one pass before something that came first.
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self.passed_s = -math.inf

    def start_clock(self) -> None:
        """Nothing starts: time is told."""

    def current_time(self) -> float:
        """Seconds, for a task; for Trio itself the deadline that passed last."""
        return self.now_s if trio.lowlevel.in_trio_task() else self.passed_s

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nothing where it has passed; else for ever."""
        return 0.0 if deadline <= self.passed_s else math.inf
