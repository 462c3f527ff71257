"""A request becomes exactly the digits that were sent, or a refusal; no bytes at all become anything else."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.order_requests import BadBody, parse_number, parse_order, parse_replace
from engine.model.order import OrderClass, OrderRequest, OrderType, PositionIntent, ReplaceRequest, Side, TimeInForce

MARKET = {"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "day"}


def parsed(**fields: Any) -> OrderRequest:
    return parse_order(
        json.dumps({name: each for name, each in (MARKET | fields).items() if each is not None}).encode()
    )


def test_an_order_of_either_sdk_is_read() -> None:
    told = parsed(
        qty=0.1,
        limit_price="201.150",
        type="limit",
        time_in_force="gtc",
        order_class="bracket",
        take_profit={"limit_price": 210},
        stop_loss={"stop_price": "190.5", "limit_price": None},
        client_order_id="mine",
        extended_hours=True,
        later={"a": [1]},
    )
    assert told == OrderRequest(
        symbol="AAPL",
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        qty=Decimal("0.1"),
        limit_price=Decimal("201.15"),
        order_class=OrderClass.BRACKET,
        take_profit_limit=Decimal(210),
        stop_loss_stop=Decimal("190.5"),
        client_order_id="mine",
        extended_hours=True,
    )


def test_a_side_follows_from_the_intent_and_a_multi_leg_order_has_none() -> None:
    assert parsed(side=None, position_intent="sell_to_close").side is Side.SELL
    leg = {"symbol": "X", "ratio_qty": "2", "position_intent": "buy_to_open"}
    told = parsed(symbol=None, side=None, order_class="mleg", qty="1", legs=[leg])
    assert (told.symbol, told.side) == ("", Side.BUY)
    assert (told.legs[0].ratio_qty, told.legs[0].position_intent) == (Decimal(2), PositionIntent.BUY_TO_OPEN)


@pytest.mark.parametrize(
    ("fields", "status", "code", "message"),
    [
        ({"symbol": None}, 422, 40010001, "symbol is required"),
        ({"symbol": ""}, 422, 40010001, "symbol is required"),
        ({"side": None}, 422, 40010001, "side is required"),
        ({"type": None}, 422, 40010001, "type is required"),
        ({"time_in_force": None}, 422, 40010001, "time_in_force is required"),
        ({"type": "iceberg"}, 422, 40010001, "invalid order type"),
        ({"time_in_force": "gtx"}, 422, 40010001, "invalid time_in_force"),
        ({"order_class": "pair"}, 422, 40010001, "invalid order_class"),
        ({"qty": "NaN"}, 422, 42210000, "invalid qty"),
        ({"qty": "1e31"}, 422, 42210000, "invalid qty"),
        ({"limit_price": "1e-31"}, 422, 42210000, "invalid limit_price"),
        ({"qty": "1e999999999"}, 422, 42210000, "invalid qty"),
        ({"qty": "ten"}, 400, 40010000, "request body format is invalid"),
        ({"qty": [1]}, 400, 40010000, "request body format is invalid"),
        ({"symbol": 5}, 400, 40010000, "request body format is invalid"),
        ({"extended_hours": "yes"}, 400, 40010000, "request body format is invalid"),
        ({"legs": [{"symbol": "X", "side": "buy"}]}, 422, 40010001, "ratio_qty is required"),
        ({"legs": [{"symbol": "X", "side": "buy", "ratio_qty": 1}] * 101}, 422, 42210000, "too many legs"),
    ],
)
def test_what_cannot_be_read_says_which_field(fields: dict[str, Any], status: int, code: int, message: str) -> None:
    with pytest.raises(BadBody) as refused:
        parsed(**fields)
    assert (refused.value.status, refused.value.code, refused.value.message) == (status, code, message)


def test_a_change_is_what_was_named_and_nothing_else() -> None:
    assert parse_replace(b'{"limit_price":51.5,"qty":6}') == ReplaceRequest(qty=Decimal(6), limit_price=Decimal("51.5"))
    assert parse_replace(b"") == parse_replace(b"{}") == ReplaceRequest()
    with pytest.raises(BadBody):
        parse_replace(b'{"time_in_force":"never"}')


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "1e40"])
def test_a_number_of_a_query_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadBody, match="invalid qty"):
        parse_number("qty", text)


@given(st.binary() | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_no_bytes_become_anything_but_a_request_or_a_refusal(body: bytes) -> None:
    for parse in (parse_order, parse_replace):
        with suppress(BadBody):
            assert isinstance(parse(body), OrderRequest | ReplaceRequest)


def test_a_body_of_a_million_brackets_is_refused() -> None:
    with pytest.raises(BadBody):
        parse_order(b'{"x":' + b"[" * 1_000_000)
