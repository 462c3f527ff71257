"""Kill a recorder while it records, start it again on its folder, and print what was lost and whether a gap says so.

    python scripts/recorder.py                                  # 20,000 events/s, ten seconds before the kill
    python scripts/recorder.py --events-per-s 2000 --times 5

Exits 1 when a law was broken: more was lost than the window that the manifest declares, a trade that the exchange
published is neither in the journal nor in a gap, a number was given twice, or the session did not end in order.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.testing.recorder import Show, show_recorder


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events-per-s", type=float, default=20_000)
    parser.add_argument("--before", type=float, default=10.0, help="seconds until the kill")
    parser.add_argument("--after", type=float, default=5.0, help="seconds of the second run")
    parser.add_argument("--times", type=int, default=1)
    arguments = parser.parse_args()
    show = Show(events_per_s=arguments.events_per_s, before_s=arguments.before, after_s=arguments.after)
    broken = 0
    for _ in range(arguments.times):
        with tempfile.TemporaryDirectory(prefix="gapless-recorder-") as folder:
            came = show_recorder(Path(folder), show)
        print("\n".join(came.lines), flush=True)
        for sentence in came.wrong:
            print(f"  BROKEN: {sentence}")
        broken += bool(came.wrong)
    print(f"{broken} with a broken law." if broken else "All laws held.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
