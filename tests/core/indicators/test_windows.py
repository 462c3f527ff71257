"""Law: a sliding window equals what its last values give, computed from nothing; standing still is exactly still."""

import statistics
from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.indicators import SMA, WMA, Bollinger, Highest, LinRegSlope, Lowest, StdDev, ZScore

PRICES = st.lists(st.floats(0.0001, 1e6), min_size=2, max_size=120)
LENGTHS = st.integers(2, 30)


def exact(window: list[float]) -> tuple[float, float]:
    """Mean and population variance without rounding on the way."""
    values = [Fraction(x) for x in window]
    mean = sum(values) / len(values)
    return float(mean), float(sum((x - mean) ** 2 for x in values) / len(values))


@given(prices=PRICES, length=LENGTHS)
def test_averages_and_slope_are_those_of_the_last_values(prices: list[float], length: int) -> None:
    sma, wma, slope = SMA(length), WMA(length), LinRegSlope(length)
    near = 1e-9 * max(prices)
    for count, x in enumerate(prices, 1):
        for each in (sma, wma, slope):
            each.update(x)
        if count < length:
            continue
        window = prices[count - length : count]
        weighted = sum(weight * each for weight, each in enumerate(window, 1)) * 2 / (length * (length + 1))
        assert sma.value == pytest.approx(statistics.fmean(window), abs=near)
        assert wma.value == pytest.approx(weighted, abs=near)
        assert slope.value == pytest.approx(statistics.linear_regression(range(length), window).slope, abs=near)


@given(prices=PRICES, length=LENGTHS)
def test_extremes_are_those_of_the_last_values(prices: list[float], length: int) -> None:
    highest, lowest = Highest(length), Lowest(length)
    for count, x in enumerate(prices, 1):
        highest.update(x)
        lowest.update(x)
        if count >= length:
            assert highest.value == max(prices[count - length : count])
            assert lowest.value == min(prices[count - length : count])


@given(prices=PRICES, length=LENGTHS)
def test_deviations_are_those_of_the_last_values(prices: list[float], length: int) -> None:
    spread, score, bands = StdDev(length), ZScore(length), Bollinger(length, 2.0)
    for count, x in enumerate(prices, 1):
        for each in (spread, score, bands):
            each.update(x)
        if count < length:
            continue
        mean, variance = exact(prices[count - length : count])
        deviation = sqrt(variance)
        assert spread.value == pytest.approx(deviation, rel=1e-6, abs=1e-9 * max(prices))
        assert bands.middle == pytest.approx(mean, rel=1e-9, abs=1e-9 * max(prices))
        assert bands.upper - bands.lower == pytest.approx(4 * deviation, rel=1e-6, abs=4e-9 * max(prices))
        if deviation > 1e-6 * max(prices):
            assert score.value == pytest.approx((x - mean) / deviation, rel=1e-3, abs=1e-3)


@given(before=PRICES, still=st.floats(0.0001, 1e6), length=LENGTHS)
def test_a_window_of_equal_values_has_no_deviation_and_no_score(before: list[float], still: float, length: int) -> None:
    """However wild it was before: what is left of rounding would otherwise be a score of anything."""
    spread, score, bands = StdDev(length), ZScore(length), Bollinger(length)
    for x in before + [still] * (length + 5):
        for each in (spread, score, bands):
            each.update(x)
    assert (spread.value, score.value) == (0.0, 0.0)
    assert bands.lower == bands.middle == bands.upper == still


def test_small_moves_of_a_large_price_are_seen() -> None:
    spread = StdDev(20)
    for step in range(136):  # the window is computed anew at 120, in the middle of the jump, and not since
        spread.update(1e6 if step < 105 else 5e5 + 0.01 * (step % 2))
    assert spread.value == pytest.approx(0.005, rel=1e-6)


def test_rounding_does_not_add_up_over_a_day() -> None:
    sma, wma = SMA(3), WMA(3)
    for step in range(100_000):
        for each in (sma, wma):
            each.update(1e15 if step % 7 == 0 else 0.1)
    for _ in range(6):
        for each in (sma, wma):
            each.update(0.1)
    assert (sma.value, wma.value) == pytest.approx((0.1, 0.1))
