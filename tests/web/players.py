"""Strategies of the dashboard's tests."""

import trio

from engine import Context, frozen, strategy


@frozen
class Words:
    """What the strategy is given; one of them nobody should see."""

    symbol: str = "SPY"
    note: str = "<script>alert(1)</script>"
    api_token: str = "canary-of-a-parameter"


@strategy(params=Words)
async def watcher(ctx: Context, p: Words) -> None:
    """Only watches, and tells what it sees."""
    ctx.log("token=canary-of-a-log-line <b>")
    async with ctx.trades(p.symbol, full="latest") as trades:
        async for _ in trades:
            pass


@strategy()
async def holder(ctx: Context) -> None:
    """Buys five, and asks for one more every second; says what was refused."""
    async with ctx.orders(on_exit="leave"), ctx.trades("SPY", full="latest"), ctx.quotes("SPY", full="latest"):
        await trio.sleep(2)
        await (await ctx.buy("SPY", 5)).filled()
        while True:
            await trio.sleep(1)
            await _more(ctx)


async def _more(ctx: Context) -> None:
    from engine import OrderRefused

    try:
        await (await ctx.buy("SPY", 1)).filled()
    except OrderRefused as no:
        ctx.log(f"refused: {no.rule}")
        if ctx.position("SPY") > 0:
            await (await ctx.sell("SPY", 1)).filled()
