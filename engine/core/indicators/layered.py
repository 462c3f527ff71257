"""Averages of averages: `DEMA`, `TEMA` and `MACD`.

Each layer is an `EMA` that begins when the one below it is ready. So the first value comes late, and it is the same
as TA-Lib's.
"""

from math import nan

from engine.core.indicators.averages import EMA
from engine.core.indicators.indicator import LARGEST, Indicator, check_length


class DEMA(Indicator[float]):
    """The double exponential average, ``2 * e1 - e2``, where ``e2`` is the `EMA` of ``e1``: less lag than an `EMA`.

    Ready after ``2 * length - 1`` values. A gap is as for `EMA`, and overshoots. O(1).
    """

    __slots__ = ("_first", "_second")

    def __init__(self, length: int) -> None:
        self._first, self._second = EMA(length), EMA(length)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._first.reset()
        self._second.reset()

    def update(self, x: float, /) -> None:
        if not -LARGEST < x < LARGEST:
            self.reset()
            return
        first, second = self._first, self._second
        first.update(x)
        if first.ready:
            second.update(first.value)
            self.value = 2.0 * first.value - second.value  # NaN until the second is ready


class TEMA(Indicator[float]):
    """The triple exponential average, ``3 * e1 - 3 * e2 + e3``, each layer the `EMA` of the one before.

    Ready after ``3 * length - 2`` values. A gap is as for `DEMA`. O(1).
    """

    __slots__ = ("_first", "_second", "_third")

    def __init__(self, length: int) -> None:
        self._first, self._second, self._third = EMA(length), EMA(length), EMA(length)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._first.reset()
        self._second.reset()
        self._third.reset()

    def update(self, x: float, /) -> None:
        if not -LARGEST < x < LARGEST:
            self.reset()
            return
        first, second, third = self._first, self._second, self._third
        first.update(x)
        if first.ready:
            second.update(first.value)
            if second.ready:
                third.update(second.value)
                self.value = 3.0 * first.value - 3.0 * second.value + third.value  # NaN until the third is ready


class MACD(Indicator[float]):
    """Moving average convergence divergence: the `EMA` over ``fast`` less the one over ``slow``.

    ``value`` is that line, ``signal_line`` its `EMA` over ``signal``, ``histogram`` their difference. The fast average
    is seeded by the last ``fast`` of the first ``slow`` values, so that both begin at one value, as TA-Lib does.

    Ready after ``slow + signal - 1`` values. A gap moves the fast average more than the slow one, so a jump of the
    price over a gap looks like momentum. O(1).
    """

    __slots__ = ("_fast", "_signal", "_skip", "_skipped", "_slow", "histogram", "signal_line")

    signal_line: float
    """The average of the line; NaN while not ready."""
    histogram: float
    """The line less its average; NaN while not ready."""

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        if not fast < slow:
            raise ValueError(f"fast must be below slow, and they are {fast} and {slow}")
        check_length(fast)
        self._fast, self._slow, self._signal = EMA(fast), EMA(slow), EMA(signal)
        self._skip = slow - fast
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.signal_line = self.histogram = nan
        self._skipped = 0
        self._fast.reset()
        self._slow.reset()
        self._signal.reset()

    def update(self, x: float, /) -> None:
        if not -LARGEST < x < LARGEST:
            self.reset()
            return
        fast, slow, signal = self._fast, self._slow, self._signal
        slow.update(x)
        if self._skipped < self._skip:
            self._skipped += 1
            return
        fast.update(x)
        if slow.ready:
            line = fast.value - slow.value
            signal.update(line)
            if signal.ready:
                self.value, self.signal_line, self.histogram = line, signal.value, line - signal.value
