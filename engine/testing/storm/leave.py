"""Ctrl-C in the middle of a storm of brackets: flat and no open order within the deadline that the block was given.

One storm is a run of Trio of its own, on a virtual network and clock. Twenty tasks place brackets as fast as they can
inside ``ctx.orders(on_exit="flatten", within=...)``; at a moment that the seed decides SIGINT comes, once or twice,
while some of what is said between engine and exchange is lost.
"""

import signal
import tempfile
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import trio
from attrs import define, field, frozen
from trio.testing import MockClock

from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.core.matching.ledger import AccountTerms
from engine.core.matching.models import MODELS
from engine.errors import OrderEnded, OrderRefused
from engine.exchange.faults.script import build_fault
from engine.exchange.serve import ExchangeOptions, Running
from engine.flow.replay.scheduler import sealed_scheduling
from engine.model.market import Quote
from engine.model.order import Side
from engine.ports import Context, strategy
from engine.testing.chaos.day import memory_folder
from engine.testing.inline import run_inline
from engine.testing.simulated import open_simulated
from engine.testing.storm.witness import Flatness, crossings

BRACKETS: Final = 20
SYMBOLS: Final = ("AAPL", "SPY")
WITHIN_S: Final = 10.0
WITHIN_VANISHED_S: Final = 60.0
"""Where requests vanish: a request's ten seconds and the desk's settling delay, and both again for what closes."""
LEAD_S: Final = 0.5
"""The storm rages so long at most before things begin to fail,"""
LAST_S: Final = 1.5
"""and then so long at most before Ctrl-C."""
CASH: Final = Decimal(10_000_000)
FAULTS: Final[tuple[tuple[dict[str, Any], ...], ...]] = (
    (),
    ({"kind": "cut", "line": "trading"},),
    ({"kind": "cut_without_close", "line": "trading"}, {"kind": "refuse", "line": "trading", "for": "1h"}),
    ({"kind": "lost_reply", "p": 0.2},),
    ({"kind": "late_status", "p": 0.2},),
    ({"kind": "cancel_loses", "lag": "2s", "p": 0.3},),
    ({"kind": "drop_update", "p": 0.3},),
    ({"kind": "black_hole", "p": 0.1, "stage": "request"}, {"kind": "black_hole", "p": 0.1, "stage": "reply"}),
)
"""What goes wrong from the storm's begin on; a seed takes each of them in turn."""


@frozen(kw_only=True)
class Leaving:
    """One storm."""

    seed: int

    @property
    def faults(self) -> tuple[dict[str, Any], ...]:
        """What goes wrong."""
        return FAULTS[self.seed % len(FAULTS)]

    @property
    def within_s(self) -> float:
        """The deadline of the block."""
        return WITHIN_VANISHED_S if any(one["kind"] == "black_hole" for one in self.faults) else WITHIN_S


@frozen(kw_only=True)
class Left:
    """What came of one. ``held`` and ``open`` are as the exchange had them when Ctrl-C came."""

    storm: Leaving
    signals: int
    held: str
    open: int
    flat_s: float | None
    crossed: tuple[str, ...]
    ended_by: str

    def wrong(self) -> list[str]:
        """What was broken, empty for a good one."""
        told = [f"crossed zero: {each}" for each in self.crossed]
        if self.flat_s is None:
            told.append("not flat, or orders are open, after the end")
        elif self.flat_s > self.storm.within_s:
            told.append(f"flat only after {self.flat_s:.1f} s")
        if self.ended_by != "SIGINT":
            told.append(f"ended by {self.ended_by}")
        return told


@define(eq=False)
class Brackets:
    """Parameters of the strategy: ``began`` is set when the first brackets go out."""

    seed: int
    within_s: float
    began: trio.Event = field(factory=trio.Event)
    middle: dict[str, Decimal] = field(factory=dict)

    async def push(self, ctx: Context, number: int) -> None:
        """Place brackets, one after the other."""
        dice = Random(f"{self.seed}/bracket/{number}")
        while True:
            symbol = dice.choice(SYMBOLS)
            middle = self.middle[symbol]
            try:
                await ctx.buy(
                    symbol,
                    dice.randint(1, 10),
                    limit=middle + Decimal(dice.randint(-50, 50)) / 100,
                    take_profit=middle + dice.choice((1, 20)),
                    stop_loss=middle - dice.choice((1, 20)),
                )
            except (OrderRefused, OrderEnded) as no:
                ctx.log(str(no))
            await trio.sleep(dice.uniform(0.05, 0.5))


@strategy(params=Brackets, trades=True)
async def brackets(ctx: Context, p: Brackets) -> None:
    """Twenty at once, until the data ends."""
    async with (
        ctx.quotes(*SYMBOLS, full="latest") as quotes,
        ctx.orders(on_exit="flatten", within=p.within_s),
        trio.open_nursery() as nursery,
    ):
        async for quote in quotes:
            assert isinstance(quote, Quote)
            p.middle[quote.symbol] = Decimal(f"{(quote.bid_price + quote.ask_price) / 2:.2f}")
            if len(p.middle) == len(SYMBOLS) and not p.began.is_set():
                p.began.set()
                for number in range(BRACKETS):
                    nursery.start_soon(p.push, ctx, number)
        nursery.cancel_scope.cancel()


def run_leaving(storm: Leaving) -> Left:
    """Play one, in a run of Trio of its own."""
    with sealed_scheduling(storm.seed):
        return trio.run(_play, storm, clock=MockClock(autojump_threshold=0))


async def _play(storm: Leaving) -> Left:
    exchange = ExchangeOptions(
        symbols=SYMBOLS,
        seed=storm.seed,
        events_per_s=20.0,
        burst=False,
        terms=AccountTerms(cash=CASH),
        fills=MODELS["paper" if storm.seed % 3 else "touch"],
    )
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        async with open_simulated(exchange) as simulated:
            return await _interrupt(storm, simulated.running, Path(folder))


async def _interrupt(storm: Leaving, running: Running, folder: Path) -> Left:
    dice = Random(f"{storm.seed}/interrupt")
    params = Brackets(storm.seed, storm.within_s)
    flatness = Flatness(running)
    stop_ns, signals, held, count = 0, dice.choice((1, 1, 2)), "", 0

    async def interrupt() -> None:
        nonlocal stop_ns, held, count
        await params.began.wait()
        await trio.sleep(dice.uniform(0.0, LEAD_S))
        for fault in storm.faults:
            running.switchboard.add(build_fault(**fault))
        await trio.sleep(dice.uniform(0.0, LAST_S))
        matching = running.brokerage.matching
        held = ", ".join(f"{each.qty} {each.asset.symbol}" for each in matching.positions())
        count = len(matching.open_orders())
        stop_ns = running.market.clock.now_ns()
        for number in range(signals):
            await trio.sleep(dice.uniform(0.0, 1.0) * number)
            signal.raise_signal(signal.SIGINT)

    options = RunOptions(strategies=(LoadedStrategy(brackets, params, "brackets"),), state=folder, for_s=600.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(interrupt)
        nursery.start_soon(flatness.serve)
        report = await run_live(options, exchange=running, run_sync=run_inline)
        flatness.look()
        nursery.cancel_scope.cancel()
    return Left(
        storm=storm,
        signals=signals,
        held=held,
        open=count,
        flat_s=flatness.after_s(stop_ns),
        crossed=tuple(crossings(running, dict.fromkeys(SYMBOLS, Side.BUY))),
        ended_by=str(report.ended_by),
    )
