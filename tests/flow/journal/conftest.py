"""A day on the embedded exchange, in virtual time, with what crosses to strategies kept in lists."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.app.secrets import Secret
from engine.exchange.serve import ExchangeOptions, open_exchange
from engine.model.instant import NS_PER_S
from engine.model.journal import JournalRecord
from engine.model.market import MarketEvent
from engine.testing.chaos.day import build_faults
from engine.testing.inline import run_inline
from engine.testing.network import Network

SYMBOLS = ("AAPL", "SPY", "BTC/USD")


@define
class Kept:
    """A journal in memory."""

    events: list[MarketEvent] = field(factory=list)
    records: list[JournalRecord] = field(factory=list)
    faults: int = 0

    def tell(self, events: Sequence[MarketEvent], at_ns: int) -> None:
        del at_ns
        self.events.extend(events)

    def note(self, record: JournalRecord) -> None:
        self.records.append(record)


Play: TypeAlias = Callable[..., Kept]


@pytest.fixture(scope="session")
def play(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Hold a session of these strategies on a bad day of this seed."""

    def play_day(
        strategies: Sequence[LoadedStrategy],
        *,
        seed: int,
        minutes: float,
        rate: float = 2.0,
        record: Path | None = None,
    ) -> Kept:
        kept = Kept()

        async def hold() -> None:
            exchange = ExchangeOptions(symbols=SYMBOLS, seed=seed, events_per_s=rate, faults=build_faults(seed))
            opened_s = trio.current_time()

            def wall_s() -> float:
                return running.market.source.start_ns / NS_PER_S + trio.current_time() - opened_s

            with Network().use():
                async with open_exchange(exchange, wall_s=wall_s) as running:
                    options = RunOptions(
                        strategies=tuple(strategies),
                        for_s=60 * minutes,
                        tuning=Tuning(silence_s=60),
                        key_id=Secret("PKJOURNAL"),
                        secret=Secret("journal-secret"),
                        state=tmp_path_factory.mktemp("state"),
                        record_dir=record,
                    )
                    await run_live(options, exchange=running, run_sync=run_inline, journal=kept)
                    kept.faults = sum(running.plan.summary()["hits"].values())

        trio.run(hold, clock=MockClock(autojump_threshold=0))
        return kept

    return play_day
