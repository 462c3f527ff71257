"""Reading the overview of a running engine: every row from what the parts of the session say of themselves.

It is read in Trio's thread in one step, so that all of it is of one moment, up to four times a second; nothing here
waits, sends, or asks the disk, but for the kill switch's latch.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

import trio

from engine.app.account import AccountSide
from engine.app.beside.engine import Engine
from engine.app.beside.overview import AlarmRow, ChannelRow, MomentRow, OpenOrderRow, Overview, TaskRow
from engine.app.figures import read_figures, read_spread
from engine.core.calendar import phase_at
from engine.core.lifecycle import rounded_price
from engine.core.rules import plain
from engine.flow.markets import NOBODY
from engine.model.instant import NS_PER_S, render_instant
from engine.model.intent import Intent, Ticket
from engine.model.order import Order, OrderRequest
from engine.ports.alarms import Alarm
from engine.store.session import Recording

GAPS_MAX: Final = 200
"""Of the gaps the newest: a session keeps ten thousand, and to write those down takes some 50 ms."""
ORDERS_MAX: Final = 500
"""Open orders in the overview, the newest: more than a person looks through, 2 ms to write down."""
MOMENTS_SHOWN_MAX: Final = 100
"""The latest moments; all that are kept would be 100 kB four times a second."""
OPEN, ACKNOWLEDGED, OVER = "open", "acknowledged", "over"


def read_overview(engine: Engine) -> Overview:
    """Everything of this moment."""
    markets = engine.markets
    now_ns = markets.clock.now_ns()
    report = read_figures(engine.session, engine.venue, engine.opened_s, account=engine.account, gaps_max=GAPS_MAX)
    return Overview(
        version=read_version(),
        pid=os.getpid(),
        session=name_session(engine),
        venue=engine.options.venue,
        now=render_instant(now_ns),
        uptime_s=report.duration_s,
        phase=phase_at(now_ns).value,
        loop_lag_ms=read_spread(engine.loop_lag),
        report=report,
        tasks=tuple(_tasks(engine)),
        channels=tuple(_channels(engine)),
        heard=tuple(engine.heard()),
        orders=() if engine.account is None else _orders(engine.account, now_ns),
        alarms=tuple(_alarm(alarm) for alarm in engine.alarms.standing()),
        moments=_moments(engine),
    )


@lru_cache(maxsize=1)
def read_version() -> str:
    """The version that is installed, empty where it runs from its folder."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("gapless")
    except PackageNotFoundError:
        return ""


def name_session(engine: Engine) -> str:
    """What a person calls this session: its folder's name, or its strategies."""
    folder = engine.options.record_dir
    return "+".join(run.name for run in engine.session.runs) if folder is None else folder.name


# -- the nursery tree, from the outside in


def _tasks(engine: Engine) -> Iterator[TaskRow]:
    """As in ARCHITECTURE.md: what is further out outlives what is further in."""
    ended_by = engine.session.ended_by
    yield TaskRow(name="session", depth=0, state=f"stopping ({ended_by})" if ended_by else "running")
    yield _clock_row(engine)
    yield from _recording(engine)
    if engine.account is not None:
        yield from _account(engine.account)
    for run in engine.session.runs:
        yield TaskRow(
            name=f"strategy {run.name}",
            depth=2,
            state=run.state,
            restarts=run.restarts,
            retry_in_s=_until(run.retry_at_s),
            detail=run.error,
        )
    for stream in engine.markets.streams.values():
        yield TaskRow(
            name=f"feed {stream.feed.name}",
            depth=3,
            state=stream.state,
            restarts=stream.restarts,
            retry_in_s=_until(stream.retry_at_s),
            detail=f"connected {stream.connects} times",
        )


def _until(at_s: float | None) -> float | None:
    return None if at_s is None else round(max(0.0, at_s - trio.current_time()), 3)


