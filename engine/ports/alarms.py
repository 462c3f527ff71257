"""Where findings go: whoever finds something says it here, and nobody waits for what becomes of it."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from engine.model.alert import Alarm, Finding

__all__ = ["Alarm", "Alarms"]


class Alarms(Protocol):
    """The alarms of a session. Nothing here waits, raises, or costs more than a look into a table."""

    def hold(self, source: str, findings: Iterable[Finding]) -> None:
        """All that this source finds to hold now: what it held before and does not any more is over."""
        ...

    def tell(self, finding: Finding) -> None:
        """It happened: there is nothing that could be over."""
        ...

    def standing(self) -> Sequence[Alarm]:
        """The alarms that hold or wait to be looked at, and the latest of those that are over; the newest first."""
        ...

    def acknowledge(self, key: str, by: str) -> bool:
        """Somebody has seen it and takes care: no more reminders. ``False`` where no such alarm stands."""
        ...
