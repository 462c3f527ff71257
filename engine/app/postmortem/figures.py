"""The measures of a session and of each of its strategies, out of what its equity and its trades were."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from engine.core.measures import returns as measures
from engine.core.measures.periods import Grid
from engine.core.measures.trips import Trip
from engine.model.instant import NS_PER_S

GROWTH_DAYS_MIN: Final = 30
"""A growth a year out of fewer days is a number and no statement: the page leaves it away, ``--json`` has it."""


@frozen(kw_only=True)
class Figures:
    """Measures as `engine.core.measures.returns` defines them; ``None`` is not defined. Money is dollars.

    ``hit_rate`` and ``profit_factor`` are of trades that ended, ``..._of_periods`` of returns. ``exposure`` is the
    share of the grid's steps at whose end something was held, and drawdowns are of these steps, also where returns are
    of days; but for ``calmar``, which is of the returns, and ``longest_drawdown``, which is in their periods.
    """

    profit: float
    total_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_dollars: float
    longest_drawdown: int
    longest_drawdown_s: float
    hit_rate: float | None
    profit_factor: float | None
    hit_rate_of_periods: float | None
    profit_factor_of_periods: float | None
    exposure: float | None
    turnover: float | None
    traded: float
    fees: float
    trades: int
    open_trades: int
    average_win: float | None
    average_loss: float | None
    best_trade: float | None
    worst_trade: float | None
    average_held_s: float | None
    returns: int
    """How many returns the measures are of."""


def figure(
    grid: Grid,
    equity: Sequence[float],
    gross: Sequence[float],
    trips: Sequence[Trip],
    traded: float,
    fees: float,
) -> Figures:
    """The figures of one equity curve over the grid, of its trades, and of what was traded."""
    values = [equity[place] for place in grid.counted]
    returns = measures.returns_of(values)
    ended = [trip.profit for trip in trips if trip.closed_ns is not None]
    wins, losses = [one for one in ended if one > 0], [one for one in ended if one < 0]
    closely = [equity[place] for place in grid.open]
    longest, _ = _longest(grid, grid.counted, equity)
    _, longest_s = _longest(grid, grid.open, equity)
    return Figures(
        profit=equity[-1] - equity[0],
        total_return=(equity[-1] - equity[0]) / equity[0] if equity[0] > 0 else None,
        cagr=measures.cagr(returns, grid.periods),
        volatility=measures.volatility(returns, grid.periods),
        sharpe=measures.sharpe(returns, grid.periods),
        sortino=measures.sortino(returns, grid.periods),
        calmar=measures.calmar(returns, grid.periods),
        max_drawdown=measures.max_drawdown(measures.returns_of(closely)),
        max_drawdown_dollars=_deepest(closely),
        longest_drawdown=longest,
        longest_drawdown_s=longest_s,
        hit_rate=measures.hit_rate(ended),
        profit_factor=measures.profit_factor(ended),
        hit_rate_of_periods=measures.hit_rate(returns),
        profit_factor_of_periods=measures.profit_factor(returns),
        exposure=measures.exposure([gross[place] for place in grid.open[1:]]),
        turnover=measures.turnover(traded, values),
        traded=traded,
        fees=fees,
        trades=len(ended),
        open_trades=len(trips) - len(ended),
        average_win=measures.mean(wins),
        average_loss=measures.mean(losses),
        best_trade=max(ended, default=None),
        worst_trade=min(ended, default=None),
        average_held_s=measures.mean(
            [(trip.closed_ns - trip.opened_ns) / NS_PER_S for trip in trips if trip.closed_ns is not None]
        ),
        returns=len(returns),
    )


def _deepest(values: Sequence[float]) -> float:
    """The deepest fall from a high, in dollars: 0, or negative."""
    high, deepest = values[0], 0.0
    for value in values:
        high = max(high, value)
        deepest = min(deepest, value - high)
    return deepest


def _longest(grid: Grid, places: Sequence[int], equity: Sequence[float]) -> tuple[int, float]:
    """The longest time below a former high: in places, and in seconds of market time, nights included."""
    high, high_ns, current = equity[places[0]], grid.at_ns[places[0]], 0
    longest, longest_ns = 0, 0
    for place in places[1:]:
        value = equity[place]
        if value >= high:
            high, high_ns, current = value, grid.at_ns[place], 0
            continue
        current += 1
        longest = max(longest, current)
        longest_ns = max(longest_ns, grid.at_ns[place] - high_ns)
    return longest, longest_ns / NS_PER_S
