"""The figures of a running session: what the view shows while it runs and the summary when it ends."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final

import trio
from attrs import evolve

from engine.app.account import AccountSide
from engine.app.report import (
    AccountRow,
    EndedBy,
    FeedRow,
    GapRow,
    OrderRow,
    PositionRow,
    SessionReport,
    Spread,
    StrategyRow,
    StreamRow,
)
from engine.app.wiring import Venue
from engine.core.blotter import Blotter
from engine.core.histogram import Histogram
from engine.core.lifecycle import rounded_price
from engine.core.rules import plain
from engine.flow.markets import NOBODY, FeedStream, Markets
from engine.flow.runner import StrategyRun
from engine.flow.session import Session
from engine.model.account import StrategyPosition
from engine.model.instant import render_instant
from engine.model.intent import Outcome
from engine.model.order import OrderStatus

_NS_PER_MS = 1_000_000
_FATES: Final[Mapping[OrderStatus, str]] = {
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "canceled",
    OrderStatus.REPLACED: "canceled",
    OrderStatus.REJECTED: "refused",
}
"""How an order ended, as the columns have it; every other status is open."""
_UNSENT: Final[Mapping[Outcome, str]] = {
    Outcome.INTENDED: "unknown",
    Outcome.UNKNOWN: "unknown",
    Outcome.TAKEN: "open",
    Outcome.REFUSED: "refused",
    Outcome.ABSENT: "refused",
    Outcome.DROPPED: "refused",
}
"""What is known of an order that the venue has told nothing of."""


def read_figures(
    session: Session,
    venue: Venue | None,
    started_s: float,
    ended_by: EndedBy = "running",
    *,
    account: AccountSide | None = None,
    gaps_max: int | None = None,
) -> SessionReport:
    """The report of a session so far. ``venue`` is ``None`` where there are no lines, as in a replay.

    ``gaps_max``: of the gaps only the newest, for who looks several times a second.
    """
    markets = session.markets
    return SessionReport(
        ended_by=ended_by,
        error=str(session.failure) if session.failure else None,
        duration_s=round(trio.current_time() - started_s, 3),
        streams=_stream_rows(markets),
        feeds=tuple(_feed_rows(venue, session)),
        gaps=_gap_rows(markets, gaps_max),
        strategies=tuple(_strategy_row(run) for run in session.runs),
        account=None if account is None else account_row(account),
    )


def account_row(account: AccountSide) -> AccountRow:
    """The account's side so far."""
    blotter = account.desk.blotter
    names = sorted({*blotter.strategies(), *account.states})
    return AccountRow(
        stream=account.stream.state,
        connects=account.stream.connects,
        rounds=account.desk.rounds,
        shadow=account.shadow,
        killed=account.killed,
        folder="" if account.folder is None else str(account.folder),
        orders=tuple(_order_rows(blotter, names, account.profit)),
        positions=tuple(
            _position_row(name, held, account.price(symbol))
            for name in names
            for symbol, held in sorted(blotter.positions(name).items())
        ),
    )


def _order_rows(
    blotter: Blotter, names: Sequence[str], profit_of: Callable[[str], Decimal | None]
) -> Iterator[OrderRow]:
    """One pass over the orders, since this is drawn several times a second."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for ticket in blotter.tickets():
        if ticket.strategy not in counts:
            continue
        told = counts[ticket.strategy]
        told["orders"] += 1
        told["fills"] += len(ticket.fills)
        told[_FATES.get(ticket.order.status, "open") if ticket.order is not None else _UNSENT[ticket.outcome]] += 1
    for name, told in counts.items():
        profit = profit_of(name)
        yield OrderRow(strategy=name, **told, profit="" if profit is None else plain(rounded_price(profit)))


def _position_row(strategy: str, held: StrategyPosition, price: Decimal | None) -> PositionRow:
    return PositionRow(
        strategy=strategy,
        symbol=held.symbol,
        qty=plain(held.qty),
        entry_price=plain(rounded_price(held.entry_price)),
        price="" if price is None else plain(price),
        unrealized="" if price is None else plain(rounded_price(held.unrealized(price))),
        realized=plain(rounded_price(held.realized - held.fees)),
    )


def _stream_rows(markets: Markets) -> tuple[StreamRow, ...]:
    rows = []
    for (strategy, stream), totals in markets.books.read(markets.fanout.channels()).items():
        if strategy == NOBODY:  # the engine's own listeners
            continue
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
                received=totals.received,
                backfilled=totals.backfilled,
                delivered=totals.delivered,
                conflated=totals.conflated,
                dropped=totals.dropped,
                queued=totals.queued,
            )
        )
    return tuple(rows)


def _feed_rows(venue: Venue | None, session: Session) -> Iterator[FeedRow]:
    queue = Histogram()
    for run in session.runs:
        queue.merge(run.context.queue_lag)
    queue_ms = read_spread(queue)
    for stream in session.markets.streams.values():
        yield _feed_row(stream, venue, queue_ms)


def _feed_row(stream: FeedStream, venue: Venue | None, queue_ms: Spread) -> FeedRow:
    row = FeedRow(
        feed=stream.feed.name,
        state=stream.state,
        restarts=stream.restarts,
        connects=stream.connects,
        lag_ms=read_spread(stream.lag),
        queue_ms=queue_ms,
    )
    if venue is None:  # nothing was decoded
        return row
    counts = venue.feeds[stream.feed.name].counts
    return evolve(
        row,
        messages=counts.messages,
        malformed=counts.malformed,
        unknown_types=sum(counts.unknown_types.values()),
        unknown_fields=sum(counts.unknown_fields.values()),
    )


def _gap_rows(markets: Markets, newest: int | None) -> tuple[GapRow, ...]:
    holes = markets.holes.listed
    skipped = 0 if newest is None else max(0, len(holes) - newest)
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
        for hole in islice(holes, skipped, None)
    )


def _strategy_row(run: StrategyRun) -> StrategyRow:
    return StrategyRow(
        name=run.name,
        state=run.state,
        restarts=run.restarts,
        error=run.error or None,
        lag_ms=read_spread(run.context.lag),
    )


def read_spread(histogram: Histogram) -> Spread:
    """The three quantiles of a histogram of nanoseconds."""
    return Spread(
        p50=round(histogram.percentile_ns(0.5) / _NS_PER_MS, 3),
        p99=round(histogram.percentile_ns(0.99) / _NS_PER_MS, 3),
        max=round(histogram.max_ns / _NS_PER_MS, 3),
    )
