"""How long a whole trading day of the embedded exchange takes at speed 0, and whether its memory stays flat.

The exchange plays a generated day of five stocks, from the opening at 9:30 to the close at 16:00 in New York, in a
process of its own, with news and options beside them. One client in another process subscribes to all stocks over a
real WebSocket on loopback and decodes all that it is told. Both share one core where the system allows that, because
the goal is for one core.

    python scripts/bench/day.py                        # a table, under a minute
    python scripts/bench/day.py --events 50000         # a quieter day, for a quick look
    python scripts/bench/day.py --two-cores --encoding json --json

``wall`` is from the first event that the client has to the last. ``cpu`` is the processor time that the exchange and
the client used meanwhile, which other work on the machine disturbs less; the sum of both is what ``wall`` is on a core
that does nothing else. ``rss`` is the resident memory of the exchange on the way. Exits 1 when an event was lost, the
day took longer than the goal allows, or the memory grew by more.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent.parent
SYMBOLS = ("AAPL", "MSFT", "NVDA", "SPY", "TSLA")
CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "imbalances")
PATH = "/v2/sip"
DAY_S = 6.5 * 3600
EVENTS = 500_000
SHARES = (0.1, 0.5, 1.0)
WALL_MAX_S = 60.0
GROWTH_MAX_MB = 30.0
"""From a tenth of the day to its end: 450,000 rows of history at 40 bytes are 18 MB, the rest is the allocator's."""
RUN_S = 600.0
"""A run that takes this long hangs."""


def pin(core: int) -> None:
    """Keep this process on one core, where the system knows how."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})


def rss_mb() -> float:
    """Resident memory of this process now; where the system does not tell, the most it ever was."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def serve(events: int) -> None:
    """Be the exchange: say the address, play one day, say what it took."""
    import trio
    from attrs import define, field, frozen

    from engine.exchange.line.endpoints import ENDPOINTS
    from engine.exchange.market import Row, Source
    from engine.exchange.serve import ExchangeOptions, build_source, open_exchange
    from engine.model.instant import NS_PER_S
    from engine.model.market import MarketEvent

    @frozen
    class Day:
        """The generated market until the close."""

        source: Source
        endless: bool = field(default=False, init=False)

        @property
        def symbols(self) -> tuple[str, ...]:
            return self.source.symbols

        @property
        def start_ns(self) -> int:
            return self.source.start_ns

        def rows(self) -> Iterator[Row]:
            end_ns = self.start_ns + round(DAY_S * NS_PER_S)
            return takewhile(lambda row: row[0] < end_ns, self.source.rows())

    @define(eq=False)
    class Gauge:
        """A sink beside the lines that nobody waits for: reads the memory, and counts what the client must hear."""

        now_s: Any
        marks: list[float] = field(factory=lambda: list(SHARES[:-1]))
        rss: list[float] = field(factory=list)
        cpu_s: float = 0.0
        carried: int = 0
        reading: bool = field(default=False, init=False)

        def deliver(self, events: Sequence[MarketEvent]) -> None:
            self.cpu_s = self.cpu_s or time.process_time()
            self.carried += sum(map(ENDPOINTS[PATH].carries, events))
            if self.marks and self.now_s() >= self.marks[0] * DAY_S:
                self.marks.pop(0)
                self.rss.append(rss_mb())

        async def ready(self) -> None:
            """Never asked, because it is never `reading`."""

        def flushed(self) -> bool:
            return True

    async def play() -> None:
        options = ExchangeOptions(symbols=SYMBOLS, events_per_s=events / DAY_S, speed=0)
        async with open_exchange(options, Day(build_source(options))) as exchange:
            market = exchange.market
            gauge = Gauge(lambda: (market.clock.now_ns() - market.source.start_ns) / NS_PER_S)
            market.attach(gauge)
            print(exchange.data_stream_url, flush=True)
            while not market.clock.ended:  # noqa: ASYNC110  # the clock tells nobody that it ended
                await trio.sleep(0.01)
            cpu_s = time.process_time() - gauge.cpu_s
            rss = [*gauge.rss, rss_mb()]
            told = {"published": market.published, "carried": gauge.carried, "cpu_s": cpu_s, "rss_mb": rss}
            print(json.dumps(told), flush=True)

    trio.run(play)


