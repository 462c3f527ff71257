"""Whole sessions at an exchange in memory: what users suffered is done to the engine, and both sides' books are read.

Everything is real but the network and the clock. The exchange's books are read where it keeps them, not through its
doors, so that what a fault hides from the engine is not hidden from the test.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
import trio
from attrs import define, field
from loguru import logger

from engine import Context, strategy
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.app.report import SessionReport
from engine.app.secrets import Secret
from engine.core.matching.ledger import AccountTerms
from engine.core.matching.venue import Matching
from engine.exchange.rest.received import Received
from engine.model.control import Alarm, ControlEvent
from engine.model.order import Order
from engine.ports import Strategy
from engine.store import read_store
from engine.testing.chaos.day import memory_folder
from engine.testing.chaos.verdict import differences
from engine.testing.inline import run_inline
from engine.testing.simulated import SimulatedExchange

COIN = "BTC/USD"
PERIOD_S = 75.0
"""In which books are compared at least once (each minute), and a difference is seen a second time."""


@define
class Play:
    """One account at one exchange, and sessions on it, one after the other."""

    exchange: SimulatedExchange
    folder: Path
    said: list[str] = field(factory=list)
    """What was told to the person who runs it."""
    notices: list[ControlEvent] = field(factory=list)

    async def hold(
        self,
        *strategies: Strategy,
        beside: Callable[[Any], Awaitable[None]] | None = None,
        for_s: float = 120.0,
        may_fail: Sequence[str] = (),
        rest_per_minute: int | None = None,
        **options: Any,
    ) -> SessionReport:
        """Hold a session. A strategy that fails fails the test, but for those that ``may_fail``."""
        loaded = (*strategies, self._listener())
        given = RunOptions(
            strategies=tuple(LoadedStrategy(one, name=one.name) for one in loaded),
            for_s=for_s,
            key_id=Secret(self.exchange.key_id),
            secret=Secret(self.exchange.secret),
            state=self.folder,
            tuning=Tuning(silence_s=600.0, rest_per_minute=rest_per_minute),  # these markets are slow
            **options,
        )
        report = await run_live(given, exchange=self.exchange.running, run_sync=run_inline, beside=beside)
        failed = {row.name: row.error for row in report.strategies if row.error and row.name not in may_fail}
        assert not failed
        return report

    def _listener(self) -> Strategy:
        @strategy(trades=False)
        async def listener(ctx: Context) -> None:
            async with ctx.lifecycle() as notices:
                async for notice in notices:
                    self.notices.append(notice)

        return listener

    @property
    def alarms(self) -> list[str]:
        """What a person should have been told at once."""
        return [notice.message for notice in self.notices if isinstance(notice, Alarm)]

    @property
    def matching(self) -> Matching:
        """The truth."""
        return self.exchange.running.brokerage.matching

    def wrong(self, account: Any) -> list[str]:
        """Every difference between the books of both sides, and the file, to the cent."""
        return differences(account.desk.blotter, self.matching, AccountTerms().cash, read_store(self.folder))

    def held(self, symbol: str = COIN) -> Decimal:
        """What the exchange says is held."""
        position = self.matching.position(symbol)
        return Decimal(0) if position is None else position.qty

    def asked(self, method: str, path: str = "/v2/orders") -> list[Received]:
        """The requests that came in, whatever became of them."""
        return [
            each
            for each in self.exchange.running.rest.changes.requests
            if each.method == method and each.path.startswith(path)
        ]

    def posted(self) -> list[Mapping[str, Any]]:
        """The orders that came in, whatever became of them."""
        return [msgspec.json.decode(each.body) for each in self.asked("POST")]

    def orders(self) -> list[Order]:
        """The orders that the exchange took, legs left out."""
        return [order for order in self.matching.orders if not order.parent_id]

    def hits(self, kind: str) -> int:
        """How often a fault has happened."""
        return int(self.exchange.summary()["faults"]["hits"].get(kind, 0))


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    """A quiet market of a coin, which never closes, and of a share."""
    return {"symbols": (COIN, "SPY"), "events_per_s": 4.0, "burst": False, "seed": 3}


@pytest.fixture
def play(exchange: SimulatedExchange) -> Iterator[Play]:
    """An account that has never traded. Its files are in memory where they can be: disks are not what is looked at."""
    with TemporaryDirectory(dir=memory_folder()) as folder:
        one = Play(exchange, Path(folder))
        sink = logger.add(lambda message: one.said.append(str(message).rstrip("\n")), level="INFO", format="{message}")
        yield one
        with suppress(ValueError):  # a test may have set up the logs anew
            logger.remove(sink)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """``await until(condition, within_s)`` looks a hundred times a second, because nobody rings when it is so."""

    async def wait(condition: Callable[[], object], within_s: float = 60.0) -> None:
        with trio.fail_after(within_s):
            await trio.lowlevel.checkpoint()
            while not condition():  # noqa: ASYNC110 - the exchange's books wake nobody
                await trio.sleep(0.01)

    return wait


@pytest.fixture
def ready(until: Callable[..., Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """Waits until the account may open positions."""

    async def wait(account: Any) -> None:
        await until(lambda: not account.desk.gate.account_blocked, 30)

    return wait
