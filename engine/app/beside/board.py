"""Alarms in memory and nothing more: for a session that nobody asked to be woken for."""

from collections.abc import Callable, Iterable, Sequence
from time import time
from typing import Final

from attrs import define, evolve, field

from engine.model.alert import Finding
from engine.ports.alarms import Alarm

KEPT_MAX: Final = 1000
"""Alarms that are kept to be looked at; the oldest go."""


@define(eq=False)
class Board:
    """`engine.ports.alarms.Alarms` that tells nobody. ``now_s`` is the wall clock."""

    now_s: Callable[[], float] = time
    _alarms: dict[str, Alarm] = field(factory=dict, init=False)
    _held: dict[str, set[str]] = field(factory=dict, init=False)

    def hold(self, source: str, findings: Iterable[Finding]) -> None:
        """All that this source finds to hold now."""
        now = {finding.key: finding for finding in findings}
        for key in self._held.get(source, set()) - set(now):
            if key in self._alarms:
                self._alarms[key] = evolve(self._alarms[key], over=True)
        for finding in now.values():
            known = self._alarms.get(finding.key)
            if known is None or known.over or known.finding != finding:
                self.tell(finding)
        self._held[source] = set(now)

    def tell(self, finding: Finding) -> None:
        """It happened."""
        now_s = self.now_s()
        known = self._alarms.pop(finding.key, None)
        if known is None or known.over:
            self._alarms[finding.key] = Alarm(finding=finding, since_s=now_s, last_s=now_s)
        else:
            self._alarms[finding.key] = evolve(known, finding=finding, last_s=now_s, count=known.count + 1)
        while len(self._alarms) > KEPT_MAX:
            del self._alarms[next(iter(self._alarms))]

    def standing(self) -> Sequence[Alarm]:
        """The newest first."""
        return tuple(reversed(self._alarms.values()))

    def acknowledge(self, key: str, by: str) -> bool:
        """Somebody takes care."""
        known = self._alarms.get(key)
        if known is None or known.over:
            return False
        self._alarms[key] = evolve(known, acknowledged=by)
        return True
