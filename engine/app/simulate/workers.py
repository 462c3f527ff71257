"""What a process of its own does for ``gapless simulate``: play a session, shrink one that failed, quietly.

Everything here can be sent to another process and back.
"""

import gc
import os
import signal
import traceback
from multiprocessing import parent_process
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event
from threading import Thread
from typing import Final

from attrs import evolve, frozen

from engine.testing.simulate.draw import build_plan
from engine.testing.simulate.outcome import Outcome
from engine.testing.simulate.plan import Plan
from engine.testing.simulate.shrink import shrink

FRAMES_MAX: Final = 8
"""Of the traceback of a session that could not be played: the innermost say what happened."""

_stops: list[Event] = []
"""What the parent sets when no more is to be played; of this process, since an event cannot be sent with a job."""


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


@frozen
class Crash:
    """A session that could not be played to its end, which is the simulator's fault. ``trace`` is where."""

    trace: str


class Stopped(Exception):
    """No more is to be played."""


def prepare(stop: Event) -> None:
    """Be a worker: Ctrl-C is the parent's business, and what the engine logs is looked at by the judge alone."""
    from loguru import logger

    from engine.testing.simulate import play as _loaded  # noqa: F401 - before what is loaded is set aside

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    logger.remove()
    _stops.append(stop)
    gc.collect()
    gc.freeze()  # what is loaded stays, and need not be looked at after each session
    gc.disable()


def _end_with_parent() -> None:
    """A parent that is killed tells nobody, and its processes would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def play_job(job: Job) -> Outcome | Crash | None:
    """Play one session; ``None`` where that is no longer wanted.

    Of a good one the timeline is left away: nobody reads it, and it would be sent.
    """
    try:
        outcome = play_clean(job.build())
    except Stopped:
        return None
    except (Exception, BaseExceptionGroup):  # noqa: BLE001 - what kills one session is told, and the others go on
        return Crash(traceback.format_exc(limit=-FRAMES_MAX))
    return outcome if outcome.violations else evolve(outcome, timeline=())


def shrink_job(outcome: Outcome) -> Outcome:
    """The smallest session that fails like this one; itself where there is no time to look for it."""
    try:
        return shrink(outcome, play_clean).outcome
    except (Exception, BaseExceptionGroup):  # noqa: BLE001 - the failure is worth more than that it is small
        return outcome


def play_clean(plan: Plan) -> Outcome:
    """Play a plan and leave nothing behind: a session is a knot of many thousand objects, and collecting is off.

    Raises `Stopped` in place of playing when no more is wanted.
    """
    from engine.testing.simulate.play import play

    if any(stop.is_set() for stop in _stops):
        raise Stopped
    outcome = play(plan)
    gc.collect()
    return outcome
