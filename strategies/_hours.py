"""When there is a market to trade in, for strategies that must know how much of it is left.

By the rules of the exchange's calendar and never by "16:00": on a half day the last thirty minutes begin at 12:30.
"""

from math import inf
from typing import Final

from engine import Context, session_at

NS_PER_S: Final = 1_000_000_000
MINUTE_NS: Final = 60 * NS_PER_S
DAY_BARS: Final = 16 * 60
"""The minutes of a day with its extended hours: a warm-up of so many bars reaches back to before the opening."""


def is_crypto(symbol: str) -> bool:
    """Whether a symbol is a crypto pair, which trades at all times."""
    return "/" in symbol


def closes_in_s(symbol: str, ts_ns: int) -> float:
    """Seconds of regular trading left at an instant: 0 while the market is closed, infinite for crypto."""
    if is_crypto(symbol):
        return inf
    day = session_at(ts_ns)
    return (day.close_ns - ts_ns) / NS_PER_S if day.open_ns <= ts_ns < day.close_ns else 0.0


async def serve_flat_close(ctx: Context, symbol: str, before_s: float) -> None:
    """Close a strategy's position in a stock ``before_s`` seconds before each close, whether or not bars still come."""
    while True:
        day = session_at(ctx.now_ns())
        await ctx.at(day.close_ns - int(before_s * NS_PER_S))
        if ctx.now_ns() < day.close_ns:
            await ctx.close(symbol)
        await ctx.at(day.post_ns)  # from here on, `session_at` says the next day
