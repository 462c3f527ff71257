"""A plan played before the judge."""

from engine.testing.simulate.judge import Judge
from engine.testing.simulate.outcome import Outcome
from engine.testing.simulate.plan import Plan
from engine.testing.simulate.world import run_plan
from engine.testing.simulate.world.machine import KEYS


def play(plan: Plan) -> Outcome:
    """Play a plan and hold it to the invariants: one plan, one outcome."""
    return run_plan(plan, watch=Judge(KEYS))
