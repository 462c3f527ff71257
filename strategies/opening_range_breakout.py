"""Buys the first close above the range of the opening minutes, once a day, with its exits attached.

Why it might earn: the first minutes of a day settle what the night has brought, and a price that leaves their range has
found buyers at the new level. Why it often does not: most days it falls back into the range. So the loss is bounded
from the first moment: a bracket order brings its stop (the bottom of the range) and its profit taking along, and both
rest at the venue, where no crash of ours can forget them.

It must not trade twice a day (restarts included: the day is in ``ctx.state`` before the order is sent), not in the last
``quiet_minutes``, not outside of regular hours, and it is flat ``flat_minutes`` before the close, half days included.

A gap in the opening minutes means that the range is not known: no trade that day. A gap later may hide the first
break-out, and the second is another trade: no new trade that day either. What is held is guarded by its own exits.
"""

from decimal import Decimal

import trio

from engine import Bar, Context, Gap, OrderRefused, TradingDay, frozen, session_at, strategy
from strategies._hours import DAY_BARS, MINUTE_NS, closes_in_s, is_crypto, serve_flat_close
from strategies._prices import round_down, round_up, stock_tick


@frozen
class Params:
    """``minutes`` is how long the opening range is; ``reward`` how many times what is risked is asked for."""

    symbol: str = "SPY"
    qty: Decimal = Decimal(10)
    minutes: int = 15
    reward: float = 2.0
    quiet_minutes: float = 60.0
    flat_minutes: float = 5.0

    def __attrs_post_init__(self) -> None:
        if is_crypto(self.symbol):
            raise ValueError(f"symbol must be a stock, which has an opening, and it is {self.symbol}")
        if not 1 <= self.minutes <= 120:
            raise ValueError(f"minutes must be from 1 to 120, and they are {self.minutes}")
        if not (self.qty > 0 and self.qty % 1 == 0):
            raise ValueError(f"qty must be a whole number above 0, as brackets need, and it is {self.qty}")
        if not self.reward > 0:
            raise ValueError(f"reward must be above 0, and it is {self.reward}")
        if not 0 < self.flat_minutes < self.quiet_minutes:
            raise ValueError(
                f"flat_minutes must be above 0 and below quiet_minutes, and they are {self.flat_minutes} and "
                f"{self.quiet_minutes}"
            )


@frozen
class Exits:
    """Where to get out, as the venue takes it."""

    take_profit: Decimal
    stop_loss: Decimal


class OpeningRange:
    """The range of one day after another, and whether it has been left.

    ``broken`` is true from the first close above it, and when that could have been missed.
    """

    def __init__(self, minutes: int) -> None:
        self._length_ns = minutes * MINUTE_NS
        self.day: TradingDay | None = None
        self._begin(None)

    def _begin(self, day: TradingDay | None) -> None:
        self.day = day
        self.high: float | None = None
        self.low: float | None = None
        self.broken = False

    def update(self, bar: Bar) -> bool:
        """Take a bar in; returns whether it is the first of its day to close above the range."""
        day = session_at(bar.ts_ns)
        if day != self.day:
            self._begin(day)
        if not day.open_ns <= bar.ts_ns < day.close_ns:
            return False
        if bar.ts_ns < day.open_ns + self._length_ns:
            self.high = bar.high if self.high is None else max(self.high, bar.high)
            self.low = bar.low if self.low is None else min(self.low, bar.low)
            return False
        if self.broken or self.high is None or not bar.close > self.high:
            return False
        self.broken = True
        return True

    def miss(self, gap: Gap) -> None:
        """Bars are missing: nothing more today, nor on the day that they reach into."""
        day = session_at(gap.end_ns)
        if day != self.day:
            self._begin(day)
        if gap.end_ns >= day.open_ns:
            self.broken = True

    def exits(self, close: float, reward: float) -> Exits | None:
        """For an entry at this price: out at the bottom of the range, or ``reward`` times as far above."""
        if self.low is None or not self.low < close:
            return None
        tick = stock_tick(close)
        return Exits(round_up(close + reward * (close - self.low), tick), round_down(self.low, tick))


@strategy(params=Params)
async def opening_range_breakout(ctx: Context, p: Params) -> None:
    """Buy the first close above the opening range with a bracket order, once a day; flat before the close."""
    opening = OpeningRange(p.minutes)
    async with (
        ctx.orders(on_exit="flatten", within=10),
        ctx.bars(p.symbol, warmup=DAY_BARS, gaps=True) as bars,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(serve_flat_close, ctx, p.symbol, p.flat_minutes * 60)
        async for event in bars:
            if isinstance(event, Gap):
                opening.miss(event)
                continue
            day, broke_out = str(session_at(event.ts_ns).date), opening.update(event)
            exits = opening.exits(event.close, p.reward)
            if not (broke_out and event.live and exits) or ctx.state.get("traded") == day or ctx.position(p.symbol):
                continue
            if closes_in_s(p.symbol, event.ts_ns + MINUTE_NS) > p.quiet_minutes * 60:
                ctx.log(
                    f"BUY {p.symbol} at {event.close:.2f}: above {opening.high:.2f}; "
                    f"out at {exits.take_profit} or {exits.stop_loss}"
                )
                await _enter(ctx, p, exits, day)
        nursery.cancel_scope.cancel()


async def _enter(ctx: Context, p: Params, exits: Exits, day: str) -> None:
    """The day's one order; what is remembered of it is on disk before it is sent."""
    ctx.state["traded"] = day
    try:
        await ctx.buy(p.symbol, p.qty, take_profit=exits.take_profit, stop_loss=exits.stop_loss)
    except OrderRefused as refused:  # a break-out is a moment: it is not tried again
        ctx.log(str(refused))
        await trio.lowlevel.checkpoint()
