"""Market time that keeps to the wall clock, for who wants to watch a replay."""

from collections.abc import Callable
from time import perf_counter, sleep
from typing import Final

from engine.flow.replay.clock import ReplayClock
from engine.model.instant import NS_PER_S

NAP_S: Final = 0.05
"""The longest wait in one piece: a person who presses Ctrl-C does not notice it."""


class PacedClock(ReplayClock):
    """A `ReplayClock` of ``speed`` market seconds per second. Whoever moves it waits until it is time."""

    def __init__(
        self,
        start_ns: int,
        speed: float,
        *,
        wall_s: Callable[[], float] = perf_counter,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        super().__init__(start_ns)
        self.hurried = False
        """Whether nobody waits any longer, because somebody wants the end."""
        self._speed, self._wall_s, self._pause = speed, wall_s, pause
        self._begun_s = wall_s()

    def move(self, now_ns: int) -> None:
        """It is now this instant, once that much wall time has passed."""
        due_s = self._begun_s + (now_ns - self.start_ns) / NS_PER_S / self._speed
        while not self.hurried and (left_s := due_s - self._wall_s()) > 0:
            self._pause(min(left_s, NAP_S))
        super().move(now_ns)
