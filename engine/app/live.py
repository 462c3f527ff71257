"""A live session from options to report: reach the venue, run the strategies, end in order."""

import math
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from time import time_ns
from typing import cast

import trio
from loguru import logger

from engine.app.account import AccountSide, open_account_side
from engine.app.beside.engine import attach
from engine.app.figures import read_figures
from engine.app.logs import redacted
from engine.app.options import RunOptions, Tuning
from engine.app.plugins.trading import may_trade
from engine.app.record.closing import keep_figures
from engine.app.record.open import recording_for
from engine.app.report import EndedBy, SessionReport
from engine.app.wiring import Venue, open_venue
from engine.errors import GaplessError, Misconfigured
from engine.exchange.serve import Running
from engine.flow.journal import JournaledContext, Line, open_line
from engine.flow.markets import Markets
from engine.flow.runner import StrategyRun
from engine.flow.session import Ending, Session
from engine.flow.supervisor import sole_failure
from engine.flow.tuning import StreamTuning
from engine.ports.journal import Journal
from engine.ports.steps import Probe, ignore
from engine.store.sqlite import RunSync

# How often the end of a tape is looked for, and how long every line must have been silent by then: longer than a
# frame can be on its way over loopback or a network, short enough not to be felt. Seconds of Trio's clock.
_END_POLL_S = 0.25
_END_QUIET_S = 0.5


async def run_live(
    options: RunOptions,
    *,
    exchange: Running | None = None,
    run_sync: RunSync = trio.to_thread.run_sync,
    probe: Probe = ignore,
    beside: Callable[[AccountSide], Awaitable[None]] | None = None,
    wall_ns: Callable[[], int] = time_ns,
    journal: Journal | None = None,
) -> SessionReport:
    """Run one session. ``exchange``: one that is already open, in place of the one the options would start.

    SIGINT and SIGTERM end it in order and are told in ``ended_by``; a second signal cuts the strategies' exit short.
    Raises the `GaplessError` that ended it, after the same orderly stop.

    ``run_sync`` runs what blocks (a simulation has no threads), ``probe`` is told the steps of orders, ``beside`` runs
    with the sources where there is an account, and ``wall_ns`` is this machine's clock, nanoseconds since the epoch.
    ``journal`` is told what crosses to and from strategies, where the options name no folder for that.
    """
    started_s = trio.current_time()
    report = _Reporter()
    async with open_venue(options, report, exchange=exchange, wall_ns=wall_ns) as venue:
        ending = Ending()

        async def run_clock(**status: trio.TaskStatus[None]) -> None:
            try:
                await venue.clock.run(**status)
            except GaplessError as failure:  # such as keys that were withdrawn: the same orderly stop as for a feed
                if ending.session is None:
                    raise
                ending.fail(failure)

        async with trio.open_nursery() as clock_nursery:
            await clock_nursery.start(run_clock)
            if venue.clock.skewed:
                report(
                    f"This machine's clock is {abs(venue.clock.skew_s or 0):.1f} s off the venue's: lags and history's "
                    "bounds are wrong by as much. Set it (for example with NTP)."
                )
            markets = build_markets(options, venue, report, ending.fail)
            async with (
                AsyncExitStack() as lines,
                recording_for(options, venue, markets, report, ending.fail, run_sync=run_sync) as recording,
                _open_account(options, venue, markets, report, ending.fail, run_sync, probe) as account,
            ):
                fanout = markets.fanout
                told = fanout.journal = fanout.journal or journal
                line = lines.enter_context(open_line(lambda: fanout.seq, markets.clock.now_ns, told, redacted))
                session = ending.session = build_session(options, markets, account, line)
                if ending.failure is not None:
                    session.fail(ending.failure)
                if options.watcher is not None:
                    options.watcher(lambda: read_figures(session, venue, started_s, account=account))
                await clock_nursery.start(_watch_signals, session)
                background = _background(options, session, venue)
                if account is not None and recording is not None:
                    recording.tickets = account.desk.blotter.tickets
                if account is not None and beside is not None:
                    side, task = account, beside
                    background.append(lambda: task(side))
                async with attach(options, session, venue, account, report):
                    await session.run(*background)
            clock_nursery.cancel_scope.cancel()
        figures = read_figures(session, venue, started_s, cast(EndedBy, session.ended_by), account=account)
        await keep_figures(options, figures, account, report, run_sync=run_sync)
    failures = [session.failure, *(run.failure for run in session.runs if isinstance(run.failure, Misconfigured))]
    for failure in failures:
        if failure is not None:
            raise failure
    return figures


