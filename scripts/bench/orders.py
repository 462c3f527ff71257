"""What the way of an order costs: from the decision to its first byte at the exchange's door, three clients in turn.

The exchange runs in a process of its own, and in front of its REST a recorder that forwards bytes and notes when the
first of each order arrived. All clocks are the machine's one monotonic clock. The clients send the same limit orders
one after the other, and cancel each before the next, which is not measured:

    hand       by hand: append a line to a file, fsync, httpx POST on a kept connection
    alpaca-py  ``TradingClient.submit_order``; nothing is written down
    gapless    ``await ctx.buy(...)`` in ``gapless run``: rules, limits, the intent synced in the order file, POST

    python scripts/bench/orders.py                  # a table, about a minute
    python scripts/bench/orders.py --orders 50 --rounds 1 --json

``bytes`` is decision to first byte, ``reply`` decision to the reply in the client's hands; milliseconds. ``ratio`` is
p50 of ``bytes`` over that of ``hand``, medians of the rounds. Exits 1 when gapless is above 1.5.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent.parent
GAPLESS = [sys.executable, "-c", "import sys; from engine.app.cli import main; sys.exit(main())"]
CLIENTS = ("hand", "alpaca-py", "gapless")
GOAL: Final = 1.5
PAUSE_S: Final = 0.02
"""Between two orders, so that none waits for the one before it. 110 orders and their cancels of three clients are 660
requests, below the exchange's 1,000 a minute."""
WARM: Final = 10
"""Orders that are sent first and not counted: connections open, modules load."""
RUN_S: Final = 180.0
"""A client that takes longer hangs."""

STRATEGY = """
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
                out.write(json.dumps([order.client_order_id, started, ended]) + "\\n")
                await order.cancel()
                await trio.sleep(PAUSE_S)
""".replace("PAUSE_S", str(PAUSE_S))


