"""Strategies of several tasks that note nothing when they race, and decide by who came first."""

import trio

from engine import Context, NotReady, OrderEnded, OrderRefused, Subscription, Trade, strategy

NO = (OrderRefused, OrderEnded, NotReady)


async def _aim(ctx: Context, qty: int) -> None:
    try:
        with trio.move_on_after(3):
            await ctx.target("SPY", qty % 11)
    except NO as no:
        ctx.log(str(no))


@strategy(trades=True)
async def workers(ctx: Context) -> None:
    """Workers on one memory channel."""
    send, receive = trio.open_memory_channel[Trade](2)  # noqa: TID251 - as a strategy may
    done: list[int] = []

    async def work(number: int) -> None:
        async for event in receive.clone():
            done.append(number + event.seq)
            if len(done) % 5 == 0:
                await _aim(ctx, done[-1] + 2 * done[-2] + 3 * done[-3])
            elif len(done) % 3 == 0:
                await trio.sleep(0.05 * (number + 1))

    async with ctx.trades("SPY", "AAPL") as trades, trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(work, number)
        async for trade in trades:
            await send.send(trade)
        nursery.cancel_scope.cancel()


@strategy(trades=True)
async def bell(ctx: Context) -> None:
    """One event wakes five tasks, and fresh ones race: the first of all decides."""
    rung, line = trio.Event(), list[int]()

    async def runner(number: int) -> None:
        while True:
            await rung.wait()
            line.append(number)

    async def fresh(number: int) -> None:
        line.append(number)

    async with ctx.trades("SPY", "AAPL") as trades, trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(runner, number)
        count = 0
        async for _ in trades:
            count += 1
            rung.set()
            rung = trio.Event()
            if count % 4 == 0:
                async with trio.open_nursery() as inner:
                    for number in range(4):
                        inner.start_soon(fresh, number)
                await _aim(ctx, sum(place * number for place, number in enumerate(line[-7:])))
        nursery.cancel_scope.cancel()


@strategy(trades=True)
async def shared(ctx: Context) -> None:
    """Two tasks take from one subscription while others come and go."""
    taken = [0, 0]

    async def take(place: int, trades: Subscription[Trade]) -> None:
        async for _ in trades:
            taken[place] += 1
            if taken[place] % 5 == 0:
                await trio.sleep(0.03)

    async def come_and_go() -> None:
        while True:
            async with ctx.quotes("AAPL", "BTC/USD") as quotes:
                left = 7
                async for _ in quotes:
                    left -= 1
                    if not left:
                        break
            with trio.move_on_after(0.2):
                async with ctx.trades("BTC/USD", full="drop_oldest", capacity=2) as trades:
                    async for _ in trades:
                        taken[0] += 1
            await _aim(ctx, taken[0] + 2 * taken[1])

    async with ctx.trades("SPY") as trades, trio.open_nursery() as nursery:
        nursery.start_soon(take, 0, trades)
        nursery.start_soon(take, 1, trades)
        nursery.start_soon(come_and_go)
