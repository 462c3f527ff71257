"""How many messages a second reach a strategy's function: gapless against alpaca-py, side by side in one run.

One local server process blasts the same pre-encoded MessagePack frames (1, 10 and 100 trades a frame) over a real
WebSocket at whoever logs in and subscribes. Each client runs in a process of its own, on one core where the system
allows that, and the two take turns, so that a busy machine is unfair to neither. A message counts when it is decoded
and was handed to a function; the clock runs from the first message to the last.

    python scripts/bench/ingest.py                     # a table, about a minute
    python scripts/bench/ingest.py --json              # one JSON object for machines
    python scripts/bench/ingest.py --rounds 9 --goals 3,4,5

``rate`` is messages a second of wall time (median of the rounds); ``cpu`` is microseconds of processor time a message,
which other work on the machine disturbs less. Exits 1 when a goal is missed. Needs alpaca-py (a development extra).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent.parent
LAYOUTS = (1, 10, 100)
# Enough for about half a second of the faster client and about two seconds of the slower one.
MESSAGES = {"gapless": {1: 400_000, 10: 600_000, 100: 600_000}, "alpaca-py": {1: 80_000, 10: 150_000, 100: 150_000}}
CLIENT_S = 60.0


@dataclass
class Result:
    """What one client measured."""

    messages: int
    wall_s: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.wall_s

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time a message."""
        return self.cpu_s / self.messages * 1e6


class Meter:
    """The strategy's end: a function for each event; knows when the first and the last came."""

    def __init__(self, messages: int) -> None:
        self._left = messages
        self._messages = messages
        self._wall_s = self._cpu_s = 0.0
        self.on_done: Callable[[], object] = lambda: None

    def start(self) -> None:
        """The first message is here."""
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    def on_trade(self, _: object) -> None:
        """What a strategy does with a trade: as little as can be."""
        if self._left == self._messages:
            self.start()
        self._left -= 1
        if not self._left:
            self._wall_s = time.perf_counter() - self._wall_s
            self._cpu_s = time.process_time() - self._cpu_s
            self.on_done()

    @property
    def result(self) -> Result:
        """The measurement, once done."""
        return Result(self._messages, self._wall_s, self._cpu_s)


def report(result: Result) -> None:
    """Tell the parent process, on the last line of what this one prints."""
    print(json.dumps(vars(result)), flush=True)


def run_gapless(url: str, messages: int) -> Result:
    """A whole gapless session: socket, decoding, sequencing, journal, channel, and a strategy with a call-back."""
    from random import Random

    import trio

    from engine import CallbackStrategy, plug
    from engine.codec.wire import Encoding, Family
    from engine.flow.clock import MarketClock
    from engine.flow.markets import Markets
    from engine.flow.runner import StrategyRun
    from engine.flow.session import Session
    from engine.flow.tuning import StreamTuning
    from engine.venues.alpaca.endpoints import Keys
    from engine.venues.alpaca.feed import AlpacaFeed

    meter = Meter(messages)

    class Count(CallbackStrategy):
        symbols = ("AAPL",)
        on_trade = staticmethod(meter.on_trade)

    clock = MarketClock(None, time.time_ns)
    markets = Markets(
        clock=clock,
        feed_of=lambda _: "iex",
        make_feed=lambda name: AlpacaFeed(
            name=name,
            url=f"{url}/v2/iex",
            family=Family.STOCKS,
            encoding=Encoding.MSGPACK,
            keys=Keys("PKBENCH", "secret"),
            now_ns=clock.now_ns,
        ),
        tuning=StreamTuning(),
        seed=1,
        say=lambda *_: None,
        report=lambda _: None,
        on_failure=lambda failure: session.fail(failure),
    )
    session = Session(
        markets=markets, runs=[StrategyRun("count", plug(Count), None, markets, Random(1))], stop_within_s=1
    )
    meter.on_done = lambda: session.stop("strategies")
    trio.run(session.run)
    return meter.result


