"""The formula agrees with what is known of it: parity, bounds, and its own slopes."""

from datetime import date
from decimal import Decimal
from math import exp

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.contracts import Contract
from engine.exchange.made.pricing import RATE, YEAR_NS, expiry_ns, value_contract
from engine.model.instant import NS_PER_S, parse_instant

NOW = parse_instant("2026-03-02T15:00:00Z")
CALL = Contract("X", date(2026, 3, 20), True, Decimal(100))
spots = st.floats(50, 200)


@given(spots)
@settings(max_examples=50)
def test_a_call_less_a_put_is_the_forward(spot: float) -> None:
    call, _ = value_contract(CALL, spot, NOW)
    put, _ = value_contract(evolve(CALL, call=False), spot, NOW)
    years = (expiry_ns(CALL.expires) - NOW) / YEAR_NS
    assert call - put == pytest.approx(spot - 100 * exp(-RATE * years), abs=1e-9)


@given(spots, st.booleans())
@settings(max_examples=50)
def test_greeks_are_the_slopes_of_the_value(spot: float, call: bool) -> None:
    contract = evolve(CALL, call=call)
    value, greeks = value_contract(contract, spot, NOW)
    up, _ = value_contract(contract, spot + 0.01, NOW)
    down, _ = value_contract(contract, spot - 0.01, NOW)
    assert greeks.delta == pytest.approx((up - down) / 0.02, abs=1e-3)
    assert greeks.gamma == pytest.approx((up - 2 * value + down) / 0.0001, abs=1e-3)
    tomorrow, _ = value_contract(contract, spot, NOW + 86_400 * NS_PER_S)
    assert greeks.theta == pytest.approx(tomorrow - value, abs=0.01)
    assert 0 <= greeks.delta * (1 if call else -1) <= 1 and greeks.vega >= 0


def test_at_expiry_only_what_exercise_brings_is_left() -> None:
    late = expiry_ns(CALL.expires) + 1
    assert value_contract(CALL, 110.0, late)[0] == pytest.approx(10.0, abs=1e-3)
    assert value_contract(CALL, 90.0, late)[0] == pytest.approx(0.0, abs=1e-3)


def test_contracts_expire_at_the_close_of_their_day_also_on_a_half_day() -> None:
    assert expiry_ns(date(2026, 3, 20)) == parse_instant("2026-03-20T20:00:00Z")
    assert expiry_ns(date(2026, 11, 27)) == parse_instant("2026-11-27T18:00:00Z")
