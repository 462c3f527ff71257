"""An OCC symbol says what the contract is, and the contracts on a stock lie around its price."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.calendar import trading_day
from engine.exchange.contracts import Contract, is_contract, list_contracts, parse_contract, render_contract

MONDAY = date(2026, 3, 2)


@given(
    st.from_regex(r"[A-Z][A-Z0-9.]{0,5}", fullmatch=True),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.booleans(),
    st.integers(0, 99_999_999),
)
@settings(max_examples=100)
def test_reading_what_was_written_gives_it_back(root: str, expires: date, call: bool, thousandths: int) -> None:
    contract = Contract(root, expires, call, Decimal(thousandths) / 1000)
    assert parse_contract(render_contract(contract)) == contract
    assert is_contract(contract.symbol)


@pytest.mark.parametrize(
    "symbol",
    ["", "AAPL", "BTC/USD", "AAPL261320C00200000", "AAPL260320X00200000", "aapl260320C00200000", "AAPL260320C0020000"],
)
def test_other_symbols_are_no_contracts(symbol: str) -> None:
    assert parse_contract(symbol) is None
    assert not is_contract(symbol)


@given(st.floats(0.3, 900), st.dates(date(2020, 1, 1), date(2029, 1, 1)))
@settings(max_examples=50)
def test_contracts_surround_the_price_and_expire_on_coming_trading_days(price: float, first_day: date) -> None:
    contracts = list(list_contracts("X", price, first_day))
    strikes = sorted({contract.strike for contract in contracts})
    assert strikes[0] <= Decimal(price) + 1 and strikes[-1] > price
    assert all(strike > 0 for strike in strikes)
    assert len({contract.symbol for contract in contracts}) == len(contracts)
    for expires in {contract.expires for contract in contracts}:
        assert trading_day(expires) is not None
        assert first_day - timedelta(days=1) <= expires <= first_day + timedelta(days=21)


def test_a_contract_that_would_expire_on_good_friday_expires_on_the_thursday() -> None:
    assert date(2026, 4, 2) in {contract.expires for contract in list_contracts("X", 100.0, date(2026, 3, 30))}


def test_the_list_begins_with_the_next_friday_and_the_lowest_strike() -> None:
    first = next(iter(list_contracts("AAPL", 230.0, MONDAY)))
    assert first.symbol == "AAPL260306C00205000"
