"""Measures equal quantstats' to 1e-9, and keep the laws that make them measures."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.measures import returns as measures

TABLE = json.loads((Path(__file__).parent / "oracle.json").read_text(encoding="utf-8"))
CLOSE = 1e-9
YEAR = 252.0

RETURNS = st.lists(st.floats(-0.5, 0.5).map(lambda one: round(one, 6)), max_size=60)
SOME = RETURNS.filter(lambda found: len(found) > 1)


def compared(told: dict[str, Any]) -> list[tuple[str, str, float | None]]:
    """Each measure of the table by the function, its periods, and quantstats' value."""
    return [(*name.partition("@")[::2], value) for name, value in told.items() if name != "exposure_up"]


@pytest.mark.parametrize("series", TABLE["series"], ids=lambda one: one["name"])
def test_measures_equal_those_of_quantstats(series: dict[str, Any]) -> None:
    returns = series["returns"]
    seen = 0
    for name, periods, value in compared(series["told"]):
        if name == "longest_drawdown" and returns[0] < 0:
            continue  # it does not see a drawdown that begins with the first return
        found = getattr(measures, name)(returns, *([int(periods)] if periods else []))
        if value is None:
            assert found is None, name
        else:
            assert found == pytest.approx(value, rel=CLOSE, abs=CLOSE), (name, periods)
        seen += 1
    assert seen >= 20


@pytest.mark.parametrize("series", TABLE["series"], ids=lambda one: one["name"])
def test_exposure_is_that_of_quantstats_before_it_rounds_up(series: dict[str, Any]) -> None:
    found = measures.exposure(series["returns"])
    assert found is not None
    assert math.ceil(found * 100) / 100 == series["told"]["exposure_up"]


@given(left=RETURNS, right=RETURNS)
def test_returns_compound(left: list[float], right: list[float]) -> None:
    both = (1 + measures.total_return(left)) * (1 + measures.total_return(right)) - 1
    assert measures.total_return(left + right) == pytest.approx(both, rel=1e-9, abs=1e-9)


@given(returns=RETURNS, start=st.floats(1, 1e6))
def test_an_equity_curve_has_the_returns_that_made_it(returns: list[float], start: float) -> None:
    equity = [start]
    for one in returns:
        equity.append(equity[-1] * (1 + one))
    assert measures.returns_of(equity) == pytest.approx(returns, abs=1e-9)


@given(returns=RETURNS)
def test_a_drawdown_is_between_nothing_and_all(returns: list[float]) -> None:
    found = measures.drawdowns(returns)
    assert all(-1 <= one <= 0 for one in found)
    assert measures.max_drawdown(returns) == min(found, default=0)
    assert 0 <= measures.longest_drawdown(returns) <= len(returns)
    assert (measures.longest_drawdown(returns) == 0) == (measures.max_drawdown(returns) == 0)


@given(returns=RETURNS, more=st.floats(0, 0.5))
def test_a_gain_ends_no_drawdown_deeper(returns: list[float], more: float) -> None:
    assert measures.max_drawdown([*returns, more]) == measures.max_drawdown(returns)


@given(returns=SOME)
def test_ratios_do_not_depend_on_the_order_of_returns(returns: list[float]) -> None:
    for measure in (measures.sharpe, measures.sortino, measures.volatility):
        assert measure(returns, YEAR) == measure(returns[::-1], YEAR)


@given(returns=SOME, factor=st.sampled_from([0.25, 0.5, 2.0, 4.0]))
def test_ratios_do_not_change_with_the_size_of_a_bet(returns: list[float], factor: float) -> None:
    scaled = [one * factor for one in returns]
    for measure in (measures.sharpe, measures.sortino):
        plain = measure(returns, YEAR)
        assert measure(scaled, YEAR) == (None if plain is None else pytest.approx(plain, rel=1e-9))


@given(returns=SOME)
def test_a_mirror_turns_the_sign_of_sharpe_and_the_hit_rate(returns: list[float]) -> None:
    mirrored = [-one for one in returns]
    plain, turned = measures.sharpe(returns, YEAR), measures.sharpe(mirrored, YEAR)
    assert turned == (None if plain is None else -plain)
    rate, other = measures.hit_rate(returns), measures.hit_rate(mirrored)
    assert rate is None or other == pytest.approx(1 - rate)
    won, lost = measures.profit_factor(returns), measures.profit_factor(mirrored)
    assert not won or lost is None or won * lost == pytest.approx(1)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01, 0.01, 0.01]])
def test_what_is_not_defined_is_none_and_no_number(returns: list[float]) -> None:
    assert measures.sharpe(returns, YEAR) is None
    assert measures.sortino(returns, YEAR) is None
    assert measures.calmar(returns, YEAR) is None
    assert measures.profit_factor(returns) is None


def test_a_growth_beyond_numbers_is_none() -> None:
    assert measures.cagr([0.9, 0.9], 1e9) is None
    assert measures.cagr([-2.0], YEAR) is None
    assert measures.cagr([], YEAR) is None


def test_turnover_is_what_was_traded_by_the_mean_equity() -> None:
    assert measures.turnover(300.0, [100.0, 200.0]) == 2.0
    assert measures.turnover(300.0, []) is None
    assert measures.turnover(300.0, [-1.0]) is None


def test_nothing_is_returned_behind_a_ruin() -> None:
    assert measures.returns_of([100.0, 0.0, 50.0]) == [-1.0]
