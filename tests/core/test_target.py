"""The orders on the way to a target end at it, and none takes the strategy's or the account's position through zero."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.target import closing_intent, cut_target, finest, is_dust, next_delta
from engine.model.account import Asset
from engine.model.order import AssetClass, PositionIntent

whole = st.integers(-50, 50).map(Decimal)
milli = st.integers(0, 5000).map(lambda n: Decimal(n) / 1000)
parts = st.fractions(0, 1, max_denominator=4).map(lambda part: Decimal(part.numerator) / Decimal(part.denominator))


def asset(asset_class: AssetClass = AssetClass.US_EQUITY, **what: Any) -> Asset:
    return Asset(id="a", symbol="A", name="A", asset_class=asset_class, exchange="X", **what)


STOCK = asset(fractionable=False)
COIN = asset(AssetClass.CRYPTO, min_trade_increment=Decimal("0.001"))


@given(held=whole, wanted=whole, others=whole, shares=st.lists(parts, max_size=6))
def test_it_ends_at_the_target_whatever_part_of_each_order_is_filled(
    held: Decimal, wanted: Decimal, others: Decimal, shares: list[Decimal]
) -> None:
    for _ in range(20):
        delta = next_delta(held, wanted, held + others, STOCK)
        if not delta:
            break
        for before in (held, held + others):
            assert before * (before + delta) >= 0
        held += (delta * (shares.pop() if shares else 1)).to_integral_value()
    assert held == wanted


@given(held=milli, wanted=milli)
def test_a_coin_ends_less_than_an_increment_away(held: Decimal, wanted: Decimal) -> None:
    held += Decimal("0.0004")
    for _ in range(4):
        held += next_delta(held, wanted, held, COIN)
    assert abs(held - wanted) < Decimal("0.001")


@pytest.mark.parametrize(
    ("wanted", "what", "cut"),
    [
        ("1.9", STOCK, "1"),
        ("-1.9", STOCK, "-1"),
        ("1.9", asset(), "1.9"),
        ("-1.9", asset(), "-1"),  # fractions cannot be sold short
        ("0.0019", COIN, "0.001"),
        ("1.5", asset(AssetClass.US_OPTION), "1"),
        ("1e-10", asset(), "0"),
    ],
)
def test_targets_are_cut_towards_zero(wanted: str, what: Asset, cut: str) -> None:
    assert cut_target(Decimal(wanted), what) == Decimal(cut)


def test_a_fraction_that_is_held_can_be_sold_on_the_way_to_a_short() -> None:
    held = Decimal("2.5")
    assert next_delta(held, Decimal(-3), held, asset()) == -held


def test_the_venue_is_told_that_an_order_closes_where_it_does() -> None:
    ten = Decimal(10)
    assert closing_intent(-ten, ten, STOCK) is PositionIntent.SELL_TO_CLOSE
    assert closing_intent(ten, -ten, STOCK) is PositionIntent.BUY_TO_CLOSE
    assert closing_intent(-ten, Decimal(9), STOCK) is None
    assert closing_intent(ten, ten, STOCK) is None
    assert closing_intent(-ten, ten, COIN) is None


def test_increments_are_what_the_venue_trades() -> None:
    assert finest(asset()) == Decimal("1e-9")
    assert finest(asset(), short=True) == finest(STOCK) == 1
    assert finest(COIN) == Decimal("0.001")


def test_coins_for_less_than_ten_dollars_are_dust_and_so_is_less_than_an_increment_of_anything() -> None:
    assert [is_dust(Decimal(qty), COIN, Decimal(100)) for qty in ("0.1", "-0.1", "0.099", "-0.099")] == [
        False,
        False,
        True,
        True,
    ]
    assert [is_dust(Decimal(qty), COIN, None) for qty in ("0.001", "0.0009")] == [False, True]
    assert [is_dust(Decimal(qty), STOCK, Decimal("0.5")) for qty in ("1", "0.9")] == [False, True]


def test_only_a_rest_is_dust_and_a_small_beginning_is_for_the_venue_to_refuse() -> None:
    held, wanted, price = Decimal("0.95"), Decimal(1), Decimal(100)
    assert next_delta(held, wanted, held, COIN, price) == 0
    assert next_delta(Decimal(0), Decimal("0.05"), Decimal(0), COIN, price) == Decimal("0.05")
