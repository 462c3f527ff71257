"""Play seeds until one breaks an invariant, and say which: what `scripts/mutants.py` starts on each changed copy.

Run as ``python -m engine.testing.simulate.hunt HOURS SEED...``; answers with one JSON object.
"""

import json
import sys
from collections.abc import Sequence

from loguru import logger

from engine.testing.simulate.draw import build_plan
from engine.testing.simulate.play import play


def hunt(seeds: Sequence[int], hours: float, *, whole: bool = False) -> dict[str, object]:
    """Which seeds were played, and what the ones that failed broke; only the first of them, but for ``whole``."""
    found: list[dict[str, object]] = []
    played = 0
    for seed in seeds:
        played += 1
        outcome = play(build_plan(seed, hours))
        if outcome.violations:
            first = outcome.violations[0]
            found.append({"seed": seed, "number": first.number, "at_s": first.at_s, "sentence": first.sentence})
            if not whole:
                break
    return {"played": played, "found": found}


def main(arguments: Sequence[str]) -> None:
    """The command line."""
    logger.remove()
    hours, *seeds = [each for each in arguments if each != "--whole"]
    print(json.dumps(hunt([int(seed) for seed in seeds], float(hours), whole="--whole" in arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
