"""What every indicator is: a ``value``, whether it is ``ready``, ``update`` and ``reset``.

One rule replaces a dozen special cases: ``value`` is NaN until a whole warm-up of good inputs has come in a row, and an
input that is no number (NaN, infinite, beyond `LARGEST`) begins the warm-up anew. So one bad print cannot poison an
average for the rest of the day, and no half-filled window looks like a signal: a comparison with NaN is false.

``reset`` is the same for a strategy to use, where a hole in the data makes the past worthless.
"""

from abc import ABC, abstractmethod
from math import nan
from typing import Final, Generic, TypeVar

from engine.model.market import Bar

T_contra = TypeVar("T_contra", contravariant=True)

LARGEST: Final = 1e100
"""Inputs reach up to here, so that squares, products and sums of them stay far from overflow."""


class Indicator(ABC, Generic[T_contra]):
    """Takes one input after another: floats, or the bars of one symbol, oldest first."""

    __slots__ = ("value",)

    value: float
    """The newest value; NaN while not ready."""

    @property
    def ready(self) -> bool:
        """Whether there is a value, and with it every named part."""
        return self.value == self.value  # NaN alone differs from itself

    @abstractmethod
    def update(self, x: T_contra, /) -> None:
        """Take the next input in. One that is no number begins the warm-up anew."""

    def reset(self) -> None:
        """Forget everything: as new."""
        self.value = nan


def check_length(length: int, least: int = 1) -> None:
    """Raise ``ValueError`` for a length over which nothing can be computed."""
    if length < least:
        raise ValueError(f"a length of {length} is too short here: give at least {least}")


def has_prices(bar: Bar) -> bool:
    """Whether a bar's high, low and close are numbers. Whether they make sense together is not asked."""
    return -LARGEST < bar.high < LARGEST and -LARGEST < bar.low < LARGEST and -LARGEST < bar.close < LARGEST
