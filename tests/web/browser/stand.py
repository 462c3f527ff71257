"""A session with its dashboard in a process of its own, in real time, which does what a test tells it on stdin.

A process, because a session listens to signals and so wants a main thread, and playwright wants one too. Each line in
is JSON, ``[command, argument]``; each line out is the answer. The first line out is where the dashboard is.
"""

import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, field

from engine import Context, strategy
from engine.app.alerts.live import LiveAlarms
from engine.app.beside.attach import stand_beside
from engine.app.beside.engine import Engine
from engine.app.beside.moments import note_moments
from engine.app.config.web import WebSettings
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.secrets import Secret
from engine.core.alerts import Book
from engine.core.alerts.policy import AlertPolicy
from engine.exchange.serve import ExchangeOptions, open_exchange
from engine.model.alert import Finding, Severity
from engine.web import serve_dashboard
from tests.web.players import Words, watcher

PLAYED = ExchangeOptions(symbols=("SPY", "AAPL"), speed=60.0, events_per_s=4.0, seed=7)
"""A minute of market in a second, so that there are candles to look at."""


LONG = "a_name_that_has_no_place_to_break_and_is_longer_than_any_telephone_is_wide"


@define(eq=False)
class Stand:
    """``buys`` lets its trader buy; ``filled_s`` are wall times at which a fill was in the books."""

    token: str
    engine: Engine | None = None
    buys: trio.Event = field(factory=trio.Event)
    filled: trio.Event = field(factory=trio.Event)
    filled_s: float = 0.0

    @asynccontextmanager
    async def attached(self, engine: Engine) -> AsyncIterator[None]:
        """The dashboard beside the session, and this process's ears."""
        self.engine = engine
        engine.alarms = LiveAlarms(book=Book(AlertPolicy()), wall_ns=time.time_ns)
        engine.report = self._report
        assert engine.account is not None
        engine.account.desk.listen_fills("trader", self._note_fill)

        async def dashboard(engine: Engine) -> None:
            await serve_dashboard(engine, WebSettings(port=0, token=Secret(self.token)))

        async with stand_beside(engine, {"moments": note_moments, "dashboard": dashboard}):
            yield

    def _report(self, sentence: str) -> None:
        if "/ ; log in" in sentence:
            answer(sentence.split(" is at ")[1].split("/ ;", maxsplit=1)[0])
        else:
            sys.stderr.write(f"{sentence}\n")

    def _note_fill(self, _fill: object) -> None:
        if not self.filled.is_set():
            self.filled_s = time.time()
            self.filled.set()

    async def do(self, command: str, argument: Any) -> Any:
        """What a test wants."""
        assert self.engine is not None
        assert self.engine.account is not None
        match command:
            case "buy":
                self.filled = trio.Event()
                self.buys.set()
                await self.filled.wait()
                return self.filled_s
            case "tell":
                self.engine.alarms.tell(Finding(**{**argument, "severity": Severity(argument["severity"])}))
            case "acknowledge":
                return self.engine.alarms.acknowledge(argument, "a test")
            case "paused":
                return self.engine.account.pauses.by("trader")
            case "killed":
                return self.engine.account.killed
        return None


def make_trader(stand: Stand) -> Any:
    """A strategy that buys when a test says so."""

    @strategy()
    async def trader(ctx: Context) -> None:
        """Buys five of SPY and asks for one at a price that nobody gives, again and again, when it is told to."""
        async with ctx.orders(on_exit="leave"), ctx.trades("SPY", full="latest"), ctx.quotes("SPY", full="latest"):
            ctx.log("ready to trade")
            while True:
                await stand.buys.wait()
                stand.buys = trio.Event()
                await (await ctx.buy("SPY", 5)).filled()
                ctx.log(f"bought, and holds {ctx.position('SPY')}")
                await ctx.buy("SPY", 1, limit=200)

    return trader


def answer(value: Any) -> None:
    """One line to the test."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve until stdin ends."""
    stand = Stand(token=sys.argv[1])
    trader = make_trader(stand)
    async with trio.open_nursery() as nursery, open_exchange(PLAYED) as exchange:
        strategies = (
            LoadedStrategy(trader, name="trader"),
            LoadedStrategy(watcher, Words("AAPL"), "watcher"),
            LoadedStrategy(watcher, Words("AAPL"), LONG),
        )
        options = RunOptions(strategies=strategies, attached=stand.attached)

        async def session() -> None:
            await run_live(options, exchange=exchange)

        nursery.start_soon(session)
        while line := await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            answer(await stand.do(*json.loads(line)))
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