def record(port: int, target: int) -> None:
    """Forward connections to ``target``; print the client order id and the instant of each order's first byte."""
    lock = threading.Lock()

    def forward(source: socket.socket, sink: socket.socket, *, note: bool) -> None:
        first_ns, held = 0, b""
        with suppress(OSError):  # either side may hang up at any time
            while chunk := source.recv(65536):
                arrived_ns = time.monotonic_ns()
                sink.sendall(chunk)
                if not note:
                    continue
                first_ns = first_ns if held else arrived_ns
                held += chunk
                if not held.startswith(b"POST"):
                    held = b""
                elif b'"client_order_id"' in held and held.rstrip().endswith(b"}"):
                    body = json.loads(held[held.index(b"{") :])
                    with lock:
                        print(json.dumps([body["client_order_id"], first_ns]), flush=True)
                    held = b""
        sink.close()

    with socket.create_server(("127.0.0.1", port)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            client, _ = server.accept()
            venue = socket.create_connection(("127.0.0.1", target))
            for one in (client, venue):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for pair, note in (((client, venue), True), ((venue, client), False)):
                threading.Thread(target=forward, args=pair, kwargs={"note": note}, daemon=True).start()


def send_by_hand(url: str, count: int, out: Path) -> None:
    """The least that can be called safe: write it down, sync, post."""
    import httpx

    headers = {"APCA-API-KEY-ID": "PKBENCH", "APCA-API-SECRET-KEY": "bench"}
    with (
        httpx.Client(base_url=url, headers=headers) as client,
        out.open("w") as told,
        out.with_suffix(".log").open("ab") as log,
    ):
        for number in range(count):
            started = time.monotonic_ns()
            name = f"hand-{started}"
            body = {"symbol": "SPY", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day",
                    "limit_price": str(100 + number % 50), "client_order_id": name}  # fmt: skip
            log.write(json.dumps(body).encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())
            reply = client.post("/v2/orders", json=body).raise_for_status()
            told.write(json.dumps([name, started, time.monotonic_ns()]) + "\n")
            client.delete(f"/v2/orders/{reply.json()['id']}").raise_for_status()
            time.sleep(PAUSE_S)


def send_by_sdk(url: str, count: int, out: Path) -> None:
    """Alpaca's own client."""
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderSide, TimeInForce
    from alpaca.trading.requests import LimitOrderRequest

    client = TradingClient("PKBENCH", "bench", url_override=url)
    with out.open("w") as told:
        for number in range(count):
            started = time.monotonic_ns()
            name = f"sdk-{started}"
            order: Any = client.submit_order(  # its types allow a dict of raw answers, which this client never gives
                LimitOrderRequest(
                    symbol="SPY", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY,
                    limit_price=100 + number % 50, client_order_id=name,
                )
            )  # fmt: skip
            told.write(json.dumps([name, started, time.monotonic_ns()]) + "\n")
            client.cancel_order_by_id(order.id)
            time.sleep(PAUSE_S)


def run_client(client: str, urls: dict[str, str], folder: Path, count: int) -> list[list[Any]]:
    """Send the orders with one client; returns its own notes."""
    out = folder / f"{client}.jsonl"
    environ = {**os.environ, "BENCH_OUT": str(out), "BENCH_ORDERS": str(count)}
    if client == "gapless":
        script = folder / "sender.py"
        script.write_text(STRATEGY)
        flags = [part for name, url in urls.items() for part in (f"--{name.replace('_', '-')}", url)]
        command = [*GAPLESS, "run", f"{script}:sender", "--state", str(folder / "state"), "--json", *flags]
    else:
        command = [sys.executable, str(HERE), "--client", client, "--url", urls["trading_url"], "--out", str(out),
                   "--orders", str(count)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=RUN_S)
    if done.returncode or not out.exists():
        raise SystemExit(f"{client} failed: {done.stderr.strip()[-2000:]}")
    return [json.loads(line) for line in out.read_text().splitlines()][WARM:]


def measure(clients: tuple[str, ...], count: int) -> dict[str, dict[str, float]]:
    """One round: an exchange, a recorder, each client in turn."""
    exchange = subprocess.Popen(
        [*GAPLESS, "exchange", "--json", "--symbols", "SPY", "--events-per-s", "20", "--even"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    rows: dict[str, dict[str, float]] = {}
    recorder = None
    try:
        assert exchange.stdout is not None
        urls: dict[str, str] = json.loads(exchange.stdout.readline())
        target = urls["trading_url"].rpartition(":")[2]
        recorder = subprocess.Popen([sys.executable, str(HERE), "--record", target], stdout=subprocess.PIPE, text=True)
        assert recorder.stdout is not None
        urls["trading_url"] = f"http://127.0.0.1:{recorder.stdout.readline().strip()}"
        with tempfile.TemporaryDirectory() as folder:
            notes = {client: run_client(client, urls, Path(folder), count + WARM) for client in clients}
        recorder.terminate()
        arrived = dict(json.loads(line) for line in recorder.stdout.read().splitlines())
        for client, told in notes.items():
            to_bytes = sorted((arrived[name] - started) / 1e6 for name, started, _ in told)
            to_reply = sorted((ended - started) / 1e6 for _, started, ended in told)
            rows[client] = {
                "orders": len(told),
                "bytes_p50_ms": to_bytes[len(to_bytes) // 2],
                "bytes_p99_ms": to_bytes[int(len(to_bytes) * 0.99)],
                "reply_p50_ms": to_reply[len(to_reply) // 2],
                "reply_p99_ms": to_reply[int(len(to_reply) * 0.99)],
            }
    finally:
        exchange.send_signal(signal.SIGINT)
        exchange.wait(timeout=20)
        if recorder is not None:
            recorder.kill()
            recorder.wait(timeout=20)
    return rows


def main() -> int:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=100, help="orders that count, a client and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    for name in ("--client", "--url", "--out", "--record"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.record:
        record(0, int(arguments.record))
        return 0
    if arguments.client:
        send = {"hand": send_by_hand, "alpaca-py": send_by_sdk}[arguments.client]
        send(arguments.url, arguments.orders, Path(arguments.out))
        return 0
    rounds = [measure(CLIENTS[shift:] + CLIENTS[:shift], arguments.orders) for shift in range(arguments.rounds)]
    rows = {
        client: {name: round(statistics.median(one[client][name] for one in rounds), 3) for name in rounds[0][client]}
        for client in CLIENTS
    }
    for row in rows.values():
        row["ratio"] = round(row["bytes_p50_ms"] / rows["hand"]["bytes_p50_ms"], 2)
    if arguments.json:
        print(json.dumps({"rows": rows, "goal": GOAL}))
    else:
        print(f"{'client':10} {'bytes p50':>10} {'p99':>8} {'reply p50':>10} {'p99':>8} {'ratio':>6}")
        for client, row in rows.items():
            print(
                f"{client:10} {row['bytes_p50_ms']:>10.3f} {row['bytes_p99_ms']:>8.3f} {row['reply_p50_ms']:>10.3f} "
                f"{row['reply_p99_ms']:>8.3f} {row['ratio']:>6.2f}"
            )
    return 1 if rows["gapless"]["ratio"] > GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
