"""The figures of a running session: what the view shows while it runs and the summary when it ends."""

import trio
from attrs import asdict

from engine.app.report import EndedBy, FeedRow, GapRow, SessionReport, Spread, StrategyRow, StreamRow
from engine.app.wiring import Venue
from engine.core.histogram import Histogram
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
        streams=_stream_rows(markets),
        feeds=tuple(_feed_row(stream, venue, session) for stream in markets.streams.values()),
        gaps=_gap_rows(markets),
        strategies=tuple(_strategy_row(run) for run in session.runs),
    )


def _stream_rows(markets: Markets) -> tuple[StreamRow, ...]:
    rows = []
    for (strategy, stream), totals in markets.books.read(markets.fanout.channels()).items():
        feed = markets.feed_of(stream)
        told = markets.streams[feed].sequencer.of(stream) if feed in markets.streams else None
        rows.append(
            StreamRow(
                strategy=strategy,
                feed=feed,
                kind=stream.kind.value,
                symbol=stream.symbol,
                duplicates=told.duplicates if told else 0,
                late=told.late if told else 0,
                **asdict(totals),
            )
        )
    return tuple(rows)


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
