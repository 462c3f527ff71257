"""Law: hours are the calendar's, half days included; prices and quantities are on the venue's grid."""

from datetime import datetime
from decimal import Decimal
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies._hours import closes_in_s, is_crypto
from strategies._prices import round_down, round_up, stock_tick


def at_ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("at", "left_s"),
    [
        ("2026-03-02 09:29:59", 0),
        ("2026-03-02 09:30:00", 6.5 * 3600),
        ("2026-03-02 15:59:59", 1),
        ("2026-03-02 16:00:00", 0),
        ("2026-11-27 12:30:00", 1800),  # a half day
        ("2026-11-27 14:00:00", 0),
        ("2026-12-25 12:00:00", 0),
        ("2026-03-07 12:00:00", 0),  # a Saturday
    ],
)
def test_what_is_left_of_a_day_is_by_the_calendar(at: str, left_s: float) -> None:
    assert closes_in_s("SPY", at_ns(at)) == left_s


def test_crypto_never_closes() -> None:
    assert is_crypto("BTC/USD")
    assert closes_in_s("BTC/USD", at_ns("2026-12-25 12:00:00")) == inf


@given(x=st.floats(1e-9, 1e9), step=st.sampled_from(["0.01", "0.0001", "1", "0.000000001", "0.25"]))
def test_rounding_goes_to_the_grid_and_never_over_it(x: float, step: str) -> None:
    grid, exact = Decimal(step), Decimal(str(x))
    down, up = round_down(x, grid), round_up(x, grid)
    assert down <= exact <= up
    assert up - down in (0, grid)
    assert down % grid == up % grid == 0


def test_a_price_on_the_grid_stays_as_it_is_written() -> None:
    assert str(round_down(0.1 + 0.2, Decimal("0.01"))) == "0.30"
    assert round_up(1.1, Decimal("0.01")) == Decimal("1.10")


@pytest.mark.parametrize(("price", "tick"), [(0.9999, "0.0001"), (1.0, "0.01"), (500.0, "0.01")])
def test_below_a_dollar_the_step_is_a_hundredth_of_a_cent(price: float, tick: str) -> None:
    assert stock_tick(price) == Decimal(tick)
