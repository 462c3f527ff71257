"""The highest and the lowest of a window, and what is built on them: `Donchian`, `Stochastic`.

A value that is below a newer one can never be the highest again, so it is dropped at once: what is kept falls from the
oldest to the newest, and the highest is its first. Each value is kept once and dropped once.
"""

from collections import deque
from math import nan
from typing import ClassVar

from engine.core.indicators.averages import SMA
from engine.core.indicators.indicator import LARGEST, Indicator, check_length, has_prices
from engine.model.market import Bar


class Highest(Indicator[float]):
    """The largest of the last ``length`` values.

    Ready after ``length`` values. A gap: the window holds values, not minutes, so it reaches further back. O(1)
    amortised: one update may drop up to ``length`` values that others have paid for.
    """

    __slots__ = ("_count", "_kept", "_length")

    _sign: ClassVar[float] = 1.0

    def __init__(self, length: int) -> None:
        check_length(length)
        self._length = length
        self._kept: deque[tuple[float, int]] = deque()
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._count = 0
        self._kept.clear()

    def update(self, x: float, /) -> None:
        if not -LARGEST < x < LARGEST:
            self.reset()
            return
        kept, sign = self._kept, self._sign
        x *= sign
        while kept and kept[-1][0] <= x:
            kept.pop()
        self._count = count = self._count + 1
        kept.append((x, count))
        if kept[0][1] <= count - self._length:
            kept.popleft()
        if count >= self._length:
            self.value = kept[0][0] * sign


class Lowest(Highest):
    """The smallest of the last ``length`` values; otherwise as `Highest`."""

    __slots__ = ()

    _sign = -1.0


class Donchian(Indicator[Bar]):
    """The Donchian channel: ``upper``, the highest high of ``length`` bars, and ``lower``, their lowest low.

    ``value`` is ``middle``, half way between. The newest bar is part of it: to ask whether a bar breaks out, look
    before updating. Ready after ``length`` bars. A gap: the extremes of the missing bars are not in it, so the channel
    may be too narrow until as many bars have passed. A bar with its high below its low is taken as told. O(1)
    amortised.
    """

    __slots__ = ("_highest", "_lowest", "lower", "upper")

    upper: float
    """The highest high; NaN while not ready."""
    lower: float
    """The lowest low; NaN while not ready."""

    def __init__(self, length: int = 20) -> None:
        self._highest, self._lowest = Highest(length), Lowest(length)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.upper = self.lower = nan
        self._highest.reset()
        self._lowest.reset()

    @property
    def middle(self) -> float:
        """Half way between the two; NaN while not ready."""
        return self.value

    def update(self, bar: Bar, /) -> None:
        high, low = bar.high, bar.low
        if not (-LARGEST < high < LARGEST and -LARGEST < low < LARGEST):
            self.reset()
            return
        self._highest.update(high)
        self._lowest.update(low)
        self.upper, self.lower = self._highest.value, self._lowest.value
        self.value = (self.upper + self.lower) / 2.0


class Stochastic(Indicator[Bar]):
    """The stochastic oscillator: where the close lies in the range of the last ``length`` bars, from 0 to 100.

    ``100 * (close - lowest low) / (highest high - lowest low)``, 0 where there is no range; ``value`` is ``k``, its
    `SMA` over ``smooth``, and ``d`` is the `SMA` of that over ``signal``.

    Ready after ``length + smooth + signal - 2`` bars. A gap: as for `Donchian`, so the close may seem more extreme than
    it is. A bar with its high below its low, or its close outside of them, is taken as told. O(1) amortised.
    """

    __slots__ = ("_highest", "_k", "_lowest", "_signal", "d")

    d: float
    """The slower line; NaN while not ready."""

    def __init__(self, length: int = 5, smooth: int = 3, signal: int = 3) -> None:
        self._highest, self._lowest = Highest(length), Lowest(length)
        self._k, self._signal = SMA(smooth), SMA(signal)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.d = nan
        self._highest.reset()
        self._lowest.reset()
        self._k.reset()
        self._signal.reset()

    @property
    def k(self) -> float:
        """The faster line; NaN while not ready."""
        return self.value

    def update(self, bar: Bar, /) -> None:
        if not has_prices(bar):
            self.reset()
            return
        highest, lowest = self._highest, self._lowest
        highest.update(bar.high)
        lowest.update(bar.low)
        if highest.ready:
            reach = highest.value - lowest.value
            self._k.update(100.0 * (bar.close - lowest.value) / reach if reach else 0.0)
            if self._k.ready:
                self._signal.update(self._k.value)
                if self._signal.ready:
                    self.value, self.d = self._k.value, self._signal.value
