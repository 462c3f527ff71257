"""The account of one strategy in a replay: the desk as it is, over a shadow of an account that is made up, in memory.

Nothing here looks at files or polls a venue: nobody can reach into a replay from outside. What a live session does by
the clock for its own sake is done where it can matter: losses are measured each second while a strategy holds or works
something, and the books, which cannot come to differ from those of a broker in the same process, are compared rarely.
A quiet day costs nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import trio
from attrs import define

from engine.app.account import AccountSide
from engine.app.account.building import build_side
from engine.app.account.opening import SETTLE_S, settle
from engine.app.replay.memory import SESSION, MemoryLatches, MemoryStore
from engine.app.replay.options import ReplayOptions
from engine.app.replay.prices import OwnPrices
from engine.app.replay.truth import MadeUpTruth
from engine.core.matching.models import MODELS
from engine.errors import GaplessError
from engine.flow.account.killswitch import KillSwitch
from engine.flow.desk.tuning import DeskTuning
from engine.flow.markets import Markets
from engine.model.entry import Entry, Remembered
from engine.model.market import MarketEvent
from engine.ports.tape import Tape
from engine.venues.shadow import ShadowVenue

TICK_S: Final = 1.0
"""How often losses are measured while there is something to lose: as often as live."""
COMPARE_EVERY_S: Final = 3600.0
"""The books cannot differ from a broker's in the same process; but what an account can afford is read in a round."""
RARELY_S: Final = 10 * 365 * 86_400.0
"""In place of the desk's own seconds: longer than any tape."""


@define(eq=False, kw_only=True)
class ReplayAccount:
    """The account's side, and the market that its orders meet."""

    side: AccountSide
    shadow: ShadowVenue
    prices: OwnPrices

    def see(self, event: MarketEvent) -> bool:
        """Match orders against an event, before the strategy is told it; whether anything came of it."""
        self.prices.take(event)
        self.shadow.take(event)
        return not self.shadow.idle


@define(eq=False)
class _Seconds:
    """Measures losses each second while a strategy holds or works anything."""

    side: AccountSide

    @property
    def busy(self) -> bool:
        blotter = self.side.desk.blotter
        return any(blotter.positions(name) for name in blotter.strategies()) or bool(blotter.open_tickets())

    async def run(self) -> None:
        desk = self.side.desk
        while True:
            while not self.busy:
                await desk.record.bell.wait_any()
            while self.busy:
                desk.record.set_fence()
                desk.vet.check_day()
                await trio.sleep(TICK_S)


@asynccontextmanager
async def open_replay_account(
    options: ReplayOptions,
    tape: Tape,
    markets: Markets,
    prices: OwnPrices,
    *,
    keep: Callable[[Entry], None],
    report: Callable[[str], None],
    on_failure: Callable[[GaplessError], None],
) -> AsyncIterator[ReplayAccount]:
    """Open the account's side, ready for orders; ``keep`` is handed each entry of the order file that there is not."""
    truth = MadeUpTruth(options.cash, tape.symbols, tape.start_ns)
    shadow = ShadowVenue(truth=truth, clock=markets.clock, model=MODELS[options.fills], seed=options.seed)
    await shadow.open()
    for symbol in tape.symbols:  # so that it knows the market before the first order of a symbol
        await shadow.asset(symbol)
    async with trio.open_nursery() as nursery:

        def on_trip(scope: str) -> None:
            nursery.start_soon(side.flatten, scope, True)  # noqa: ASYNC113 - called much later; as 'run' does

        switch = KillSwitch(latches=MemoryLatches(), on_trip=on_trip, now_ns=markets.clock.now_ns, report=report)
        side = build_side(
            markets=markets,
            broker=shadow,
            feed=shadow,
            store=MemoryStore(keep),
            remembered=Remembered(session=SESSION, next_seq={}),
            switch=switch,
            limits=options.limits,
            strategy_limits=options.strategy_limits,
            random=Random(f"{options.seed}/account"),
            report=report,
            shadow=True,
            told=prices,
            tuning=DeskTuning(tick_s=RARELY_S, reconcile_every_s=COMPARE_EVERY_S),
        )

        async def guard(task: Callable[[], Awaitable[object]]) -> None:
            try:
                await task()
            except GaplessError as failure:
                on_failure(failure)

        nursery.start_soon(shadow.run)
        nursery.start_soon(guard, side.desk.run)
        nursery.start_soon(guard, side.stream.run)
        nursery.start_soon(guard, _Seconds(side).run)
        try:
            yield ReplayAccount(side=side, shadow=shadow, prices=prices)
        finally:
            with trio.move_on_after(SETTLE_S, shield=True) as patience:
                await settle(side.desk)
            if patience.cancelled_caught:
                report(f"The outcome of some orders was not known {SETTLE_S:g} s after the end of the replay.")
            side.close()
            nursery.cancel_scope.cancel()
