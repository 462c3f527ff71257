"""Prices by time, in the order in which they were told: what was known at an instant, and what lay between two.

Times are nanoseconds of market time that never fall, and may be any sequence of integers, such as a view of a column
of Parquet: nothing is copied, and each question costs a search by halves.
"""

from bisect import bisect_right
from collections.abc import Sequence

from attrs import field, frozen


@frozen(eq=False)
class Series:
    """One price by time."""

    at_ns: Sequence[int] = ()
    values: Sequence[float] = ()

    def __len__(self) -> int:
        return len(self.at_ns)

    def at(self, ns: int) -> float | None:
        """The last that was told by then, that instant included; ``None`` where nothing was."""
        place = bisect_right(self.at_ns, ns)
        return self.values[place - 1] if place else None

    def around(self, ns: int) -> float | None:
        """As `at`, but what came first where nothing was told by then; ``None`` where there is nothing at all."""
        found = self.at(ns)
        return self.values[0] if found is None and self.values else found

    def between(self, after_ns: int, until_ns: int) -> Sequence[float]:
        """What was told after one instant, until another, that one included."""
        return self.values[bisect_right(self.at_ns, after_ns) : bisect_right(self.at_ns, until_ns)]

    @property
    def span_ns(self) -> int:
        """From the first to the last."""
        return self.at_ns[-1] - self.at_ns[0] if self.at_ns else 0


@frozen(eq=False)
class Book:
    """The best bid and ask by time."""

    at_ns: Sequence[int] = ()
    bids: Sequence[float] = ()
    asks: Sequence[float] = ()

    def at(self, ns: int) -> tuple[float, float] | None:
        """Bid and ask as they were known then; ``None`` before the first, and where a side had no quote."""
        place = bisect_right(self.at_ns, ns) - 1
        if place < 0 or self.bids[place] <= 0 or self.asks[place] <= 0:
            return None
        return self.bids[place], self.asks[place]


@frozen(eq=False)
class Told:
    """What a session was told of one symbol. ``marks`` are what it is worth: trades, closes of bars, or mid quotes."""

    marks: Series = field(factory=Series)
    book: Book = field(factory=Book)
    marked_by: str = ""
    """What ``marks`` are: ``trades``, ``bars``, ``quotes`` or ``fills``; empty where there is none."""
