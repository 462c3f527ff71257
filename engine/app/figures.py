"""The figures of a running session: what the view shows while it runs and the summary when it ends."""

import trio
from attrs import evolve

from engine.app.report import EndedBy, FeedRow, GapRow, SessionReport, Spread, StrategyRow, StreamRow
from engine.app.wiring import Venue
from engine.core.histogram import Histogram
from engine.flow.channel import Channel
from engine.flow.markets import Markets
from engine.flow.runner import StrategyRun
from engine.flow.session import Session
from engine.flow.stream import MarketStream
from engine.model.instant import render_instant

_NS_PER_MS = 1_000_000


def read_figures(session: Session, venue: Venue, started_s: float, ended_by: EndedBy = "running") -> SessionReport:
    """The report of a session so far."""
    markets = session.markets
    return SessionReport(
        ended_by=ended_by,
        error=str(session.failure) if session.failure else None,
        duration_s=round(trio.current_time() - started_s, 3),
        streams=tuple(row for channel in markets.fanout.channels() for row in _rows(channel, markets)),
        feeds=tuple(_feed_row(stream, venue, session) for stream in markets.streams.values()),
        gaps=_gap_rows(markets),
        strategies=tuple(_strategy_row(run) for run in session.runs),
    )


def _rows(channel: Channel, markets: Markets) -> list[StreamRow]:
    """One row a stream. What was delivered is what was put in less what became of the rest; the channel's own count
    of deliveries, kept where they happen, must agree, or the difference shows as an unbalanced first row."""
    queued = channel.queued()
    rows = []
    delivered_total = 0
    for stream, row in markets.fanout.rows(channel).items():
        conflated, dropped = channel.queue.conflated[stream], channel.queue.dropped[stream]
        delivered = row.received + row.backfilled - conflated - dropped - queued[stream]
        delivered_total += delivered
        feed = markets.feed_of(stream)
        told = markets.streams[feed].sequencer.of(stream) if feed in markets.streams else None
        rows.append(
            StreamRow(
                strategy=channel.strategy,
                feed=feed,
                kind=stream.kind.value,
                symbol=stream.symbol,
                received=row.received,
                backfilled=row.backfilled,
                delivered=delivered,
                duplicates=told.duplicates if told else 0,
                conflated=conflated,
                dropped=dropped,
                queued=queued[stream],
                late=told.late if told else 0,
            )
        )
    amiss = channel.delivered - delivered_total
    if amiss and rows:
        rows[0] = _with_delivered(rows[0], rows[0].delivered + amiss)
    return rows


def _with_delivered(row: StreamRow, delivered: int) -> StreamRow:
    return evolve(row, delivered=delivered)


def _feed_row(stream: MarketStream, venue: Venue, session: Session) -> FeedRow:
    counts = venue.feeds[stream.feed.name].counts
    queue = Histogram()
    for run in session.runs:
        queue.merge(run.context.queue_lag)
    return FeedRow(
        feed=stream.feed.name,
        state=stream.state,
        restarts=stream.restarts,
        connects=stream.connects,
        messages=counts.messages,
        malformed=counts.malformed,
        unknown_types=sum(counts.unknown_types.values()),
        unknown_fields=sum(counts.unknown_fields.values()),
        lag_ms=_spread(stream.lag),
        queue_ms=_spread(queue),
    )


def _gap_rows(markets: Markets) -> tuple[GapRow, ...]:
    return tuple(
        GapRow(
            feed=hole.feed,
            stream=str(hole.stream),
            start=render_instant(hole.start_ns),
            end=render_instant(hole.end_ns),
            start_ns=hole.start_ns,
            end_ns=hole.end_ns,
            cause=hole.cause or hole.reason,
            recovered=hole.recovered,
            count=hole.count,
            closed=hole.closed,
        )
        for hole in markets.holes.listed
    )


def _strategy_row(run: StrategyRun) -> StrategyRow:
    return StrategyRow(
        name=run.name,
        state=run.state,
        restarts=run.restarts,
        error=run.error or None,
        lag_ms=_spread(run.context.lag),
    )


def _spread(histogram: Histogram) -> Spread:
    return Spread(
        p50=round(histogram.percentile_ns(0.5) / _NS_PER_MS, 3),
        p99=round(histogram.percentile_ns(0.99) / _NS_PER_MS, 3),
        max=round(histogram.max_ns / _NS_PER_MS, 3),
    )
