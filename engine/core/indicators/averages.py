"""Moving averages that cost the same at every value, however long their window.

`Windowed` is the ring of the last values that several indicators need. Sums that only slide collect rounding, and an
outlier leaves a residue of itself behind; so once a round of the ring everything is computed anew from what is in it,
exactly (``fsum``). Spread over the round that costs a few nanoseconds a value.
"""

from abc import abstractmethod
from math import fsum

from engine.core.indicators.indicator import LARGEST, Indicator, check_length


class Windowed(Indicator[float]):
    """What follows from the last ``length`` values: subclasses say how, all at once and by one step."""

    __slots__ = ("_length", "_next", "_window")

    def __init__(self, length: int) -> None:
        check_length(length)
        self._length = length
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._window: list[float] = []
        self._next = 0

    def update(self, x: float, /) -> None:
        if not -LARGEST < x < LARGEST:
            self.reset()
            return
        window, at = self._window, self._next
        if len(window) < self._length:
            window.append(x)
            if len(window) == self._length:
                self._renew()
            return
        old, window[at] = window[at], x
        self._next = at = (at + 1) % self._length
        if at:
            self._slide(x, old)
        else:
            self._renew()

    def _in_order(self) -> list[float]:
        """The window, oldest first."""
        return self._window[self._next :] + self._window[: self._next]

    @abstractmethod
    def _renew(self) -> None:
        """Compute everything from the full window."""

    @abstractmethod
    def _slide(self, x: float, old: float) -> None:
        """``x`` came into the full window and ``old`` left it."""


class SMA(Windowed):
    """The simple moving average: the mean of the last ``length`` values.

    Ready after ``length`` values. A gap: the window holds values, not minutes, so it reaches further back. O(1).
    """

    __slots__ = ("_sum",)

    def _renew(self) -> None:
        self._sum = fsum(self._window)
        self.value = self._sum / self._length

    def _slide(self, x: float, old: float) -> None:
        self._sum += x - old
        self.value = self._sum / self._length


class WMA(Windowed):
    """The weighted moving average: the newest of ``length`` values weighs ``length``, the oldest 1.

    Ready after ``length`` values. A gap: what came before it keeps its weight by count, not by age. O(1).
    """

    __slots__ = ("_sum", "_weighted", "_weights")

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self._weights = length * (length + 1) / 2

    def _renew(self) -> None:
        self._sum = fsum(self._window)
        self._weighted = fsum(weight * x for weight, x in enumerate(self._in_order(), 1))
        self.value = self._weighted / self._weights

    def _slide(self, x: float, old: float) -> None:
        # Every value loses one from its weight, and so the oldest is gone.
        self._weighted += self._length * x - self._sum
        self._sum += x - old
        self.value = self._weighted / self._weights


class EMA(Indicator[float]):
    """The exponential moving average: ``value += (x - value) * 2 / (length + 1)``.

    Seeded by the mean of the first ``length`` values, after which it is ready. A gap: the average jumps towards the new
    level by the weight of one value, as if no time had passed. O(1).
    """

    __slots__ = ("_count", "_length", "_sum", "_weight")

    def __init__(self, length: int) -> None:
        check_length(length)
        self._length = length
        self._weight = 2.0 / (length + 1)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._count = 0
        self._sum = 0.0

    def update(self, x: float, /) -> None:
        if not -LARGEST < x < LARGEST:
            self.reset()
        elif self._count == self._length:
            self.value += self._weight * (x - self.value)
        else:
            self._count += 1
            self._sum += x
            if self._count == self._length:
                self.value = self._sum / self._length


class Wilder(Indicator[float]):
    """Wilder's smoothing, ``value += (x - value) / length``, seeded by the mean of the first ``length`` values.

    `ATR` is one, and `RSI` two. Ready after ``length`` values. O(1).
    """

    __slots__ = ("_count", "_length", "_sum")

    def __init__(self, length: int) -> None:
        check_length(length)
        self._length = length
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._count = 0
        self._sum = 0.0

    def update(self, x: float, /) -> None:
        if self._count == self._length:
            self.value = (self.value * (self._length - 1) + x) / self._length
        else:
            self._count += 1
            self._sum += x
            if self._count == self._length:
                self.value = self._sum / self._length
