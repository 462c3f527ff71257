"""A made market as a tape in memory, and as a Parquet file; and six strategies that use everything there is."""

from collections.abc import Sequence, Set
from decimal import Decimal
from hashlib import sha256
from random import Random
from typing import Any

import trio
from attrs import define, field, frozen
from msgspec.structs import replace

from engine import Bar, Context, Kind, MarketEvent, NotReady, OrderEnded, OrderRefused, Quote, Trade, strategy
from engine.model.stream import ANY, Stream
from engine.ports.tape import Window

NS = 1_000_000_000
START_NS = 1_772_461_800 * NS
"""2026-03-02T14:30:00Z, when New York opens."""
MINUTE_NS = 60 * NS


def make_events(seed: int, seconds: int, symbols: Sequence[str] = ("SPY", "QQQ"), per_s: int = 2) -> list[MarketEvent]:
    """Quotes, trades and minute bars from the opening on, in the order in which they are due."""
    dice = Random(seed)
    prices = dict.fromkeys(symbols, 100.0)
    told: list[tuple[int, MarketEvent]] = []
    for second in range(seconds):
        for symbol in symbols:
            for number in range(per_s):
                at_ns = START_NS + second * NS + dice.randrange(0, NS, 1_000_000 if number else NS // 4)
                price = prices[symbol] = round(
                    max(50.0, prices[symbol] + dice.choice((-0.02, -0.01, 0, 0.01, 0.02))), 2
                )
                event: MarketEvent
                if dice.random() < 0.5:
                    event = Trade(symbol, at_ns, price, 100.0, second * 10 + number, "V", received_ns=at_ns)
                else:
                    event = Quote(symbol, at_ns, price - 0.01, 5.0, price + 0.01, 5.0, received_ns=at_ns)
                told.append((at_ns, replace(event, origin="replay")))
            if second % 60 == 59:
                price = prices[symbol]
                due_ns = START_NS + (second + 1) * NS
                bar = Bar(symbol, due_ns - MINUTE_NS, price - 0.03, price + 0.05, price - 0.05, price, 900.0)
                told.append((due_ns, replace(bar, origin="replay", received_ns=due_ns)))
    return [event for _, event in sorted(told, key=lambda one: one[0])]


def _names(event: MarketEvent) -> set[Stream]:
    return {Stream(event.kind, event.symbol), Stream(event.kind, ANY)}


@define(eq=False)
class MemoryTape:
    """`engine.ports.Tape` of a list of events; ``size`` is how many a window has."""

    events: Sequence[MarketEvent]
    size: int = 500
    _wanted: frozenset[Stream] = field(factory=frozenset, init=False)
    _place: int = field(default=0, init=False)
    """Of the first event that nobody was told or passed."""
    _places: list[int] = field(factory=list, init=False)
    """Of the wanted events from there on."""
    _window: Window | None = field(default=None, init=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(sorted({event.symbol for event in self.events}))

    @property
    def start_ns(self) -> int:
        return self.events[0].received_ns

    @property
    def end_ns(self) -> int:
        return self.events[-1].received_ns

    @property
    def digest(self) -> str:
        return sha256(repr([replace(event, seq=0) for event in self.events]).encode()).hexdigest()

    @property
    def streams(self) -> frozenset[Stream]:
        return frozenset(Stream(event.kind, event.symbol) for event in self.events)

    def want(self, streams: Set[Stream], *, after_ns: int = 0) -> None:
        if streams == self._wanted:
            return
        before, self._wanted, self._window = self._wanted, frozenset(streams), None
        self._places = [
            place
            for place in range(self._place, len(self.events))
            if (names := _names(event := self.events[place])) & self._wanted
            and (names & before or event.received_ns > after_ns)
        ]

    def window(self) -> Window | None:
        if self._window is None and self._places:
            told = [replace(self.events[place]) for place in self._places[: self.size]]
            streams = frozenset(Stream(event.kind, event.symbol) for event in told)
            self._window = Window(told, [event.received_ns for event in told], streams)
        return self._window

    def advance(self, count: int) -> None:
        if count:
            self._place = self._places[count - 1] + 1
            self._places = self._places[count:]
            window, self._window = self._window, None
            assert window is not None
            if count < len(window.events):
                self._window = Window(window.events[count:], window.dues_ns[count:], window.streams)

    def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int, *, before_ns: int) -> list[MarketEvent]:
        return [
            replace(event, origin="backfill")
            for event in self.events
            if (event.kind, event.symbol) == (kind, symbol)
            and start_ns <= event.ts_ns <= end_ns
            and event.received_ns <= before_ns
        ]


@frozen
class Params:
    """Which symbol."""

    symbol: str = "SPY"


@strategy(params=Params)
async def timed(ctx: Context, p: Params) -> None:
    """Two tasks beside each other: one sleeps and trades, one ticks and cancels."""

    async def ticking() -> None:
        async with ctx.every(20) as ticks:
            async for _ in ticks:
                await ctx.cancel(p.symbol)

    async with trio.open_nursery() as nursery, ctx.orders(on_exit="flatten", within=5):
        nursery.start_soon(ticking)
        async with ctx.quotes(p.symbol, full="latest") as quotes:
            async for quote in quotes:
                if ctx.random.random() < 0.05:
                    await _try(ctx.buy(p.symbol, 1, limit=round(quote.bid_price - 0.05, 2)))
                    await trio.sleep(1.5)
        nursery.cancel_scope.cancel()


@strategy(params=Params)
async def bracket(ctx: Context, p: Params) -> None:
    """A bracket every other minute, given up when it was not filled."""
    async with ctx.trades(p.symbol) as trades, ctx.orders(on_exit="flatten", within=5):
        count = 0
        async for trade in trades:
            count += 1
            if count % 40 == 0 and not ctx.open_orders(p.symbol) and not ctx.position(p.symbol):
                await _try(
                    ctx.buy(p.symbol, 3, take_profit=round(trade.price + 0.3, 2), stop_loss=round(trade.price - 0.3, 2))
                )


@strategy(params=Params)
async def holder(ctx: Context, p: Params) -> None:
    """A target by the parity of a price, with a deadline."""
    async with ctx.orders(on_exit="flatten", within=5), ctx.bars(p.symbol, warmup=2) as bars:
        async for bar in bars:
            if bar.origin == "backfill":
                continue
            with trio.move_on_after(3):
                await _try(ctx.target(p.symbol, int(bar.close * 100) % 5 - 2))


@strategy(params=Params)
async def racers(ctx: Context, p: Params) -> None:
    """Three tasks that decide at the same instant."""

    async def racer(number: int) -> None:
        async with ctx.trades(p.symbol) as trades:
            async for trade in trades:
                if (trade.id or 0) % 50 == 0:
                    await _try(ctx.sell(p.symbol, number, limit=round(trade.price + 1, 2)))
                    await trio.sleep(number)
                    await ctx.cancel(p.symbol)

    async with trio.open_nursery() as nursery:
        for number in (1, 2, 3):
            nursery.start_soon(racer, number)


@strategy(params=Params)
async def scoped(ctx: Context, p: Params) -> None:
    """A block of orders for each half minute, left by its deadline."""
    async with ctx.every(30) as ticks:
        async for _ in ticks:
            with trio.move_on_after(10):
                async with ctx.orders(on_exit="flatten", within=4):
                    order = await _try(ctx.buy(p.symbol, Decimal(2)))
                    if order is not None:
                        await order.filled()
                    await trio.sleep_forever()


@strategy(params=Params)
async def listener(ctx: Context, p: Params) -> None:
    """Buys, and answers each fill by a target of zero; waits for times of the day."""

    async def answering() -> None:
        async with ctx.fills() as fills:
            async for fill in fills:
                ctx.log(f"{fill.side} {fill.qty} {p.symbol}")
                if ctx.position(p.symbol):
                    await trio.sleep(7)
                    await _try(ctx.close(p.symbol))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answering)
        for minute in range(1, 60):
            await ctx.at(START_NS + minute * MINUTE_NS + ctx.random.randrange(NS))
            rows = await ctx.history(Kind.TRADES, p.symbol, START_NS)
            await _try(ctx.buy(p.symbol, len(rows) % 3 + 1))


async def _try(doing: Any) -> Any:
    try:
        return await doing
    except (NotReady, OrderEnded, OrderRefused):
        return None


SIX = (timed, bracket, holder, racers, scoped, listener)
