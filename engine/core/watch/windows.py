"""What grew, and how long things took, within the last while: for counters and histograms that only ever grow."""

from collections import deque
from typing import Final

from attrs import define, field

from engine.core.histogram import Histogram

STEPS_MAX: Final = 1000
"""Changes of a counter that are remembered; more within one window count as having begun with the oldest of these."""


@define(eq=False)
class Growth:
    """How much a counter grew within the last ``window_s`` seconds, by whatever clock its readings are told with."""

    window_s: float
    _last: int | None = None
    _steps: deque[tuple[float, int]] = field(factory=lambda: deque(maxlen=STEPS_MAX))

    def read(self, value: int, at_s: float) -> int:
        """Take a reading in; the first one is where counting begins."""
        if self._last is not None and value > self._last:
            self._steps.append((at_s, value - self._last))
        self._last = value
        while self._steps and at_s - self._steps[0][0] > self.window_s:
            self._steps.popleft()
        return sum(step for _, step in self._steps)


@define(eq=False)
class Recent:
    """The durations of a histogram's last whole window."""

    window_s: float
    last: Histogram = field(factory=Histogram)
    """Of the window that ended last; empty before the first."""
    _counts: list[int] = field(factory=list)
    _began_s: float | None = None

    def read(self, whole: Histogram, at_s: float) -> Histogram:
        """Take a reading in; returns the durations of the last whole window."""
        if self._began_s is None:
            self._counts, self._began_s = list(whole.counts), at_s
        elif at_s - self._began_s >= self.window_s:
            self.last = whole.since(self._counts)
            self._counts, self._began_s = list(whole.counts), at_s
        return self.last


@define(eq=False)
class Lasting:
    """For how long something has held without a break, in seconds."""

    _since_s: float | None = None

    def read(self, holds: bool, at_s: float) -> float:
        """Take a reading in; 0 while it does not hold."""
        if not holds:
            self._since_s = None
            return 0.0
        if self._since_s is None:
            self._since_s = at_s
        return at_s - self._since_s
