"""The steps of a check: what each one runs, in which order, and how its outcome is told.

The static steps depend on nothing and run side by side; the tests come after them and alone, because some of them
measure lag and must not compete with a type checker for two cores. Every step runs even when an earlier one failed:
one check should tell everything that is wrong. A step that passes says one line, one that fails shows its output.

Started by ``scripts/check.py`` inside ``.venv``.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("engine", "strategies", "scripts", "tests")
TYPED = ("engine", "strategies", "scripts")
STATIC_AT_ONCE = 2
"""The smallest machine that a check is made for has two cores."""
WORKERS_MAX = 8
"""More pytest workers than this spend longer on starting than they save."""
STEP_MAX_S = 1500
"""Four times what the longest takes on two free cores: a step that hangs must end as a failed check, not as a CI job
that is killed."""


@dataclass(frozen=True)
class Step:
    """One tool and what it keeps true."""

    name: str
    keeps: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """How a step ended: its exit code, how long it took, and what it printed (empty where that was shown already)."""

    step: Step
    code: int
    took_s: float
    output: str = ""


def build_static() -> list[Step]:
    """The slow one first, so that the quick ones fill the other core."""
    python = (sys.executable, "-m")
    return [
        Step("types", "mypy --strict", (*python, "mypy", *TYPED)),
        Step("async", "flake8-async: checkpoints, cancellation, deadlines", (*python, "flake8", *CODE)),
        Step("floors", "import contracts of setup.cfg", (sys.executable, "-c", LINT_IMPORTS)),
        Step("lint", "ruff check", (*python, "ruff", "check", *CODE)),
        Step("format", "ruff format", (*python, "ruff", "format", "--check", *CODE)),
    ]


def build_tests() -> Step:
    """All tests, one worker a core."""
    workers = max(2, min(os.cpu_count() or 2, WORKERS_MAX))
    return Step("tests", "pytest", (sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--dist", "worksteal"))


LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
"""import-linter has no ``python -m``; its script may stand in a folder that is not on the path."""


def run(step: Step, *, live: bool) -> Outcome:
    """Run one step; ``live`` passes its output through as it comes instead of keeping it."""
    began = time.monotonic()
    try:
        done = subprocess.run(
            step.command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=None if live else subprocess.PIPE,
            stderr=None if live else subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=STEP_MAX_S,
        )
    except subprocess.TimeoutExpired:
        return Outcome(step, 1, time.monotonic() - began, f"{step.name} did not end within {STEP_MAX_S} s\n")
    return Outcome(step, done.returncode, time.monotonic() - began, done.stdout or "")


def tell(outcome: Outcome) -> None:
    """One line for a step that passed; its output as well for one that failed."""
    if outcome.code:
        print(f"\n--- {outcome.step.name}: {' '.join(outcome.step.command)}\n{outcome.output}", flush=True)
    print(f"{outcome.step.name:<8} {'FAILED' if outcome.code else 'ok':<7} {outcome.took_s:6.1f} s", flush=True)


def run_all(steps: Sequence[Step], tests: Step | None) -> list[Outcome]:
    """Run the static steps side by side, then the tests with their output shown as it comes."""
    outcomes = []
    with ThreadPoolExecutor(STATIC_AT_ONCE) as pool:
        for outcome in pool.map(lambda step: run(step, live=False), steps):
            tell(outcome)
            outcomes.append(outcome)
    if tests is not None:
        outcomes.append(run(tests, live=True))
        tell(outcomes[-1])
    return outcomes


def main() -> int:
    """Run what was asked for; 0 when all of it passed, else 1."""
    static, tests = build_static(), build_tests()
    known = {step.name: step.keeps for step in [*static, tests]}
    parser = argparse.ArgumentParser(
        prog="scripts/check.py",
        description="Format, lint, types, import contracts and tests. Exit code 0 when everything passed.",
        epilog="steps: " + "; ".join(f"{name} ({keeps})" for name, keeps in known.items()),
    )
    parser.add_argument("--only", action="append", choices=list(known), metavar="NAME", help="run this step alone")
    chosen = parser.parse_args().only or list(known)
    began = time.monotonic()
    outcomes = run_all([step for step in static if step.name in chosen], tests if tests.name in chosen else None)
    failed = [outcome.step.name for outcome in outcomes if outcome.code]
    verdict = f"failed: {', '.join(failed)}" if failed else "all passed"
    print(f"check: {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
