"""Two moving averages of minute bars: hold the symbol while the fast one is above the slow one.

The oldest strategy there is, so that nothing about it distracts from how one is written here. Why it might earn: prices
trend more often than chance says. Why it mostly does not: in a market without trend each crossing costs the spread.

It must not trade outside of regular hours, where a market order would wait for the opening and fill at a price nobody
has seen; it goes on counting bars there. While it runs it holds over night. When it is stopped it closes what it holds,
because nobody would be left to sell on the next crossing.

A gap: the bars of an outage come first, marked as late, and move the averages without an order. Where they are lost for
good the averages count fewer minutes as the same number of bars: smoother, not wrong, so it trades on.
"""

from decimal import Decimal
from typing import Final

from engine import SMA, Context, NotReady, OrderEnded, frozen, strategy
from strategies._hours import MINUTE_NS, closes_in_s

ROUNDING: Final = 1e-12
"""Averages that are closer than this share of themselves are equal: which of them rounding puts above depends on when
the strategy was started."""


@frozen
class Params:
    """Periods are in bars, which are minutes that had trades; ``qty`` is in shares or coins."""

    symbol: str = "SPY"
    fast: int = 10
    slow: int = 30
    qty: Decimal = Decimal(10)

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.fast < self.slow:
            raise ValueError(f"fast must be at least 1 and below slow, and they are {self.fast} and {self.slow}")
        if not self.qty > 0:
            raise ValueError(f"qty must be above 0, and it is {self.qty}")


class Cross:
    """Which of two averages is above, and when that changes."""

    def __init__(self, fast: int, slow: int) -> None:
        self.fast, self.slow = SMA(fast), SMA(slow)
        self.above: bool | None = None
        """Whether the fast one is above; ``None`` until both have a value."""

    def update(self, close: float) -> bool:
        """Take a bar's close in; returns whether the averages have just crossed."""
        self.fast.update(close)
        self.slow.update(close)
        was = self.above
        lead = self.fast.value - self.slow.value
        self.above = lead > ROUNDING * abs(self.slow.value) if self.slow.ready else None
        return was is not None and self.above is not None and self.above != was


@strategy(params=Params)
async def sma_cross(ctx: Context, p: Params) -> None:
    """Hold a symbol while the fast average of its minute bars is above the slow one, and tell when they cross."""
    cross = Cross(p.fast, p.slow)
    async with (
        ctx.orders(on_exit="flatten", within=5),
        ctx.bars(p.symbol, warmup=p.slow, full="latest") as bars,
    ):
        async for bar in bars:  # a reconnect raises nothing here; the bars of the outage come first
            crossed = cross.update(bar.close)
            if not bar.live or cross.above is None:
                continue
            if crossed:
                averages = f"SMA{p.fast} {cross.fast.value:.3f}, SMA{p.slow} {cross.slow.value:.3f}"
                ctx.log(f"{'BUY' if cross.above else 'SELL'} {p.symbol} at {bar.close:.2f}: {averages}")
            if closes_in_s(p.symbol, bar.ts_ns + MINUTE_NS) > 0:
                try:
                    await ctx.target(p.symbol, p.qty if cross.above else 0)
                except (NotReady, OrderEnded) as failure:  # the next bar decides again
                    ctx.log(str(failure))
