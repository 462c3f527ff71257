"""A strategy without a plan: it uses every part of the order API at random, the same way for the same seed.

It wants nothing of the market, so nothing about it hides what the engine does with its orders. It stops before the day
ends, so that what is then open is what the engine left open.
"""

from decimal import Decimal
from random import Random
from typing import Final

import trio
from attrs import frozen

from engine.errors import OrderEnded, OrderRefused
from engine.model.market import Quote
from engine.ports import Context, LiveOrder, strategy

PATIENCE_S: Final = 20.0
"""How long it waits for an order before it turns to something else."""


@frozen
class Params:
    """``symbols`` are gambled on; ``pause_s`` is the mean pause between two orders; it stops after ``for_s``."""

    symbols: tuple[str, ...] = ("AAPL", "SPY")
    seed: int = 1
    pause_s: float = 120.0
    for_s: float = 3600.0
    on_exit: str = "cancel"


class Gambler:
    """One run of it."""

    def __init__(self, ctx: Context, p: Params) -> None:
        self.ctx = ctx
        self.p = p
        self.dice = Random(f"{p.seed}/gambler/{ctx.name}")
        self.quotes: dict[str, Quote] = {}
        self.placed: list[LiveOrder] = []

    async def gamble(self) -> None:
        """Place, change and end orders until the time is over."""
        moves = (
            self.take, self.take, self.rest, self.rest, self.bracket, self.aim, self.move, self.cancel_one, self.leave,
            self.hurry,
        )  # fmt: skip
        count = self.ctx.state.get("moves", 0)
        assert isinstance(count, int)
        while True:
            await trio.sleep(self.dice.expovariate(1 / self.p.pause_s))
            symbol = self.dice.choice(self.p.symbols)
            count += 1
            self.ctx.state["moves"] = count
            if symbol in self.quotes:
                try:
                    with trio.move_on_after(PATIENCE_S):
                        await self.dice.choice(moves)(symbol)
                except (OrderRefused, OrderEnded) as no:
                    self.ctx.log(f"{type(no).__name__}: {no}")

    async def watch(self) -> None:
        """Remember the last quote of each symbol."""
        async with self.ctx.quotes(*self.p.symbols, full="latest") as quotes:
            async for quote in quotes:
                self.quotes[quote.symbol] = quote

    def qty(self, symbol: str) -> Decimal:
        """A small size."""
        return Decimal(self.dice.randint(1, 20)) / (100 if "/" in symbol else 1)

    def price(self, symbol: str, steps: float) -> Decimal:
        """A price so many hundredths of a percent away from the middle."""
        quote = self.quotes[symbol]
        middle = (quote.bid_price + quote.ask_price) / 2
        return Decimal(f"{middle * (1 + steps / 10_000):.2f}")

    async def take(self, symbol: str) -> None:
        """A market order, waited for."""
        sells = self.ctx.position(symbol) > 0 and self.dice.random() < 0.6
        if sells:
            held = self.ctx.position(symbol)
            order = await self.ctx.sell(symbol, min(self.qty(symbol), held))
        else:
            order = await self.ctx.buy(symbol, self.qty(symbol))
        self.placed.append(order)
        await order.filled()

    async def rest(self, symbol: str) -> None:
        """A limit order near the market, left alone."""
        price = self.price(symbol, self.dice.uniform(-30, 2))
        self.placed.append(await self.ctx.buy(symbol, self.qty(symbol), limit=price))

    async def bracket(self, symbol: str) -> None:
        """An entry with both exits; coins have no such orders."""
        if "/" in symbol:
            await self.rest(symbol)
            return
        order = await self.ctx.buy(
            symbol,
            self.qty(symbol),
            limit=self.price(symbol, self.dice.uniform(-5, 5)),
            take_profit=self.price(symbol, self.dice.uniform(20, 60)),
            stop_loss=self.price(symbol, self.dice.uniform(-60, -20)),
        )
        self.placed.append(order)

    async def aim(self, symbol: str) -> None:
        """A position, whatever it takes."""
        await self.ctx.target(symbol, self.qty(symbol) * self.dice.choice((0, 1, 2)))

    async def move(self, symbol: str) -> None:
        """A new price for an order that rests."""
        if resting := [order for order in self.ctx.open_orders(symbol) if order.order and order.order.limit_price]:
            await self.dice.choice(resting).replace(limit=self.price(symbol, self.dice.uniform(-30, 0)))
        await trio.lowlevel.checkpoint()

    async def cancel_one(self, symbol: str) -> None:
        """The end of an order."""
        if resting := self.ctx.open_orders(symbol):
            await self.dice.choice(resting).cancel()
        await trio.lowlevel.checkpoint()

    async def leave(self, symbol: str) -> None:
        """Out of a symbol."""
        await self.ctx.close(symbol)

    async def hurry(self, symbol: str) -> None:
        """Asked for and not waited for: the caller is cancelled somewhere on the way."""
        with trio.move_on_after(self.dice.uniform(0, 0.01)):
            await self.ctx.buy(symbol, self.qty(symbol), limit=self.price(symbol, -1))


@strategy(params=Params)
async def gambler(ctx: Context, p: Params) -> None:
    """Place orders at random for a while, then leave by the scope's own policy."""
    one = Gambler(ctx, p)
    with trio.move_on_after(p.for_s):
        async with ctx.orders(on_exit=p.on_exit, within=120), trio.open_nursery() as nursery:  # type: ignore[arg-type]  # text from a flag
            nursery.start_soon(one.watch)
            nursery.start_soon(one.gamble)


@strategy(trades=False)
async def keeper(ctx: Context) -> None:
    """Keep the session open until it is stopped: one whose strategies have all ended is over."""
    ctx.log("waiting for the end of the day")
    await trio.sleep_forever()
