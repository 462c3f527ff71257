"""Does chance decide? Runs under other seeds: of the global random generators, of hashes, of the order of tasks."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from attrs import evolve

from engine.app.lint.compare import NOTHING, Difference, first_difference
from engine.app.lint.verdict import Bench, ChildRun, Verdict

DICE: Final = (1, 2)
SCHEDULES: Final = (1, 2, 3, 4)
HASHES: Final = (0, 1, 2)
"""Under two hash seeds a set of two names has the same order half of the time; under three a quarter."""


def check_random(bench: Bench) -> Verdict:
    """Two runs whose global random generators begin differently; the seal is off, or they would all be refused."""
    runs = []
    for seed in DICE:
        with _seeded(seed):
            runs.append(bench.again(evolve(bench.options, sealed=False)))
    found = first_difference(runs[0].decisions, runs[1].decisions)
    if found is None:
        return Verdict(check="random", outcome="ok", sentence="Under two seeds of random it decided the same.")
    return Verdict(
        check="random",
        outcome="finding",
        sentence="Under another seed of the global random generator it decided differently.",
        evidence=found.lines(f"seed {DICE[0]}", f"seed {DICE[1]}"),
        advice="Use a random.Random with a seed that is a parameter, so that a run can be taken again.",
    )


def check_schedule(bench: Bench) -> Verdict:
    """Tasks that are ready at one instant run in another order."""
    for schedule in SCHEDULES:
        other = bench.again(evolve(bench.options, schedule=schedule))
        found = first_difference(bench.whole.decisions, other.decisions)
        if found is not None:
            return Verdict(
                check="schedule",
                outcome="finding",
                sentence="Where two of its tasks are ready at one instant, it matters which of them runs first.",
                evidence=found.lines(f"schedule {bench.options.schedule}", f"schedule {schedule}"),
                advice="It is a race: let one task decide, or guard what two of them read and change across an await.",
            )
    tried = f"{len(SCHEDULES) + 1} orders of tasks"
    return Verdict(check="schedule", outcome="ok", sentence=f"Under {tried} it decided the same.")


def check_hash(bench: Bench) -> Verdict:
    """Fresh interpreters with other seeds of hashes, which is the order of sets."""
    if bench.child is None:
        return Verdict(check="hash", outcome="skipped", sentence="Only a strategy with a name runs in other processes.")
    runs = [bench.child(hash_seed=seed, sealed=bench.options.sealed) for seed in HASHES]
    for seed, run in zip(HASHES, runs, strict=True):
        if run.trouble:
            return Verdict(
                check="hash",
                outcome="finding",
                sentence=f"In a process of its own (PYTHONHASHSEED={seed}) it did not run: {run.trouble}",
                advice="Run the command again; where it stays, something of this process helps the strategy to run.",
            )
    for seed, run in zip(HASHES[1:], runs[1:], strict=True):
        if run.fingerprint != runs[0].fingerprint:
            return Verdict(
                check="hash",
                outcome="finding",
                sentence="Under another PYTHONHASHSEED it decided differently: it goes through a set, or hashes text.",
                evidence=_lines_that_differ(runs[0], run, seed),
                advice="Use sorted(...) over a set before its order can matter, and never hash() for a decision.",
            )
    return Verdict(
        check="hash", outcome="ok", sentence=f"In {len(HASHES)} processes of other hashes: the same decisions."
    )


def _lines_that_differ(first: ChildRun, other: ChildRun, seed: int) -> tuple[str, ...]:
    for place in range(max(len(first.lines), len(other.lines))):
        sides = [run.lines[place] if place < len(run.lines) else NOTHING for run in (first, other)]
        if sides[0] != sides[1]:
            known = next(side for side in sides if side != NOTHING)
            shown = Difference("", 0, *sides).lines(f"hash seed {HASHES[0]}", f"hash seed {seed}")
            return (known.partition(" ")[0], *shown[1:])
    return ("the difference is behind the first lines that were compared",)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The global generators of ``random`` and of numpy, where that is loaded, begin here; then they are as before."""
    state = random.getstate()
    numpy = sys.modules.get("numpy.random")
    theirs = None if numpy is None else numpy.get_state()
    random.seed(seed)
    if numpy is not None:
        numpy.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
        if numpy is not None:
            numpy.set_state(theirs)