@asynccontextmanager
async def _open_account(
    options: RunOptions,
    venue: Venue,
    markets: Markets,
    report: Callable[[str], None],
    on_failure: Callable[[GaplessError], None],
    run_sync: RunSync,
    probe: Probe,
) -> AsyncIterator[AccountSide | None]:
    """The account's side where a strategy may trade; what its nursery raises comes out as it was."""
    if not any(may_trade(loaded.strategy) for loaded in options.strategies):
        yield None
        return
    try:
        async with open_account_side(
            options, venue, markets, report, on_failure, run_sync=run_sync, probe=probe
        ) as account:
            yield account
    except BaseExceptionGroup as group:
        failure = sole_failure(group)
        if failure is None:
            raise
        raise failure from None


def build_markets(
    options: RunOptions, venue: Venue, report: Callable[[str], None], on_failure: Callable[[GaplessError], None]
) -> Markets:
    """The market side of a session, at a venue whose clock has been read."""
    return Markets(
        clock=venue.clock,
        feed_of=venue.feed_of,
        make_feed=venue.make_feed,
        tuning=stream_tuning(options.tuning),
        seed=options.exchange.seed,
        say=lambda name, message: logger.bind(strategy=name).info("{}: {}", name, message),
        report=report,
        on_failure=on_failure,
    )


def build_session(
    options: RunOptions, markets: Markets, account: AccountSide | None = None, line: Line | None = None
) -> Session:
    """The session of these options. Without an account its strategies only watch; on a ``line`` they are recorded."""
    runs = [
        StrategyRun(
            loaded.name or loaded.strategy.name,
            loaded.strategy,
            loaded.params,
            markets,
            Random(f"{options.exchange.seed}/strategy/{loaded.name}"),
            account.trading_of(loaded.name or loaded.strategy.name) if account and may_trade(loaded.strategy) else None,
        )
        for loaded in options.strategies
    ]
    if line is not None:
        for run in runs:
            run.journaled = JournaledContext(run.context, line)
    return Session(markets=markets, runs=runs, stop_within_s=options.tuning.stop_within_s)


def stream_tuning(tuning: Tuning) -> StreamTuning:
    """The tuning of market streams."""
    return StreamTuning(
        silence_s=tuning.silence_s,
        settle_s=tuning.backfill_settle_s,
        overlap_s=tuning.overlap_s,
        give_up_s=tuning.backfill_give_up_s,
    )


def _background(options: RunOptions, session: Session, venue: Venue) -> list[Callable[[], Awaitable[None]]]:
    tasks: list[Callable[[], Awaitable[None]]] = []
    if options.for_s is not None:
        for_s = options.for_s
        tasks.append(lambda: _stop_after(session, for_s))
    if options.until_tape_ends:
        tasks.append(lambda: _stop_at_end(session, venue))
    return tasks


async def _stop_after(session: Session, for_s: float) -> None:
    await trio.sleep(for_s)
    session.stop("for")


async def _stop_at_end(session: Session, venue: Venue) -> None:
    """Wait until the tape is over and every feed has proved that it told all of it."""
    # The venue only tells when it is asked, so this asks.
    while not (venue.clock.ended and await session.markets.complete(_END_QUIET_S)):  # noqa: ASYNC110 - as said
        await trio.sleep(_END_POLL_S)
    session.stop("tape")


async def _watch_signals(session: Session, *, task_status: trio.TaskStatus[None]) -> None:
    """The first signal ends the session, the next one the patience with its strategies; watched to the very end, so
    that no signal finds its default, which would be an end without a summary."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        hurry = False
        async for number in signals:
            session.stop(signal.Signals(number).name)
            if hurry:
                session.hurry()
            hurry = True


class _Reporter:
    """Tells a sentence to the person who runs this, the same one once a second at most and not for ever."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def __call__(self, sentence: str) -> None:
        now_s = trio.current_time()
        if now_s - self._told.get(sentence, -math.inf) >= 1.0:
            if len(self._told) > 1000:  # sentences differ by figures; the oldest are not needed to tell repeats
                self._told.clear()
            self._told[sentence] = now_s
            logger.warning("{}", sentence)
