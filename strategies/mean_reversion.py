"""Buys what has fallen unusually far below its mean of the day, and sells it at the mean or when time is up.

Why it might earn: over minutes, much of a move away from the volume-weighted price is somebody in a hurry, and comes
back. Why it is dangerous: the rest of those moves are news, and do not. So time ends every trade, not only success.

It enters with a limit order at the close that made the signal, never paying more, and gives up after ``patience_s``.
It must not trade outside of regular hours, nor enter in the last ``quiet_minutes`` before the close, half days
included: there is no time left to come back. It is flat ``flat_minutes`` before the close, bars or no bars.

A gap makes the mean and the deviation worthless, because a jump over it looks like an opportunity and is none: both
begin anew, so it does not enter for ``window`` bars. What it holds is still sold when time is up.

Over a restart it remembers when the trade began (``ctx.state``); an order of a former run still waiting is canceled.
"""

from decimal import Decimal
from enum import Enum, auto
from math import nan
from typing import Literal

import trio

from engine import Bar, Context, Gap, NotReady, frozen, strategy
from engine.indicators import SMA, VWAP, StdDev
from strategies._hours import DAY_BARS, MINUTE_NS, NS_PER_S, closes_in_s, is_crypto, serve_flat_close
from strategies._prices import round_down, stock_tick


@frozen
class Params:
    """``entry`` and ``exit`` are in standard deviations below the mean; ``window`` is in bars, ``qty`` in shares.

    ``mean`` is ``vwap`` (of the day) or ``rolling`` (of the window).
    """

    symbol: str = "SPY"
    qty: Decimal = Decimal(10)
    mean: Literal["vwap", "rolling"] = "vwap"
    window: int = 20
    entry: float = 2.0
    exit: float = 0.5
    patience_s: float = 120.0
    hold_s: float = 1800.0
    quiet_minutes: float = 30.0
    flat_minutes: float = 5.0

    def __attrs_post_init__(self) -> None:
        if is_crypto(self.symbol):
            raise ValueError(f"symbol must be a stock, which has a close to be flat before, and it is {self.symbol}")
        if self.window < 2:
            raise ValueError(f"window must be at least 2 bars, and it is {self.window}")
        if not 0 <= self.exit < self.entry:
            raise ValueError(f"exit must be at least 0 and below entry, and they are {self.exit} and {self.entry}")
        if not (self.qty > 0 and self.patience_s > 0 and self.hold_s > 0):
            raise ValueError("qty, patience_s and hold_s must be above 0")
        if not 0 < self.flat_minutes < self.quiet_minutes:
            raise ValueError(
                f"flat_minutes must be above 0 and below quiet_minutes, and they are {self.flat_minutes} and "
                f"{self.quiet_minutes}"
            )


class Move(Enum):
    """What to do at a bar."""

    WAIT = auto()
    ENTER = auto()
    GIVE_UP = auto()
    EXIT = auto()


@frozen(kw_only=True)
class View:
    """What a decision is made of.

    ``score`` is how many deviations the close is from the mean, NaN while unknown; ``age_s`` counts from the entry's
    order; ``left_s`` is the regular trading left today, 0 outside of it.
    """

    score: float
    held: bool
    waiting: bool
    age_s: float
    left_s: float


def decide(p: Params, view: View) -> Move:
    """The whole strategy. An unknown score enters nothing and keeps nothing from ending."""
    if view.left_s <= 0:
        return Move.WAIT
    if view.left_s <= p.flat_minutes * 60 or (view.held and view.age_s >= p.hold_s):
        return Move.EXIT if view.held or view.waiting else Move.WAIT
    if view.held and view.score >= -p.exit:
        return Move.EXIT
    if view.waiting:
        return Move.GIVE_UP if view.age_s >= p.patience_s else Move.WAIT
    if not view.held and view.score <= -p.entry and view.left_s > p.quiet_minutes * 60:
        return Move.ENTER
    return Move.WAIT


class Distance:
    """How far the close is from the mean, in standard deviations of the window. Regular hours only."""

    def __init__(self, p: Params) -> None:
        self._symbol = p.symbol
        self._vwap = VWAP() if p.mean == "vwap" else None
        self._rolling = SMA(p.window)
        self._spread = StdDev(p.window)

    def reset(self) -> None:
        """Begin anew, behind a gap."""
        self._rolling.reset()
        self._spread.reset()
        if self._vwap is not None:
            self._vwap.reset()

    def update(self, bar: Bar) -> float:
        """The score of a bar; NaN while mean or deviation are unknown, and outside of regular hours."""
        if closes_in_s(self._symbol, bar.ts_ns) <= 0:
            return nan
        self._rolling.update(bar.close)
        self._spread.update(bar.close)
        if self._vwap is not None:
            self._vwap.update(bar)
        mean, spread = (self._vwap or self._rolling).value, self._spread.value
        return (bar.close - mean) / spread if spread else 0.0


@strategy(params=Params)
async def mean_reversion(ctx: Context, p: Params) -> None:
    """Buy a stock far below its mean of the day, with a limit; sell it at the mean, or when time is up."""
    distance = Distance(p)
    async with (
        ctx.orders(on_exit="flatten", within=10),
        ctx.bars(p.symbol, warmup=DAY_BARS, gaps=True) as bars,
        trio.open_nursery() as nursery,
    ):
        await ctx.cancel(p.symbol)
        nursery.start_soon(serve_flat_close, ctx, p.symbol, p.flat_minutes * 60)
        async for event in bars:
            if isinstance(event, Gap):
                distance.reset()
                continue
            score = distance.update(event)
            if event.live:
                await _act(ctx, p, event, score)
        nursery.cancel_scope.cancel()


async def _act(ctx: Context, p: Params, bar: Bar, score: float) -> None:  # noqa: ASYNC910 - the loop waits for bars
    now_ns = bar.ts_ns + MINUTE_NS  # a bar is told when its minute is over
    since = ctx.state.get("since_ns")
    view = View(
        score=score,
        held=ctx.position(p.symbol) > 0,
        waiting=bool(ctx.open_orders(p.symbol)),
        age_s=(now_ns - since) / NS_PER_S if isinstance(since, int) else 0.0,
        left_s=closes_in_s(p.symbol, now_ns),
    )
    match decide(p, view):
        case Move.ENTER:
            ctx.log(f"BUY {p.symbol} at {bar.close:.2f}: {score:.2f} deviations from its mean")
            ctx.state["since_ns"] = now_ns
            try:
                await ctx.buy(p.symbol, p.qty, limit=round_down(bar.close, stock_tick(bar.close)))
            except NotReady as refused:
                ctx.log(str(refused))
        case Move.GIVE_UP:
            await ctx.cancel(p.symbol)
        case Move.EXIT:
            ctx.log(f"SELL {p.symbol} at {bar.close:.2f}: {score:.2f} deviations, {view.age_s:.0f} s after entering")
            await ctx.close(p.symbol)
