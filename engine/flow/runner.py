"""Running one strategy: its task, its scope, its restart rule, and what became of it.

An exception ends only its own strategy. It is told to the person who runs this and to everyone who listens to the
lifecycle; whether the strategy starts again is for its own restart policy to say.

Each run is one implicit block of orders (``on_exit="cancel"``): what a strategy placed outside a block of its own is
canceled when the run ends, whether it returned, failed, is started again or is stopped with the session.
"""

import traceback
from contextlib import AbstractAsyncContextManager, nullcontext
from random import Random
from typing import Any

import trio
from attrs import define, field

from engine.core.restart import RestartPolicy
from engine.errors import AskHuman, BudgetSpent, GaplessError, HaltStrategy, StrategyFailed
from engine.flow.context import StrategyContext
from engine.flow.journal import JournaledContext
from engine.flow.markets import Markets
from engine.flow.supervisor import sole_failure, supervise
from engine.flow.trading import Trading
from engine.model.control import Halted
from engine.model.journal import writable
from engine.ports import Strategy


@define(eq=False)
class StrategyRun:
    """One strategy of a session. ``state``: waiting, running, restarting, finished, failed, stopped.

    ``trading`` is its order side, ``None`` in a session that only reads. ``journaled`` is given to the strategy in
    place of its context where what crosses between the two is written down.
    """

    name: str
    strategy: Strategy
    params: Any
    markets: Markets
    random: Random
    trading: Trading | None = None
    context: StrategyContext = field(init=False)
    journaled: JournaledContext | None = None
    state: str = "waiting"
    restarts: int = 0
    retry_at_s: float | None = None
    """When it is started again, by Trio's clock, while it is ``restarting``."""
    error: str = ""
    failure: GaplessError | None = None
    traceback: str = ""

    def __attrs_post_init__(self) -> None:
        self.context = StrategyContext(self.name, self.markets, self.trading)

    async def run(self) -> None:  # noqa: ASYNC910 - a strategy that never waits ends at once
        """Run until the strategy returns, is cancelled, or has failed for good; never raises for its exceptions."""
        if self.journaled is None:
            await self._run()
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.journaled.watch)
            await self._run()
            self.journaled.track.close()
            nursery.cancel_scope.cancel()

    async def _run(self) -> None:  # noqa: ASYNC910 - as above
        policy = self.strategy.restart or RestartPolicy(restarts_max=0)
        try:
            await supervise(
                self._run_once,
                policy,
                name=f"strategy {self.name}",
                random=self.random,
                retry=StrategyFailed,
                on_restart=self._on_restart,
            )
            self.state = "finished"
        except (HaltStrategy, AskHuman) as halted:
            self._fail(halted)
        finally:
            if self.state == "running":
                self.state = "stopped"

    async def _run_once(self) -> None:
        self.state, self.retry_at_s = "running", None
        self.error = ""  # what an earlier run ended with is told by `restarts`
        context = self.context if self.journaled is None else self.journaled
        arguments = (context,) if self.strategy.params is None else (context, self.params)
        try:
            async with self._block():
                with nullcontext() if self.journaled is None else self.journaled.running():
                    await self.strategy.run(*arguments)
        except (Exception, BaseExceptionGroup) as error:  # a strategy is other people's code: whatever it raises
            if isinstance(error, BaseExceptionGroup):
                cancelled, rest = error.split(trio.Cancelled)
                if cancelled is not None:
                    # The session ends; what its clean-up raised beside that is told, and the cancel goes on.
                    if rest is not None:
                        self._note(rest)
                        self.markets.report(f"strategy {self.name} raised {self.error} while it was being stopped")
                    raise cancelled from None
            self._note(error)
            ours = sole_failure(error)
            if isinstance(ours, HaltStrategy | AskHuman):
                raise ours from None
            raise StrategyFailed(f"strategy {self.name} raised {self.error}") from error

    def _block(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self.trading is None else self.trading.run()

    def _note(self, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        where = ""
        for frame in traceback.extract_tb(error.__traceback__):
            where = f" at {frame.filename}:{frame.lineno}"
        self.error = writable(f"{type(error).__name__}: {error}{where}")
        self.traceback = writable("".join(traceback.format_exception(error)))

    def _on_restart(self, failure: GaplessError, delay_s: float) -> None:
        self.restarts += 1
        self.state, self.retry_at_s = "restarting", trio.current_time() + delay_s
        self.context.restart()
        self.markets.report(f"{failure}; starting it again in {delay_s:.1f} s")

    def _fail(self, failure: GaplessError) -> None:
        self.state = "failed"
        spent = isinstance(failure, BudgetSpent) and self.error
        self.failure = StrategyFailed(f"strategy {self.name} raised {self.error}") if spent else failure
        self.error = self.error or str(failure)
        if not isinstance(self.failure, AskHuman):  # that one is what the whole run ends with
            self.markets.report(str(self.failure))
        self.markets.announce(Halted(self.name, self.markets.clock.now_ns(), self.error))
