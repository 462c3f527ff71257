"""How many events a second a strategy's function sees in a replay: gapless against other engines, side by side.

The same prices for all, tiled from a real tape, in Parquet files; the same two moving averages in Python, whose
crossings are counted and must be equal everywhere. The clock runs from the file on the disk to the last callback,
imports not counted. Each engine runs in a process of its own, and they take turns.

    python scripts/bench/replay.py                                  # a table, some minutes
    python scripts/bench/replay.py --peers OTHER/bin/python         # where NautilusTrader and the others are installed
    python scripts/bench/replay.py --trades 400000 --bars 100000 --rounds 1 --json

``reader`` is the tape alone, ``loop`` the tape with a plain ``async for``: what the engine adds is the rest. ``growth``
is peak memory of the whole tape through that of a quarter of it. backtrader gets a tenth of the bars: it takes seconds
for those. Exits 1 when a goal is missed or crossings differ; peers that are not installed are said and left out.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from engines import MODULES, SLOW, SYMBOL, Cross

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent.parent
DATA = ROOT.parent / "shared" / "data"
WORKER_S = 600.0
ENGINES = {
    "trades": ("reader", "loop", "gapless", "nautilus"),
    "bars": ("reader", "loop", "gapless", "nautilus", "backtesting", "backtrader"),
}
GOALS = {"trades": ("nautilus",), "bars": ("nautilus", "backtesting", "backtrader")}
GOAL = 3.0
SLOW_SHARE = {"backtrader": 10}
MINUTE_NS = 60_000_000_000


def expected(path: Path, kind: str) -> int:
    """The crossings of a tape, counted without any engine."""
    import pyarrow.parquet as pq

    cross = Cross()
    for price in pq.read_table(path)["price" if kind == "trades" else "close"].to_pylist():
        cross.take(price)
    return cross.crossings


def measure(python: str, engine: str, path: Path, kind: str) -> dict[str, Any] | None:
    """Run one engine in a process of its own; ``None`` when it is not installed or does not run."""
    command = [python, str(HERE.parent / "engines.py"), engine, kind, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WORKER_S, check=False)
    if done.returncode:
        print(f"{engine} did not run: {(done.stderr.strip().splitlines() or ['no word'])[-1]}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def make_tapes(folder: Path, trades: int, bars: int) -> dict[str, Path]:
    """The tapes: real prices one behind the other, whole and in shares; by kind and share."""
    made = {}
    for kind, rows in (("trades", trades), ("bars", bars)):
        for share in (1, 4, 10):
            path = folder / f"{kind}-{share}.parquet"
            (write_trades if kind == "trades" else write_bars)(path, max(rows // share, 2 * SLOW))
            made[f"{kind}-{share}"] = path
    return made


def write_trades(path: Path, rows: int) -> None:
    """Trades of one symbol, 50 ms apart. Prices have two digits, as shares have."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    real = pq.read_table(DATA / "trades.parquet", filters=[("symbol", "=", "XXX")])
    prices = [round(price, 2) for price in real["price"].to_pylist()]
    exchanges, sizes = real["exchange"].to_pylist(), [max(1.0, round(size)) for size in real["size"].to_pylist()]
    start_ns, times = 1_704_205_800 * 10**9, len(prices)
    with pq.ParquetWriter(path, _schema(pa, "price", "size", exchange=pa.string(), id=pa.int64())) as writer:
        for first in range(0, rows, times):
            count = min(times, rows - first)
            table = {
                "symbol": [SYMBOL] * count,
                "ts_ns": [start_ns + n * 50_000_000 for n in range(first, first + count)],
                "price": prices[:count], "size": sizes[:count], "exchange": exchanges[:count],
                "id": list(range(first, first + count)),
            }  # fmt: skip
            writer.write_table(pa.table(table, schema=writer.schema), row_group_size=262_144)


