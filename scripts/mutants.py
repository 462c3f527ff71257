"""Whether the simulation finds bugs: each of some fifty is planted in a copy of the engine, and seeds are played on it.

The engine itself is played first; a seed that it fails is left out, for there it is not the planted bug that shows.

    python scripts/mutants.py                             # all of them on all cores; say when you will be back
    python scripts/mutants.py --only no_ping --seeds 40   # one
    python scripts/mutants.py --json

Prints for each which invariant caught it, after how many seeds; those that no session can show say why. Exits 1 when
fewer than 28 of 30 of the others are caught.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.testing.simulate.invariants import invariant
from engine.testing.simulate.mutants import MUTANTS, Mutant, plant

ROOT = Path(__file__).resolve().parent.parent
SEEDS = 150
HIDDEN_SEEDS = 10
"""For a mutant that no session can show: enough to see that its reason is not wrong altogether."""
HOURS = 1.0
GOAL = 28 / 30
SEED_MAX_S = 120.0
"""Wall time of one seed; a session takes a second or two, and a mutant may make it a hundred times as long."""


class FellOver(Exception):
    """The sessions could not be played at all, which shows nothing of the engine."""


class Hunted(NamedTuple):
    """What became of one mutant. ``number`` is the invariant that caught it, 0 none."""

    mutant: Mutant
    number: int
    seeds: int
    sentence: str

    @property
    def caught(self) -> bool:
        return self.number > 0


def play(folder: Path, seeds: Sequence[int], hours: float, *, whole: bool = False) -> dict[str, Any]:
    """What seeds break of the engine in a folder."""
    command = [sys.executable, "-m", "engine.testing.simulate.hunt", str(hours), *map(str, seeds)]
    done = subprocess.run(
        [*command, "--whole"] if whole else command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SEED_MAX_S * len(seeds),
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise FellOver(last)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def hunt(mutant: Mutant, seeds: Sequence[int], hours: float) -> Hunted:
    """Plant one bug in a copy of its own, and play."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        shutil.copytree(ROOT / "engine", folder / "engine", ignore=shutil.ignore_patterns("__pycache__"))
        plant(mutant, folder / "engine")
        try:
            told = play(folder, seeds, hours)
        except subprocess.TimeoutExpired:
            return Hunted(mutant, 16, len(seeds), "the sessions came to no end")
        except FellOver as failure:
            return Hunted(mutant, 0, 0, f"the sessions could not be played: {failure}")
    if not told["found"]:
        return Hunted(mutant, 0, told["played"], "")
    first = told["found"][0]
    return Hunted(mutant, first["number"], told["played"], first["sentence"])


def render(one: Hunted) -> str:
    """One line of the table."""
    if one.caught:
        law = invariant(one.number)
        return f"{one.mutant.name:<28} caught by {law.number:>2} {law.name:<13} after {one.seeds:>3} seeds"
    why = one.mutant.hidden or one.sentence or one.mutant.rare or "it should have been"
    return f"{one.mutant.name:<28} not caught in {one.seeds} seeds: {why}"


def choose(only: Sequence[str]) -> list[Mutant]:
    """The mutants of these names, all where none is named."""
    unknown = sorted(set(only) - {mutant.name for mutant in MUTANTS})
    if unknown:
        sys.exit(f"There is no mutant {', '.join(unknown)}; there are {', '.join(mutant.name for mutant in MUTANTS)}.")
    return [mutant for mutant in MUTANTS if not only or mutant.name in only]


def verdict(hunted: Sequence[Hunted]) -> dict[str, Any]:
    """The figures."""
    shown = [one for one in hunted if not one.mutant.hidden]
    caught = [one for one in shown if one.caught]
    return {
        "mutants": len(hunted),
        "hidden": {one.mutant.name: one.mutant.hidden for one in hunted if one.mutant.hidden and not one.caught},
        "caught": {one.mutant.name: {"invariant": one.number, "seeds": one.seeds} for one in hunted if one.caught},
        "missed": [one.mutant.name for one in shown if not one.caught],
        "share": round(len(caught) / len(shown), 3) if shown else 1.0,
    }


def main() -> int:
    """Hunt them all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this mutant; repeat it")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds at most for each")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=HOURS, help="simulated hours of each seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    mutants, began_s = choose(arguments.only), time.monotonic()
    seeds = list(range(arguments.first_seed, arguments.first_seed + arguments.seeds))
    spoilt = {one["seed"] for one in play(ROOT, seeds, arguments.hours, whole=True)["found"]}
    good = [seed for seed in seeds if seed not in spoilt]
    if not good:
        sys.exit("The engine itself fails every one of these seeds: run 'gapless simulate' first.")
    hunted: list[Hunted] = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for one in pool.map(
            lambda mutant: hunt(mutant, good[: HIDDEN_SEEDS if mutant.hidden else None], arguments.hours), mutants
        ):
            hunted.append(one)
            if not arguments.json:
                print(render(one), flush=True)
    told = {**verdict(hunted), "failing_without": sorted(spoilt), "wall_s": round(time.monotonic() - began_s, 1)}
    if arguments.json:
        print(json.dumps(told))
    else:
        print(
            f"{len(told['caught'])} of {told['mutants']} caught in {told['wall_s']} s"
            + (f"; missed: {', '.join(told['missed'])}" if told["missed"] else "")
            + (f"; seeds left out, the engine itself fails them: {sorted(spoilt)}" if spoilt else "")
        )
    return 0 if told["share"] >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
