"""The session after the one that was killed: latched until a person resets it, and exits pass all the same."""

from collections.abc import Mapping

import trio
from attrs import define, evolve

from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.core.risk.limits import Limits
from engine.errors import KillSwitchTripped, OrderRefused
from engine.exchange.serve import Running
from engine.model.order import Side
from engine.ports import Context, strategy
from engine.store import Latches
from engine.testing.inline import run_inline
from engine.testing.storm.traders import place


@define
class Again:
    """What became of an entry and of the position after a restart, and of an entry after the reset."""

    entry: str = ""
    position: str = ""
    after_reset: str = ""
    left: str = ""
    """What the exchange has in the end."""

    def wrong(self) -> list[str]:
        """What was not as it must be."""
        told = []
        if self.entry != "KillSwitchTripped":
            told.append(f"an entry after the restart: {self.entry or 'taken'}")
        if self.position:
            told.append(f"after the restart, {self.position}")
        if self.left:
            told.append(f"left at the exchange: {self.left}")
        if self.after_reset != "taken":
            told.append(f"an entry after the reset: {self.after_reset}")
        return told


async def start_again(options: RunOptions, running: Running, sides: Mapping[str, Side]) -> Again:
    """Start a session on the same state twice, the second time after a reset."""
    again = Again()

    @strategy(trades=True)
    async def presser(ctx: Context) -> None:
        again.entry = await _try(ctx, sides)
        for symbol in sides:
            await ctx.close(symbol)
        left = [f"{ctx.position(symbol)} {symbol} could not be closed" for symbol in sides if ctx.position(symbol)]
        again.position = ", ".join(left)

    @strategy(trades=True)
    async def freed(ctx: Context) -> None:
        async with ctx.orders(on_exit="flatten"):
            again.after_reset = await _try(ctx, sides)

    await _hold(options, running, presser)
    assert options.state is not None
    for scope in Latches(options.state).all():
        Latches(options.state).reset(scope)
    await _hold(
        evolve(options, limits=Limits()), running, freed
    )  # today's loss is still there, and would trip it again
    again.left = ", ".join(f"{each.qty} {each.asset.symbol}" for each in running.brokerage.matching.positions())
    return again


async def _hold(options: RunOptions, running: Running, trader: object) -> None:
    loaded = LoadedStrategy(trader, None, "presser")  # type: ignore[arg-type]  # what @strategy makes
    with trio.fail_after(120):
        await run_live(evolve(options, strategies=(loaded,), for_s=60.0), exchange=running, run_sync=run_inline)


async def _try(ctx: Context, sides: Mapping[str, Side]) -> str:
    symbol, side = next(iter(sides.items()))
    async with ctx.quotes(symbol, full="latest") as quotes:
        async for _ in quotes:
            break
        try:
            await place(ctx, symbol, side, 1)
        except KillSwitchTripped:
            return "KillSwitchTripped"
        except OrderRefused as no:
            return f"{type(no).__name__}: {no}"
    return "taken"
