"""One run, root nursery to root nursery.

The nurseries are an onion: strategies outside, the sources of data inside, so that data stops first and strategies
see the end of their subscriptions instead of being cut off. There is one way to stop, whatever the cause (a signal,
the end of the tape, the time asked for, a failure): cancel the sources, close the channels, let the strategies finish
inside a deadline, then cancel what is left.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio
from attrs import define, field

from engine.errors import GaplessError
from engine.flow.markets import Markets
from engine.flow.runner import StrategyRun

LINGER_S: Final = 12.0
"""After being cancelled, before a person is told: longer than a block of orders takes that is not given more time."""


@define(eq=False, kw_only=True)
class Session:
    """Strategies on a market. ``stop_within_s``: how long strategies may take to finish once the data has ended."""

    markets: Markets
    runs: Sequence[StrategyRun]
    stop_within_s: float
    failure: GaplessError | None = None
    ended_by: str = ""
    _stopping: trio.Event = field(factory=trio.Event)
    _over: trio.Event = field(factory=trio.Event)
    """Set when every strategy has ended, or when nobody will wait for them any longer."""

    def stop(self, cause: str) -> None:
        """End the session in order; the first cause is the one that is told."""
        if not self._stopping.is_set():
            self.ended_by = cause
            self._stopping.set()

    def fail(self, failure: GaplessError) -> None:
        """A feed ended for good."""
        if self.failure is None:
            self.failure = failure
        self.stop("error")

    def hurry(self) -> None:
        """Do not wait for strategies to finish: cancel them as soon as the sources have stopped."""
        self._over.set()

    async def run(self, *background: Callable[[], Awaitable[object]]) -> None:
        """Run until stopped, or until every strategy has ended. ``background`` tasks live as long as the sources."""
        async with trio.open_nursery() as watch_nursery:
            async with trio.open_nursery() as strategy_nursery:
                async with trio.open_nursery() as source_nursery:
                    for task in background:
                        source_nursery.start_soon(task)
                    await source_nursery.start(self.markets.run)
                    strategy_nursery.start_soon(self._run_strategies)
                    await self._stopping.wait()
                    source_nursery.cancel_scope.cancel()
                self.markets.close_channels()
                with trio.move_on_after(self.stop_within_s):
                    await self._over.wait()
                watch_nursery.start_soon(self._tell_lingering)
                strategy_nursery.cancel_scope.cancel()
            watch_nursery.cancel_scope.cancel()

    async def _tell_lingering(self) -> None:
        """Say for whom a session waits that should be over: a strategy can shield itself, and nothing here ends it."""
        await trio.sleep(LINGER_S)
        for run in self.runs:
            if run.state == "running":
                self.markets.report(
                    f"Strategy {run.name} was cancelled {LINGER_S:g} s ago and is still on its way out: a block of "
                    "orders has its own time (within=...), and what it shields itself has no end but its own."
                )

    async def _run_strategies(self) -> None:
        try:
            async with trio.open_nursery() as nursery:
                for run in self.runs:
                    nursery.start_soon(run.run, name=f"strategy {run.name}")
        finally:
            self._over.set()
            self.stop("strategies")


@define(eq=False)
class Ending:
    """Takes what ends a session for good, also before there is one: the first failure ends it, once it is there."""

    session: Session | None = None
    failure: GaplessError | None = None

    def fail(self, failure: GaplessError) -> None:
        """This ends it."""
        self.failure = self.failure or failure
        if self.session is not None:
            self.session.fail(failure)
