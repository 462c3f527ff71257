"""A fee is what the schedule says, taken from what is received in crypto and from the dollars in everything else."""

from decimal import Decimal

import pytest

from engine.core.matching.fees import ALPACA_FEES, NO_FEES, PAPER_FEES, FeeSchedule
from engine.exchange.assets import START_NS, build_assets
from engine.model.order import ZERO, Side

ASSETS = build_assets(("AAPL", "BTC/USD"), start_ns=START_NS)
STOCK, COIN, CONTRACT = ASSETS["AAPL"], ASSETS["BTC/USD"], ASSETS["AAPL260320C00230000"]
ONE = Decimal(1)


def test_coins_that_are_bought_pay_in_coins() -> None:
    """Buy 0.1, hold 0.09975 (alpaca-py#374)."""
    assert PAPER_FEES.fee_of(Side.BUY, Decimal("0.1"), Decimal(64000), COIN) == (Decimal("0.00025"), "BTC")


def test_coins_that_are_sold_pay_in_dollars() -> None:
    assert PAPER_FEES.fee_of(Side.SELL, Decimal("0.1"), Decimal(64000), COIN) == (Decimal(16), "USD")


def test_who_waited_pays_less() -> None:
    fee, _ = PAPER_FEES.fee_of(Side.SELL, Decimal("0.1"), Decimal(64000), COIN, maker=True)
    assert fee == Decimal("9.6")


def test_a_fee_in_coins_is_never_more_than_the_coins() -> None:
    dust = Decimal("0.000000001")
    fee, _ = PAPER_FEES.fee_of(Side.BUY, dust, Decimal(64000), COIN)
    assert fee == dust


def test_paper_trades_stocks_and_options_for_nothing() -> None:
    assert PAPER_FEES.fee_of(Side.SELL, Decimal(100), Decimal(230), STOCK) == (ZERO, "USD")
    assert PAPER_FEES.fee_of(Side.SELL, ONE, Decimal(5), CONTRACT) == (ZERO, "USD")


@pytest.mark.parametrize(
    ("side", "qty", "fee"),
    [
        (Side.BUY, "100", "0.00265"),  # audit trail
        (Side.SELL, "100", "0.01925"),  # audit trail and trading activity
        (Side.SELL, "100000", "10.95"),  # the latter is at its most
    ],
)
def test_a_stock_pays_its_regulators(side: Side, qty: str, fee: str) -> None:
    assert ALPACA_FEES.fee_of(side, Decimal(qty), Decimal(230), STOCK) == (Decimal(fee), "USD")


@pytest.mark.parametrize(("side", "fee"), [(Side.BUY, "0.0495"), (Side.SELL, "0.05229")])
def test_a_contract_pays_its_exchange_and_its_clearing(side: Side, fee: str) -> None:
    assert ALPACA_FEES.fee_of(side, ONE, Decimal(5), CONTRACT) == (Decimal(fee), "USD")


def test_the_secs_fee_is_a_part_of_what_is_sold_for() -> None:
    before_2025 = FeeSchedule(name="before May 2025", per_dollar_sold=Decimal("0.0000278"))
    assert before_2025.fee_of(Side.SELL, Decimal(10), Decimal(230), STOCK) == (Decimal("0.06394"), "USD")
    assert before_2025.fee_of(Side.BUY, Decimal(10), Decimal(230), STOCK) == (ZERO, "USD")


def test_no_fees_are_no_fees() -> None:
    for asset in (STOCK, COIN, CONTRACT):
        assert NO_FEES.fee_of(Side.SELL, Decimal(3), Decimal(7), asset) == (ZERO, "USD")
