"""Follows a crypto pair up: in when the fast average crosses above the slow one, out at the cross below or at a stop.

Why it might earn: crypto trends, at all hours, and those who sleep are late. Why it might not: without a trend each
cross costs the spread and the venue's fee on both sides. So the size follows from volatility: each trade risks
``risk`` dollars down to its stop, which is ``stop_ranges`` average true ranges away, and never costs more than
``notional_max``. A calm market buys more, a wild one less.

There is no close, so nothing is flat by itself: the stop rests at the venue as a ``gtc`` order, which outlives a crash
of ours, and the close of every bar is held against it too. Entries are ``ioc`` limits: what is not filled at once near
the signal's price is not wanted later. Exits are market orders, because a way out must not wait.

It must not trade on averages that are not ready, buy more while it holds, or sell short (the venue lends no crypto).

A gap makes averages over minutes that were not there: all begin anew and nothing is entered until they are ready. The
stop needs no averages, so it holds through a gap. After a crash the stop is remembered (``ctx.state``), put back at the
venue if it is not there, and the position is kept; a session that ends in order leaves nothing behind.
"""

from decimal import Decimal
from enum import Enum, auto
from typing import Final

import trio

from engine import Bar, Context, Gap, OrderEnded, OrderRefused, frozen, strategy
from engine.indicators import ATR, EMA
from strategies._hours import is_crypto
from strategies._prices import round_down, round_up

SETTLES_S: Final = 30.0
"""An ``ioc`` order ends at once; after this long without word its ending is left to the next bar."""


@frozen
class Params:
    """``fast``, ``slow`` and ``atr`` are in bars; ``tick`` and ``step`` are the pair's grids of prices and quantities.

    ``risk`` and ``notional_max`` are dollars; ``slip`` is how far from the signal's price an entry may fill, and a stop
    below its trigger: 0.002 is a fifth of a percent.
    """

    symbol: str = "BTC/USD"
    fast: int = 12
    slow: int = 26
    atr: int = 14
    stop_ranges: float = 3.0
    risk: Decimal = Decimal(100)
    notional_max: Decimal = Decimal(10_000)
    slip: float = 0.002
    tick: Decimal = Decimal("0.01")
    step: Decimal = Decimal("0.0001")

    def __attrs_post_init__(self) -> None:
        if not is_crypto(self.symbol):
            raise ValueError(f"symbol must be a crypto pair such as BTC/USD, and it is {self.symbol}")
        if not 1 <= self.fast < self.slow:
            raise ValueError(f"fast must be at least 1 and below slow, and they are {self.fast} and {self.slow}")
        if not (self.atr >= 1 and self.stop_ranges > 0):
            raise ValueError("atr must be at least 1 and stop_ranges above 0")
        if not min(self.risk, self.notional_max, self.tick, self.step) > 0:
            raise ValueError("risk, notional_max, tick and step must be above 0")
        if not 0 <= self.slip < 0.1:
            raise ValueError(f"slip must be from 0 to 0.1, which is ten percent, and it is {self.slip}")


class Move(Enum):
    """What to do at a bar."""

    WAIT = auto()
    ENTER = auto()
    EXIT = auto()


class Trend:
    """Two averages and the average true range of a pair's bars."""

    def __init__(self, p: Params) -> None:
        self._fast, self._slow, self.atr = EMA(p.fast), EMA(p.slow), ATR(p.atr)
        self.up: bool | None = None
        """Whether the fast average is above the slow one; ``None`` until everything is ready."""
        self.turned_up = False
        """Whether the newest bar made it so."""

    def reset(self) -> None:
        """Begin anew, behind a gap."""
        self._fast.reset()
        self._slow.reset()
        self.atr.reset()
        self.up, self.turned_up = None, False

    def update(self, bar: Bar) -> None:
        """Take the next bar in."""
        self._fast.update(bar.close)
        self._slow.update(bar.close)
        self.atr.update(bar)
        was = self.up
        self.up = self._fast.value > self._slow.value if self._slow.ready and self.atr.ready else None
        self.turned_up = was is False and self.up is True


def decide(trend: Trend, close: float, *, held: bool, stop: float | None) -> Move:
    """The whole strategy. Without a trend only the stop decides."""
    if held:
        out = trend.up is False or (stop is not None and close <= stop)
        return Move.EXIT if out else Move.WAIT
    return Move.ENTER if trend.turned_up else Move.WAIT


def size(p: Params, price: float, atr: float) -> Decimal:
    """How much to buy, on the pair's grid: 0 where a stop at that distance allows less than one step."""
    distance = p.stop_ranges * atr
    if not (0 < distance < price):
        return Decimal(0)
    by_risk = p.risk / Decimal(str(distance))
    by_cost = p.notional_max / Decimal(str(price))
    return round_down(min(by_risk, by_cost), p.step)


@strategy(params=Params)
async def crypto_momentum(ctx: Context, p: Params) -> None:
    """Hold a crypto pair while it trends up, sized by its volatility, with a stop that rests at the venue."""
    trend = Trend(p)
    async with (
        ctx.orders(on_exit="flatten", within=10),
        ctx.bars(p.symbol, warmup=4 * p.slow, gaps=True) as bars,
    ):
        async for event in bars:
            if isinstance(event, Gap):
                trend.reset()
                continue
            trend.update(event)
            if event.live:
                try:
                    await _act(ctx, p, trend, event)
                except (OrderRefused, OrderEnded) as failure:  # the next bar decides again
                    ctx.log(str(failure))


async def _act(ctx: Context, p: Params, trend: Trend, bar: Bar) -> None:  # noqa: ASYNC910 - the loop waits for bars
    stop = ctx.state.get("stop")
    stop = stop if isinstance(stop, float) else None
    # Less than a step is what fees and rounding leave over: nothing that could be sold.
    held = ctx.position(p.symbol) >= p.step
    match decide(trend, bar.close, held=held, stop=stop):
        case Move.ENTER:
            await _enter(ctx, p, bar.close, trend.atr.value)
        case Move.EXIT:
            ctx.log(f"SELL {p.symbol} at {bar.close:.2f}: {'the trend has turned' if trend.up is False else 'stop'}")
            await ctx.close(p.symbol)
        case Move.WAIT if held and stop is not None:
            await _protect(ctx, p, stop)


async def _enter(ctx: Context, p: Params, close: float, atr: float) -> None:
    qty, stop = size(p, close, atr), close - p.stop_ranges * atr
    if qty <= 0:
        ctx.log(f"{p.symbol} turned up at {close:.2f}, and moves too much for what may be risked: {p.risk} dollars")
        await trio.lowlevel.checkpoint()
        return
    ctx.log(f"BUY {qty} {p.symbol} at {close:.2f}: turned up, stop at {stop:.2f}")
    ctx.state["stop"] = stop
    order = await ctx.buy(p.symbol, qty, limit=round_up(close * (1 + p.slip), p.tick), tif="ioc")
    with trio.move_on_after(SETTLES_S):
        await order.ended()
    if ctx.position(p.symbol) >= p.step:
        await _protect(ctx, p, stop)


async def _protect(ctx: Context, p: Params, stop: float) -> None:
    """See to it that a stop for what is held rests at the venue."""
    if ctx.open_orders(p.symbol):
        await trio.lowlevel.checkpoint()
        return
    qty = round_down(ctx.position(p.symbol), p.step)
    limit = round_down(stop * (1 - p.slip), p.tick)
    await ctx.sell(p.symbol, qty, stop=round_down(stop, p.tick), limit=limit, tif="gtc")
