"""Strategies that do not let go: they add risk as fast as they can, and go on after they were told not to.

What the kill switch promises is about strategies that are wrong, so these are: fifty tasks that ask for more, whatever
the answer was, and call-backs that raise, each after it asked for an order.
"""

import math
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any, Final

import trio
from attrs import define, evolve, field

from engine.core.restart import RestartPolicy
from engine.errors import OrderEnded, OrderRefused
from engine.model.market import Quote
from engine.model.order import Side
from engine.ports import CallbackStrategy, Context, LiveOrder, Strategy, plug, strategy

AT_ONCE: Final = 50
"""Orders in flight, as the issue has it."""
FIRST_QTY: Final = 20
PAUSE_S: Final = (0.1, 1.0)
"""Of each of the fifty between two orders: some ninety a second together."""
PATIENCE_S: Final = 3.0
"""How long one of them waits for one order before it asks for another."""
GREED: Final = 10_000_000
"""Shares that nobody can pay for: the venue refuses them, and no rule says so beforehand."""


@define(eq=False)
class Pressure:
    """``sides``: on which side risk is added, by symbol. What happens is counted in ``refused``, by rule."""

    sides: Mapping[str, Side]
    seed: int
    at_once: int = AT_ONCE
    greedy: bool = False
    """From now on every order is one that the venue refuses."""
    ready: trio.Event = field(factory=trio.Event)
    """Set once something is held of each symbol."""
    go: trio.Event = field(factory=trio.Event)
    over: bool = False
    """Enough: nothing more is asked for."""
    asked: int = 0
    refused: Counter[str] = field(factory=Counter)
    _middle: dict[str, Decimal] = field(factory=dict)
    _turns: dict[str, trio.Lock] = field(factory=dict)

    async def watch(self, quotes: Any) -> None:
        """Remember what each symbol was worth when a number was last told."""
        await trio.lowlevel.checkpoint()
        async for quote in quotes:
            if isinstance(quote, Quote) and math.isfinite(quote.bid_price) and quote.bid_price > 0:
                self._middle[quote.symbol] = Decimal(f"{(quote.bid_price + quote.ask_price) / 2:.2f}")

    async def begin(self, ctx: Context) -> None:
        """Hold something of each symbol."""
        await trio.lowlevel.checkpoint()
        while len(self._middle) < len(self.sides):  # noqa: ASYNC110 - until the market has told something
            await trio.sleep(0.1)
        for symbol, side in self.sides.items():
            await (await place(ctx, symbol, side, FIRST_QTY)).filled()
        self.ready.set()

    async def push(self, ctx: Context, number: int) -> None:
        """Ask for more, again and again."""
        dice = Random(f"{self.seed}/push/{number}")
        await trio.lowlevel.checkpoint()
        while not self.over:
            symbol = dice.choice(sorted(self.sides))
            self.asked += 1
            try:
                with trio.move_on_after(PATIENCE_S):
                    await self._ask(ctx, dice, symbol, self.sides[symbol])
            except (OrderRefused, OrderEnded) as no:
                self.refused[getattr(no, "rule", "") or type(no).__name__] += 1
            await trio.sleep(dice.uniform(*PAUSE_S))

    async def _ask(self, ctx: Context, dice: Random, symbol: str, side: Side) -> None:
        middle, qty = self._middle[symbol], dice.randint(1, 10)
        away = Decimal(dice.randint(10, 200)) / 100 * side.sign
        resting = [
            each for each in ctx.open_orders(symbol) if each.order and each.order.limit_price and each.side is side
        ]
        if self.greedy:
            await place(ctx, symbol, side, GREED, limit=middle)
            return
        match dice.choice(("market", "market", "limit", "limit", "bracket", "more", "target", "out")):
            case "market":
                await place(ctx, symbol, side, qty)
            case "bracket":
                exits = {"take_profit": middle + side.sign * 20, "stop_loss": middle - side.sign * 20}
                await place(ctx, symbol, side, qty, limit=middle - away, **exits)
            case "more" if resting:
                order = dice.choice(resting)
                await order.replace(qty=(order.order.qty or 0) + qty if order.order else qty)
            case "target":
                async with self._turn(symbol):
                    await ctx.target(symbol, ctx.position(symbol) + side.sign * qty)
            case "out":
                await self._leave(ctx, symbol, qty)
            case _:
                await place(ctx, symbol, side, qty, limit=middle - away)

    async def _leave(self, ctx: Context, symbol: str, qty: int) -> None:
        """Give some back; not twice at once, because who sells twice what he holds means to be short."""
        side = self.sides[symbol].opposite
        async with self._turn(symbol):
            held = int(abs(ctx.position(symbol)))
            if held and not any(order.side is side for order in ctx.open_orders(symbol)):
                await place(ctx, symbol, side, min(qty, held))

    def _turn(self, symbol: str) -> trio.Lock:
        return self._turns.setdefault(symbol, trio.Lock())


async def place(ctx: Context, symbol: str, side: Side, qty: Decimal | int, **terms: Any) -> LiveOrder:
    """Buy or sell."""
    return await (ctx.buy if side is Side.BUY else ctx.sell)(symbol, qty, **terms)


@strategy(params=Pressure, trades=True)
async def presser(ctx: Context, p: Pressure) -> None:
    """Get into a position; when told to go, press on it for ever."""
    async with ctx.quotes(*p.sides, full="latest") as quotes, trio.open_nursery() as nursery:
        nursery.start_soon(p.watch, quotes)
        await p.begin(ctx)
        await p.go.wait()
        for number in range(p.at_once):
            nursery.start_soon(p.push, ctx, number)


class Bomb(CallbackStrategy):
    """Every call-back asks for an order and raises."""

    full = "latest"

    def __init__(self, ctx: Context, params: Pressure) -> None:
        super().__init__(ctx, params)
        self.symbols = tuple(params.sides)
        self.pressure = params

    def _blow(self, what: str) -> None:
        if self.pressure.go.is_set() and not self.pressure.over:
            for symbol, side in self.params.sides.items():
                (self.buy if side is Side.BUY else self.sell)(symbol, 1)
            raise ValueError(f"{what} raises, as planned")

    def on_quote(self, quote: Quote) -> None:
        """Blow up."""
        self._blow("on_quote")

    def on_trade(self, trade: object) -> None:
        """Blow up."""
        self._blow("on_trade")

    def on_fill(self, fill: object) -> None:
        """Blow up."""
        self._blow("on_fill")

    def on_order(self, ticket: object) -> None:
        """Blow up."""
        self._blow("on_order")

    def on_gap(self, gap: object) -> None:
        """Blow up."""
        self._blow("on_gap")

    def on_refused(self, refusal: OrderRefused | OrderEnded) -> None:
        """Blow up."""
        self._blow("on_refused")


def bomb(params: type[Pressure] = Pressure) -> Strategy:
    """The strategy of `Bomb`, which is started again as often as it fails."""
    always = RestartPolicy(delay_initial_s=0.05, delay_max_s=0.2, restarts_max=100_000)
    return evolve(plug(Bomb, params=params), restart=always, trades=True)
