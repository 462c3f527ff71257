"""The usual measures of a series of returns, each with its formula: what `gapless report` tells, and nothing hidden.

``returns`` are simple returns of equal periods, oldest first: 0.01 is one percent. ``periods`` is how many of them make
a year (252 days of stocks, 365 of crypto). No rate of interest is taken off. A measure that is not defined for a series
(no losses to divide by, one period only) is ``None``, and never 0 or infinite: a report has to say so.

Sums are exact until their last rounding (`math.fsum`), so a measure does not depend on the order of returns unless it
should. `scripts/oracle.py` holds these against quantstats, which is where the formulas are most often taken from.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import mul
from typing import Final

DAYS_OF_STOCKS: Final = 252
"""Trading days of a year, as everybody counts them."""
DAYS_OF_CRYPTO: Final = 365
MINUTES_OF_STOCKS: Final = DAYS_OF_STOCKS * 390
"""Minutes of a year between the opening and the close."""
MINUTES_OF_CRYPTO: Final = DAYS_OF_CRYPTO * 1440


def total_return(returns: Sequence[float]) -> float:
    """``(1 + r1) * (1 + r2) * ... - 1``: what the whole time made; 0 for no returns."""
    return math.prod(1.0 + one for one in returns) - 1.0


def cagr(returns: Sequence[float], periods: float) -> float | None:
    """Compound annual growth: ``(1 + total) ** (periods / n) - 1``, n returns.

    ``None`` without returns, where all was lost and more, and where it is beyond what a float holds.
    """
    wealth = 1.0 + total_return(returns)
    if not returns or wealth < 0:
        return None
    try:
        return math.pow(wealth, periods / len(returns)) - 1.0
    except OverflowError:
        return None


def mean(values: Sequence[float]) -> float | None:
    """The arithmetic mean; ``None`` of nothing."""
    return math.fsum(values) / len(values) if values else None


def deviation(values: Sequence[float]) -> float | None:
    """The sample standard deviation, by ``n - 1``; ``None`` of fewer than two values."""
    if len(values) < 2:
        return None
    middle = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((one - middle) ** 2 for one in values) / (len(values) - 1))


def volatility(returns: Sequence[float], periods: float) -> float | None:
    """``deviation * sqrt(periods)``, a year's."""
    spread = deviation(returns)
    return None if spread is None else spread * math.sqrt(periods)


def sharpe(returns: Sequence[float], periods: float) -> float | None:
    """``mean / deviation * sqrt(periods)``; ``None`` where returns do not differ."""
    spread = deviation(returns)
    if not spread or _all_equal(returns):
        return None
    return math.fsum(returns) / len(returns) / spread * math.sqrt(periods)


def sortino(returns: Sequence[float], periods: float) -> float | None:
    """``mean / sqrt(sum of squared negative returns / n) * sqrt(periods)``, n all returns; ``None`` without losses."""
    below = math.fsum(one * one for one in returns if one < 0)
    if not below:
        return None
    downside = math.sqrt(below / len(returns))
    return math.fsum(returns) / len(returns) / downside * math.sqrt(periods)


def calmar(returns: Sequence[float], periods: float) -> float | None:
    """``cagr / |max_drawdown|``; ``None`` without a drawdown."""
    growth, deepest = cagr(returns, periods), max_drawdown(returns)
    return growth / -deepest if growth is not None and deepest else None


def drawdowns(returns: Sequence[float]) -> list[float]:
    """How far below its highest point so far the wealth is after each return: 0, or negative.

    The wealth before the first return counts as a high: a first loss is a drawdown.
    """
    wealth = list(accumulate((1.0 + one for one in returns), mul))
    highs = accumulate(wealth, max, initial=1.0)
    next(highs)
    return [now / high - 1.0 if high else 0.0 for now, high in zip(wealth, highs, strict=True)]


def max_drawdown(returns: Sequence[float]) -> float:
    """The deepest of `drawdowns`: 0, or negative (-0.2 is a fifth of the highest point)."""
    return min(drawdowns(returns), default=0.0)


def longest_drawdown(returns: Sequence[float]) -> int:
    """The most periods in a row below a former high."""
    longest = current = 0
    for below in drawdowns(returns):
        current = current + 1 if below < 0 else 0
        longest = max(longest, current)
    return longest


def hit_rate(values: Sequence[float]) -> float | None:
    """The share of wins among wins and losses, 0 to 1; of returns, or of the profits of trades. Zeros are neither.

    ``None`` where there is neither a win nor a loss.
    """
    wins = sum(one > 0 for one in values)
    losses = sum(one < 0 for one in values)
    return wins / (wins + losses) if wins + losses else None


def profit_factor(values: Sequence[float]) -> float | None:
    """``sum of wins / |sum of losses|``; ``None`` without a loss."""
    lost = -math.fsum(one for one in values if one < 0)
    return math.fsum(one for one in values if one > 0) / lost if lost else None


def exposure(values: Sequence[float]) -> float | None:
    """The share of periods that are not 0, from 0 to 1: of returns, or of what was held. ``None`` of nothing.

    quantstats rounds the same up to a whole percent; this does not.
    """
    return sum(one != 0 for one in values) / len(values) if values else None


def turnover(traded: float, equity: Sequence[float]) -> float | None:
    """Dollars bought and sold by the mean equity: 2.0 is all of it bought and sold once. ``None`` without equity."""
    average = mean(equity)
    return traded / average if average and average > 0 else None


def returns_of(equity: Sequence[float]) -> list[float]:
    """The simple returns between values of an equity curve; none behind a value that is not above 0."""
    found = []
    for before, after in pairwise(equity):
        if before <= 0:
            break
        found.append(after / before - 1.0)
    return found


def _all_equal(values: Sequence[float]) -> bool:
    return min(values) == max(values)
