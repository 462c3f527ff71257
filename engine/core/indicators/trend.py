"""Whether there is a direction, and how steep: `ADX`, `LinRegSlope`."""

from math import fsum, nan

from engine.core.indicators.averages import Wilder, Windowed
from engine.core.indicators.indicator import Indicator, check_length, has_prices
from engine.model.market import Bar


class LinRegSlope(Windowed):
    """The slope of the straight line through the last ``length`` values (least squares): change for each value.

    Ready after ``length`` values, at least 2. A gap: values are one step apart whatever time lies between them, so a
    move during the gap looks steeper than it was. O(1).
    """

    __slots__ = ("_scale", "_sum", "_weighted")

    def __init__(self, length: int = 14) -> None:
        check_length(length, 2)
        super().__init__(length)
        self._scale = 12.0 / (length * (length * length - 1))

    def _renew(self) -> None:
        self._sum = fsum(self._window)
        self._weighted = fsum(place * x for place, x in enumerate(self._in_order()))
        self._tell()

    def _slide(self, x: float, old: float) -> None:
        # Every value but the oldest moves down by one place.
        self._weighted += (self._length - 1) * x - (self._sum - old)
        self._sum += x - old
        self._tell()

    def _tell(self) -> None:
        self.value = self._scale * (self._weighted - self._sum * (self._length - 1) / 2.0)


class ADX(Indicator[Bar]):
    """Wilder's average directional index: how strong a trend is, from 0 to 100, whichever its direction.

    ``plus_di`` and ``minus_di`` are the shares of moves up and down in the true range, in percent; ``value`` smooths
    ``100 * |plus - minus| / (plus + minus)``. Where nothing moved it stays as it was.

    Ready after ``2 * length`` bars; a length of at least 2. A gap: the step over it counts as one bar's move and takes
    about ``length`` bars to fade. A bar with its high below its low is taken as told. O(1).
    """

    __slots__ = (
        "_average", "_close", "_count", "_down", "_high", "_length", "_low", "_range", "_up", "minus_di", "plus_di",
    )  # fmt: skip

    plus_di: float
    """The share of moves up, in percent; NaN while not ready."""
    minus_di: float
    """The share of moves down, in percent; NaN while not ready."""

    def __init__(self, length: int = 14) -> None:
        check_length(length, 2)
        self._length = length
        self._average = Wilder(length)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.plus_di = self.minus_di = nan
        self._count = 0
        self._up = self._down = self._range = 0.0
        self._high = self._low = self._close = nan
        self._average.reset()

    def update(self, bar: Bar, /) -> None:
        if not has_prices(bar):
            self.reset()
            return
        if self._count:
            self._move(bar)
        self._count += 1
        self._high, self._low, self._close = bar.high, bar.low, bar.close

    def _move(self, bar: Bar) -> None:
        """Take in the step from the bar before."""
        if self._count >= self._length:  # until then they are plain sums
            keep = 1.0 - 1.0 / self._length
            self._up, self._down, self._range = self._up * keep, self._down * keep, self._range * keep
        up, down = bar.high - self._high, self._low - bar.low
        if up > down and up > 0.0:
            self._up += up
        elif down > up and down > 0.0:
            self._down += down
        self._range += max(bar.high - bar.low, abs(bar.high - self._close), abs(bar.low - self._close))
        if self._count >= self._length:
            self._index()

    def _index(self) -> None:
        if not self._range:
            plus = minus = 0.0
        else:
            plus, minus = 100.0 * self._up / self._range, 100.0 * self._down / self._range
        both = plus + minus
        average = self._average
        if both:
            average.update(100.0 * abs(plus - minus) / both)
        elif not average.ready:
            average.update(0.0)
        self.value = average.value
        if average.ready:
            self.plus_di, self.minus_di = plus, minus
