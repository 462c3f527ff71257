"""The same as real processes: ``gapless run`` on ``gapless exchange``, signals from outside, ``gapless kill`` beside.

What the exchange was asked for it tells itself (``/_exchange/changes``), with this machine's time beside each request.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from attrs import define, field, frozen

START: Final = "import sys; from engine.app.cli import main; sys.exit(main())"
STRATEGY: Final = '''"""Twenty tasks that place brackets, ask for more whatever the answer was, and never give up."""
import random
import trio
from engine import Context, OrderEnded, OrderRefused, strategy

@strategy()
async def storm(ctx: Context) -> None:
    dice, middle = random.Random(1), {}

    async def push() -> None:
        while True:
            symbol = dice.choice(("SPY", "AAPL"))
            price = round(middle[symbol], 2)
            try:
                await ctx.buy(symbol, dice.randint(1, 9), limit=round(price + dice.uniform(-0.3, 0.3), 2),
                              take_profit=round(price + 20, 2), stop_loss=round(price - 20, 2))
            except (OrderRefused, OrderEnded) as no:
                print("REFUSED", getattr(no, "rule", ""), flush=True)
            await trio.sleep(dice.uniform(0.5, 2.0))

    async with (
        ctx.quotes("SPY", "AAPL", full="latest") as quotes,
        ctx.orders(on_exit="flatten", within=10),
        trio.open_nursery() as nursery,
    ):
        async for quote in quotes:
            middle[quote.symbol] = (quote.bid_price + quote.ask_price) / 2
            if len(middle) == 2 and not nursery.child_tasks:
                for _ in range(20):
                    nursery.start_soon(push)
        nursery.cancel_scope.cancel()
'''
POLL_S: Final = 0.2
RACE_S: Final = 0.1
"""A request that left the engine in the instant before the latch is written may come in behind it, by so much."""
WITHIN_S: Final = 10.0
STORM_ORDERS: Final = 40
"""Of twenty brackets, each of which is three orders, some are filled at once."""
PATIENCE_S: Final = 60.0
"""For processes to start on a machine that does something else at the same time."""


@define
class Exchange:
    """An exchange in a process of its own."""

    urls: Mapping[str, str]
    http: httpx.Client

    def look(self) -> tuple[dict[str, str], int]:
        """What is held, and how many orders are open."""
        positions = self._ask("/v2/positions")
        orders = self._ask("/v2/orders?status=open&limit=500")
        return {one["symbol"]: one["qty"] for one in positions}, len(orders)

    def _ask(self, path: str) -> Any:
        """An answer; the account's budget of requests is also the engine's, and may be used up for a moment."""
        while (reply := self.http.get(path)).status_code == httpx.codes.TOO_MANY_REQUESTS:
            time.sleep(POLL_S)
        return reply.raise_for_status().json()

    def entries(self, after_s: float) -> list[str]:
        """Requests to buy, or to change an order, that came in behind an instant; nothing here is ever short."""
        return [
            f"{each['at_s'] - after_s:.3f} s: {each['method']} {each['body']}"
            for each in self.http.get("/_exchange/changes").json()
            if each["at_s"] > after_s and (each["method"] == "PATCH" or '"side":"buy"' in each["body"])
        ]

    def wait_storm(self) -> None:
        """Until something is held and the storm's orders are open."""
        _wait(lambda: bool(self.look()[0]) and self.look()[1] >= STORM_ORDERS, "the storm began")

    def wait_flat(self, within_s: float) -> float | None:
        """How long it took until nothing was held and no order open."""
        began_s = time.monotonic()
        while time.monotonic() - began_s < within_s:
            if self.look() == ({}, 0):
                return time.monotonic() - began_s
            time.sleep(POLL_S)
        return None


@define
class Engine:
    """``gapless run`` in a process of its own."""

    process: "subprocess.Popen[str]"
    errors: Path

    def end(self, *numbers: signal.Signals, pause_s: float = 0.3) -> tuple[int, dict[str, Any], float]:
        """Send signals and wait for the end: the exit code, the report it printed, and how long that took."""
        began_s = time.monotonic()
        for number in numbers:
            self.process.send_signal(number)
            time.sleep(pause_s)
        stdout, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, json.loads(stdout), time.monotonic() - began_s

    def refusals(self, rule: str) -> int:
        """How often an order of the strategy was refused by this rule."""
        return self.errors.read_text().count(f"REFUSED {rule}")


def _wait(condition: Any, what: str) -> None:
    ends_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > ends_s:
            raise TimeoutError(f"{what}: not within {PATIENCE_S:g} s")
        time.sleep(POLL_S)


def _command(*words: str) -> list[str]:
    return [sys.executable, "-c", START, *words]


