"""Decimals are what the floats were written as, and no rounding gives anybody more than there is."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.amounts import buyable, exact, price_step, round_price, step_of
from engine.model.account import Asset
from engine.model.order import AssetClass

D = Decimal
STOCK = Asset(id="1", symbol="A", name="A", asset_class=AssetClass.US_EQUITY, exchange="X")
COIN = Asset(
    id="2", symbol="B/USD", name="B", asset_class=AssetClass.CRYPTO, exchange="C",
    min_trade_increment=D("0.0001"), price_increment=D("0.5"),
)  # fmt: skip
OPTION = Asset(id="3", symbol="O", name="O", asset_class=AssetClass.US_OPTION, exchange="O")


@given(st.decimals(min_value=D("0.000001"), max_value=D(10) ** 9, places=6))
@settings(max_examples=200)
def test_a_float_is_the_decimal_it_was_written_as(written: Decimal) -> None:
    assert exact(float(written)) == written


def test_a_whole_number_has_no_fraction_to_show() -> None:
    assert str(exact(100.0)) == "100"


@given(
    st.decimals(min_value=D("0.01"), max_value=D(10) ** 6, places=2),
    st.decimals(min_value=D("0.0001"), max_value=D(10) ** 5, places=4),
    st.sampled_from([STOCK, COIN]),
)
@settings(max_examples=300)
def test_a_notional_buys_as_much_as_it_can_and_never_more(notional: Decimal, price: Decimal, asset: Asset) -> None:
    qty = buyable(notional, price, asset)
    assert qty * price <= notional < (qty + step_of(asset)) * price
    assert qty % step_of(asset) == 0
    assert buyable(notional - qty * price, price, asset) == 0


@pytest.mark.parametrize(
    ("price", "asset", "step", "up", "down"),
    [
        ("10.001", STOCK, "0.01", "10.01", "10"),
        ("10.01", STOCK, "0.01", "10.01", "10.01"),
        ("0.12345", STOCK, "0.0001", "0.1235", "0.1234"),
        ("100.2", COIN, "0.5", "100.5", "100"),
        ("-1", STOCK, "0.0001", "0", "0"),
    ],
)
def test_prices_stand_on_the_assets_grid(price: str, asset: Asset, step: str, up: str, down: str) -> None:
    assert price_step(D(price), asset) == D(step)
    assert (round_price(D(price), asset, up=True), round_price(D(price), asset, up=False)) == (D(up), D(down))


def test_an_option_trades_in_whole_contracts() -> None:
    assert step_of(OPTION) == 1
