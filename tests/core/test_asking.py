"""What a strategy wrote becomes exactly that order, or is refused with the name of what was written."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from engine.core.asking import build_request, default_time, parse_amount, parse_number, parse_within
from engine.core.rules import Refused
from engine.core.rules.shape import check_shape
from engine.errors import OrderRefused
from engine.model.order import OrderClass, OrderType, Side, TimeInForce

TYPES = [
    ({}, OrderType.MARKET),
    ({"limit": 5}, OrderType.LIMIT),
    ({"stop": 5}, OrderType.STOP),
    ({"limit": 5, "stop": 4}, OrderType.STOP_LIMIT),
    ({"trail": 1}, OrderType.TRAILING_STOP),
    ({"trail_percent": 1}, OrderType.TRAILING_STOP),
]
CLASSES = [
    ({}, OrderClass.SIMPLE),
    ({"take_profit": 6}, OrderClass.OTO),
    ({"stop_loss": 4}, OrderClass.OTO),
    ({"take_profit": 6, "stop_loss": 4}, OrderClass.BRACKET),
    ({"take_profit": 6, "stop_loss": 4, "stop_loss_limit": 3}, OrderClass.BRACKET),
]


@pytest.mark.parametrize(("terms", "type_"), TYPES)
def test_the_type_follows_from_the_prices(terms: dict[str, Any], type_: OrderType) -> None:
    request = build_request("SPY", Side.BUY, 1, **terms)
    assert request.type is type_
    check_shape(request)


@pytest.mark.parametrize(("terms", "order_class"), CLASSES)
def test_the_class_follows_from_the_exits(terms: dict[str, Any], order_class: OrderClass) -> None:
    assert build_request("SPY", Side.BUY, 1, **terms).order_class is order_class


@pytest.mark.parametrize(
    ("symbol", "time"),
    [("SPY", TimeInForce.DAY), ("AAPL260320C00200000", TimeInForce.DAY), ("BTC/USD", TimeInForce.GTC)],
)
def test_an_order_works_for_the_day_where_there_are_days(symbol: str, time: TimeInForce) -> None:
    assert default_time(symbol) is time
    assert build_request(symbol, Side.SELL, 1).time_in_force is time


def test_a_time_in_force_can_be_written_as_a_word() -> None:
    assert build_request("SPY", Side.BUY, 1, tif="opg").time_in_force is TimeInForce.OPG
    with pytest.raises(OrderRefused, match="tif='forever' is none of day, gtc, opg, cls, ioc, fok"):
        build_request("SPY", Side.BUY, 1, tif="forever")


@given(st.decimals(min_value="0.000000001", max_value=10**9, places=9))
def test_text_and_decimals_are_taken_exactly(number: Decimal) -> None:
    assert parse_number(str(number), "qty") == parse_number(number, "qty") == number


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_a_float_means_its_shortest_decimal(number: float) -> None:
    assert parse_number(number, "qty") == Decimal(repr(number))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "-inf", "NaN", Decimal("sNaN"), "ten", "", True, None, [1], 1j]
)
def test_what_is_no_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(OrderRefused, match="is not a finite number") as refusal:
        parse_number(value, "limit")
    assert refusal.value.rule == "not_a_number"
    assert str(refusal.value).startswith("limit=")


@pytest.mark.parametrize("value", [0, -1, "0.0", -0.0, Decimal(-3)])
@pytest.mark.parametrize("field", ["limit", "stop", "trail", "take_profit", "stop_loss"])
def test_what_is_not_above_zero_is_refused_by_name(field: Any, value: Any) -> None:
    with pytest.raises(OrderRefused, match=f"{field}=.* must be above 0"):
        build_request("SPY", Side.BUY, 1, **{field: value})


@pytest.mark.parametrize("field", ["qty", "notional"])
def test_a_size_of_nothing_breaks_the_rule_that_the_venue_has_for_it(field: Any) -> None:
    with pytest.raises(OrderRefused) as ours:
        parse_amount(0, field)
    request = evolve(build_request("SPY", Side.BUY, 1), **{"qty": None, field: Decimal(0)})
    with pytest.raises(Refused) as theirs:
        check_shape(request)
    assert ours.value.rule == theirs.value.rule


def test_contradictions_are_left_to_the_venues_own_rules() -> None:
    request = build_request("SPY", Side.BUY, 1, notional=5, limit=3, trail=1)
    with pytest.raises(Refused, match="only one of qty or notional is accepted"):
        check_shape(request)


@pytest.mark.parametrize("symbol", ["", None, 5])
def test_what_names_nothing_is_refused(symbol: Any) -> None:
    with pytest.raises(OrderRefused, match="names nothing to trade"):
        build_request(symbol, Side.BUY, 1)


@pytest.mark.parametrize("within", [0, -1, float("nan"), float("inf"), "5", True, Decimal(5)])
def test_a_patience_that_is_none_is_refused_before_anybody_reckons_with_it(within: Any) -> None:
    """Text times a billion nanoseconds is a text of a billion characters, and the loop stands still meanwhile."""
    with pytest.raises(OrderRefused, match="not a number of seconds above 0"):
        parse_within(within)
    assert [parse_within(None), parse_within(2), parse_within(0.5)] == [None, 2.0, 0.5]
