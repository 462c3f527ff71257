"""A session with health beside it, in virtual time, and values for what is looked at."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
import trio
from attrs import define, field

from engine.app.beside.attach import stand_beside
from engine.app.beside.engine import Engine
from engine.app.failures import known_cause
from engine.app.health.signs import SignReader
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.app.report import SessionReport
from engine.app.secrets import Secret
from engine.core.health.verdict import Verdict, judge_health, judge_ready
from engine.errors import GaplessError
from engine.model.alert import Finding
from engine.ports import Strategy
from engine.ports.alarms import Alarm
from engine.testing.inline import run_inline
from engine.testing.simulated import SimulatedExchange

WEDGED_S = 5


@define
class KeptAlarms:
    """Alarms that are only kept."""

    told: list[Finding] = field(factory=list)
    held: dict[str, list[Finding]] = field(factory=dict)

    def hold(self, source: str, findings: Iterable[Finding]) -> None:
        self.held[source] = list(findings)

    def tell(self, finding: Finding) -> None:
        self.told.append(finding)

    def standing(self) -> Sequence[Alarm]:
        return ()

    def acknowledge(self, key: str, by: str) -> bool:
        return False


@pytest.fixture
def kept_alarms() -> KeptAlarms:
    return KeptAlarms()


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    return {"symbols": ("SPY", "BTC/USD"), "events_per_s": 10.0, "burst": False, "seed": 3}


@define
class Looked:
    """What was judged of a session, once a second: market seconds since its beginning, health, readiness."""

    verdicts: list[tuple[float, Verdict, Verdict]] = field(factory=list)
    report: SessionReport = field(factory=SessionReport)
    began_s: float = 0.0
    failure: GaplessError | None = None
    """What the session ended with, where it ended badly."""

    @property
    def tasks(self) -> list[str]:
        """The tasks that were named ill."""
        named = (reason.partition(":")[0] for _, health, _ in self.verdicts for reason in health.reasons)
        return list(dict.fromkeys(named))

    def ill_at(self, task: str) -> list[float]:
        """When a task was named."""
        return [at_s for at_s, health, _ in self.verdicts if any(one.startswith(f"{task}:") for one in health.reasons)]


@pytest.fixture
def looked(exchange: SimulatedExchange) -> Callable[..., Any]:
    """Run a session for ``for_s`` virtual seconds, and judge it once a second. ``wedge`` is done to it after 5 s."""

    async def run(
        *strategies: Strategy,
        for_s: float,
        run_sync: Any = run_inline,
        wedge: Callable[[Engine], None] = lambda _: None,
        **options: Any,
    ) -> Looked:
        looked = Looked()

        async def look(engine: Engine) -> None:
            looked.began_s, signs = trio.current_time(), SignReader(engine)
            for second in count():
                if second == WEDGED_S:
                    wedge(engine)
                progress = signs.read()
                health = judge_health(progress, beat_age_s=0.0, frozen_after_s=2.0)
                looked.verdicts.append((trio.current_time() - looked.began_s, health, judge_ready(progress, health)))
                await trio.sleep(1.0)

        @asynccontextmanager
        async def attached(engine: Engine) -> AsyncIterator[None]:
            engine.alarms = KeptAlarms()
            async with stand_beside(engine, {"look": look}):
                yield

        session = RunOptions(
            strategies=tuple(LoadedStrategy(one, name=one.name) for one in strategies),
            for_s=for_s,
            key_id=Secret(exchange.key_id),
            secret=Secret(exchange.secret),
            attached=attached,
            **{"tuning": Tuning(silence_s=600.0), **options},
        )
        try:
            looked.report = await run_live(session, exchange=exchange.running, run_sync=run_sync)
        except* GaplessError as group:
            looked.failure = known_cause(group)
        return looked

    return run


@define
class Hands:
    """A clock that stands until it is moved."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def hands() -> Hands:
    return Hands()
