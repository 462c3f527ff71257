"""What a process of its own does for ``gapless simulate``: play a session, shrink one that failed, quietly.

Everything here can be sent to another process and back.
"""

import signal

from attrs import evolve, frozen

from engine.testing.simulate.draw import build_plan
from engine.testing.simulate.outcome import Outcome
from engine.testing.simulate.plan import Plan
from engine.testing.simulate.shrink import shrink


@frozen(kw_only=True)
class Job:
    """One session: a plan, or a seed and its hours. ``name`` is what it is called: the seed, or the plan's file."""

    name: str
    seed: int = 0
    hours: float = 1.0
    plan: Plan | None = None

    def build(self) -> Plan:
        """The plan to play."""
        return self.plan if self.plan is not None else build_plan(self.seed, self.hours)


def prepare() -> None:
    """Be a worker: Ctrl-C is the parent's business, and what the engine logs is looked at by the judge alone."""
    from loguru import logger

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logger.remove()


def play_job(job: Job) -> Outcome:
    """Play one session. Of a good one the timeline is left away: nobody reads it, and it would be sent."""
    from engine.testing.simulate.play import play

    outcome = play(job.build())
    return outcome if outcome.violations else evolve(outcome, timeline=())


def shrink_job(outcome: Outcome) -> Outcome:
    """The smallest session that fails like this one."""
    from engine.testing.simulate.play import play

    return shrink(outcome, play).outcome
