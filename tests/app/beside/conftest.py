"""Something stands beside a whole session against the embedded exchange, in virtual time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define, field

from engine.app.beside.attach import stand_beside
from engine.app.beside.engine import Engine
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.app.report import SessionReport
from engine.app.secrets import Secret
from engine.model.alert import Finding
from engine.ports import Strategy
from engine.ports.alarms import Alarm
from engine.testing.inline import run_inline
from engine.testing.simulated import SimulatedExchange

Part = Callable[[Engine], Awaitable[None]]


@define
class KeptAlarms:
    """Alarms that are only kept."""

    kept: list[Alarm] = field(factory=list)

    def hold(self, source: str, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.tell(finding)

    def tell(self, finding: Finding) -> None:
        self.kept.append(Alarm(finding=finding, since_s=1.0, last_s=2.0))

    def standing(self) -> Sequence[Alarm]:
        return self.kept

    def acknowledge(self, key: str, by: str) -> bool:
        return False


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    return {"symbols": ("SPY", "AAPL"), "events_per_s": 20.0, "burst": False, "seed": 3}


@define
class Held:
    """Runs a session of strategies with parts beside it; ``engine`` is what the parts were given."""

    exchange: SimulatedExchange
    engine: Engine | None = None

    async def run(
        self, *strategies: Strategy, parts: Mapping[str, Part], for_s: float, **options: Any
    ) -> SessionReport:
        """A session of ``for_s`` virtual seconds."""

        @asynccontextmanager
        async def attached(engine: Engine) -> AsyncIterator[None]:
            self.engine, engine.alarms = engine, KeptAlarms()
            async with stand_beside(engine, dict(parts)):
                yield

        return await run_live(
            RunOptions(
                strategies=tuple(LoadedStrategy(one, name=one.name) for one in strategies),
                for_s=for_s,
                key_id=Secret(self.exchange.key_id),
                secret=Secret(self.exchange.secret),
                attached=attached,
                **{"tuning": Tuning(silence_s=600.0), **options},
            ),
            exchange=self.exchange.running,
            run_sync=run_inline,
        )


@pytest.fixture
def held(exchange: SimulatedExchange) -> Held:
    return Held(exchange)