def _clock_row(engine: Engine) -> TaskRow:
    clock = engine.venue.clock
    skew = f"this machine is {clock.skew_s:.3f} s off" if clock.skew_s is not None else ""
    return TaskRow(
        name="market clock", depth=1, state="ended" if clock.ended else f"speed {clock.speed:g}", detail=skew
    )


def _recording(engine: Engine) -> Iterator[TaskRow]:
    journal = engine.markets.fanout.journal
    if isinstance(journal, Recording):
        state = "failed" if journal.failure else "recording"
        yield TaskRow(name="recording", depth=1, state=state, detail=journal.failure or str(journal.folder))


def _account(account: AccountSide) -> Iterator[TaskRow]:
    blocked = account.desk.gate.account_blocked
    killed = account.killed
    yield TaskRow(name="desk", depth=1, state="waits" if blocked else "ready", detail=blocked)
    yield TaskRow(
        name="account stream",
        depth=1,
        state=account.stream.state,
        restarts=account.stream.restarts,
        retry_in_s=_until(account.stream.retry_at_s),
        detail=f"books compared {account.desk.rounds} times",
    )
    yield TaskRow(name="kill switch", depth=1, state="tripped" if killed else "armed", detail=killed)


def _channels(engine: Engine) -> Iterator[ChannelRow]:
    for channel, _ in engine.markets.fanout.channels():
        if channel.strategy != NOBODY:
            yield ChannelRow(
                strategy=channel.strategy,
                name=channel.name,
                waiting=len(channel.queue) + channel.unseen,
                capacity=channel.queue.capacity,
                full=channel.queue.full,
            )


# -- orders, alarms, moments


def _orders(account: AccountSide, now_ns: int) -> tuple[OpenOrderRow, ...]:
    tickets = account.desk.blotter.open_tickets()
    return tuple(_order(ticket, now_ns) for ticket in tickets[-ORDERS_MAX:])


def _order(ticket: Ticket, now_ns: int) -> OpenOrderRow:
    """By what the venue says of it, and before it says anything by what was asked."""
    told: Order | OrderRequest | None = ticket.order or (ticket.intent.request if ticket.intent is not None else None)
    side = told.side if told is not None else None
    order = ticket.order
    return OpenOrderRow(
        strategy=ticket.strategy,
        symbol="" if told is None else told.symbol,
        side="" if side is None else side.value,
        type="" if told is None else told.type.value,
        qty=_asked(told),
        filled="0" if order is None else plain(order.filled_qty),
        limit=_price(None if told is None else told.limit_price),
        stop=_price(None if told is None else told.stop_price),
        status=ticket.outcome.value if order is None else order.status.value,
        age_s=_age_s(order, ticket.intent, now_ns),
        client_order_id=ticket.client_order_id,
    )


def _asked(told: Order | OrderRequest | None) -> str:
    if told is None:
        return ""
    if told.qty is not None:
        return plain(told.qty)
    return "" if told.notional is None else f"${plain(told.notional)}"


def _price(price: Decimal | None) -> str:
    return "" if price is None else plain(rounded_price(price))


def _age_s(order: Order | None, intent: Intent | None, now_ns: int) -> float:
    since_ns = intent.at_ns if intent is not None else (order.created_ns or order.submitted_ns) if order else 0
    return round(max(0, now_ns - since_ns) / NS_PER_S, 3) if since_ns else 0.0


def _alarm(alarm: Alarm) -> AlarmRow:
    finding = alarm.finding
    state = OVER if alarm.over else ACKNOWLEDGED if alarm.acknowledged else OPEN
    return AlarmRow(
        key=finding.key,
        severity=finding.severity.value,
        title=finding.title,
        text=finding.text,
        since=_wall(alarm.since_s),
        last=_wall(alarm.last_s),
        count=alarm.count,
        state=state,
        acknowledged_by=alarm.acknowledged,
    )


def _wall(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _moments(engine: Engine) -> tuple[MomentRow, ...]:
    latest = list(engine.moments)[-MOMENTS_SHOWN_MAX:]
    return tuple(reversed(latest))
