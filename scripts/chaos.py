"""Trading days on which everything goes wrong, one for each seed; at the end engine and exchange must be equal.

Each day is 6.5 market hours of gambling strategies on the embedded exchange, with faults on the data streams, the
account stream and REST, in virtual time. Its verdict compares every order, execution, position and cent, looks for
client order ids that were taken twice, for orders without an intent on disk, and for orders of unknown fate.

    python scripts/chaos.py                               # 200 days on all cores; say when you will be back
    python scripts/chaos.py --seeds 3 --hours 0.5         # a look
    python scripts/chaos.py --first-seed 17 --seeds 1     # one day once more: a seed is a day, always the same
    python scripts/chaos.py --seeds 20 --json

Exits 1 when a day ended with a difference, or had fewer than 50 faults or none on one of the three roads.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.testing.chaos.day import DAY_S, Day, Outcome, run_day

FAULTS_MIN = 50
HOURS_FULL = DAY_S / 3600


def judge(outcome: Outcome, *, whole: bool) -> Iterator[str]:
    """What is wrong with a day. One that is cut short need not have had all faults."""
    yield from outcome.wrong
    if whole and outcome.faults < FAULTS_MIN:
        yield f"only {outcome.faults} faults happened"
    if whole:
        for road, hits in outcome.by_road().items():
            if not hits:
                yield f"no fault happened on the road {road}"


def play(day: Day) -> Outcome:
    """One day, quietly: what the engine says on the way is for whoever looks at one seed."""
    from loguru import logger

    logger.remove()
    return run_day(day)


def main() -> int:
    """Play all days and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200, help="how many days")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=HOURS_FULL, help="market hours of each day")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    arguments = parser.parse_args()
    days = [
        Day(seed=seed, seconds=arguments.hours * 3600)
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    ]
    began_s = time.monotonic()
    outcomes: list[Outcome] = []
    failed: dict[int, list[str]] = {}
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for done in as_completed([pool.submit(play, day) for day in days]):
            outcome = done.result()
            outcomes.append(outcome)
            if wrong := list(judge(outcome, whole=arguments.hours >= HOURS_FULL)):
                failed[outcome.seed] = wrong
            if not arguments.json:
                left_s = (time.monotonic() - began_s) / len(outcomes) * (len(days) - len(outcomes))
                state = "equal" if not wrong else "; ".join(wrong[:3])
                print(
                    f"seed {outcome.seed:>5}: {outcome.orders:>5} orders {outcome.fills:>5} fills "
                    f"{outcome.faults:>6} faults  {state}   ({len(outcomes)}/{len(days)}, {left_s / 60:.0f} min left)",
                    flush=True,
                )
    hits: Counter[str] = Counter()
    for outcome in outcomes:
        hits.update(outcome.hits)
    told = {
        "days": len(outcomes),
        "hours": round(arguments.hours * len(outcomes), 1),
        "orders": sum(outcome.orders for outcome in outcomes),
        "fills": sum(outcome.fills for outcome in outcomes),
        "faults": sum(hits.values()),
        "faults_by_kind": dict(sorted(hits.items())),
        "failed": {str(seed): wrong for seed, wrong in sorted(failed.items())},
        "wall_s": round(time.monotonic() - began_s, 1),
    }
    if arguments.json:
        print(json.dumps(told))
    else:
        print(", ".join(f"{kind} {number}" for kind, number in sorted(hits.items())))
        print(
            f"{told['days']} days ({told['hours']} market hours) in {told['wall_s']} s: {told['orders']} orders, "
            f"{told['fills']} fills, {told['faults']} faults; {len(failed)} days with differences"
            + (f": seeds {', '.join(map(str, sorted(failed)))}" if failed else "")
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
