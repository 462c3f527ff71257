"""Two moving averages of minute bars: when the fast one crosses the slow one, say so.

The oldest strategy there is, so that nothing about it distracts from how one is written here. It only tells its
signals.
"""

from engine import SMA, Context, frozen, strategy


@frozen
class Params:
    """Periods are in bars, which are minutes that had trades."""

    symbol: str = "SPY"
    fast: int = 10
    slow: int = 30

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.fast < self.slow:
            raise ValueError(f"fast must be at least 1 and below slow, and they are {self.fast} and {self.slow}")


@strategy(params=Params)
async def sma_cross(ctx: Context, p: Params) -> None:
    """Tell when the fast average of a symbol's minute bars crosses the slow one."""
    fast, slow = SMA(p.fast), SMA(p.slow)
    above: bool | None = None
    async with ctx.bars(p.symbol, warmup=p.slow, full="latest") as bars:
        async for bar in bars:  # a reconnect raises nothing here; the bars of the outage come first
            fast.update(bar.close)
            slow.update(bar.close)
            if not slow.ready:
                continue
            was, above = above, fast.value > slow.value
            if bar.live and was is not None and above != was:
                side = "BUY" if above else "SELL"
                ctx.log(
                    f"{side} {p.symbol} at {bar.close:.2f}: SMA{p.fast} {fast.value:.3f}, SMA{p.slow} {slow.value:.3f}"
                )