def read(url: str, encoding: str) -> None:
    """Be the client: subscribe to everything, decode all of it until the exchange is gone, say how much it was."""
    import trio
    from trio_websocket import ConnectionClosed, open_websocket_url

    from engine.codec.decode import MarketDecoder
    from engine.codec.render import render_request
    from engine.codec.wire import Encoding, Family

    wire = Encoding(encoding)
    decoder = MarketDecoder(Family.STOCKS, wire)

    async def follow() -> None:
        told, first_s, last_s, cpu_s = 0, 0.0, 0.0, 0.0
        headers = [(b"Content-Type", f"application/{encoding}".encode())]
        async with open_websocket_url(url + PATH, extra_headers=headers) as ws:
            requests: list[dict[str, Any]] = [
                {"action": "auth", "key": "PKBENCH", "secret": "bench"},
                {"action": "subscribe", **{channel: ["*"] for channel in CHANNELS}},
            ]
            for request in requests:
                await ws.get_message()
                await ws.send_message(render_request(request, wire))
            try:
                while True:
                    told += len(decoder.decode(await ws.get_message(), 0)[0])
                    last_s = time.perf_counter()
                    if told and not first_s:
                        first_s, cpu_s = last_s, time.process_time()
            except ConnectionClosed:
                cpu_s = time.process_time() - cpu_s
                print(json.dumps({"told": told, "wall_s": last_s - first_s, "client_cpu_s": cpu_s}), flush=True)

    trio.run(follow)


def measure(events: int, encoding: str, client_core: int) -> dict[str, Any]:
    """One day: both processes, and what they say."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE), *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    with start("--serve", "--events", str(events)) as exchange:
        try:
            assert exchange.stdout is not None
            url = exchange.stdout.readline().strip()
            with start("--read", url, "--encoding", encoding, "--core", str(client_core)) as client:
                client_said, _ = client.communicate(timeout=RUN_S)
            exchange_said, _ = exchange.communicate(timeout=RUN_S)
        finally:
            exchange.kill()
    return {**json.loads(exchange_said), **json.loads(client_said)}


def judge(found: dict[str, Any]) -> dict[str, Any]:
    """What was measured with what follows from it; ``missed`` names the goals that were."""
    growth = found["rss_mb"][-1] - found["rss_mb"][0]
    goals = {
        "every event arrived": found["told"] == found["carried"],
        f"the day took under {WALL_MAX_S:.0f} s": found["wall_s"] < WALL_MAX_S,
        f"memory grew by under {GROWTH_MAX_MB:.0f} MB": growth < GROWTH_MAX_MB,
    }
    return {
        **found,
        "events_per_s": found["told"] / found["wall_s"],
        "cpu_us": found["cpu_s"] / found["published"] * 1e6,
        "growth_mb": growth,
        "missed": [goal for goal, met in goals.items() if not met],
    }


def show(result: dict[str, Any]) -> None:
    """The table for people."""
    tenth, half, whole = result["rss_mb"]
    print(
        f"{'events':>8} {'wall s':>7} {'events/s':>9} {'cpu s: exchange':>16} {'client':>7} {'us/event':>9}"
        "   rss MB at 10% / 50% / 100%"
    )
    print(
        f"{result['published']:>8,} {result['wall_s']:>7.1f} {result['events_per_s']:>9,.0f} {result['cpu_s']:>16.1f} "
        f"{result['client_cpu_s']:>7.1f} {result['cpu_us']:>9.1f}   {tenth:.0f} / {half:.0f} / {whole:.0f}"
    )
    for goal in result["missed"]:
        print(f"MISSED: {goal}")


def main() -> int:
    """Measure, or be one of the two processes when called so by `measure`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"events in the day, about (default {EVENTS:,})")
    parser.add_argument("--encoding", choices=("msgpack", "json"), default="msgpack", help="what the client speaks")
    parser.add_argument("--two-cores", action="store_true", help="give the client a core of its own")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve or arguments.read:
        sys.path.insert(0, str(ROOT))
        pin(arguments.core)
        if arguments.serve:
            serve(arguments.events)
        else:
            read(arguments.read, arguments.encoding)
        return 0
    result = judge(measure(arguments.events, arguments.encoding, 1 if arguments.two_cores else 0))
    if arguments.json:
        print(json.dumps(result))
    else:
        show(result)
    return 1 if result["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
