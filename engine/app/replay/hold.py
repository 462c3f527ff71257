"""The session of one replay, inside its run of Trio."""

import signal
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from types import FrameType
from typing import Any, Final, cast

import trio
from attrs import define, evolve
from loguru import logger

from engine.app.figures import read_figures
from engine.app.plugins.trading import may_trade
from engine.app.replay.account import open_replay_account
from engine.app.replay.accounts import ReplayAccounts
from engine.app.replay.counted import CountedTape
from engine.app.replay.keeper import Keeper
from engine.app.replay.memory import strategy_of
from engine.app.replay.options import ReplayOptions
from engine.app.replay.paced import PacedClock
from engine.app.replay.prices import OwnPrices
from engine.app.replay.seal.act import watched
from engine.app.report import EndedBy, SessionReport
from engine.codec.entries import render_entry
from engine.flow.journal import JournaledContext, Line
from engine.flow.markets import Markets
from engine.flow.replay.clock import ReplayClock, TapeClock
from engine.flow.replay.drive import Replay
from engine.flow.replay.lease import LentChannel, TapeFanout
from engine.flow.replay.stream import TAPE_FEED, TapeFeed, TapeHistory, TapeStream
from engine.flow.replay.turnstile import Turnstile
from engine.flow.runner import StrategyRun
from engine.flow.session import Ending, Session
from engine.flow.supervisor import sole_failure
from engine.flow.tuning import StreamTuning
from engine.model.entry import Entry
from engine.model.intent import Ticket
from engine.model.journal import Kept

STOP_WITHIN_S: Final = 4.0
"""Market time that strategies have to leave once the tape is over: as live."""
SAID_MAX: Final = 100_000
"""Lines of ``ctx.log`` that come back; all of them are in the log."""


@define(eq=False)
class Held:
    """What a session leaves behind."""

    report: SessionReport
    said: list[str]
    tickets: tuple[Ticket, ...]


async def hold(options: ReplayOptions, tape: CountedTape, clock: ReplayClock, keeper: Keeper) -> Held:
    """Hold the session: to the end of the tape, of its strategies, or until Ctrl-C."""
    time = TapeClock(clock)
    started_s, ending, said = trio.current_time(), Ending(), list[str]()

    def say(name: str, message: str) -> None:
        if len(said) < SAID_MAX:
            said.append(f"{name}: {message}")
        logger.bind(strategy=name).info("{}: {}", name, message)

    fanout = TapeFanout()
    markets = Markets(
        clock=time,
        feed_of=lambda _: TAPE_FEED,
        make_feed=lambda name: TapeFeed(name, TapeHistory(tape, lambda: fanout.known_ns(time.now_ns()))),
        tuning=StreamTuning(),
        seed=options.seed,
        say=say,
        report=_report,
        on_failure=ending.fail,
        run_feed=lambda _, feed: TapeStream(feed=cast(TapeFeed, feed)),
        fanout=fanout,
        channel_class=LentChannel,
    )
    turnstile = Turnstile()
    async with trio.open_nursery() as time_nursery:
        async with _open_accounts(options, tape, markets, keeper, ending, fanout) as accounts:
            session = ending.session = _build_session(options, markets, accounts, keeper, turnstile)
            if ending.failure is not None:
                session.fail(ending.failure)
            await time_nursery.start(_watch_signals, session, clock)

            def end() -> None:
                session.stop("tape")
                for account in accounts.by_strategy.values():
                    time_nursery.start_soon(account.shadow.stand)

            replay = Replay(
                tape=tape,
                markets=markets,
                clock=clock,
                time=time,
                turn=turnstile,
                see=accounts.see if accounts.by_strategy else None,
                idle=accounts.idle,
                on_end=end,
                gaps=tape.gaps,
                fast=options.fast and not options.speed,
            )
            time_nursery.start_soon(replay.run)

            await session.run()
        figures = read_figures(session, None, started_s, cast(EndedBy, session.ended_by))
        time_nursery.cancel_scope.cancel()
    return Held(evolve(figures, account=accounts.row()), said, accounts.tickets())


def _report(sentence: str) -> None:
    logger.warning("{}", sentence)


@asynccontextmanager
async def _open_accounts(
    options: ReplayOptions,
    tape: CountedTape,
    markets: Markets,
    keeper: Keeper,
    ending: Ending,
    fanout: TapeFanout,
) -> AsyncIterator[ReplayAccounts]:
    """An account for each strategy that may trade; what their nurseries raise comes out as it was."""

    def keep(entry: Entry) -> None:
        at_ns = markets.clock.now_ns()
        keeper.note(Kept(fanout.seq, at_ns, strategy_of(entry), render_entry(entry)))

    accounts = {}
    try:
        async with AsyncExitStack() as stack:
            for loaded in options.strategies:
                if may_trade(loaded.strategy):
                    prices = OwnPrices(markets, fanout.settle)
                    opening = open_replay_account(
                        options, tape, markets, prices, keep=keep, report=_report, on_failure=ending.fail
                    )
                    name = loaded.name or loaded.strategy.name
                    accounts[name] = await stack.enter_async_context(opening)
            yield ReplayAccounts(fanout, accounts)
    except BaseExceptionGroup as group:
        failure = sole_failure(group)
        if failure is None:
            raise
        raise failure from None


def _build_session(
    options: ReplayOptions, markets: Markets, accounts: ReplayAccounts, keeper: Keeper, turnstile: Turnstile
) -> Session:
    line = Line(lambda: markets.fanout.seq, markets.clock.now_ns, (keeper,))
    runs = []
    for loaded in options.strategies:
        name = loaded.name or loaded.strategy.name
        run = watched(loaded) if options.sealed else loaded
        account = accounts.by_strategy.get(name)
        trading = None if account is None else account.side.trading_of(name)
        dice = Random(f"{options.seed}/strategy/{name}")
        made = StrategyRun(name, run.strategy, loaded.params, markets, dice, trading)
        made.journaled = JournaledContext(made.context, line, turnstile)
        runs.append(made)
    return Session(markets=markets, runs=runs, stop_within_s=STOP_WITHIN_S)


async def _watch_signals(session: Session, clock: ReplayClock, *, task_status: trio.TaskStatus[None]) -> None:
    """Ctrl-C ends the session in order; a second one the patience with its strategies. Elsewhere than in the main
    thread there are no signals."""
    if threading.current_thread() is not threading.main_thread():
        task_status.started()
        return
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        _wake_on_signals(clock)
        task_status.started()
        hurry = False
        async for number in signals:
            session.stop(signal.Signals(number).name)
            if hurry:
                session.hurry()
            hurry = True


def _wake_on_signals(clock: ReplayClock) -> None:
    """A clock that waits for the wall holds up Trio too, so it is told of a signal before Trio is."""
    if not isinstance(clock, PacedClock):
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        trios = signal.getsignal(number)

        def handle(number: int, frame: FrameType | None, trios: Any = trios) -> None:
            clock.hurried = True
            trios(number, frame)

        signal.signal(number, handle)  # Trio puts back what was there before its own
