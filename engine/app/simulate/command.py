"""``gapless simulate`` from flags to exit code: 0 no invariant was broken, 1 one was, 130 it was stopped before.

Sessions are played in processes that share nothing; this one hands them out, a few at a time, so that stopping means
to hand out no more and to wait for the few.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from attrs import define, field

from engine.app.failures import INTERRUPTED
from engine.app.simulate.flags import SimulateFlags
from engine.app.simulate.tally import Tally, render_figures
from engine.app.simulate.workers import Job, play_job, prepare, shrink_job
from engine.errors import Misconfigured
from engine.testing.simulate.catalogue import CHANCES, TROUBLES
from engine.testing.simulate.kept import read_plan, write_plan
from engine.testing.simulate.outcome import Outcome
from engine.testing.simulate.timeline import tell_failure

VIOLATED: Final = 1
AHEAD: Final = 2
"""Sessions handed out for each process: one that is played, and one that it need not wait for."""
LINE_EVERY_S: Final = 5.0
"""Between two lines of progress."""
HOURS_MAX: Final = 168
"""A week: longer sessions show nothing that more of them do not."""
SHRUNK_MAX: Final = 5
"""Failures that are shrunk: each takes minutes, and where more fail they mostly fail alike."""


def simulate_command(flags: SimulateFlags) -> int:
    """Play all sessions and print what came of them. Raises `Misconfigured`."""
    check(flags)
    crew = Crew(flags, say=lambda line: print(line, file=sys.stderr, flush=True))
    stopped = False
    try:
        crew.play(list(plan_jobs(flags)))
    except KeyboardInterrupt:
        stopped = True
    figures = crew.tally.figures(time.monotonic() - crew.began_s)
    if flags.json:
        print(json.dumps({**figures, "stopped": stopped, "failures": crew.failures}))
    else:
        for failure in crew.failures:
            print(f"{failure}\n")
        print(render_figures(figures))
    if stopped:
        return INTERRUPTED
    return VIOLATED if crew.tally.violations else 0


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


@define(eq=False)
class Crew:
    """The processes, and what they have brought. ``say`` tells a line to the person who waits."""

    flags: SimulateFlags
    say: Callable[[str], None]
    tally: Tally = field(factory=lambda: Tally(kinds()))
    failures: list[str] = field(factory=list)
    began_s: float = field(factory=time.monotonic)
    _told_s: float = field(factory=time.monotonic)

    def play(self, jobs: Sequence[Job]) -> None:
        """Play all of them, and shrink what fails. Ctrl-C comes out when the sessions under way have ended."""
        workers = min(self.flags.jobs or os.cpu_count() or 1, len(jobs))
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=prepare) as pool:
            playing: dict[Future[Outcome], Job] = {}
            shrinking: dict[Future[Outcome], Outcome] = {}
            left = iter(jobs)
            while True:
                while len(playing) < workers * AHEAD and (job := next(left, None)) is not None:
                    playing[pool.submit(play_job, job)] = job
                if not playing and not shrinking:
                    return
                done, _ = wait((*playing, *shrinking), return_when=FIRST_COMPLETED)
                for future in done:
                    if future in shrinking:
                        self._tell(shrinking.pop(future), future.result())
                        continue
                    outcome = self._take(playing.pop(future), future.result(), len(jobs))
                    if not outcome.violations:
                        continue
                    if self.flags.no_shrink or len(self.failures) + len(shrinking) >= SHRUNK_MAX:
                        self._tell(outcome, outcome)
                    else:
                        shrinking[pool.submit(shrink_job, outcome)] = outcome

    def _take(self, job: Job, outcome: Outcome, jobs: int) -> Outcome:
        self.tally.add(outcome)
        if outcome.violations:
            first = outcome.violations[0]
            self.say(f"{job.name}: invariant {first.number} at {first.at_s:.1f} s: {first.sentence}")
        now_s = time.monotonic()
        if now_s - self._told_s >= LINE_EVERY_S:
            self._told_s = now_s
            rate = self.tally.sessions / (now_s - self.began_s) * 60
            failed = len(self.tally.failed)
            self.say(
                f"{self.tally.sessions}/{jobs} sessions, {rate:.0f} a minute, {self.tally.hits.total()} faults, "
                f"{failed or 'none'} failed"
            )
        return outcome

    def _tell(self, whole: Outcome, small: Outcome) -> None:
        """Keep what is left of a failed session, and its timeline."""
        path: Path | None = self.flags.keep / f"seed-{whole.plan.seed}.json"
        try:
            write_plan(self.flags.keep / f"seed-{whole.plan.seed}.json", small.plan, small.violations[0].sentence)
        except Misconfigured as failure:  # the failure itself is worth more than the file
            self.say(str(failure))
            path = None
        self.failures.append(tell_failure(small, whole=whole.plan, kept=path))
