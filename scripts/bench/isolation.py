"""What a slow strategy costs a fast one: both on one feed at 5,000 events a second, against the fast one alone.

The exchange runs in a process of its own and pings its client every second. In turn the fast strategy runs alone and
beside a strategy that sleeps 50 ms over each event, once for each overflow policy.

    python scripts/bench/isolation.py                 # a table, about two minutes
    python scripts/bench/isolation.py --seconds 5 --json

``p50`` and ``p99`` are the fast strategy's lag, event time to delivery, in milliseconds; ``ratio`` is p99 beside the
slow one over p99 alone, medians of the rounds. ``late pongs`` are those that the exchange waited for over its deadline.
Exits 1 when the fast strategy lost an event, a pong was late, or p99 more than doubled.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
GAPLESS = [sys.executable, "-c", "import sys; from engine.app.cli import main; sys.exit(main())"]
POLICIES = ("block", "drop_oldest", "latest", "fail")
RATE = 5_000
# At 5,000 a second a slow strategy has this many waiting within a second, so that each policy shows what it does.
CAPACITY = 5_000

STRATEGIES = """
import trio
from engine import Context, Kind, Stream, strategy

WANTED = [Stream(kind, symbol) for kind in (Kind.TRADES, Kind.QUOTES) for symbol in ("SPY", "AAPL")]

@strategy()
async def fast(ctx: Context) -> None:
    async with ctx.streams(*WANTED) as events:
        async for _ in events:
            pass
"""
SLOW = """
@strategy()
async def slow_{policy}(ctx: Context) -> None:
    async with ctx.streams(*WANTED, full="{policy}"{capacity}) as events:
        async for _ in events:
            await trio.sleep(0.05)
"""


def write_strategies(folder: Path) -> Path:
    """The strategies as a user would write them, one slow one for each policy."""
    path = folder / "pair.py"
    slow = (
        SLOW.format(policy=policy, capacity="" if policy == "block" else f", capacity={CAPACITY}")
        for policy in POLICIES
    )
    path.write_text(STRATEGIES + "".join(slow), encoding="utf-8")
    return path


def hold_session(names: list[str], strategies: Path, seconds: float) -> dict[str, Any]:
    """One exchange and one session; returns the session's report with the exchange's figures under ``exchange``."""
    exchange = subprocess.Popen(
        [*GAPLESS, "exchange", "--json", "--symbols", "SPY,AAPL", "--events-per-s", str(RATE), "--even",
         "--ping-every", "1"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert exchange.stdout is not None
        urls: dict[str, str] = json.loads(exchange.stdout.readline())
        flags = [part for name, url in urls.items() for part in (f"--{name.replace('_', '-')}", url)]
        run = subprocess.run(
            [*GAPLESS, "run", *(f"{strategies}:{name}" for name in names), "--for", str(seconds), "--json", *flags],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if not run.stdout:
            raise SystemExit(f"a session ended without a report: {run.stderr.strip()}")
        report: dict[str, Any] = json.loads(run.stdout)
    finally:
        exchange.send_signal(signal.SIGINT)
        _, told = exchange.communicate(timeout=20)
    # The last line is a sentence that ends in the exchange's figures.
    report["exchange"] = json.loads(told[told.index("{") :])
    return report


def read_row(policy: str, report: dict[str, Any]) -> dict[str, Any]:
    """The figures of one session."""
    rows = {name: [row for row in report["streams"] if row["strategy"] == name] for name in ("fast", f"slow_{policy}")}
    (fast,) = [row for row in report["strategies"] if row["name"] == "fast"]
    fast_rows, slow_rows = rows["fast"], rows.get(f"slow_{policy}", [])

    def total(which: list[dict[str, Any]], name: str) -> int:
        return sum(int(row[name]) for row in which)

    return {
        "beside": policy,
        "fast_received": total(fast_rows, "received") + total(fast_rows, "backfilled"),
        "fast_delivered": total(fast_rows, "delivered"),
        "p50_ms": fast["lag_ms"]["p50"],
        "p99_ms": fast["lag_ms"]["p99"],
        "slow_delivered": total(slow_rows, "delivered"),
        "slow_conflated": total(slow_rows, "conflated"),
        "slow_dropped": total(slow_rows, "dropped"),
        "restarts": sum(int(row["restarts"]) for row in report["feeds"]),
        "balanced": report["conservation"]["holds"],
        "pongs": report["exchange"]["pings"],
        "pongs_late": report["exchange"]["pongs_late"],
    }


def measure(policy: str, strategies: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Alone and beside the slow strategy in turn; the last round's counts with the medians of p99."""
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(read_row("nobody", hold_session(["fast"], strategies, seconds)))
        beside.append(read_row(policy, hold_session(["fast", f"slow_{policy}"], strategies, seconds)))
    row = beside[-1]
    row["alone_p99_ms"] = statistics.median(one["p99_ms"] for one in alone)
    row["p99_ms"] = statistics.median(one["p99_ms"] for one in beside)
    row["ratio"] = round(row["p99_ms"] / max(row["alone_p99_ms"], 0.001), 2)
    row["lost"] = sum(one["fast_received"] - one["fast_delivered"] for one in beside)
    row["pongs_late"] = sum(one["pongs_late"] for one in (*alone, *beside))
    row["balanced"] = all(one["balanced"] for one in (*alone, *beside))
    return row


def main() -> int:
    """Run all sessions and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each session")
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair is measured")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        strategies = write_strategies(Path(folder))
        rows = [measure(policy, strategies, arguments.seconds, arguments.rounds) for policy in POLICIES]
    if arguments.json:
        print(json.dumps({"rows": rows}))
    else:
        for row in rows:
            print(
                f"{row['beside']:12} fast {row['fast_delivered']:>7} of {row['fast_received']:>7}  "
                f"p50 {row['p50_ms']:>7} p99 {row['p99_ms']:>8} alone {row['alone_p99_ms']:>8} "
                f"ratio {row['ratio']:>5}  "
                f"slow: delivered {row['slow_delivered']} conflated {row['slow_conflated']} dropped "
                f"{row['slow_dropped']}  pongs {row['pongs']} late {row['pongs_late']}  restarts {row['restarts']}"
            )
    failed = any(row["lost"] or row["pongs_late"] or row["restarts"] or not row["balanced"] for row in rows)
    return 1 if failed or any(row["ratio"] > 2 for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
