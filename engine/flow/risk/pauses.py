"""Strategies that a person has paused: they may not add risk, and their way out stays open.

A pause is for looking at something, not for an emergency. It flattens nothing and cancels nothing, it ends with the
session, and whoever can reach the dashboard may end it; what has to hold longer is the kill switch
(`engine.flow.account.killswitch`).
"""

from attrs import define, field

PAUSED = "paused"
"""The rule by which an order of a paused strategy is refused."""


@define
class Pauses:
    """Who is paused, and by whom. Bounded by the strategies of a session: only their names are ever paused."""

    _by: dict[str, str] = field(factory=dict)

    def pause(self, strategy: str, by: str) -> None:
        """From now on this strategy may not add risk; ``by`` is who wanted that."""
        self._by[strategy] = by

    def resume(self, strategy: str) -> bool:
        """It may again; ``False`` where it was not paused."""
        return self._by.pop(strategy, None) is not None

    def by(self, strategy: str) -> str:
        """Who paused a strategy; empty where nobody did."""
        return self._by.get(strategy, "")
