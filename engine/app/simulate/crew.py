"""The processes that play the sessions of a hunt: they share nothing, and are handed a few sessions at a time.

So stopping means to hand out no more, and to wait for the few that are under way: what was found by then is told.
"""

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import define, field

from engine.app.simulate.flags import SimulateFlags
from engine.app.simulate.progress import LIVE_EVERY_S, Progress, foretell
from engine.app.simulate.tally import Tally
from engine.app.simulate.workers import Crash, Job, play_job, prepare, shrink_job
from engine.errors import Misconfigured
from engine.testing.simulate.kept import write_plan
from engine.testing.simulate.outcome import Outcome
from engine.testing.simulate.timeline import tell_failure

AHEAD: Final = 2
"""Sessions handed out for each process: one that is played, and one that it need not wait for."""
SHRUNK_MAX: Final = 5
"""Failures that are shrunk: each takes minutes, and where more fail they mostly fail alike."""

Coming: TypeAlias = Future[Any]
"""What `play_job` or `shrink_job` gives: which, is told by where it is kept."""


@define(eq=False)
class Crew:
    """So many processes, and what they have brought."""

    flags: SimulateFlags
    workers: int
    tally: Tally
    progress: Progress
    failures: list[str] = field(factory=list)
    stopped: bool = False
    """Whether it was ended by Ctrl-C."""
    began_s: float = field(factory=time.monotonic)
    _playing: dict[Coming, Job] = field(factory=dict)
    _shrinking: dict[Coming, Outcome] = field(factory=dict)

    def play(self, jobs: Sequence[Job]) -> None:
        """Play all of them, and shrink what fails. Ctrl-C ends it when the sessions under way have ended."""
        context = get_context("spawn")
        stop = context.Event()
        with ProcessPoolExecutor(self.workers, mp_context=context, initializer=prepare, initargs=(stop,)) as pool:
            try:
                self._play(pool, jobs)
            except KeyboardInterrupt:
                self.stopped = True
                stop.set()
                self.progress.say("stopping: waiting for the sessions under way")
                self._give_up()
            except BrokenProcessPool:
                self.tally.crashed.extend(job.name for job in self._playing.values())
                self.progress.say(
                    "A process that played sessions has died, so this ends here; its memory may have been taken from "
                    f"it: try fewer than {self.workers} --jobs."
                )
        self.progress.clear()

    def _play(self, pool: ProcessPoolExecutor, jobs: Sequence[Job]) -> None:
        left = iter(jobs)
        while True:
            while len(self._playing) < self.workers * AHEAD and (job := next(left, None)) is not None:
                self._playing[pool.submit(play_job, job)] = job
            if not self._playing and not self._shrinking:
                return
            done, _ = wait((*self._playing, *self._shrinking), timeout=LIVE_EVERY_S, return_when=FIRST_COMPLETED)
            for future in done:
                self._take(future, pool)
            self._show(len(jobs))

    def _take(self, future: Coming, pool: ProcessPoolExecutor | None) -> None:
        """What came of a session, or of shrinking one. Without a ``pool`` nothing more is shrunk."""
        come = None if future.cancelled() else future.result()
        if future in self._shrinking:
            whole = self._shrinking.pop(future)
            self._tell(whole, come if isinstance(come, Outcome) else whole)
            return
        job = self._playing.pop(future)
        if isinstance(come, Crash):
            self.tally.crashed.append(job.name)
            self.progress.say(f"{job.name} could not be played to its end, which is a bug of the simulator:")
            self.progress.say(come.trace)
        elif come is not None:
            self._add(job, come, pool)

    def _add(self, job: Job, outcome: Outcome, pool: ProcessPoolExecutor | None) -> None:
        self.tally.add(outcome)
        if not outcome.violations:
            return
        first = outcome.violations[0]
        self.progress.say(f"{job.name}: invariant {first.number} at {first.at_s:.1f} s: {first.sentence}")
        if pool is None or self.flags.no_shrink or len(self.failures) + len(self._shrinking) >= SHRUNK_MAX:
            self._tell(outcome, outcome)
        else:
            self._shrinking[pool.submit(shrink_job, outcome)] = outcome

    def _give_up(self) -> None:
        """Take what is under way, and no more."""
        for future in (*self._playing, *self._shrinking):
            future.cancel()
        waiting = {*self._playing, *self._shrinking}
        for future in sorted(wait(waiting).done, key=[*self._playing, *self._shrinking].index):
            self._take(future, None)

    def _show(self, jobs: int) -> None:
        now_s = time.monotonic()
        done, failed = self.tally.sessions, len(self.tally.failed)
        told = [
            f"{done}/{jobs} sessions",
            foretell(done, jobs, now_s - self.began_s),
            f"{self.tally.hits.total()} faults",
            f"{failed or 'none'} failed",
        ]
        if self._shrinking:
            told.append(f"{len(self._shrinking)} being made small")
        self.progress.show(", ".join(told), now_s)

    def _tell(self, whole: Outcome, small: Outcome) -> None:
        """Keep what is left of a failed session, and its timeline."""
        path: Path | None = self.flags.keep / f"seed-{whole.plan.seed}.json"
        try:
            write_plan(self.flags.keep / f"seed-{whole.plan.seed}.json", small.plan, small.violations[0].sentence)
        except Misconfigured as failure:  # the failure itself is worth more than the file
            self.progress.say(str(failure))
            path = None
        self.failures.append(tell_failure(small, whole=whole.plan, kept=path))
