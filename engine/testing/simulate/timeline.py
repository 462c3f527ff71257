"""A failed seed as a person reads it: what was played, what is left of it, what happened, how to see it again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from engine.testing.simulate.invariants import invariant
from engine.testing.simulate.outcome import Moment, Outcome
from engine.testing.simulate.plan import Plan, Player, Trouble

BEFORE: Final = 24
AFTER: Final = 4
"""Moments shown on each side of the violation: a screen."""
TEXT_MAX: Final = 160
"""Of one moment; what is longer is cut, for a line is read and a paragraph is not."""


def describe_plan(plan: Plan) -> str:
    """A plan in one line."""
    players = ", ".join(each.kind for each in plan.players) or "none"
    return (
        f"seed {plan.seed}: {plan.seconds:g} s{_when(plan)} with {plan.calm_s:g} s of calm, "
        f"{', '.join(plan.symbols)} at {plan.events_per_s:g} events a second, players {players}, "
        f"{len(plan.troubles)} troubles, {len(plan.rates)} faults by chance"
    )


def _when(plan: Plan) -> str:
    if not plan.opening_s:
        return ""
    return f" from {abs(plan.opening_s):g} s {'before' if plan.opening_s < 0 else 'behind'} the opening"


def tell_failure(outcome: Outcome, *, whole: Plan | None = None, kept: Path | None = None) -> str:
    """A failed session as text. ``whole`` is the plan before it was shrunk, ``kept`` the file it was kept in."""
    lines = [f"{describe_plan(whole or outcome.plan)}"]
    if whole is not None and whole != outcome.plan:
        lines.append(f"shrunk to {describe_plan(outcome.plan)}")
    for violation in outcome.violations:
        law = invariant(violation.number)
        lines.append(f"  invariant {law.number} ({law.name}) at {violation.at_s:.3f} s: {violation.sentence}")
    lines += ["faults that are left:", *_faults(outcome.plan)]
    if outcome.violations and outcome.timeline:
        lines += ["around it:", *_around(outcome.timeline, outcome.violations[0].at_s)]
    lines.append("to see it again:")
    played = whole or outcome.plan
    lines.append(f"  gapless simulate --seeds 1 --first-seed {played.seed} --hours {played.seconds / 3600:g}")
    if kept is not None:
        lines.append(f"  gapless simulate --plan {kept}")
    return "\n".join(lines)


def _faults(plan: Plan) -> Iterator[str]:
    for trouble in plan.troubles:
        yield f"  {trouble.at_s:9.3f} s  {trouble.kind}{_keys(trouble)}"
    for kind, rate in plan.rates:
        yield f"  by chance    {kind} {rate:g}"
    for player in plan.players:
        yield f"  player       {player.name} ({player.kind}){_keys(player)}"
    if not plan.troubles and not plan.rates:
        yield "  none: it fails without any"


def _keys(of: Trouble | Player) -> str:
    keys = of.keys if isinstance(of, Trouble) else of.params
    return "".join(f" {name}={value}" for name, value in keys)


def _around(timeline: Sequence[Moment], at_s: float) -> Iterator[str]:
    """The moments before and after an instant. Those of the instant itself count as before: they led to it."""
    split = next((place for place, moment in enumerate(timeline) if moment.at_s > at_s), len(timeline))
    for moment in timeline[max(0, split - BEFORE) : split + AFTER]:
        text = " ".join(moment.text.split())
        cut = text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 1]}…"
        yield f"  {moment.at_s:9.3f} s  {moment.who:<8}  {cut}"
