"""The kill switch, Ctrl-C and the venue's rules put to the proof, and what came of it printed.

    python scripts/storm.py kill                # storms in virtual time, every trigger; then real processes
    python scripts/storm.py ctrl-c              # brackets, and SIGINT in the middle; then real processes
    python scripts/storm.py rules               # our refusals beside the exchange's own
    python scripts/storm.py kill --seeds 40 --no-processes

Exits 1 when a law was broken: a request that added risk after the trip, not flat within the deadline, a position that
crossed zero, a refusal that differs, or a request that a static rule forbids and that was sent.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.testing.storm.kill import TRIGGERS, Storm, run_storm
from engine.testing.storm.leave import Leaving, run_leaving
from engine.testing.storm.processes import Shown, show_ctrl_c, show_kill
from engine.testing.storm.table import run_random, run_table

TABLE = Path(__file__).resolve().parent.parent / "tests" / "conformance" / "refusals.toml"


def kill(seeds: int) -> Iterator[list[str]]:
    """Storms with every trigger."""
    for trigger in TRIGGERS:
        for seed in range(seeds):
            came = run_storm(Storm(seed=seed, trigger=trigger))
            flat = "never" if came.flat_s is None else f"{came.flat_s:.1f} s"
            print(
                f"{trigger:8} seed {seed:3}: {came.in_flight:3} orders in flight ({came.unknown} unanswered); after "
                f"the trip {came.refused.get('kill_switch', 0)} asked for, {len(came.after)} sent; flat after {flat}",
                flush=True,
            )
            yield came.wrong()


def ctrl_c(seeds: int) -> Iterator[list[str]]:
    """Storms of brackets."""
    for seed in range(seeds):
        came = run_leaving(Leaving(seed=seed))
        flat = "never" if came.flat_s is None else f"{came.flat_s:.1f} s of {came.storm.within_s:g}"
        faults = ", ".join(str(each["kind"]) for each in came.storm.faults) or "no faults"
        print(
            f"seed {seed:3}: {came.held or 'nothing'} held, {came.open} orders open, {came.signals} x SIGINT, {faults}"
            f": flat, no open order after {flat}",
            flush=True,
        )
        yield came.wrong()


def rules(seeds: int) -> Iterator[list[str]]:
    """The table, and orders at random."""
    for name, compared in (("table", run_table(TABLE)), *((f"seed {seed}", run_random(seed)) for seed in range(seeds))):
        refused = [each for each in compared if each.static]
        print(
            f"{name}: {len(compared)} orders, {len(refused)} refused by a static rule; "
            f"{sum(each.ours == each.theirs for each in refused)} in the same words here and there, "
            f"{sum(each.sent for each in refused)} of them sent",
            flush=True,
        )
        yield [each.wrong for each in compared if each.wrong]


def processes(shows: list[Callable[[Path], Shown]]) -> Iterator[list[str]]:
    """The same as real processes."""
    for show in shows:
        with tempfile.TemporaryDirectory(prefix="gapless-storm-") as folder:
            shown = show(Path(folder))
        print("\n".join(("", *shown.lines)), flush=True)
        yield list(shown.wrong)


def main() -> int:
    """Run what was asked for."""
    from loguru import logger

    logger.remove()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kill", "ctrl-c", "rules"))
    parser.add_argument("--seeds", type=int, default=8, help="storms (of each trigger)")
    parser.add_argument("--no-processes", action="store_true", help="virtual time only")
    arguments = parser.parse_args()
    plays = {"kill": kill, "ctrl-c": ctrl_c, "rules": rules}
    shows: dict[str, list[Callable[[Path], Shown]]] = {
        "kill": [lambda folder: show_kill(folder, stopped=True), lambda folder: show_kill(folder, stopped=False)],
        "ctrl-c": [
            lambda folder: show_ctrl_c(folder, signal.SIGINT),
            lambda folder: show_ctrl_c(folder, signal.SIGINT, signal.SIGINT),
        ],
        "rules": [],
    }
    broken = 0
    for wrong in (
        *plays[arguments.what](arguments.seeds),
        *processes([] if arguments.no_processes else shows[arguments.what]),
    ):
        broken += bool(wrong)
        for sentence in wrong:
            print(f"  BROKEN: {sentence}")
    print(f"{broken} with a broken law." if broken else "All laws held.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
