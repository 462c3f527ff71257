"""What being looked at costs: messages a second that reach a strategy, alone and with a dashboard and twenty browsers.

One local server blasts the same pre-encoded frames over a real WebSocket at a whole gapless session, once without a
dashboard and once with one, in turns, each time in a process of its own on one core. Twenty clients, in another
process, are logged in and read every message of their pages: ten the overview, four a chart of the symbol that is
blasted, the others the rest. A client more opens the overview and never reads: it has to be dropped, and must hold up
nobody.

    python scripts/bench/watch.py                     # a table, about two and a half minutes
    python scripts/bench/watch.py --rounds 9 --json   # one JSON object for machines

``rate`` is messages a second of wall time, ``cpu_us`` microseconds of processor time a message of the engine's process,
its threads included; each is the best of its rounds, since other work on the machine only ever makes it worse.
``ratio`` is the rate with the dashboard over that without, ``cpu_ratio`` the same of processor time. Exits 1 when it
is below 0.9, when a client was told fewer than one message a second, or when the deaf one was not dropped.
"""

import argparse
import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from ingest import Meter, pin

HERE: Final = Path(__file__).resolve()
ROOT: Final = HERE.parent.parent.parent
GOAL: Final = 0.9
CLIENTS: Final = 20
PAGES: Final = ("page=overview",) * 10 + ("page=charts&symbol=AAPL",) * 4 + ("page=strategies", "page=orders") * 3
PER_FRAME: Final = 10
MESSAGES: Final = 1_500_000
"""Some seconds of blast: a dozen beats of the dashboard at least."""
TOKEN: Final = "a-token-of-the-benchmark-of-watching"
DROPPED_WITHIN_S: Final = 60.0
RUN_S: Final = 240.0


# -- the engine's process


def run_engine(url: str, messages: int, *, watched: bool) -> dict[str, float]:
    """A whole session; says where its dashboard is, and begins when it is told to."""
    sys.path.insert(0, str(ROOT))
    import trio

    from engine import CallbackStrategy, plug

    meter = Meter(messages)

    class Count(CallbackStrategy):
        symbols = ("AAPL",)
        on_trade = staticmethod(meter.on_trade)

    trio.run(hold, build_engine(url, plug(Count)), meter, watched)
    return vars(meter.result)


def build_engine(url: str, strategy: Any) -> Any:
    """A session on the blast, as what stands beside it sees it."""
    from random import Random

    from engine.app.beside.engine import Engine
    from engine.app.options import LoadedStrategy, RunOptions
    from engine.codec.wire import Encoding, Family
    from engine.flow.clock import MarketClock
    from engine.flow.markets import Markets
    from engine.flow.runner import StrategyRun
    from engine.flow.session import Session
    from engine.flow.tuning import StreamTuning
    from engine.venues.alpaca.endpoints import Keys
    from engine.venues.alpaca.feed import AlpacaFeed

    clock = MarketClock(None, time.time_ns)
    feeds: dict[str, AlpacaFeed] = {}

    def make_feed(name: str) -> AlpacaFeed:
        keys = Keys("PKBENCH", "secret")
        feeds[name] = AlpacaFeed(
            name=name, url=f"{url}/v2/iex", family=Family.STOCKS, encoding=Encoding.MSGPACK, keys=keys,
            now_ns=clock.now_ns,
        )  # fmt: skip
        return feeds[name]

    markets = Markets(
        clock=clock,
        feed_of=lambda _: "iex",
        make_feed=make_feed,
        tuning=StreamTuning(),
        seed=1,
        say=lambda *_: None,
        report=lambda _: None,
        on_failure=lambda failure: session.fail(failure),
    )
    session = Session(markets=markets, runs=[StrategyRun("count", strategy, None, markets, Random(1))], stop_within_s=1)
    return Engine(
        options=RunOptions(strategies=(LoadedStrategy(strategy, name="count"),)),
        venue=cast(Any, SimpleNamespace(feeds=feeds, clock=clock)),
        session=session,
        account=None,
        report=lambda sentence: print(sentence.split("http://")[1].split("/")[0], flush=True),
        opened_s=0.0,
    )


