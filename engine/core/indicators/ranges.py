"""How far prices move within a bar: `TrueRange`, `ATR`, and the channel `Keltner` makes of it.

A bar whose high is below its low is taken as told: refusing it would hide that something upstream is wrong, and the
true range, being the largest of three distances, stays sensible.
"""

from math import nan

from engine.core.indicators.averages import EMA, Wilder
from engine.core.indicators.indicator import Indicator, has_prices
from engine.model.market import Bar


class TrueRange(Indicator[Bar]):
    """The range of a bar, with the step to it from the close before.

    The largest of ``high - low``, ``|high - last close|`` and ``|low - last close|``.

    Ready after 2 bars: the first has no close before it. A gap: the step over it is part of the range of the first bar
    after it. O(1).
    """

    __slots__ = ("_close",)

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._close = nan

    def update(self, bar: Bar, /) -> None:
        if not has_prices(bar):
            self.reset()
            return
        high, low, last = bar.high, bar.low, self._close
        if last == last:  # NaN alone differs from itself
            self.value = max(high - low, abs(high - last), abs(low - last))
        self._close = bar.close


class ATR(Indicator[Bar]):
    """The average true range: Wilder's smoothing of `TrueRange`, ``(atr * (length - 1) + range) / length``.

    Seeded by the mean of the first ``length`` ranges: ready after ``length + 1`` bars. A gap: the step over it is one
    large range, which fades over about ``length`` bars. O(1).
    """

    __slots__ = ("_average", "_range")

    def __init__(self, length: int = 14) -> None:
        self._range, self._average = TrueRange(), Wilder(length)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._range.reset()
        self._average.reset()

    def update(self, bar: Bar, /) -> None:
        if not has_prices(bar):
            self.reset()
            return
        self._range.update(bar)
        if self._range.ready:
            self._average.update(self._range.value)
            self.value = self._average.value


class Keltner(Indicator[Bar]):
    """The Keltner channel: ``middle``, the `EMA` of typical prices over ``length``, and ``width`` `ATR` around it.

    A typical price is a third of high, low and close together. ``value`` is ``middle``, ``atr_length`` is that of the
    range. Both are seeded by the last of the bars that they need together, as TA-Lib does. Ready after ``length`` or
    ``atr_length + 1`` bars, whichever is more. A gap: the step over it moves the middle a little and widens the
    channel. O(1).
    """

    __slots__ = ("_atr", "_atr_after", "_count", "_middle", "_middle_after", "_width", "lower", "upper")

    upper: float
    """The upper line; NaN while not ready."""
    lower: float
    """The lower line; NaN while not ready."""

    def __init__(self, length: int = 20, width: float = 2.0, atr_length: int = 10) -> None:
        if not width > 0:
            raise ValueError(f"a channel {width} ranges wide is none: give a width above 0")
        self._middle, self._atr, self._width = EMA(length), ATR(atr_length), width
        warmup = max(length, atr_length + 1)
        self._middle_after, self._atr_after = warmup - length, warmup - atr_length - 1
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.upper = self.lower = nan
        self._count = 0
        self._middle.reset()
        self._atr.reset()

    @property
    def middle(self) -> float:
        """The average price; NaN while not ready."""
        return self.value

    def update(self, bar: Bar, /) -> None:
        if not has_prices(bar):
            self.reset()
            return
        middle, atr = self._middle, self._atr
        if self._count >= self._middle_after:
            middle.update((bar.high + bar.low + bar.close) / 3.0)
        if self._count >= self._atr_after:
            atr.update(bar)
        self._count += 1
        if middle.ready and atr.ready:
            reach = self._width * atr.value
            self.value, self.upper, self.lower = middle.value, middle.value + reach, middle.value - reach
