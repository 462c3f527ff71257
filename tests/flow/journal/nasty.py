"""Strategies that use every part of what a strategy is given, in the ways that are hardest to take again."""

import trio

from engine import Bar, Context, Gap, Kind, LiveOrder, NotReady, OrderEnded, OrderRefused, Quote, strategy
from engine.core.restart import RestartPolicy
from engine.model.instant import NS_PER_S

NO = (OrderRefused, OrderEnded, NotReady, trio.TooSlowError)


@strategy(restart=RestartPolicy(restarts_max=1000, window_s=10.0))
async def crasher(ctx: Context) -> None:
    """Counts over restarts, orders now and then, and raises again and again."""
    count = int(str(ctx.state.get("count", 0)))
    async with ctx.orders(on_exit="cancel", within=20), ctx.trades("SPY") as trades:
        async for trade in trades:
            count += 1
            ctx.state["count"] = count
            if count % 7 == 0:
                try:
                    await ctx.buy("SPY", count % 5 + 1, limit=round(trade.price * 0.999, 2))
                except NO as no:
                    ctx.log(str(no))
            if count % 41 == 0:
                raise ValueError(f"{count} {ctx.position('SPY')}")


class Tasks:
    """Tasks that share what they know and cancel each other."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.quotes: dict[str, Quote] = {}
        self.bell = trio.Event()
        self.seen = 0

    async def watch(self) -> None:
        """The newest quotes."""
        async with self.ctx.quotes("AAPL", "SPY", full="latest") as quotes:
            async for quote in quotes:
                self.quotes[quote.symbol] = quote
                self.seen += 1
                self.bell.set()
                self.bell = trio.Event()

    async def tick(self, send: "trio.MemorySendChannel[tuple[int, list[str]]]") -> None:
        """A timer that hands over what another task saw."""
        async with self.ctx.every(7) as ticks:
            async for _ in ticks:
                await send.send((self.seen, sorted(self.quotes)))

    async def follow(self, order: LiveOrder) -> None:
        """Each state of an order."""
        async for ticket in order.changes():
            self.seen += len(ticket.fills)

    async def count_fills(self) -> None:
        """Every fill."""
        async with self.ctx.fills() as fills:
            async for fill in fills:
                self.seen += int(fill.qty)

    async def idle(self) -> None:
        """Waits with deadlines, sleeps, and orders that are cut off on their way."""
        while True:
            with trio.move_on_after(1.0):
                await self.bell.wait()
            await trio.sleep(self.ctx.random.choice([0, 0.5, 1, 2]))
            if self.seen % 11 == 3:
                try:
                    with trio.move_on_after(self.ctx.random.uniform(0, 0.02)):
                        await self.ctx.sell("AAPL", 1, limit="999")
                except NO as no:
                    self.ctx.log(str(no))

    async def act(self, receive: "trio.MemoryReceiveChannel[tuple[int, list[str]]]", nursery: trio.Nursery) -> None:
        """Something else with each tick."""
        moves = (self.hurry, self.block, self.change, self.end, self.aim, self.bracket, self.look)
        async for seen, names in receive:
            self.ctx.state["seen"] = seen
            if names:
                symbol = self.ctx.random.choice(names)
                try:
                    order = await self.ctx.random.choice(moves)(symbol, seen)
                    if order is not None:
                        nursery.start_soon(self.follow, order)
                except NO as no:
                    self.ctx.log(f"{type(no).__name__} {no}")

    def bid(self, symbol: str, times: float) -> str:
        """A price near the market."""
        return f"{self.quotes[symbol].bid_price * times:.2f}"

    async def hurry(self, symbol: str, seen: int) -> LiveOrder | None:
        """Waited for, but not long."""
        with trio.move_on_after(self.ctx.random.uniform(0, 3)):
            order = await self.ctx.buy(symbol, seen % 9 + 1)
            await order.filled()
            return order
        return None

    async def block(self, symbol: str, _: int) -> None:
        """A block of orders that a deadline may leave."""
        policy = self.ctx.random.choice(["cancel", "flatten", "leave"])
        with trio.move_on_after(2.5):
            async with self.ctx.orders(on_exit=policy, within=30) as scope:  # type: ignore[arg-type] # one of these
                await self.ctx.buy(symbol, 2, limit=self.bid(symbol, 0.9995), within=1)
                await trio.sleep(self.ctx.random.choice([1, 2, 3]))
                self.ctx.log(f"{len(scope.open)} {len(scope.all)}")

    async def change(self, symbol: str, _: int) -> None:
        """Other prices for what rests."""
        for order in self.ctx.open_orders(symbol):
            if order.order and order.order.limit_price and order.open:
                await order.replace(limit=self.bid(symbol, 0.999))

    async def end(self, _symbol: str, _: int) -> None:
        """The end of all orders."""
        await self.ctx.cancel()

    async def aim(self, symbol: str, seen: int) -> None:
        """A position, or too late."""
        with trio.fail_after(5):
            await self.ctx.target(symbol, self.ctx.random.choice([0, 3, seen % 4]))

    async def bracket(self, symbol: str, _: int) -> None:
        """An order with exits."""
        order = await self.ctx.buy(
            symbol,
            3,
            limit=self.bid(symbol, 1),
            take_profit=self.bid(symbol, 1.01),
            stop_loss=self.bid(symbol, 0.99),
        )
        with trio.move_on_after(4):
            await order.ended()
        self.ctx.log(f"{order.status} {order.filled_qty} {len(order.legs)}")

    async def look(self, _symbol: str, _: int) -> None:
        """All that can be read, and what was saved."""
        self.ctx.log(f"{self.ctx.profit()} {dict(self.ctx.positions)} {self.ctx.now_ns()}")
        await self.ctx.state.save()


@strategy()
async def many(ctx: Context) -> None:
    """Many tasks in one block."""
    tasks = Tasks(ctx)
    async with ctx.orders(on_exit="flatten", within=60), trio.open_nursery() as nursery:
        send, receive = trio.open_memory_channel[tuple[int, list[str]]](0)  # noqa: TID251 - as a strategy may
        nursery.start_soon(tasks.watch)
        nursery.start_soon(tasks.tick, send)
        nursery.start_soon(tasks.act, receive, nursery)
        nursery.start_soon(tasks.idle)
        nursery.start_soon(tasks.count_fills)


@strategy()
async def merged(ctx: Context) -> None:
    """One iteration over everything."""
    total = 0.0
    async with (
        ctx.bars("SPY", warmup=5, gaps=True) as bars,
        ctx.trades("AAPL", gaps=True) as trades,
        ctx.quotes("BTC/USD", full="drop_oldest", capacity=3, gaps=True) as quotes,
        ctx.every(30) as ticks,
        ctx.lifecycle() as life,
        ctx.merge(bars, trades, quotes, ticks, life) as events,
    ):
        async for event in events:
            if isinstance(event, Gap):
                ctx.log(f"gap {event.stream}")
            elif isinstance(event, Bar):
                total += event.close
                await ctx.at(ctx.now_ns() + 3 * NS_PER_S)
                try:
                    await ctx.target("SPY", int(total) % 7)
                except NO as no:
                    ctx.log(str(no))
            elif isinstance(event, Quote):
                total += event.bid_price * 1e-6


@strategy(trades=True)
async def batches(ctx: Context) -> None:
    """What comes in one piece matters."""
    rows = await ctx.history(Kind.TRADES, "SPY", ctx.now_ns() - 600 * NS_PER_S)
    sizes = len(rows)
    async with ctx.trades("SPY", "AAPL", "BTC/USD", gaps=True) as trades:
        while True:  # noqa: ASYNC913 - each batch is one
            try:
                batch = await trades.batch()
            except StopAsyncIteration:
                return
            sizes += len(batch) ** 2
            if sizes % 13 == 0:
                try:
                    with trio.move_on_after(0.5):
                        await (await ctx.buy("AAPL", 1)).filled()
                except NO as no:
                    ctx.log(f"{sizes} {no}")
