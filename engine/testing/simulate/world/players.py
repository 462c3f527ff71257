"""Who plays in a simulated session: strategies that use everything at random, the same way for the same seed.

They want nothing of the market, so nothing about them hides what the engine does. What they are handed they hand on.
Each has dice of its own name for each of its runs, so that what one draws changes nothing for another. They are
functions of their context and of what their `Cast` tells them: they run again from the journal of their session.
"""

from collections.abc import Mapping
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Final

import trio
from attrs import define, field

from engine.core.overflow import Full
from engine.core.restart import RestartPolicy
from engine.errors import ChannelOverflow, OrderEnded, OrderRefused
from engine.model.market import Kind
from engine.model.stream import Stream
from engine.ports import Context, Strategy, strategy
from engine.testing.chaos.gambler import PATIENCE_S, Gambler, Params
from engine.testing.simulate.plan import BLOCK_WITHIN_S, Player
from engine.testing.simulate.world.cast import Cast

STOCK_KINDS: Final = (
    Kind.TRADES, Kind.TRADES, Kind.QUOTES, Kind.QUOTES, Kind.BARS, Kind.UPDATED_BARS, Kind.DAILY_BARS, Kind.STATUSES,
    Kind.LULDS, Kind.CORRECTIONS, Kind.CANCELS,
)  # fmt: skip
COIN_KINDS: Final = (Kind.TRADES, Kind.TRADES, Kind.QUOTES, Kind.QUOTES, Kind.BARS, Kind.UPDATED_BARS, Kind.BOOKS)
MODES: Final[tuple[Full, ...]] = ("block", "block", "block", "drop_oldest", "latest", "fail")
WITNESSED: Final = (Kind.TRADES, Kind.QUOTES, Kind.BARS)
CAPACITIES: Final = (1, 2, 8, 100, 10_000)
PAUSE_S: Final = 20.0
"""Between two subscriptions of a player, on the average."""
LEAVE_S: Final = 60.0
"""Traders leave so long before the end, or half of the calm: what is then open is what the engine left open."""


class Stumbled(Exception):
    """A player's own mistake."""


@define(eq=False)
class Watcher:
    """One run of a watcher."""

    ctx: Context
    cast: Cast
    dice: Random
    slow_s: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.slow_s = float(self.cast.params.get("slow_s", 0.0))

    async def notices(self) -> None:
        """Hand on what happens to the lines."""
        async with self.ctx.lifecycle() as notices:
            async for notice in notices:
                self.cast.noticed(self.ctx.name, notice, self.ctx.now_ns())

    async def stumble(self, every_s: float) -> None:
        """Fall over one's own feet, until the calm."""
        await trio.lowlevel.checkpoint()
        while not self.cast.calm():
            await trio.sleep(self.dice.expovariate(1 / every_s))
            if not self.cast.calm():
                raise Stumbled("this strategy has a bug")

    async def take_turns(self, stay_s: float) -> None:
        """Subscribe to something, for a while, again and again."""
        while True:
            with trio.move_on_after(self.dice.expovariate(1 / stay_s)):
                await self._take()
            await trio.sleep(self.dice.expovariate(1 / PAUSE_S))

    async def _take(self) -> None:
        streams = self._streams()
        full, capacity = self.dice.choice(MODES), self.dice.choice(CAPACITIES)
        one_by_one = self.dice.random() < 0.5
        try:
            await self.take(streams, full, capacity, one_by_one=one_by_one)
        except ChannelOverflow:
            await trio.sleep(1.0)  # asked for with "fail": it was too slow

    async def take(self, streams: tuple[Stream, ...], full: Full, capacity: int, *, one_by_one: bool) -> None:
        """One subscription until it ends."""
        cast, now_ns, gaps = self.cast, self.ctx.now_ns, bool(self.cast.params.get("gaps", True))
        opened_ns = now_ns()
        async with self.ctx.streams(*streams, full=full, capacity=capacity, gaps=gaps) as channel:
            taking = cast.opened(self.ctx.name, streams, full, capacity, gaps=gaps, at_ns=opened_ns)
            try:
                if one_by_one:
                    async for event in channel:
                        cast.delivered(taking, (event,), now_ns())
                        await self._dawdle()
                while not one_by_one:
                    cast.delivered(taking, await channel.batch(), now_ns())
                    await self._dawdle()
            except StopAsyncIteration:
                await trio.lowlevel.checkpoint()
            finally:
                cast.closed(taking)

    async def _dawdle(self) -> None:  # noqa: ASYNC910 - who is not slow goes on at once, as any strategy does
        if self.slow_s and self.dice.random() < 0.2:
            await trio.sleep(self.dice.expovariate(1 / self.slow_s))

    def _streams(self) -> tuple[Stream, ...]:
        symbols = self.cast.params["symbols"]
        drawn = []
        for _ in range(self.dice.randint(1, 4)):
            symbol = self.dice.choice(symbols)
            drawn.append(Stream(self.dice.choice(COIN_KINDS if "/" in symbol else STOCK_KINDS), symbol))
        return tuple(dict.fromkeys(drawn))


