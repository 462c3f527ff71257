"""How long ``gapless report`` takes for a day, and how large its page is: five symbols, 390 minutes, 500,000 events.

    python scripts/bench/report.py
    python scripts/bench/report.py --events 2000000 --crashed

The command runs in a process of its own, as a person would run it; its limits are five seconds and two megabytes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SYMBOLS: Final = ("AAA", "BBB", "CCC", "DDD", "EEE")
MINUTES: Final = 390
SECONDS_MAX: Final = 5.0
BYTES_MAX: Final = 2_000_000


def write_day(folder: Path, events: int, orders: int, *, crashed: bool) -> None:
    """A day with so many events, and orders that buy and sell in turn."""
    from tests.app.postmortem import made

    tickets = [
        made.filled(
            number,
            SYMBOLS[number // 2 % len(SYMBOLS)],
            "10" if number % 2 == 0 else "-10",
            f"{100 + number % 7 / 10:.2f}",
            made.OPEN_NS + (number + 1) * MINUTES * made.MINUTE_NS // (orders + 2),
        )
        for number in range(orders)
    ]
    end_ns = made.OPEN_NS + MINUTES * made.MINUTE_NS
    made.write_session(
        folder,
        market=made.make_market(SYMBOLS, MINUTES, events // MINUTES),
        records=[*made.a_bad_line(made.OPEN_NS + 30 * made.MINUTE_NS), *made.a_run(end_ns, decisions=orders)],
        tickets=tickets,
        end_ns=end_ns,
        crashed=crashed,
    )


def main() -> int:
    """Write the day, tell it three times, print the best."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--crashed", action="store_true", help="events are still in the journal")
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "day"
        write_day(folder, asked.events, asked.orders, crashed=asked.crashed)
        command = [sys.executable, "-c", "from engine.app.cli import main; main()", "report", str(folder)]
        took = []
        for _ in range(3):
            begun_s = perf_counter()
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            took.append(perf_counter() - begun_s)
        size = (folder / "report.html").stat().st_size
    told = {"events": asked.events, "orders": asked.orders, "seconds": round(min(took), 2), "bytes": size}
    sys.stdout.write(json.dumps(told) + "\n")
    return int(min(took) > SECONDS_MAX or size > BYTES_MAX)


if __name__ == "__main__":
    sys.exit(main())