def write_bars(path: Path, rows: int) -> None:
    """Minute bars of one symbol, every minute one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    real = pq.read_table(DATA / "bars_1min.parquet", filters=[("symbol", "=", "SPY")])
    if not real.num_rows:
        real = pq.read_table(DATA / "bars_1min.parquet").slice(0, 20_000)
    names = ("open", "high", "low", "close", "volume")
    columns = {name: [round(value, 2) for value in real[name].to_pylist()] for name in names}
    start_ns, times = 1_104_762_600 * 10**9, real.num_rows
    with pq.ParquetWriter(path, _schema(pa, *names)) as writer:
        for first in range(0, rows, times):
            count = min(times, rows - first)
            stamps = [start_ns + n * MINUTE_NS for n in range(first, first + count)]
            table = {"symbol": [SYMBOL] * count, "ts_ns": stamps} | {n: columns[n][:count] for n in names}
            writer.write_table(pa.table(table, schema=writer.schema), row_group_size=262_144)


def _schema(pa: Any, *numbers: str, **rest: Any) -> Any:
    columns = {"symbol": pa.string(), "ts_ns": pa.int64()} | dict.fromkeys(numbers, pa.float64()) | rest
    return pa.schema(list(columns.items()))


def compare(tapes: dict[str, Path], rounds: int, peers: str, left_out: set[str]) -> list[dict[str, Any]]:
    """All engines, taking turns; a row for each kind and engine."""
    rows = []
    for kind, engines in ENGINES.items():
        crossings = {share: expected(tapes[f"{kind}-{share}"], kind) for share in (1, 10)}
        found: dict[str, list[dict[str, Any]]] = {engine: [] for engine in engines if engine not in left_out}
        for _ in range(rounds):
            for engine, results in list(found.items()):
                share = SLOW_SHARE.get(engine, 1)
                python = peers if engine in MODULES else sys.executable
                if (result := measure(python, engine, tapes[f"{kind}-{share}"], kind)) is None:
                    found.pop(engine)
                    continue
                result["same"] = result["crossings"] == crossings[share]
                results.append(result)
        for engine, results in found.items():
            quarter = None
            if engine not in SLOW_SHARE:
                quarter = measure(peers if engine in MODULES else sys.executable, engine, tapes[f"{kind}-4"], kind)
            peak = statistics.median(result["peak_mib"] for result in results)
            rows.append(
                {
                    "kind": kind,
                    "engine": engine,
                    "events": results[0]["events"],
                    "rate": round(statistics.median(result["events"] / result["wall_s"] for result in results)),
                    "cpu_us": round(statistics.median(r["cpu_s"] / r["events"] * 1e6 for r in results), 3),
                    "peak_mib": round(peak, 1),
                    "growth": None if quarter is None else round(peak / quarter["peak_mib"], 2),
                    "same": all(result["same"] for result in results),
                }
            )
    return rows


def ratios(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """How much faster gapless is than each, by kind."""
    rates = {(row["kind"], row["engine"]): row["rate"] for row in rows}
    return {
        kind: {
            engine: round(rates[kind, "gapless"] / rates[kind, engine], 2)
            for engine in engines
            if (kind, engine) in rates and (kind, "gapless") in rates and engine != "gapless"
        }
        for kind, engines in ENGINES.items()
    }


def show(rows: list[dict[str, Any]], against: dict[str, dict[str, float]]) -> None:
    """The table for people."""
    print(f"{'':8}{'engine':14}{'events/s':>12}{'cpu us':>9}{'peak MiB':>10}{'growth':>8}{'gapless is':>12}  crossings")
    for row in rows:
        times = against[row["kind"]].get(row["engine"])
        growth = "" if row["growth"] is None else f"{row['growth']:.2f}x"
        print(
            f"{row['kind']:8}{row['engine']:14}{row['rate']:>12,}{row['cpu_us']:>9.2f}{row['peak_mib']:>10.0f}{growth:>8}"
            f"{'' if times is None else f'{times:.2f}x':>12}  {'equal' if row['same'] else 'DIFFERENT'}"
        )


def main() -> int:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trades", type=int, default=2_000_000, help="length of the tape of trades")
    parser.add_argument("--bars", type=int, default=500_000, help="length of the tape of minute bars")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each engine (default 3)")
    parser.add_argument("--peers", default=sys.executable, help="the Python where the peers are installed")
    parser.add_argument("--without", default="", help="engines to leave out, with commas")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tapes = make_tapes(Path(folder), arguments.trades, arguments.bars)
        rows = compare(tapes, arguments.rounds, arguments.peers, set(arguments.without.split(",")))
    against = ratios(rows)
    judged = [against[kind].get(peer) for kind, named in GOALS.items() for peer in named]
    ran = all(against.values())  # peers may be absent, we may not
    met = ran and all(row["same"] for row in rows) and all(ratio >= GOAL for ratio in judged if ratio is not None)
    if arguments.json:
        print(json.dumps({"rows": rows, "ratios": against, "goal": GOAL, "met": met}))
    else:
        show(rows, against)
        print(f"goal: {GOAL:g}x each peer, crossings equal: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
