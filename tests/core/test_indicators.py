"""An indicator updated value by value equals the one computed from the whole history."""

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.indicators import EMA, SMA

PRICES = st.lists(st.floats(0.0001, 1e6), min_size=1, max_size=200)
LENGTHS = st.integers(1, 30)


def naive_ema(prices: list[float], length: int) -> float:
    """The seed is the mean of the first ``length``; from there the textbook's recursion."""
    if len(prices) <= length:
        return sum(prices) / len(prices)
    weight = 2 / (length + 1)
    value = sum(prices[:length]) / length
    for price in prices[length:]:
        value = weight * price + (1 - weight) * value
    return value


@given(prices=PRICES, length=LENGTHS)
def test_sma_is_the_mean_of_the_last_values(prices: list[float], length: int) -> None:
    sma = SMA(length)
    for count, price in enumerate(prices, 1):
        sma.update(price)
        last = prices[max(0, count - length) : count]
        # Absolute, against the largest price: what rounding leaves of a large price that has left the window.
        assert sma.value == pytest.approx(sum(last) / len(last), rel=1e-9, abs=1e-9 * max(prices))
        assert sma.ready == (count >= length)


@given(prices=PRICES, length=LENGTHS)
def test_ema_is_the_textbook_recursion_from_a_mean(prices: list[float], length: int) -> None:
    ema = EMA(length)
    for price in prices:
        ema.update(price)
    assert ema.value == pytest.approx(naive_ema(prices, length), rel=1e-9)
    assert ema.ready == (len(prices) >= length)


def test_rounding_does_not_add_up_over_a_day() -> None:
    sma = SMA(3)
    for step in range(100_000):
        sma.update(1e15 if step % 7 == 0 else 0.1)
    for _ in range(6):
        sma.update(0.1)
    assert sma.value == pytest.approx(0.1)


@pytest.mark.parametrize("average", [SMA, EMA])
def test_before_the_first_value_there_is_none_and_a_length_below_one_is_refused(average: type[SMA | EMA]) -> None:
    assert isnan(average(3).value)
    assert not average(3).ready
    with pytest.raises(ValueError, match="at least 1"):
        average(0)
