"""How often a stream speaks, learnt: the gap between its events that is seldom exceeded.

Gaps are counted in buckets four to a doubling, and a new gap weighs more than the one before it, so what a stream did
an hour ago fades. That costs a look-up and an addition for each gap, and 70 numbers for each stream and part of a day.

A quantile and not a mean: the gaps of a market are bursts and pauses, and the mean says nothing about pauses. And the
quantile times a margin and not a higher quantile: that one would need a day of gaps to be known.
"""

from math import ceil, log2
from typing import Final

from attrs import define, field

from engine.core.watch.bounds import Bounds

SELDOM: Final = 0.99
"""The share of gaps that are not longer than what is learnt."""
MEMORY: Final = 3000
"""Gaps until one weighs a third of what it did: seen once a second, the better part of an hour, so that noon is not
judged by the rush of the open."""
LEARNT_AFTER: Final = 30
"""Gaps before anything is taken as learnt; a quantile of fewer is their maximum, and not a long one."""
SHORTEST_S: Final = 0.25
"""Shorter gaps are counted as this: a look comes once a second."""
_PER_DOUBLING: Final = 4
_BUCKETS: Final = 80
"""Up to 0.25 s times 2 to the 20th: three days."""
_GROWTH: Final = 1.0 / (1.0 - 1.0 / MEMORY)
_HEAVY: Final = 1e30
"""Weights are scaled down before they leave the range of floats."""


@define(eq=False)
class Cadence:
    """The gaps of one stream in one part of the day."""

    gaps: int = 0
    learnt_s: float | None = None
    """The gap that is seldom exceeded, in seconds, at most a fifth too long; ``None`` until it is known."""
    _weights: list[float] = field(factory=lambda: [0.0] * _BUCKETS)
    _weight: float = 1.0
    _total: float = 0.0

    def learn(self, gap_s: float) -> None:
        """A gap of so many seconds has ended."""
        self._weight *= _GROWTH
        self._weights[_bucket(gap_s)] += self._weight
        self._total += self._weight
        self.gaps += 1
        if self._weight > _HEAVY:
            self._lighten()
        # A quantile of thousands hardly moves with one of them; reading it costs fifty times what counting does.
        if self.gaps % 16 == 0 or self.gaps == LEARNT_AFTER:
            self.learnt_s = self._quantile() if self.gaps >= LEARNT_AFTER else None

    def limit_s(self, bounds: Bounds, margin: float) -> float:
        """How long the stream may be silent: ``margin`` times what is learnt, within bounds; unlearnt, the ceiling."""
        if self.learnt_s is None:
            return bounds.ceiling_s
        return min(max(margin * self.learnt_s, bounds.floor_s), bounds.ceiling_s)

    def _quantile(self) -> float:
        beyond = (1.0 - SELDOM) * self._total
        above = 0.0
        for bucket in range(_BUCKETS - 1, -1, -1):
            above += self._weights[bucket]
            if above > beyond:
                return _upper_s(bucket)
        return SHORTEST_S

    def _lighten(self) -> None:
        self._weights = [weight / self._weight for weight in self._weights]
        self._total /= self._weight
        self._weight = 1.0


def _bucket(gap_s: float) -> int:
    if gap_s <= SHORTEST_S:
        return 0
    return min(ceil(_PER_DOUBLING * log2(gap_s / SHORTEST_S)), _BUCKETS - 1)


def _upper_s(bucket: int) -> float:
    return float(SHORTEST_S * 2.0 ** (bucket / _PER_DOUBLING))
