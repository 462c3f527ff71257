"""What a dead mail server costs an order: the way of the same orders, with and without an alert channel that hangs.

Two engines run side by side, each with an exchange in a process of its own, so that whatever else this machine does
meets both. Each sends limit orders one after the other and cancels each before the next, which is not measured. Beside
the sender some strategies fail at once, which is one critical alarm each, in both ways of it:

    none    alarms are kept and told in the log; there is no channel
    dead    the same, and a mail server that accepts connections and never says a word

    python scripts/bench/alerts.py                  # a table, about two minutes
    python scripts/bench/alerts.py --orders 100 --rounds 1 --json

Milliseconds from the decision to the reply in the strategy's hands. ``ratio`` is p99 of ``dead`` over p99 of ``none``,
each over the orders of all rounds. Exits 1 above 1.2, or if the mail server was
never called.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent.parent
GAPLESS = [sys.executable, "-c", "import sys; from engine.app.cli import main; sys.exit(main())"]
WAYS = ("none", "dead")
GOAL: Final = 1.2
PAUSE_S: Final = 0.05
"""Between two orders: 400 of them take twenty seconds, in which a channel is given up and tried again."""
WARM: Final = 20
"""Orders that are sent first and not counted: connections open, modules load."""
FAILING: Final = 8
"""Strategies that fail at once."""
RUN_S: Final = 180.0
"""A run that takes longer hangs."""

STRATEGIES = (
    """
import json, os, time
import trio
from engine import Context, strategy

@strategy()
async def sender(ctx: Context) -> None:
    async with ctx.orders(on_exit="leave", within=1), ctx.quotes("SPY", full="latest"):
        with open(os.environ["BENCH_OUT"], "w") as out:
            for number in range(int(os.environ["BENCH_ORDERS"])):
                started = time.monotonic_ns()
                order = await ctx.buy("SPY", 1, limit=100 + number % 50)
                ended = time.monotonic_ns()
                out.write(json.dumps(ended - started) + "\\n")
                await order.cancel()
                await trio.sleep(PAUSE_S)
""".replace("PAUSE_S", str(PAUSE_S))
    + "".join(
        f"""
@strategy()
async def failing_{number}(ctx: Context) -> None:
    raise ValueError("this one never works")
"""
        for number in range(FAILING)
    )
)


class DeadServer:
    """Accepts connections, and never says anything on them."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._kept: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """As apprise has it."""
        host, port = self._listener.getsockname()
        return f"mailto://{host}:{port}?from=engine@gapless.test&to=me@gapless.test&mode=insecure"

    @property
    def calls(self) -> int:
        """Connections so far."""
        return len(self._kept)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._kept.append(self._listener.accept()[0])

    def close(self) -> None:
        """Hang up."""
        for one in (self._listener, *self._kept):
            one.close()


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """An exchange; its addresses."""
    exchange = subprocess.Popen(
        [*GAPLESS, "exchange", "--json", "--symbols", "SPY", "--events-per-s", "20", "--even"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert exchange.stdout is not None
        yield json.loads(exchange.stdout.readline())
    finally:
        exchange.send_signal(signal.SIGINT)
        exchange.wait(timeout=20)


def start_engine(urls: dict[str, str], folder: Path, count: int, mail_url: str) -> "subprocess.Popen[str]":
    """An engine that sends the orders; ``mail_url``: its alert channel, or none."""
    folder.mkdir()
    script = folder / "strategies.py"
    script.write_text(STRATEGIES)
    names = ["sender", *(f"failing_{number}" for number in range(FAILING))]
    flags = [part for name, url in urls.items() for part in (f"--{name.replace('_', '-')}", url)]
    bench = {"BENCH_OUT": str(folder / "out"), "BENCH_ORDERS": str(count), "GAPLESS_ALERT_URLS": mail_url}
    return subprocess.Popen(
        [*GAPLESS, "run", *(f"{script}:{name}" for name in names), "--state", str(folder / "state"), "--json", *flags],
        cwd=ROOT, env={**os.environ, **bench}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def measure(count: int) -> tuple[dict[str, list[float]], int]:
    """One round: milliseconds of each order in each way, and how often the mail server was called."""
    took: dict[str, list[float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(closing(DeadServer()))
        engines = {}
        for way in WAYS:
            urls = stack.enter_context(serving())
            engines[way] = start_engine(urls, folder / way, count + WARM, server.url if way == "dead" else "")
        for way, engine in engines.items():
            _, said = engine.communicate(timeout=RUN_S)
            out = folder / way / "out"
            told = [int(line) / 1e6 for line in out.read_text().splitlines()] if out.exists() else []
            if len(told) < count + WARM:
                raise SystemExit(f"{way}: {len(told)} orders were sent: {said.strip()[-2000:]}")
            took[way] = told[WARM:]
        return took, server.calls


def main() -> int:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=400, help="orders that count, a run; 450 at most")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    rows, calls = {}, 0
    for _ in range(arguments.rounds):
        told, called = measure(arguments.orders)
        calls += called
        for way in WAYS:
            took[way] += told[way]
    for way, all_told in took.items():
        ordered = sorted(all_told)
        rows[way] = {"orders": len(ordered)} | {
            name: round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 3)
            for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0))
        }
    ratio = round(rows["dead"]["p99_ms"] / rows["none"]["p99_ms"], 3)
    if arguments.json:
        print(json.dumps({"rows": rows, "ratio": ratio, "goal": GOAL, "calls": calls}))
    else:
        print(f"{'channel':8} {'orders':>7} {'p50':>8} {'p99':>8} {'max':>8}")
        for way, row in rows.items():
            print(f"{way:8} {row['orders']:>7} {row['p50_ms']:>8.3f} {row['p99_ms']:>8.3f} {row['max_ms']:>8.3f}")
        print(f"p99 with a dead mail server is {ratio} of that without (goal {GOAL}); it was called {calls} times")
    return 1 if ratio > GOAL or not calls else 0


if __name__ == "__main__":
    sys.exit(main())
