"""How fast and how far a price has moved: `ROC`, `RSI`, `CCI`.

Where a formula would divide nothing by nothing, because nothing moved, the value is 0, as TA-Lib says. For `RSI` that
looks like a market that only fell: a strategy that buys low values should ask for movement first.
"""

from collections import deque
from math import fsum, nan
from typing import Final

from engine.core.indicators.averages import Wilder
from engine.core.indicators.indicator import LARGEST, Indicator, check_length, has_prices
from engine.model.market import Bar

CCI_SCALE: Final = 0.015
"""Lambert's constant: it puts some three quarters of all values between -100 and 100."""


class ROC(Indicator[float]):
    """The rate of change in percent against ``length`` values ago: ``100 * (x / before - 1)``, 0 where that was 0.

    Ready after ``length + 1`` values. A gap: ``length`` values ago is longer ago. O(1).
    """

    __slots__ = ("_length", "_window")

    def __init__(self, length: int = 10) -> None:
        check_length(length)
        self._length = length
        self._window: deque[float] = deque(maxlen=length)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._window.clear()

    def update(self, x: float, /) -> None:
        if not -LARGEST < x < LARGEST:
            self.reset()
            return
        window = self._window
        if len(window) == self._length:
            before = window[0]
            self.value = (x / before - 1.0) * 100.0 if before else 0.0
        window.append(x)


class RSI(Indicator[float]):
    """Wilder's relative strength index: ``100 * gain / (gain + loss)``, from 0 to 100.

    ``gain`` and ``loss`` are Wilder's averages over ``length`` of the steps up and down. Ready after ``length + 1``
    values; a length of at least 2. 0 where nothing moved. A gap: the step over it counts as one step, however long it
    took, and can pin the index at an end. O(1).
    """

    __slots__ = ("_gain", "_last", "_loss")

    def __init__(self, length: int = 14) -> None:
        check_length(length, 2)
        self._gain, self._loss = Wilder(length), Wilder(length)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._last = nan
        self._gain.reset()
        self._loss.reset()

    def update(self, x: float, /) -> None:
        if not -LARGEST < x < LARGEST:
            self.reset()
            return
        step, self._last = x - self._last, x
        if step != step:  # NaN alone differs from itself: this is the first value
            return
        gain, loss = self._gain, self._loss
        gain.update(max(0.0, step))
        loss.update(max(0.0, -step))
        if gain.ready:
            both = gain.value + loss.value
            self.value = 100.0 * gain.value / both if both else 0.0


class CCI(Indicator[Bar]):
    """The commodity channel index: ``(typical - mean) / (0.015 * mean distance from it)``.

    ``typical`` is a third of high, low and close together; mean and mean distance are those of the last ``length``.
    Ready after ``length`` bars, at least 2. 0 where nothing moved. A gap: a jump over it is an extreme value until the
    window has passed it. A bar with its high below its low is taken as told.

    O(length): when the mean moves, so do all distances from it, and no sum of them can be kept up to date.
    """

    __slots__ = ("_length", "_window")

    def __init__(self, length: int = 14) -> None:
        check_length(length, 2)
        self._length = length
        self._window: deque[float] = deque(maxlen=length)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._window.clear()

    def update(self, bar: Bar, /) -> None:
        if not has_prices(bar):
            self.reset()
            return
        window, typical = self._window, (bar.high + bar.low + bar.close) / 3.0
        window.append(typical)
        if len(window) == self._length:
            # Rounding alone can put a mean outside of what it is the mean of.
            mean = min(max(fsum(window) / self._length, min(window)), max(window))
            away = fsum(abs(each - mean) for each in window) / self._length
            self.value = (typical - mean) / (CCI_SCALE * away) if away else 0.0
