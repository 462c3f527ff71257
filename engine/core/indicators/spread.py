"""How far values stray from their mean: `StdDev`, `ZScore`, `Bollinger`.

The textbook's variance, the mean of the squares less the square of the mean, loses every digit when prices are large
and moves are small, and then a flat market has a z-score of anything at all. So squares are taken of distances from an
anchor inside the window, and where the variance falls far below what it was when the anchor was chosen (an outlier has
left, or the price has moved away), everything is computed anew. A window of equal values has a deviation of exactly 0.
"""

from math import fsum, nan, sqrt
from typing import Final

from engine.core.indicators.averages import Windowed
from engine.core.indicators.indicator import check_length

LOST: Final = 1e-6
"""A variance this much smaller than what it was has lost six of its sixteen digits; more would be too many."""


class _Spread(Windowed):
    """Mean and population variance of the window; subclasses say what to make of them."""

    __slots__ = ("_anchor", "_peak", "_squares", "_sum")

    def __init__(self, length: int) -> None:
        check_length(length, 2)
        super().__init__(length)

    def _renew(self) -> None:
        window, length = self._window, self._length
        # Rounding alone can put a mean outside of what it is the mean of.
        self._anchor = anchor = min(max(fsum(window) / length, min(window)), max(window))
        self._sum = fsum(x - anchor for x in window)
        self._squares = fsum((x - anchor) * (x - anchor) for x in window)
        off = self._sum / length
        variance = max(0.0, self._squares / length - off * off)
        self._peak = self._squares / length
        self._tell(anchor + off, sqrt(variance))

    def _slide(self, x: float, old: float) -> None:
        a, b = x - self._anchor, old - self._anchor
        self._sum += a - b
        self._squares += a * a - b * b
        mean_square, off = self._squares / self._length, self._sum / self._length
        self._peak = max(self._peak, mean_square)
        variance = mean_square - off * off
        if variance <= LOST * self._peak and self._peak:
            self._renew()
        else:
            self._tell(self._anchor + off, sqrt(variance))

    def _tell(self, mean: float, deviation: float) -> None:
        raise NotImplementedError


class StdDev(_Spread):
    """The standard deviation of the last ``length`` values, of the population: divided by ``length``.

    Ready after ``length`` values, at least 2. A gap: a jump of the price over it counts as deviation. O(1) amortised.
    """

    __slots__ = ()

    def _tell(self, mean: float, deviation: float) -> None:
        self.value = deviation


class ZScore(_Spread):
    """How many standard deviations the newest of ``length`` values is from their mean: ``(x - mean) / deviation``.

    0 where all values are equal. Ready after ``length`` values, at least 2. A gap: a jump of the price over it is an
    extreme score and means nothing; wait or `reset`. O(1) amortised.
    """

    __slots__ = ()

    def _tell(self, mean: float, deviation: float) -> None:
        self.value = (self._window[self._next - 1] - mean) / deviation if deviation else 0.0


class Bollinger(_Spread):
    """Bollinger bands: ``middle``, the mean of the last ``length`` values, and ``width`` standard deviations around it.

    ``value`` is ``middle``. Ready after ``length`` values, at least 2. A gap: a jump of the price over it widens the
    bands until it has left the window. O(1) amortised.
    """

    __slots__ = ("_width", "lower", "upper")

    upper: float
    """The upper band; NaN while not ready."""
    lower: float
    """The lower band; NaN while not ready."""

    def __init__(self, length: int = 20, width: float = 2.0) -> None:
        if not width > 0:
            raise ValueError(f"bands {width} deviations wide are none: give a width above 0")
        self._width = width
        super().__init__(length)

    def reset(self) -> None:
        super().reset()
        self.upper = self.lower = nan

    @property
    def middle(self) -> float:
        """The mean; NaN while not ready."""
        return self.value

    def _tell(self, mean: float, deviation: float) -> None:
        self.value = mean
        self.upper = mean + self._width * deviation
        self.lower = mean - self._width * deviation
