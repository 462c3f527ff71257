"""``gapless simulate`` from flags to exit code: 0 no invariant was broken, 1 one was, 130 it was stopped before."""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Final

from engine.app.failures import INTERRUPTED
from engine.app.simulate.crew import Crew
from engine.app.simulate.flags import SimulateFlags
from engine.app.simulate.progress import Progress
from engine.app.simulate.tally import Tally, render_figures
from engine.app.simulate.workers import Job
from engine.errors import Misconfigured
from engine.testing.simulate.catalogue import CHANCES, TROUBLES
from engine.testing.simulate.kept import read_plan

VIOLATED: Final = 1
HOURS_MAX: Final = 168
"""A week: longer sessions show nothing that more of them do not."""


def simulate_command(flags: SimulateFlags) -> int:
    """Play all sessions and print what came of them. Raises `Misconfigured`."""
    check(flags)
    jobs = list(plan_jobs(flags))
    crew = Crew(
        flags,
        workers=min(flags.jobs or os.cpu_count() or 1, len(jobs)),
        tally=Tally(kinds()),
        progress=Progress(sys.stderr, live=sys.stderr.isatty()),
    )
    crew.play(jobs)
    figures = crew.tally.figures(time.monotonic() - crew.began_s)
    if flags.json:
        print(json.dumps({**figures, "stopped": crew.stopped, "failures": crew.failures}))
    else:
        for failure in crew.failures:
            print(f"{failure}\n")
        print(render_figures(figures))
        if crew.stopped:
            print(f"stopped: {len(jobs) - crew.tally.sessions} of {len(jobs)} sessions were not played")
    if crew.stopped:
        return INTERRUPTED
    return VIOLATED if crew.tally.violations or crew.tally.crashed else 0


def check(flags: SimulateFlags) -> None:
    """Raises `Misconfigured` for numbers that make no sense."""
    if flags.seeds < 1 or flags.first_seed < 0 or flags.jobs < 0:
        raise Misconfigured("--seeds is at least 1, --first-seed and --jobs at least 0.")
    if not 0 < flags.hours <= HOURS_MAX:
        raise Misconfigured(f"--hours is more than 0 and at most {HOURS_MAX}: a session of {flags.hours:g} is no use.")


def plan_jobs(flags: SimulateFlags) -> Iterator[Job]:
    """What is to be played. Raises `Misconfigured` for a plan that cannot be."""
    if flags.plan:
        for path in flags.plan:
            plan = read_plan(path)
            yield Job(name=path.name, seed=plan.seed, plan=plan)
        return
    for seed in range(flags.first_seed, flags.first_seed + flags.seeds):
        yield Job(name=f"seed {seed}", seed=seed, hours=flags.hours)


def kinds() -> tuple[str, ...]:
    """Every kind of fault by the name that it is counted under; several troubles may come to one kind."""
    told = {row.fault or name for name, row in TROUBLES.items()} | {str(keys["kind"]) for keys in CHANCES.values()}
    return tuple(sorted(told))