@strategy(params=Cast, trades=False, restart=RestartPolicy(delay_initial_s=1.0))
async def watcher(ctx: Context, p: Cast) -> None:
    """Subscribe to this and that."""
    dice = p.dice()
    one = Watcher(ctx, p, dice)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.notices)
        for number in range(int(p.params["takes"])):
            each = Watcher(ctx, p, Random(f"{dice.random()}/{number}"))
            nursery.start_soon(each.take_turns, float(p.params["stay_s"]))
        if p.params.get("raise_every_s"):
            nursery.start_soon(one.stumble, float(p.params["raise_every_s"]))
        await p.over()
        nursery.cancel_scope.cancel()


class Trader(Gambler):
    """The gambler of a chaotic day, who tells what it is about to do and plays in rounds."""

    def __init__(self, ctx: Context, cast: Cast, dice: Random) -> None:
        params = cast.params
        super().__init__(ctx, Params(symbols=params["symbols"], pause_s=params["pause_s"], on_exit=params["on_exit"]))
        self.cast = cast
        self.dice = dice
        self.watcher = Watcher(ctx, cast, dice)

    async def watch(self) -> None:
        """Remember the last quote of each symbol, and hand all of them on."""
        streams = tuple(Stream(Kind.QUOTES, symbol) for symbol in self.p.symbols)
        cast, now_ns, opened_ns = self.cast, self.ctx.now_ns, self.ctx.now_ns()
        async with self.ctx.quotes(*self.p.symbols, full="latest", capacity=100) as quotes:
            taking = cast.opened(self.ctx.name, streams, "latest", 100, gaps=False, at_ns=opened_ns)
            try:
                async for quote in quotes:
                    self.quotes[quote.symbol] = quote
                    cast.delivered(taking, (quote,), now_ns())
            finally:
                cast.closed(taking)

    async def gamble(self) -> None:
        """Place, change and end orders until the time is over."""
        moves = (
            self.take, self.take, self.rest, self.rest, self.bracket, self.aim, self.move, self.cancel_one, self.leave,
            self.hurry,
        )  # fmt: skip
        while True:
            await trio.sleep(self.dice.expovariate(1 / self.p.pause_s))
            symbol, move = self.dice.choice(self.p.symbols), self.dice.choice(moves)
            count = self.ctx.state.get("moves", 0)
            self.ctx.state["moves"] = int(str(count)) + 1
            if symbol in self.quotes:
                self.cast.asked(self.ctx.name, move.__name__, symbol)
                try:
                    with trio.move_on_after(PATIENCE_S):
                        await move(symbol)
                except (OrderRefused, OrderEnded) as no:
                    self.ctx.log(f"{type(no).__name__}: {no}")

    async def rounds(self, count: int) -> None:
        """Gamble in blocks of orders, each with its own end."""
        await trio.lowlevel.checkpoint()
        left_s = max(self.leave_s(), 0.0)
        for number in range(count):
            length_s = left_s / (count - number) * self.dice.uniform(0.5, 1.0)
            with trio.move_on_after(length_s):
                async with self.ctx.orders(on_exit=self.p.on_exit, within=BLOCK_WITHIN_S) as mine:  # type: ignore[arg-type] # text
                    try:
                        await self.gamble()
                    finally:
                        began_s = trio.current_time()
            if self.p.on_exit == "cancel":
                still = [order.client_order_id for order in mine.open]
                self.cast.left_block(self.ctx.name, still, trio.current_time() - began_s)
            left_s = max(self.leave_s(), 0.0)

    def leave_s(self) -> float:
        """Seconds until it should have left."""
        plan = self.cast.plan
        return plan.seconds - min(LEAVE_S + BLOCK_WITHIN_S, plan.calm_s / 2) - self.cast.now_s()


@strategy(params=Cast, trades=True, restart=RestartPolicy(delay_initial_s=1.0))
async def trader(ctx: Context, p: Cast) -> None:
    """Gamble for a while, then leave by the scope's own policy."""
    one = Trader(ctx, p, p.dice())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.watcher.notices)
        nursery.start_soon(one.watch)
        await one.rounds(int(p.params["rounds"]))
        nursery.cancel_scope.cancel()


@strategy(params=Cast, trades=False, restart=RestartPolicy(delay_initial_s=1.0))
async def witness(ctx: Context, p: Cast) -> None:
    """Take all that has a history, from the beginning to the end: nothing of it may be missing without a word."""
    one = Watcher(ctx, p, p.dice())
    streams = tuple(Stream(kind, symbol) for symbol in p.params["symbols"] for kind in WITNESSED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.notices)
        nursery.start_soon(partial(one.take, streams, "block", CAPACITIES[-1], one_by_one=False))
        await p.over()
        nursery.cancel_scope.cancel()


@strategy(params=Cast, trades=False)
async def keeper(_ctx: Context, p: Cast) -> None:
    """Keep the session open until it is over: one whose strategies have all ended is."""
    await p.over()


PLAYERS: Final[Mapping[str, Strategy]] = MappingProxyType({
    "watcher": watcher, "trader": trader, "witness": witness, "keeper": keeper,
})  # fmt: skip
KEEPER: Final = Player(kind="keeper", name="keeper")
