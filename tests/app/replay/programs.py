"""Random strategies over the whole of a context: orders, blocks of them, timers, the past, and tasks in between."""

from collections.abc import Sequence
from random import Random
from typing import Any, Final, TypeAlias

import trio
from attrs import define, frozen

from engine import Context, GaplessError, Kind, MarketEvent, Misconfigured, Quote, RestartPolicy, Trade
from engine.model.market import Bar
from engine.model.stream import ANY, Stream
from engine.ports import Strategy
from tests.app.replay.made import MINUTE_NS, NS, START_NS

Op: TypeAlias = tuple[Any, ...]

SYMBOLS: Final = ("A", "B")
KINDS: Final = (Kind.TRADES, Kind.QUOTES, Kind.BARS)
GAPS_NS: Final = (0, 0, 0, 1, NS // 4, NS // 4, NS, 7 * NS)
"""Quarters of a second meet timers at the same instant; ties have none between them."""


def make_tape(dice: Random, rows: int) -> list[MarketEvent]:
    """Events of two symbols, in runs and with many ties, and the bars of their minutes."""
    events: list[MarketEvent] = []
    at_ns, price, bar_ns = START_NS, dict.fromkeys(SYMBOLS, 100.0), START_NS + MINUTE_NS
    while len(events) < rows:
        make, symbol, gap_ns = dice.choice("tq"), dice.choice("AAB"), dice.choice(GAPS_NS)
        for _ in range(dice.randint(1, 20)):
            while bar_ns <= at_ns:
                for one in SYMBOLS:
                    last, start_ns = price[one], bar_ns - MINUTE_NS
                    bar = Bar(one, start_ns, last, last + 0.1, last - 0.1, last, 9.0, 3, last, bar_ns, "replay")
                    events.append(bar)
                bar_ns += MINUTE_NS
            now = price[symbol] = round(price[symbol] + dice.choice((-0.02, -0.01, 0, 0.01, 0.02)), 2)
            if make == "t":
                number = len(events)
                events.append(Trade(symbol, at_ns, now, 100.0, number, "V", received_ns=at_ns, origin="replay"))
            else:
                low, high = round(now - 0.01, 2), round(now + 0.01, 2)
                events.append(Quote(symbol, at_ns, low, 5.0, high, 5.0, received_ns=at_ns, origin="replay"))
            at_ns += gap_ns
    return events


def make_program(dice: Random, *, sharing: bool, depth: int = 3) -> tuple[Op, ...]:
    """Some steps; with ``sharing`` tasks look at what others of the strategy do."""
    return tuple(_make_op(dice, sharing, depth) for _ in range(dice.randint(1, 3)))


def _make_op(dice: Random, sharing: bool, depth: int) -> Op:
    leaves = ["sleep", "at", "now", "checkpoint", "history", "order", "order", "target", "close", "cancel", "bracket"]
    if sharing:
        leaves += ["books", "state", "dice", "raise", "leave"]
    nested = ["read", "read", "read", "block", "every", "within", "together", "pipe", "fills"]
    name = dice.choice(leaves if depth == 0 or dice.random() < 0.4 else nested)
    if name in leaves:
        return name, dice.choice((0.0, 0.25, 0.5, 1.0, 3.0)), dice.choice(SYMBOLS), dice.randint(1, 5)
    inner = make_program(dice, sharing=sharing, depth=depth - 1)
    if name == "read":
        streams = tuple({(dice.choice(KINDS), dice.choice((*SYMBOLS, ANY))) for _ in range(dice.randint(1, 2))})
        how = dice.choice(("one", "one", "batch", "merge"))
        full = dice.choice(("block", "block", "latest", "drop_oldest"))
        return name, tuple(sorted(streams)), how, full, dice.choice((3, 40, 400)), dice.randint(0, 25), inner
    if name == "together":
        others = tuple(make_program(dice, sharing=sharing, depth=depth - 1) for _ in range(dice.randint(0, 2)))
        return name, (inner, *others)
    return name, dice.choice((0.25, 0.5, 1.0, 10.0)), dice.choice(("cancel", "flatten", "leave")), inner


@frozen
class Program:
    """The parameters of a random strategy: itself."""

    steps: tuple[Op, ...]


async def _play(ctx: Context, program: Program) -> None:
    await Player(ctx).play(program.steps)


def strategy_of(*, restarts: int = 0) -> Strategy:
    """What carries a program out; it may be started again so often."""
    restart = RestartPolicy(restarts_max=restarts) if restarts else None
    return Strategy("player", _play, params=Program, restart=restart, trades=True)


class Broke(Exception):
    """What a strategy raises."""


class Leave(Exception):
    """The innermost block is left."""


@define(eq=False)
class Player:
    """Carries out a program. What it has seen last decides how much it buys."""

    ctx: Context
    seen: int = 0

    async def play(self, program: Sequence[Op]) -> None:
        for op in program:
            await getattr(self, f"do_{op[0]}")(*op[1:])

    async def _try(self, doing: Any) -> Any:
        try:
            return await doing
        except GaplessError as error:
            self.ctx.log(type(error).__name__)
            return None

    def take(self, event: MarketEvent) -> None:
        """It decides by this from now on."""
        price = (
            event.price if isinstance(event, Trade) else event.bid_price if isinstance(event, Quote) else event.close
        )  # type: ignore[union-attr] # a bar
        self.seen = round(price * 100)

    # -- leaves

    async def do_sleep(self, seconds: float, *_: Any) -> None:
        await trio.sleep(seconds)

    async def do_at(self, seconds: float, *_: Any) -> None:
        await self.ctx.at(START_NS + round(4 * seconds * NS))

    async def do_now(self, *_: Any) -> None:
        self.ctx.log(f"{self.ctx.now_ns()} {trio.current_time()}")

    async def do_checkpoint(self, *_: Any) -> None:
        await trio.lowlevel.checkpoint()

    async def do_history(self, _: float, symbol: str, number: int) -> None:
        now_ns = self.ctx.now_ns()
        for kind in KINDS:
            try:
                rows = await self.ctx.history(kind, symbol, START_NS, now_ns + number * NS)
            except Misconfigured:  # the tape holds none of this kind
                continue
            assert not rows or max(row.ts_ns + (MINUTE_NS if kind is Kind.BARS else 0) for row in rows) <= now_ns
            self.seen += len(rows)

    async def do_order(self, seconds: float, symbol: str, number: int) -> None:
        side = self.ctx.buy if self.seen % 2 else self.ctx.sell
        limit = None if seconds else 100 + self.seen % 7 / 100
        order = await self._try(side(symbol, number + self.seen % 3, limit=limit))
        if order is not None and seconds > 0.5:
            with trio.move_on_after(seconds):
                await self._try(order.filled())

    async def do_bracket(self, _: float, symbol: str, number: int) -> None:
        await self._try(self.ctx.buy(symbol, number, take_profit=101, stop_loss=99))

    async def do_target(self, seconds: float, symbol: str, number: int) -> None:
        with trio.move_on_after(seconds):
            await self._try(self.ctx.target(symbol, (self.seen + number) % 7 - 3, within=5))

    async def do_close(self, _: float, symbol: str, *__: Any) -> None:
        with trio.move_on_after(5):
            await self._try(self.ctx.close(symbol))

    async def do_cancel(self, _: float, symbol: str, *__: Any) -> None:
        await self._try(self.ctx.cancel(symbol))

    async def do_books(self, _: float, symbol: str, *__: Any) -> None:
        self.ctx.log(f"{self.ctx.position(symbol)} {self.ctx.profit()} {len(self.ctx.open_orders())}")
        self.seen += int(self.ctx.position(symbol))

    async def do_state(self, *_: Any) -> None:
        self.ctx.state["seen"] = self.seen
        await self._try(self.ctx.state.save())

    async def do_dice(self, *_: Any) -> None:
        self.seen += self.ctx.random.randrange(5)

    async def do_raise(self, *_: Any) -> None:
        raise Broke

    async def do_leave(self, *_: Any) -> None:
        raise Leave

    # -- what has steps inside

    async def do_read(
        self, streams: Sequence[Stream], how: str, full: Any, most: int, bare: int, inner: Sequence[Op]
    ) -> None:
        warmup = 2 if all(kind is Kind.BARS for kind, _ in streams) and ANY not in {name for _, name in streams} else 0
        named = [Stream(kind, symbol) for kind, symbol in streams]
        try:
            async with self.ctx.streams(*named, full=full, warmup=warmup) as channel:
                if how != "merge":
                    await self._read(channel, how, most, bare, inner)
                    return
                async with self.ctx.merge(channel) as merged:
                    await self._read(merged, how, most, bare, inner)
        except Leave:
            self.ctx.log("left")

    async def _read(self, source: Any, how: str, most: int, bare: int, inner: Sequence[Op]) -> None:
        last_ns = -1
        for number in range(most):
            try:
                items = await source.batch() if how == "batch" else [await source.__anext__()]
            except StopAsyncIteration:
                return
            for item in items:
                assert item.origin == "backfill" or last_ns <= item.received_ns <= self.ctx.now_ns()
                last_ns = item.received_ns
                self.take(item)
            place = number % (bare + len(inner)) - bare
            if place >= 0:
                await self.play(inner[place : place + 1])

    async def do_block(self, seconds: float, on_exit: Any, inner: Sequence[Op]) -> None:
        with trio.move_on_after(8 * seconds):
            async with self.ctx.orders(on_exit=on_exit, within=2):
                await self.play(inner)

    async def do_every(self, seconds: float, _: Any, inner: Sequence[Op]) -> None:
        try:
            async with self.ctx.every(seconds) as ticks:
                number = 0
                async for _ in ticks:
                    number += 1
                    if number > 6:
                        return
                    await self.play(inner)
        except Leave:
            self.ctx.log("left")

    async def do_within(self, seconds: float, _: Any, inner: Sequence[Op]) -> None:
        with trio.move_on_after(seconds):
            await self.play(inner)

    async def do_together(self, programs: Sequence[Sequence[Op]]) -> None:
        async with trio.open_nursery() as nursery:
            for program in programs:
                nursery.start_soon(Player(self.ctx, self.seen).alone, program)

    async def alone(self, program: Sequence[Op]) -> None:
        """As a task."""
        try:
            await self.play(program)
        except Leave:
            self.ctx.log("left")

    async def do_pipe(self, seconds: float, _: Any, inner: Sequence[Op]) -> None:
        """One task reads and another decides by what it hands over."""
        send, receive = trio.open_memory_channel[MarketEvent](3)  # noqa: TID251 - as strategies do

        async def decide() -> None:
            player = Player(self.ctx, self.seen)
            async with receive:
                async for event in receive:
                    player.take(event)
                    await player.alone(inner)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(decide)
            with trio.move_on_after(10 * seconds):
                async with send, self.ctx.trades("A") as trades:
                    async for trade in trades:
                        if (trade.id or 0) % 4 == 0:
                            await send.send(trade)
            await send.aclose()

    async def do_fills(self, seconds: float, _: Any, inner: Sequence[Op]) -> None:
        """Another task answers fills while the steps go on."""

        async def answer() -> None:
            async with self.ctx.fills() as fills:
                async for fill in fills:
                    self.ctx.log(f"{fill.side} {fill.qty} {fill.symbol}")
                    await trio.sleep(seconds)
                    with trio.move_on_after(5):
                        await self._try(self.ctx.close(fill.symbol))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            await self.play(inner)
            await trio.sleep(seconds)
            nursery.cancel_scope.cancel()