async def hold(engine: Any, meter: Meter, watched: bool) -> None:
    """Run the session; where it is watched, its dashboard says where it is."""
    import trio

    from engine.app.alerts.live import LiveAlarms
    from engine.app.beside.attach import stand_beside
    from engine.app.config.web import WebSettings
    from engine.app.secrets import Secret
    from engine.core.alerts import Book
    from engine.core.alerts.policy import AlertPolicy
    from engine.web import serve_dashboard

    engine.alarms = LiveAlarms(book=Book(AlertPolicy()), wall_ns=time.time_ns)
    done = trio.Event()
    meter.on_done = done.set

    async def dashboard(engine: Any) -> None:
        await serve_dashboard(engine, WebSettings(port=0, token=Secret(TOKEN)))

    async with stand_beside(engine, {"dashboard": dashboard} if watched else {}):
        await trio.to_thread.run_sync(sys.stdin.readline)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.session.run)
            await done.wait()
            print("delivered", flush=True)
            await trio.to_thread.run_sync(sys.stdin.readline)  # the clients are still looked after
            engine.session.stop("strategies")


# -- the clients' process


def run_clients(address: str) -> dict[str, Any]:
    """Twenty who read and one who does not, until stdin says that it is over; what each was told."""
    host, _, port = address.partition(":")
    cookie = log_in(host, int(port))
    readers = [Reader(host, int(port), cookie, page) for page in PAGES]
    deaf = open_events(host, int(port), cookie, PAGES[0], receive=4096)
    deaf_since = time.monotonic()
    print("ready", flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        for reader in readers:
            reader.open(selector)
        over = False
        dropped_s = None
        deaf_checked = 0.0
        while not over or dropped_s is None:
            for key, _ in selector.select(0.2):
                if key.data is not None:
                    key.data.read(selector)
                elif not over:
                    sys.stdin.readline()
                    over, told = True, [reader.rate for reader in readers]
                    selector.unregister(sys.stdin)
            now = time.monotonic()
            if dropped_s is None and now - deaf_checked > 0.5:
                deaf_checked = now
                if is_reset(deaf):
                    dropped_s = now - deaf_since
            if over and now - deaf_since > DROPPED_WITHIN_S:
                break
    return {"news_per_s": min(told), "megabytes": sum(reader.size for reader in readers) / 1e6, "dropped_s": dropped_s}


class Reader:
    """One browser, which reads all it is sent; a chart that is not there yet is asked for again."""

    def __init__(self, host: str, port: int, cookie: str, page: str) -> None:
        self._place = (host, port, cookie, page)
        self._first_s = self._last_s = 0.0
        self._news = 0
        self.size = 0

    def open(self, selector: selectors.BaseSelector) -> None:
        """Connect, and be told of by the selector."""
        self._socket = open_events(*self._place)
        self._socket.setblocking(False)
        selector.register(self._socket, selectors.EVENT_READ, self)

    def read(self, selector: selectors.BaseSelector) -> None:
        """Take what is there."""
        chunk = self._socket.recv(1 << 20)
        if chunk.startswith(b"HTTP/1.1 4") or not chunk:
            selector.unregister(self._socket)
            self._socket.close()
            time.sleep(0.05)
            self.open(selector)
            return
        self.size += len(chunk)
        news = chunk.count(b"data: {")
        if news:
            self._last_s = time.monotonic()
            self._first_s = self._first_s or self._last_s
            self._news += news

    @property
    def rate(self) -> float:
        """News a second, from the first to the last."""
        return (self._news - 1) / max(self._last_s - self._first_s, 0.001)


def log_in(host: str, port: int) -> str:
    """The cookie."""
    body = f"token={TOKEN}"
    with socket.create_connection((host, port)) as connection:
        connection.sendall(
            f"POST /login HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        told = b""
        while chunk := connection.recv(65_536):
            told += chunk
    lines = [line for line in told.decode().split("\r\n") if line.lower().startswith("set-cookie: ")]
    return lines[0].split(": ", 1)[1].split(";")[0]


def open_events(host: str, port: int, cookie: str, page: str, receive: int = 0) -> socket.socket:
    """Ask for the news of a page."""
    connection = socket.socket()
    if receive:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    connection.connect((host, port))
    connection.sendall(f"GET /events?{page} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
    return connection


def is_reset(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection whose data nobody reads: writing to it says so."""
    try:
        connection.send(b"\r\n")
    except OSError:
        return True
    return False


# -- the comparison


@contextmanager
def child(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """This script in one of its other roles."""
    command = [sys.executable, str(HERE), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def say(process: "subprocess.Popen[str]") -> None:
    """Go on."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def hear(process: "subprocess.Popen[str]") -> str:
    """Its next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def measure(port: int, messages: int, *, watched: bool) -> dict[str, Any]:
    """One session."""
    url = f"ws://127.0.0.1:{port}/{PER_FRAME}/{messages}"
    role = ["--role", "watched" if watched else "alone", "--url", url, "--messages", str(messages)]
    with child(*role) as engine:
        if not watched:
            say(engine)
            hear(engine)
            say(engine)
            return json.loads(hear(engine))  # type: ignore[no-any-return]  # what run_engine returns
        with child("--role", "clients", "--address", hear(engine)) as clients:
            hear(clients)
            say(engine)
            began = time.monotonic()
            # The engine is silent until all is delivered; its clients are told to stop a little after that.
            while not delivered(engine) and time.monotonic() - began < RUN_S:
                time.sleep(0.1)
            say(clients)
            told = json.loads(hear(clients))
            say(engine)
            return json.loads(hear(engine)) | told  # type: ignore[no-any-return]  # as above


def delivered(engine: "subprocess.Popen[str]") -> bool:
    """Whether the engine has said that all messages are delivered."""
    with selectors.DefaultSelector() as selector:
        assert engine.stdout is not None
        selector.register(engine.stdout, selectors.EVENT_READ)
        return bool(selector.select(0)) and hear(engine) == "delivered"


def compare(rounds: int, port: int, messages: int) -> dict[str, Any]:
    """All rounds, with and without in turns."""
    alone: list[dict[str, Any]] = []
    watched: list[dict[str, Any]] = []
    for _ in range(rounds):
        alone.append(measure(port, messages, watched=False))
        watched.append(measure(port, messages, watched=True))
    rates = [max(one["messages"] / one["wall_s"] for one in runs) for runs in (alone, watched)]
    cpus = [min(one["cpu_s"] / one["messages"] * 1e6 for one in runs) for runs in (alone, watched)]
    dropped = [one["dropped_s"] for one in watched]
    return {
        "clients": CLIENTS,
        "alone_rate": round(rates[0]),
        "watched_rate": round(rates[1]),
        "ratio": round(rates[1] / rates[0], 3),
        "cpu_ratio": round(cpus[0] / cpus[1], 3),
        "alone_cpu_us": round(cpus[0], 3),
        "watched_cpu_us": round(cpus[1], 3),
        "news_per_s": round(min(one["news_per_s"] for one in watched), 2),
        "dropped_s": None if None in dropped else round(max(dropped), 1),
    }


def met(found: dict[str, Any]) -> bool:
    """Whether it is as it should be."""
    return found["ratio"] >= GOAL and found["news_per_s"] >= 1 and found["dropped_s"] is not None


def main() -> int:
    """Compare, or be one of the processes when called so by `measure`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="sessions with and without (default 5 of each)")
    parser.add_argument("--messages", type=int, default=MESSAGES, help=f"of one session (default {MESSAGES})")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--role", choices=("alone", "watched", "clients"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role == "clients":
        pin(0)
        print(json.dumps(run_clients(arguments.address)), flush=True)
        return 0
    if arguments.role:
        pin(1)
        print(
            json.dumps(run_engine(arguments.url, arguments.messages, watched=arguments.role == "watched")), flush=True
        )
        return 0
    server = subprocess.Popen([sys.executable, str(HERE.parent / "blast.py")], stdout=subprocess.PIPE, text=True)
    try:
        found = compare(arguments.rounds, int(hear(server)), arguments.messages)
    finally:
        server.kill()
        server.wait()
    if arguments.json:
        print(json.dumps({**found, "goal": GOAL, "met": met(found)}))
    else:
        for name, value in found.items():
            print(f"{name:>16} {value}")
        print(f"{'goal':>16} {GOAL}  {'ok' if met(found) else 'MISSED'}")
    return 0 if met(found) else 1


if __name__ == "__main__":
    sys.exit(main())
