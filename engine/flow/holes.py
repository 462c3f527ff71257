"""The holes of a session: each loss of each stream, how much of it history gave, and what remains missing."""

from collections import Counter, deque

from attrs import define, field, frozen

from engine.model.control import Gap, GapCause
from engine.model.stream import Stream

# A cut a minute for a day on a hundred streams would be 144,000; the newest of them are what a report is read for.
LISTED_MAX = 10_000


@frozen
class Hole:
    """One hole of one stream; ``cause`` is empty when it was closed. Bounds as in `engine.model.control.Gap`."""

    feed: str
    stream: Stream
    start_ns: int
    end_ns: int
    recovered: int
    reason: str
    cause: GapCause | None = None
    count: int | None = None

    @property
    def closed(self) -> bool:
        return self.cause is None


@define(eq=False)
class Holes:
    """The newest holes, and counts of all."""

    listed: deque[Hole] = field(factory=lambda: deque(maxlen=LISTED_MAX))
    closed: int = 0
    open: int = 0
    causes: Counter[GapCause] = field(factory=Counter)
    """How many stayed open, by their cause."""

    def declare(self, gap: Gap, reason: str) -> None:
        """Keep a hole that stays open, as the gap that was published tells it."""
        self.add(Hole(gap.feed, gap.stream, gap.start_ns, gap.end_ns, gap.recovered, reason, gap.cause, gap.count))

    def add(self, hole: Hole) -> None:
        """Keep a hole that cost something: one that history proved empty is no hole."""
        if hole.closed and not hole.recovered:
            return
        if hole.cause is None:
            self.closed += 1
        else:
            self.open += 1
            self.causes[hole.cause] += 1
        self.listed.append(hole)
