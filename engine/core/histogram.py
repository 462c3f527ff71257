"""Percentiles of durations in bounded memory: lags, round trips, times in a queue.

A day has more events than are worth keeping, and a mean hides what hurts. So durations are counted in buckets whose
width grows with the value: exact below 64 ns, then 32 buckets to each doubling, so a percentile is off by less than
2 % over the whole range from nanoseconds to centuries, in one list of 1,888 counts (15 kB).
"""

from bisect import bisect_left
from itertools import accumulate
from math import ceil
from operator import add, sub
from typing import Final

_EXACT_BITS: Final = 6
"""Values of at most this many bits have a bucket each; of longer ones these leading bits choose the bucket."""
_PER_DOUBLING: Final = 1 << (_EXACT_BITS - 1)
VALUE_MAX_NS: Final = (1 << 63) - 1
"""292 years; a longer duration is counted as this."""
_BUCKETS: Final = (63 - _EXACT_BITS) * _PER_DOUBLING + (1 << _EXACT_BITS)


class Histogram:
    """Counts durations in nanoseconds; two of them can be merged."""

    __slots__ = ("_max_ns", "_total", "counts")

    def __init__(self) -> None:
        self.counts = [0] * _BUCKETS
        """How many fell into each bucket. To be read; `record` and `merge` write it."""
        self._total = 0
        self._max_ns = 0

    def record(self, value_ns: int, weight: int = 1) -> None:
        """Count ``value_ns``, ``weight`` times. A negative duration (two clocks that disagree) counts as 0."""
        if value_ns > self._max_ns:
            if value_ns > VALUE_MAX_NS:
                value_ns = VALUE_MAX_NS
            self._max_ns = value_ns
        elif value_ns < 0:
            value_ns = 0
        # Written out rather than called: this runs for every event.
        shift = value_ns.bit_length() - _EXACT_BITS
        if shift > 0:
            self.counts[(shift << _EXACT_BITS - 1) + (value_ns >> shift)] += weight
        else:
            self.counts[value_ns] += weight
        self._total += weight

    def merge(self, other: "Histogram") -> None:
        """Add all that ``other`` has counted."""
        if not other.count:
            return
        self.counts = list(map(add, self.counts, other.counts))
        self._total += other.count
        self._max_ns = max(self._max_ns, other.max_ns)

    def since(self, counts: list[int]) -> "Histogram":
        """What was counted after ``counts`` were read here; its longest is the longest of all, or less."""
        recent = Histogram()
        recent.counts = list(map(sub, self.counts, counts))
        recent._total = sum(recent.counts)
        recent._max_ns = self._max_ns if recent._total else 0
        return recent

    @property
    def count(self) -> int:
        """How many durations were counted."""
        return self._total

    @property
    def max_ns(self) -> int:
        """The longest, exactly; 0 when there is none."""
        return self._max_ns

    def percentile_ns(self, share: float) -> int:
        """The duration that ``share`` (0 to 1) of all do not exceed, within 2 %; 0 when there is none."""
        if not 0 <= share <= 1:
            raise ValueError(f"a share of {share} is not between 0 and 1")
        if not self._total:
            return 0
        rank = max(1, ceil(share * self._total))
        return min(_middle_ns(bisect_left(list(accumulate(self.counts)), rank)), self._max_ns)

    @property
    def p50_ns(self) -> int:
        """The median."""
        return self.percentile_ns(0.50)

    @property
    def p99_ns(self) -> int:
        """Only one in a hundred is longer."""
        return self.percentile_ns(0.99)


def _middle_ns(index: int) -> int:
    """The middle of a bucket, the inverse of what `Histogram.record` does."""
    if index < 1 << _EXACT_BITS:
        return index
    shift = (index >> _EXACT_BITS - 1) - 1
    lowest = (index - (shift << _EXACT_BITS - 1)) << shift
    return lowest + (1 << shift) // 2
