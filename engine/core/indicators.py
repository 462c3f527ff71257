"""Moving averages that cost the same at every bar, however long their window.

They hold floats: an indicator is an estimate, and money does not pass through here. Seeding follows TA-Lib, so that a
chart elsewhere shows the same line.
"""

from math import fsum, nan


class SMA:
    """The simple moving average of the last ``length`` values."""

    __slots__ = ("_count", "_next", "_sum", "_window", "value")

    def __init__(self, length: int) -> None:
        _check(length)
        self._window = [0.0] * length
        self._next = 0
        self._count = 0
        self._sum = 0.0
        self.value = nan
        """The average of what the window holds; NaN before the first value."""

    @property
    def ready(self) -> bool:
        """Whether the window is full."""
        return self._count == len(self._window)

    def update(self, x: float) -> None:
        """Take the next value in."""
        window = self._window
        self._sum += x - window[self._next]
        window[self._next] = x
        self._next += 1
        if self._count < len(window):
            self._count += 1
        if self._next == len(window):
            self._next = 0
            # Once a round the sum is taken anew: rounding does not add up over a day, and an infinity can leave.
            self._sum = fsum(window)
        self.value = self._sum / self._count


class EMA:
    """The exponential moving average with weight 2 / (``length`` + 1), seeded by the mean of the first ``length``."""

    __slots__ = ("_count", "_length", "_weight", "value")

    def __init__(self, length: int) -> None:
        _check(length)
        self._length = length
        self._weight = 2.0 / (length + 1)
        self._count = 0
        self.value = nan
        """The average so far; NaN before the first value."""

    @property
    def ready(self) -> bool:
        """Whether ``length`` values have come."""
        return self._count == self._length

    def update(self, x: float) -> None:
        """Take the next value in."""
        if self._count == self._length:
            self.value += self._weight * (x - self.value)
        elif self._count:
            self._count += 1
            self.value += (x - self.value) / self._count
        else:
            self._count = 1
            self.value = x


def _check(length: int) -> None:
    if length < 1:
        raise ValueError(f"an average over {length} values is none: give a length of at least 1")
