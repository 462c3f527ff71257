"""What a session did, in figures: the value behind the closing summary, ``--json`` and the live view.

The law that a person can check by hand, for every stream of every strategy:

    received + backfilled == delivered + conflated + dropped + queued

Duplicates are suppressed before they are counted as received, so they stand beside the law, not in it.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from attrs import asdict, evolve, field, frozen

EndedBy: TypeAlias = Literal["running", "for", "tape", "strategies", "SIGINT", "SIGTERM", "error"]


@frozen
class Spread:
    """Quantiles of a duration in milliseconds."""

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0


@frozen
class StreamRow:
    """One stream as one strategy got it."""

    strategy: str
    feed: str
    kind: str
    symbol: str
    received: int = 0
    backfilled: int = 0
    delivered: int = 0
    duplicates: int = 0
    conflated: int = 0
    dropped: int = 0
    queued: int = 0
    late: int = 0

    @property
    def balanced(self) -> bool:
        """Whether the conservation law holds for this row."""
        return self.received + self.backfilled == self.delivered + self.conflated + self.dropped + self.queued


@frozen
class FeedRow:
    """One feed: its connection and what came over it. ``state`` is a word for people, such as ``live``."""

    feed: str
    state: str = ""
    restarts: int = 0
    connects: int = 0
    messages: int = 0
    malformed: int = 0
    unknown_types: int = 0
    unknown_fields: int = 0
    lag_ms: Spread = field(factory=Spread)
    queue_ms: Spread = field(factory=Spread)


@frozen
class GapRow:
    """A hole in one stream. Bounds are inclusive market time, as RFC 3339 text and as nanoseconds."""

    feed: str
    stream: str
    start: str
    end: str
    start_ns: int
    end_ns: int
    cause: str
    recovered: int = 0
    count: int | None = None
    closed: bool = False


@frozen
class StrategyRow:
    """One strategy. ``error`` is the sentence it ended with, ``lag_ms`` from an event's instant to its delivery."""

    name: str
    state: str = ""
    restarts: int = 0
    error: str | None = None
    lag_ms: Spread = field(factory=Spread)


@frozen
class OrderRow:
    """The orders of one strategy on this session's books, by what became of them. ``unknown`` should end at 0.

    ``profit``: today's dollars, exact, as text; empty where a price is missing.
    """

    strategy: str
    orders: int = 0
    open: int = 0
    filled: int = 0
    canceled: int = 0
    refused: int = 0
    unknown: int = 0
    fills: int = 0
    profit: str = ""


@frozen
class PositionRow:
    """What one strategy holds of one symbol. Numbers are exact, as text; ``unrealized`` empty: no price is known."""

    strategy: str
    symbol: str
    qty: str
    entry_price: str
    price: str = ""
    unrealized: str = ""
    realized: str = ""


@frozen
class AccountRow:
    """The account's side: its stream, how often books were compared, and whether the kill switch is tripped."""

    stream: str = ""
    connects: int = 0
    rounds: int = 0
    shadow: bool = False
    replay: bool = False
    """Whether orders met a tape: then nothing could have been sent."""
    killed: str = ""
    folder: str = ""
    orders: tuple[OrderRow, ...] = ()
    positions: tuple[PositionRow, ...] = ()


@frozen
class Conservation:
    """The law summed over all rows; ``holds`` only if it holds for every single one."""

    holds: bool = True
    received: int = 0
    backfilled: int = 0
    delivered: int = 0
    conflated: int = 0
    dropped: int = 0
    queued: int = 0

    @classmethod
    def over(cls, rows: Sequence[StreamRow]) -> "Conservation":
        """Add up the rows."""
        return cls(
            holds=all(row.balanced for row in rows),
            received=sum(row.received for row in rows),
            backfilled=sum(row.backfilled for row in rows),
            delivered=sum(row.delivered for row in rows),
            conflated=sum(row.conflated for row in rows),
            dropped=sum(row.dropped for row in rows),
            queued=sum(row.queued for row in rows),
        )


@frozen
class SessionReport:
    """One session, or its figures so far (``ended_by="running"``)."""

    ended_by: EndedBy = "running"
    error: str | None = None
    duration_s: float = 0.0
    streams: tuple[StreamRow, ...] = ()
    feeds: tuple[FeedRow, ...] = ()
    gaps: tuple[GapRow, ...] = ()
    strategies: tuple[StrategyRow, ...] = ()
    account: AccountRow | None = None
    """``None`` in a session whose strategies only watch."""

    @property
    def sorted_streams(self) -> tuple[StreamRow, ...]:
        """The streams by strategy, kind and symbol."""
        return tuple(sorted(self.streams, key=lambda row: (row.strategy, row.kind, row.symbol)))

    @property
    def conservation(self) -> Conservation:
        """The law over all streams."""
        return Conservation.over(self.streams)

    def to_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints: plain values only, streams in a stable order."""
        return {**asdict(evolve(self, streams=self.sorted_streams)), "conservation": asdict(self.conservation)}