def run_alpaca(url: str, messages: int) -> Result:
    """alpaca-py's own stream, unmodified but for the URL."""
    from alpaca.data.live import StockDataStream

    meter = Meter(messages)
    stream = StockDataStream("PKBENCH", "secret", url_override=f"{url}/v2/iex")

    async def on_trade(trade: object) -> None:  # alpaca-py wants a coroutine function
        meter.on_trade(trade)

    def leave() -> None:
        report(meter.result)
        os._exit(0)  # its close waits up to 20 s, and closing is not what is measured

    meter.on_done = leave
    stream.subscribe_trades(on_trade, "AAPL")
    stream.run()
    return meter.result


CLIENTS: dict[str, Callable[[str, int], Result]] = {"gapless": run_gapless, "alpaca-py": run_alpaca}


def pin(core: int) -> None:
    """Keep this process on one core, where the system knows how and there is more than one."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})


def measure(client: str, port: int, per_frame: int) -> Result:
    """Run one client in a process of its own."""
    messages = MESSAGES[client][per_frame]
    command = [sys.executable, str(HERE), "--client", client, "--messages", str(messages)]
    command += ["--url", f"ws://127.0.0.1:{port}/{per_frame}/{messages}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=CLIENT_S, check=True, cwd=ROOT)
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def compare(rounds: int, port: int) -> list[dict[str, float]]:
    """All layouts and rounds, the clients taking turns."""
    rows = []
    for per_frame in LAYOUTS:
        results: dict[str, list[Result]] = {client: [] for client in CLIENTS}
        for _ in range(rounds):
            for client, found in results.items():
                found.append(measure(client, port, per_frame))
        row: dict[str, float] = {"per_frame": per_frame}
        for client, found in results.items():
            row[f"{client} rate"] = round(statistics.median(r.rate for r in found))
            row[f"{client} cpu_us"] = round(statistics.median(r.cpu_us for r in found), 3)
        row["ratio"] = round(row["gapless rate"] / row["alpaca-py rate"], 2)
        row["cpu_ratio"] = round(row["alpaca-py cpu_us"] / row["gapless cpu_us"], 2)
        rows.append(row)
    return rows


def show(rows: list[dict[str, float]], goals: list[float]) -> None:
    """The table for people."""
    heads = f"{'a frame':>8} {'gapless/s':>12} {'alpaca-py/s':>12} {'ratio':>7} {'goal':>6}"
    print(f"{heads} {'cpu us':>14} {'cpu ratio':>10}")
    for row, goal in zip(rows, goals, strict=True):
        verdict = "ok" if row["ratio"] >= goal else "MISSED"
        cpu = f"{row['gapless cpu_us']:.2f} / {row['alpaca-py cpu_us']:.1f}"
        print(
            f"{row['per_frame']:>8} {row['gapless rate']:>12,.0f} {row['alpaca-py rate']:>12,.0f} "
            f"{row['ratio']:>6.1f}x {goal:>5g}x {cpu:>14} {row['cpu_ratio']:>9.1f}x  {verdict}"
        )


def main() -> int:
    """Compare, or be one of the clients when called so by `measure`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each client at each layout (default 5)")
    parser.add_argument("--goals", default="3,4,5", help="wanted ratios at 1, 10 and 100 messages a frame")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--messages", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        sys.path.insert(0, str(ROOT))
        pin(1)
        report(CLIENTS[arguments.client](arguments.url, arguments.messages))
        return 0
    goals = [float(goal) for goal in arguments.goals.split(",")]
    server = subprocess.Popen([sys.executable, str(HERE.parent / "blast.py")], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        rows = compare(arguments.rounds, int(server.stdout.readline()))
    finally:
        server.kill()
        server.wait()
    met = all(row["ratio"] >= goal for row, goal in zip(rows, goals, strict=True))
    if arguments.json:
        print(json.dumps({"rows": rows, "goals": goals, "met": met}))
    else:
        show(rows, goals)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
