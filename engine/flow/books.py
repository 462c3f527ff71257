"""What became of every event, per strategy and stream: the figures behind the conservation law.

A channel that is closed for good is folded into totals, so that a strategy which opens a subscription a second for a
year costs no more than its streams.
"""

from collections.abc import Iterator

from attrs import define, field

from engine.flow.channel import Channel
from engine.flow.fanout import Row
from engine.model.stream import Stream


@define
class Totals:
    """One stream as one strategy got it: received + backfilled = delivered + conflated + dropped + queued."""

    received: int = 0
    backfilled: int = 0
    delivered: int = 0
    conflated: int = 0
    dropped: int = 0
    queued: int = 0

    def add(self, other: "Totals") -> None:
        self.received += other.received
        self.backfilled += other.backfilled
        self.delivered += other.delivered
        self.conflated += other.conflated
        self.dropped += other.dropped
        self.queued += other.queued


def count(channel: Channel, rows: dict[Stream, Row]) -> dict[Stream, Totals]:
    """The totals of one channel.

    What was delivered of a stream is what was put in less what became of the rest. The channel counts its deliveries
    as well, where they happen; a difference between the two stands in the first stream's row, which then is unbalanced.
    """
    queued = channel.queued()
    totals = {}
    for stream, row in rows.items():
        one = Totals(
            received=row.received,
            backfilled=row.backfilled,
            conflated=channel.queue.conflated[stream],
            dropped=channel.queue.dropped[stream],
            queued=queued[stream],
        )
        one.delivered = one.received + one.backfilled - one.conflated - one.dropped - one.queued
        totals[stream] = one
    amiss = channel.delivered - sum(one.delivered for one in totals.values())
    if amiss and totals:
        next(iter(totals.values())).delivered += amiss
    return totals


@define(eq=False)
class Books:
    """The totals of a session's closed channels, joined on demand with those of the open ones."""

    _closed: dict[tuple[str, Stream], Totals] = field(factory=dict)

    def fold(self, channel: Channel, rows: dict[Stream, Row]) -> None:
        """A channel is closed for good."""
        for stream, totals in count(channel, rows).items():
            self._closed.setdefault((channel.strategy, stream), Totals()).add(totals)

    def read(self, channels: Iterator[tuple[Channel, dict[Stream, Row]]]) -> dict[tuple[str, Stream], Totals]:
        """All totals so far, by strategy and stream."""
        out = {}
        for key, closed in self._closed.items():
            out[key] = Totals()
            out[key].add(closed)
        for channel, rows in channels:
            for stream, totals in count(channel, rows).items():
                out.setdefault((channel.strategy, stream), Totals()).add(totals)
        return out
