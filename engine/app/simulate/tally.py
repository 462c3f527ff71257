"""The figures of many simulated sessions, added up as they come."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from engine.testing.simulate.invariants import invariant
from engine.testing.simulate.outcome import Outcome


@define(eq=False)
class Tally:
    """``kinds`` are the fault kinds that there are, so that one that never happened can be named."""

    kinds: tuple[str, ...]
    sessions: int = 0
    simulated_s: float = 0.0
    hits: Counter[str] = field(factory=Counter)
    events: int = 0
    delivered: int = 0
    orders: int = 0
    fills: int = 0
    restarts: int = 0
    faults_min: int | None = None
    """The fewest faults that any session had."""
    crashed: list[str] = field(factory=list)
    """Sessions that could not be played to their end."""
    violations: dict[int, list[int]] = field(factory=dict)
    """By invariant: the seeds that broke it, in the order of their coming."""

    def add(self, outcome: Outcome) -> None:
        """One session more."""
        self.sessions += 1
        self.simulated_s += outcome.simulated_s
        self.hits.update(outcome.hits)
        self.events += outcome.events
        self.delivered += outcome.delivered
        self.orders += outcome.orders
        self.fills += outcome.fills
        self.restarts += outcome.restarts
        self.faults_min = outcome.faults if self.faults_min is None else min(self.faults_min, outcome.faults)
        for number in dict.fromkeys(each.number for each in outcome.violations):
            self.violations.setdefault(number, []).append(outcome.plan.seed)

    @property
    def never_reached(self) -> tuple[str, ...]:
        """Kinds that no session met."""
        return tuple(kind for kind in sorted(self.kinds) if not self.hits[kind])

    @property
    def failed(self) -> tuple[int, ...]:
        """Seeds that broke something."""
        return tuple(sorted({seed for seeds in self.violations.values() for seed in seeds}))

    def figures(self, wall_s: float) -> dict[str, Any]:
        """All of it, as ``--json`` prints it."""
        return {
            "seeds": self.sessions,
            "simulated_hours": round(self.simulated_s / 3600, 2),
            "faults": self.hits.total(),
            "faults_by_kind": dict(sorted(self.hits.items())),
            "faults_min": self.faults_min or 0,
            "never_reached": list(self.never_reached),
            "events": self.events,
            "delivered": self.delivered,
            "orders": self.orders,
            "fills": self.fills,
            "deaths": self.restarts,
            "crashed": list(self.crashed),
            "violations": {
                str(number): {"name": invariant(number).name, "seeds": sorted(seeds)}
                for number, seeds in sorted(self.violations.items())
            },
            "wall_s": round(wall_s, 1),
            "seeds_per_minute": round(self.sessions / wall_s * 60, 1) if wall_s else 0.0,
        }


def render_figures(figures: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [
        _by_kind(figures["faults_by_kind"].items()),
        (
            f"{figures['seeds']} seeds, {figures['simulated_hours']:g} simulated hours in {figures['wall_s']:g} s "
            f"({figures['seeds_per_minute']:g} seeds a minute): {figures['faults']} faults (at least "
            f"{figures['faults_min']} a seed), {figures['events']} events, {figures['orders']} orders, "
            f"{figures['fills']} fills, {figures['deaths']} deaths"
        ),
    ]
    if figures["never_reached"]:
        lines.append(f"fault kinds never reached: {', '.join(figures['never_reached'])}")
    for number, broken in figures["violations"].items():
        seeds = ", ".join(map(str, broken["seeds"]))
        lines.append(f"invariant {number} ({broken['name']}) was broken by seeds {seeds}")
    if figures["crashed"]:
        lines.append(f"could not be played to the end: {', '.join(figures['crashed'])}")
    if not figures["violations"]:
        lines.append("no invariant was broken")
    return "\n".join(line for line in lines if line)


def _by_kind(hits: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{kind} {number}" for kind, number in hits)
