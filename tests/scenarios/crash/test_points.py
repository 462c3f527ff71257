"""Killed at any step, a process leaves enough behind for the next one: every order, fill, position and cent is there.

Each case is a real process that SIGKILL ends in the statement that the step names, a second one that clears up (and is
killed too, where the case says so), and a last one, which finds nothing to do. What has to hold is in
`engine.testing.crash.judge`; ``python -m engine.testing.crash`` prints the table of all points with their verdicts.

By default the first death of each step is played, and those that are found hours later; ``GAPLESS_CRASH=all`` plays
every case.
"""

from collections import Counter
from pathlib import Path

import pytest

from engine.ports.steps import Step
from engine.testing.chosen import choose
from engine.testing.crash.cases import CASES, SOME, Case
from engine.testing.crash.judge import try_case
from engine.testing.crash.processes import Forks, Point, Task
from engine.testing.exchange import Exchange

EVERY = "Every case and its verdict: python -m engine.testing.crash (or GAPLESS_CRASH=all with pytest)."


def test_every_step_is_one_at_which_a_process_is_killed() -> None:
    assert {case.dies.step for case in CASES} == set(Step)
    assert {(case.again or case.dies).step for case in SOME} == set(Step)
    assert len(set(CASES)) == len(CASES)


def test_every_step_is_died_of_more_than_once_but_where_it_comes_once() -> None:
    deaths = Counter((case.again or case.dies).step for case in CASES)
    assert {step for step, times in deaths.items() if times == 1} == {Step.LATCH_WRITING, Step.LATCH_WRITTEN}


@pytest.mark.slow
@pytest.mark.parametrize("case", choose("GAPLESS_CRASH", CASES, SOME), ids=str)
def test_what_a_killed_process_leaves_is_found_whole(case: Case, forks: Forks, tmp_path: Path) -> None:
    verdict = try_case(forks, case, tmp_path)
    assert not verdict.wrong, "\n".join((*verdict.wrong, EVERY, verdict.log))


@pytest.mark.slow
@pytest.mark.exchange(symbols="SPY", events_per_s=5, burst=False)
def test_a_point_that_is_never_reached_is_told_of(live_exchange: Exchange, forks: Forks, tmp_path: Path) -> None:
    dies = Point(Step.STORE_CLOSED, 2)
    ended = forks.run(
        Task(
            strategy="onlooker",
            urls=live_exchange.urls(),
            state=str(tmp_path / "state"),
            out=str(tmp_path / "1"),
            dies=dies,
        )
    )
    assert ended.code == 0
    assert ended.steps.count(Step.STORE_CLOSED) == 1
