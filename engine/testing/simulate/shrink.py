"""A failing plan made small: the fewest troubles, kinds of faults and players that still break the same invariant.

Delta debugging: of each list ever smaller pieces are left out, and whatever still fails is kept. The order of what is
tried is fixed, so the same plan shrinks to the same plan. The number of runs is bounded; what is found by then is
told, for a plan that could be smaller is still better than the whole one.

A plan may fail in another way once something is left out. That is another failure, and does not count: who follows it
ends with a plan that says nothing about what was seen.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from engine.testing.simulate.invariants import invariant
from engine.testing.simulate.outcome import Outcome
from engine.testing.simulate.plan import Plan

RUNS_MAX: Final = 120
"""A run takes about a second, and a person waits: two minutes. Twenty troubles need some sixty runs."""
TAIL_S: Final = 1.0
"""Kept behind the violation, where the session is cut off there."""
SHORTEST_S: Final = 5.0
"""A session has to connect before anything can happen."""

Run: TypeAlias = Callable[[Plan], Outcome]
T = TypeVar("T")


@frozen(kw_only=True)
class Shrunk:
    """The smallest plan that was found, what came of it, and how many runs it took."""

    plan: Plan
    outcome: Outcome
    runs: int


def shrink(outcome: Outcome, run: Run, *, runs_max: int = RUNS_MAX) -> Shrunk:
    """Make the plan of a failed session small. Raises ``ValueError`` for one that did not fail."""
    if not outcome.violations:
        raise ValueError(f"seed {outcome.plan.seed} did not fail: there is nothing to shrink")
    search = _Search(run, outcome.violations[0].number, runs_max, outcome)
    while search.runs < runs_max:
        before = search.plan
        search.shorten()
        search.fewer_troubles()
        search.fewer_rates()
        search.fewer_players()
        if search.plan == before:
            break
    return Shrunk(plan=search.plan, outcome=search.best, runs=search.runs)


@define(eq=False)
class _Search:
    run: Run
    number: int
    runs_max: int
    best: Outcome
    runs: int = 0
    _held: set[str] = field(factory=set)
    """Plans that did not break it, as text: what a plan's keys hold need not be hashable."""

    @property
    def plan(self) -> Plan:
        return self.best.plan

    def fails(self, plan: Plan) -> bool:
        """Whether this plan breaks the same invariant; if so it is the best from now on."""
        if plan == self.plan:
            return True
        if repr(plan) in self._held or self.runs >= self.runs_max:
            return False
        self.runs += 1
        outcome = self.run(plan)
        still = any(each.number == self.number for each in outcome.violations)
        if still:
            self.best = evolve(outcome, plan=plan)
        else:
            self._held.add(repr(plan))
        return still

    def shorten(self) -> None:
        """Cut off what comes after the violation: first its troubles, then its time, or else ever half of the time.

        What is judged at rest needs its calm; what is seen at once does not.
        """
        at_s = next(each.at_s for each in self.best.violations if each.number == self.number)
        before = tuple(each for each in self.plan.troubles if each.at_s <= at_s)
        self.fails(evolve(self.plan, troubles=before))
        calm_s = 0.0 if invariant(self.number).when == "step" else self.plan.calm_s
        seconds = max(SHORTEST_S, math.ceil(at_s + TAIL_S) + calm_s)
        if seconds < self.plan.seconds and self.fails(_cut(self.plan, seconds, calm_s)):
            return
        while True:
            busy_s = self.plan.seconds - self.plan.calm_s
            seconds = max(SHORTEST_S, math.ceil(busy_s / 2) + self.plan.calm_s)
            if seconds >= self.plan.seconds or not self.fails(_cut(self.plan, seconds, self.plan.calm_s)):
                return

    def fewer_troubles(self) -> None:
        self._fewest(self.plan.troubles, lambda left: evolve(self.plan, troubles=left), least=0)

    def fewer_rates(self) -> None:
        self._fewest(self.plan.rates, lambda left: evolve(self.plan, rates=left), least=0)

    def fewer_players(self) -> None:
        self._fewest(self.plan.players, lambda left: evolve(self.plan, players=left), least=1)

    def _fewest(self, items: tuple[T, ...], build: Callable[[tuple[T, ...]], Plan], *, least: int) -> None:
        """Leave out halves, quarters and so on down to single ones, as long as it fails without them."""
        if items and not least and self.fails(build(())):
            return
        pieces = 2
        while len(items) > least and items:
            pieces = min(pieces, len(items))
            smaller = next(
                (left for left in _without_one(items, pieces) if len(left) >= least and self.fails(build(left))), None
            )
            if smaller is not None:
                items, pieces = smaller, max(pieces - 1, 2)
            elif pieces == len(items):
                return
            else:
                pieces *= 2


def _without_one(items: Sequence[T], pieces: int) -> Iterator[tuple[T, ...]]:
    """All that is left when one piece of so many is taken out, each in turn."""
    edges = [round(len(items) * number / pieces) for number in range(pieces + 1)]
    for start, end in pairwise(edges):
        yield (*items[:start], *items[end:])


def _cut(plan: Plan, seconds: float, calm_s: float) -> Plan:
    """The same for so many seconds, without the troubles of the time that is cut off."""
    troubles = tuple(each for each in plan.troubles if each.at_s <= seconds - calm_s)
    return evolve(plan, seconds=seconds, calm_s=calm_s, troubles=troubles)
