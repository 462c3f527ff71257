"""Prints the table of the points at which processes were killed, with what came of each."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from engine.ports.steps import Step
from engine.testing.crash.cases import CASES, Case
from engine.testing.crash.judge import Verdict, count_steps, try_case
from engine.testing.crash.processes import Forks, open_forks

ROW = "{:12}{:26}{:>7}  {:24}{:>6}  {}"


def tell(verdict: Verdict, whole: Mapping[Step, int]) -> str:
    """One row of the table."""
    case = verdict.case
    said = "; ".join(verdict.wrong) or "equal"
    later = f"{case.later_s:g}" if case.later_s else "-"
    return ROW.format(case.play, str(case.dies), whole[case.dies.step], str(case.again or "-"), later, said)


def try_all(forks: Forks, cases: list[Case]) -> int:
    """Try these and print each; returns how many went wrong."""
    whole: dict[str, Mapping[Step, int]] = {}
    failed = 0
    for case in cases:
        if case.play not in whole:
            with tempfile.TemporaryDirectory() as place:
                whole[case.play] = count_steps(forks, case, Path(place))
        with tempfile.TemporaryDirectory() as place:
            verdict = try_case(forks, case, Path(place))
        failed += bool(verdict.wrong)
        print(tell(verdict, whole[case.play]), flush=True)
        if verdict.log:
            print(verdict.log)
    return failed


def main() -> int:
    """Try every case, or those that have one of the arguments in their name; 1 where something is wrong."""
    wanted = [case for case in CASES if not sys.argv[1:] or any(word in str(case) for word in sys.argv[1:])]
    print(ROW.format("play", "killed at", "passes", "then at", "later", "verdict"))
    with open_forks() as forks:
        failed = try_all(forks, wanted)
    print(f"{len(wanted)} cases, {failed} with differences; 'passes': how often a whole play passes the step")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
