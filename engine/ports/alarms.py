"""Where findings go: whoever finds something says it here, and nobody waits for what becomes of it."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from attrs import frozen

from engine.model.alert import Finding


@frozen(kw_only=True)
class Alarm:
    """A finding as it stands. ``count``: how often it was found; ``since_s``, ``last_s``: seconds since the epoch.

    ``acknowledged``: who did, empty while nobody has. ``over``: it no longer holds, and is kept to be looked at.
    """

    finding: Finding
    since_s: float
    last_s: float
    count: int = 1
    acknowledged: str = ""
    over: bool = False


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
