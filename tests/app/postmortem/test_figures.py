"""The figures of a session, where its returns are of days and what happened within a day still counts."""

import pytest

from engine.app.postmortem.figures import figure
from engine.core.measures.periods import make_grid
from engine.core.measures.returns import max_drawdown, returns_of
from engine.model.instant import NS_PER_S

OPEN_NS = 1_772_461_800_000_000_000  # 2026-03-02, 9:30 in New York
DAY_NS = 86_400 * NS_PER_S


def test_a_strategy_that_is_flat_each_night_was_exposed_by_day_and_fell_by_day() -> None:
    grid = make_grid(OPEN_NS, OPEN_NS + 40 * DAY_NS, crypto=False)
    assert grid.daily
    assert len(grid.open) > 5 * len(grid.counted)
    ends = set(grid.counted)
    equity = [100_000.0 if place in ends else 90_000.0 for place in range(len(grid.at_ns))]
    gross = [0.0 if place in ends else 50_000.0 for place in range(len(grid.at_ns))]
    told = figure(grid, equity, gross, [], 0.0, 0.0)
    assert told.exposure == pytest.approx(1 - (len(grid.counted) - 1) / (len(grid.open) - 1))
    assert told.max_drawdown == pytest.approx(-0.1)
    assert told.max_drawdown_dollars == pytest.approx(-10_000.0)
    assert 0 < told.longest_drawdown_s < 86_400 * 4  # a weekend at most
    assert (told.longest_drawdown, told.volatility) == (0, 0.0)  # of the returns, which are of days


def test_where_returns_are_not_of_days_both_are_the_same() -> None:
    grid = make_grid(OPEN_NS, OPEN_NS + DAY_NS // 8, crypto=False)
    equity = [1000.0 + (place * 7919) % 50 for place in range(len(grid.at_ns))]
    told = figure(grid, equity, [1.0] * len(equity), [], 0.0, 0.0)
    assert grid.open == grid.counted
    assert told.max_drawdown == max_drawdown(returns_of(equity))
