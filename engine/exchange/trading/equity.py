"""What the account was worth, minute by minute: the history that a portfolio chart is drawn from."""

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from attrs import define, field, frozen

from engine.model.instant import NS_PER_S

SAMPLE_NS: Final = 60 * NS_PER_S
"""The finest timeframe of Alpaca's portfolio history."""
SAMPLES_MIN: Final = 43_200
"""Thirty days of minutes, which is as long as Alpaca tells anything finer than a day; about 5 MB."""


@frozen
class Sample:
    """What the account was worth at the end of the minute that begins at ``start_ns``."""

    start_ns: int
    equity: Decimal


@define
class EquityHistory:
    """One sample of each minute in which the market moved, oldest first."""

    due_ns: int
    """When the next sample is to be taken."""
    _samples: list[Sample] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.due_ns = _next_minute_ns(self.due_ns)

    def sample(self, now_ns: int, equity: Decimal) -> None:
        """What the account was worth in the minute that was due; minutes that were jumped over have no sample."""
        self._samples.append(Sample(self.due_ns - SAMPLE_NS, equity))
        self.due_ns = _next_minute_ns(now_ns)
        if len(self._samples) >= 2 * SAMPLES_MIN:
            del self._samples[:SAMPLES_MIN]

    def between(self, start_ns: int, end_ns: int) -> Sequence[Sample]:
        """The samples of minutes that begin from ``start_ns`` on and before ``end_ns``."""
        first = bisect_left(self._samples, start_ns, key=_start_ns)
        return self._samples[first : bisect_left(self._samples, end_ns, key=_start_ns)]

    def before(self, start_ns: int) -> Sample | None:
        """The last sample of a minute before ``start_ns``."""
        first = bisect_left(self._samples, start_ns, key=_start_ns)
        return self._samples[first - 1] if first else None


def _start_ns(sample: Sample) -> int:
    return sample.start_ns


def _next_minute_ns(ts_ns: int) -> int:
    """The first full minute after an instant."""
    return ts_ns - ts_ns % SAMPLE_NS + SAMPLE_NS
