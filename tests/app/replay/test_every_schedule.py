"""Tasks of one strategy that share nothing but its orders: what they decide is the same under every schedule."""

import pytest
import trio

from engine import Context, GaplessError, strategy
from engine.app.options import LoadedStrategy
from engine.app.replay.options import ReplayOptions
from engine.app.replay.run import replay
from engine.model.market import MarketEvent, Quote, Trade
from engine.ports import Strategy
from tests.app.replay import made

SCHEDULES = range(8)


def quotes(seconds: int) -> list[MarketEvent]:
    """Ten shares at 100.00 and 100.05, each second."""
    return [
        Quote("A", at_ns, 100.0, 10.0, 100.05, 10.0, received_ns=at_ns, origin="replay")
        for at_ns in range(made.START_NS, made.START_NS + seconds * made.NS, made.NS)
    ]


def trades(seconds: int) -> list[MarketEvent]:
    """A hundred shares at 100.00, each second."""
    return [
        Trade("A", at_ns, 100.0, 100.0, at_ns // made.NS, "V", received_ns=at_ns, origin="replay")
        for at_ns in range(made.START_NS, made.START_NS + seconds * made.NS, made.NS)
    ]


def fingerprints(player: Strategy, events: list[MarketEvent]) -> set[str]:
    loaded = LoadedStrategy(player, None, "one")
    return {
        replay(ReplayOptions(strategies=(loaded,), tapes=(), schedule=schedule), made.MemoryTape(events)).fingerprint
        for schedule in SCHEDULES
    }


@strategy()
async def crossing(ctx: Context) -> None:
    """Short, with two orders to buy some back. A sale would trade with one of them, so it waits for its end; a target
    cancels both. When they have ended both go on, and the later one meets what the first one did."""

    async def sell() -> None:
        await ctx.sell("A", 2, limit=100.01)

    async def go_flat() -> None:
        try:
            await ctx.target("A", 0, within=5)
        except GaplessError:
            await ctx.buy("A", 3, limit=90)

    async with ctx.quotes("A") as told:
        await told.__anext__()
        await ctx.sell("A", 4)
        await ctx.buy("A", 1, limit=100.02)
        await ctx.buy("A", 1, limit=99)
        await told.__anext__()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sell)
            nursery.start_soon(go_flat)


@strategy()
async def leaving(ctx: Context) -> None:
    """Blocks are left at one instant: what one sells is not there for the other to sell, and takes longer."""

    async def block(qty: int) -> None:
        async with ctx.orders(on_exit="flatten", within=3):
            await ctx.buy("A", qty)
            await ctx.at(made.START_NS + 5 * made.NS)
        await ctx.buy("A", qty, limit=90)

    async with ctx.quotes("A") as told:
        await told.__anext__()
        async with trio.open_nursery() as nursery:
            for qty in (8, 9):
                nursery.start_soon(block, qty)


@strategy()
async def meeting(ctx: Context) -> None:
    """Listens to its fills from the very instant on at which one comes by the clock: behind the tape's end."""

    async def answer() -> None:
        async with ctx.fills() as fills:
            async for fill in fills:
                await ctx.buy("A", fill.qty + 1, limit=90)

    async with ctx.trades("A") as told:
        async for _ in told:
            pass
    async with ctx.every(0.25) as ticks:
        await ticks.__anext__()
        await ctx.buy("A", 3)
        await ticks.__anext__()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            await trio.sleep(1)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("player", [crossing, leaving, meeting], ids=lambda player: player.name)
def test_what_meets_at_one_instant_comes_out_the_same(player: Strategy) -> None:
    assert len(fingerprints(player, trades(3) if player is meeting else quotes(12))) == 1