def _environment() -> dict[str, str]:
    """This process's, without its settings: there may be some for tests among them, which gapless does not know."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GAPLESS_")}
    return {**kept, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}


@contextmanager
def open_exchange_process(folder: Path, *flags: str) -> Iterator[Exchange]:
    """Serve an exchange while the block runs."""
    command = _command("exchange", "--json", "--symbols", "SPY,AAPL", "--cash", "10000000", "--even", *flags)
    with (folder / "exchange.log").open("w") as log, subprocess.Popen(
        command, cwd=folder, env=_environment(), text=True, stdout=subprocess.PIPE, stderr=log
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            urls = json.loads(process.stdout.readline())
            headers = {"APCA-API-KEY-ID": "any", "APCA-API-SECRET-KEY": "any"}
            with httpx.Client(base_url=urls["trading_url"], headers=headers, timeout=PATIENCE_S) as http:
                yield Exchange(urls, http)
        finally:
            process.terminate()


@contextmanager
def open_engine(folder: Path, exchange: Exchange, *flags: str) -> Iterator[Engine]:
    """Run the storm's strategy while the block runs, unless it ends before."""
    (folder / "storm_strategy.py").write_text(STRATEGY)
    urls = [word for name, url in exchange.urls.items() for word in (f"--{name.replace('_', '-')}", url)]
    command = _command("run", "./storm_strategy.py", "--json", "--state", str(folder / "state"), *urls, *flags)
    errors = folder / "engine.log"
    with errors.open("w") as log, subprocess.Popen(
        command, cwd=folder, env=_environment(), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
    ) as process:  # fmt: skip
        try:
            yield Engine(process, errors)
        finally:
            if process.poll() is None:
                process.kill()


def gapless_kill(folder: Path, exchange: Exchange, *flags: str) -> tuple[int, str]:
    """Run ``gapless kill`` to its end: its exit code and what it printed."""
    place = ("--state", str(folder / "state"), "--trading-url", exchange.urls["trading_url"])
    done = subprocess.run(
        _command("kill", *place, *flags), cwd=folder, env=_environment(), text=True, capture_output=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@frozen(kw_only=True)
class Shown:
    """What a show with processes told, line by line, and what was wrong with it."""

    lines: Sequence[str]
    wrong: Sequence[str] = field(factory=tuple)


def show_ctrl_c(folder: Path, *numbers: signal.Signals) -> Shown:
    """SIGINT, once or twice, to a process in the middle of a storm."""
    wrong = []
    with open_exchange_process(folder) as exchange, open_engine(folder, exchange) as engine:
        exchange.wait_storm()
        held, count = exchange.look()
        code, report, took_s = engine.end(*numbers)
        after = exchange.look()
    if after != ({}, 0):
        wrong.append(f"left: {after}")
    if took_s > WITHIN_S:
        wrong.append(f"took {took_s:.1f} s")
    if code != 130 or report["ended_by"] != "SIGINT":
        wrong.append(f"exit code {code}, ended by {report['ended_by']}")
    lines = (
        f"{' and '.join(number.name for number in numbers)}: {_said(held)} held, {count} orders open.",
        f"Ended with exit code {code} after {took_s:.1f} s: {_said(after[0])} held, {after[1]} orders open.",
    )
    return Shown(lines=lines, wrong=wrong)


def show_kill(folder: Path, *, stopped: bool) -> Shown:
    """``gapless kill`` beside an engine that presses on or, ``stopped``, does not even run; then a restart."""
    wrong, lines = [], []
    with open_exchange_process(folder) as exchange:
        with open_engine(folder, exchange) as engine:
            exchange.wait_storm()
            held, count = exchange.look()
            if stopped:
                engine.process.send_signal(signal.SIGSTOP)
            code, said = gapless_kill(folder, exchange)
            latch = folder / "state" / "latches" / "account"
            trip_s = latch.stat().st_mtime
            if stopped:
                engine.process.send_signal(signal.SIGCONT)
            time.sleep(2.0)
            flat_s = exchange.wait_flat(WITHIN_S)
            pressed = engine.refusals("kill_switch")
            engine.end(signal.SIGINT)
            late = exchange.entries(trip_s + RACE_S)
        lines.append(
            f"gapless kill{' while the engine is stopped' if stopped else ''}: {_said(held)} held, {count} open."
        )
        lines += said.strip().splitlines()
        lines.append(f"Behind the trip the strategy asked {pressed} times more; {len(late)} requests came in.")
        if code or flat_s is None:
            wrong.append(f"exit code {code}, and the exchange has {exchange.look()}: {said}")
        wrong += [f"added risk after the trip: {each}" for each in late]
        if not pressed:
            wrong.append("the strategy did not press on, so this proves nothing")
        wrong += _start_again(folder, exchange, lines)
    return Shown(lines=lines, wrong=wrong)


def _start_again(folder: Path, exchange: Exchange, lines: list[str]) -> Iterator[str]:
    """Still latched after a restart; free after ``gapless kill --reset --yes``."""
    with open_engine(folder, exchange) as engine:
        _wait(lambda: engine.refusals("kill_switch") > 10, "an entry is refused after the restart")
        engine.end(signal.SIGINT)
    if exchange.look() != ({}, 0):
        yield f"traded after the restart: {exchange.look()}"
    lines.append("Started again: entries are refused, the kill switch is latched.")
    code, said = gapless_kill(folder, exchange, "--reset", "--yes")
    lines += said.strip().splitlines()
    with open_engine(folder, exchange) as engine:
        exchange.wait_storm()
        engine.end(signal.SIGINT)
    if code or exchange.look() != ({}, 0):
        yield f"after the reset: exit code {code}, left {exchange.look()}"
    lines.append("Started again after the reset: it trades; ended by Ctrl-C: flat.")


def _said(held: Mapping[str, str]) -> str:
    return ", ".join(f"{qty} {symbol}" for symbol, qty in held.items()) or "nothing"
