"""One fingerprint: the same tape and six strategies, over orders of tasks, hashes of text, time zones and Pythons.

The strategies have nurseries, sleeps, ticks, deadlines, blocks of orders, brackets and targets
(``tests/app/replay/made.py``). Each process runs its share of the schedules; what differs anywhere is told, and the
exit code is 1.

    python scripts/determinism.py --runs 50
    python scripts/determinism.py --runs 6 --seconds 300 --python /usr/bin/python3.13
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
HASH_SEEDS: Final = ("0", "1", "4242")
ZONES: Final = ("UTC", "Asia/Kathmandu")
"""The second is three quarters of an hour off, so nothing that is rounded to hours hides it."""


def run_share(schedules: list[int], seconds: int) -> dict[str, Any]:
    """Replay under each of these schedules, in this process."""
    from engine.app.options import LoadedStrategy
    from engine.app.replay.options import ReplayOptions
    from engine.app.replay.run import replay
    from tests.app.replay import made

    symbols = ("SPY", "QQQ")
    events = made.make_events(11, seconds, symbols)
    loaded = tuple(LoadedStrategy(one, made.Params(symbols[place % 2]), one.name) for place, one in enumerate(made.SIX))
    told: dict[str, Any] = {}
    for schedule in schedules:
        replayed = replay(ReplayOptions(strategies=loaded, tapes=(), schedule=schedule), made.MemoryTape(events))
        failed = [row.error for row in replayed.report.strategies if row.error]
        told[str(schedule)] = {
            "fingerprint": replayed.fingerprint,
            "by_strategy": dict(replayed.fingerprints),
            "decisions": len(replayed.decisions),
            "events": replayed.events,
            "failed": failed,
        }
    return told


def run_all(runs: int, seconds: int, pythons: list[str]) -> list[dict[str, Any]]:
    """Every run with where it ran; processes one after the other."""
    places = [(python, seed, zone) for python in pythons for seed in HASH_SEEDS for zone in ZONES]
    found = []
    for number, (python, seed, zone) in enumerate(places):
        share = [str(schedule) for schedule in range(runs) if schedule % len(places) == number]
        if not share:
            continue
        command = [python, str(Path(__file__).resolve()), "--seconds", str(seconds), "--share", *share]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.stderr.write(done.stderr)
            raise SystemExit(f"A process of {python} ended with {done.returncode}.")
        for schedule, told in json.loads(done.stdout).items():
            found.append({"python": python, "hash_seed": seed, "zone": zone, "schedule": int(schedule), **told})
    return found


def main() -> int:
    """Run, compare, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=50, help="how many schedules, shared out among the processes")
    parser.add_argument("--seconds", type=int, default=600, help="market time of the tape")
    parser.add_argument("--python", action="append", default=[], help="another Python to run under; may be repeated")
    parser.add_argument("--share", type=int, nargs="*", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.share is not None:
        print(json.dumps(run_share(flags.share, flags.seconds)))
        return 0
    found = run_all(flags.runs, flags.seconds, [sys.executable, *flags.python])
    counts = Counter(one["fingerprint"] for one in found)
    for fingerprint, count in counts.most_common():
        one = next(one for one in found if one["fingerprint"] == fingerprint)
        print(f"{fingerprint}  {count} runs, {one['decisions']} decisions of {len(one['by_strategy'])} strategies")
    usual = counts.most_common(1)[0][0]
    for one in found:
        if one["fingerprint"] != usual or one["failed"]:
            print(json.dumps(one))
    return 0 if len(counts) == 1 and not any(one["failed"] for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
