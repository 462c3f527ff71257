"""What stands beside a session of ``gapless run``: the parts that its settings ask for, and where findings go."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from attrs import define, field

from engine.app.beside.attach import stand_beside
from engine.app.beside.engine import Attached, Engine
from engine.app.beside.reading import read_overview
from engine.app.config.settings import Settings
from engine.app.health.part import health_part
from engine.app.logs import Redactor
from engine.model.alert import Finding
from engine.ports.alarms import Alarm


@define(eq=False)
class SaidAlarms:
    """Findings are said to whoever runs this, each when it comes up, and nothing is kept."""

    say: Callable[[str], None]
    _held: dict[str, frozenset[str]] = field(factory=dict)

    def hold(self, source: str, findings: Iterable[Finding]) -> None:
        """Say those that this source did not hold before."""
        found = tuple(findings)
        before = self._held.get(source, frozenset())
        self._held[source] = frozenset(finding.key for finding in found)
        for finding in found:
            if finding.key not in before:
                self.tell(finding)

    def tell(self, finding: Finding) -> None:
        """Say it."""
        self.say(f"{finding.title}. {finding.text}".strip())

    def standing(self) -> Sequence[Alarm]:
        """Nothing is kept."""
        return ()

    def acknowledge(self, key: str, by: str) -> bool:
        """There is nothing to see to."""
        return False


def stand_by(settings: Settings) -> Attached:
    """What these settings want beside a session."""
    redact = Redactor((settings.key_id, settings.secret_key))
    parts = {"health": health_part(settings.health, read_overview, redact=redact)}

    @asynccontextmanager
    async def stand(engine: Engine) -> AsyncIterator[None]:
        engine.alarms = SaidAlarms(engine.report)
        async with stand_beside(engine, parts):
            yield

    return stand
