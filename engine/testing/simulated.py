"""The exchange of the ``exchange`` fixture: on a virtual network, in virtual time, with a session a line away.

Nothing in it is a double. The exchange listens, trio-websocket and httpx connect, the engine runs as ``gapless run``
runs it; only the network and the clock are not this machine's.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio

from engine.app.options import RunOptions, Tuning
from engine.app.secrets import Secret
from engine.exchange.market import Source
from engine.exchange.serve import ExchangeOptions, Running, open_exchange
from engine.model.instant import NS_PER_S
from engine.ports import CallbackStrategy, Strategy
from engine.testing.exchange import Exchange
from engine.testing.network import Network
from engine.testing.session import SessionResult, run_session

T = TypeVar("T")


class SimulatedExchange(Exchange):
    """An exchange in this run of Trio. ``market`` and ``running`` may be read directly."""

    def __init__(self, running: Running, options: ExchangeOptions) -> None:
        super().__init__(running, options, _here)
        self.running = running
        self.market = running.market

    async def run(
        self,
        strategy: Strategy | type[CallbackStrategy] | str,
        params: Mapping[str, Any] | Any = None,
        *,
        for_s: float,
        may_fail: bool = False,
        tuning: Tuning | None = None,
    ) -> SessionResult:
        """Run a whole session of one strategy for ``for_s`` seconds of virtual time, and tell what it was.

        ``strategy`` is what ``@strategy`` made, a `CallbackStrategy` class, or a name as ``gapless run`` takes it;
        ``params`` an instance of its parameters' class, or their names and values.

        An exception that ended the strategy is raised here, unless it ``may_fail``: then its sentence is in
        ``failures``. What ends a whole session (keys refused, a line that stays away) is raised as its `GaplessError`.
        """
        options = RunOptions(
            strategies=(),
            for_s=for_s,
            key_id=Secret(self.key_id),
            secret=Secret(self.secret),
            tuning=tuning or Tuning(),
        )
        return await run_session(self.running, options, strategy, params, may_fail=may_fail)


def _here(function: Callable[[], T], /) -> T:
    return function()


@asynccontextmanager
async def open_simulated(
    options: ExchangeOptions, network: Network | None = None, source: Source | None = None
) -> AsyncIterator[SimulatedExchange]:
    """Open an exchange on a virtual network, which is the only one of this run of Trio while the block runs.

    ``source`` stands in for the market that the options describe.
    """
    opened_s = trio.current_time()

    def wall_s() -> float:
        return running.market.source.start_ns / NS_PER_S + trio.current_time() - opened_s

    with (network or Network()).use():
        async with open_exchange(options, source, wall_s=wall_s) as running:
            yield SimulatedExchange(running, options)
