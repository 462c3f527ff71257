"""Orders on the wire are the venue's to the letter: text for money, null for nothing, and the stream's own oddities."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.orders import (
    NO_ASSET,
    render_decimal,
    render_local,
    render_order,
    render_position_symbol,
    render_update,
)
from engine.model.instant import parse_instant
from engine.model.order import (
    AssetClass,
    Fill,
    Order,
    OrderChange,
    OrderClass,
    OrderStatus,
    OrderType,
    OrderUpdate,
    PositionIntent,
    Side,
    TimeInForce,
)

AT = parse_instant("2026-03-02T14:31:07.101334512Z")
ORDER = Order(
    id="7c1e2a10-0000-4000-8000-00000000a001",
    client_order_id="cli-000123",
    symbol="AAPL",
    asset_id="b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
    asset_class=AssetClass.US_EQUITY,
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    status=OrderStatus.PENDING_NEW,
    qty=Decimal("10.0"),
    limit_price=Decimal("201.150"),
    position_intent=PositionIntent.BUY_TO_OPEN,
    created_ns=AT,
    updated_ns=AT + 1000,
    submitted_ns=AT - 1000,
    expires_ns=parse_instant("2026-03-02T21:00:00Z"),
)
DOCUMENTED = """
{"id":"7c1e2a10-0000-4000-8000-00000000a001","client_order_id":"cli-000123","created_at":"2026-03-02T14:31:07.101334512Z",
 "updated_at":"2026-03-02T14:31:07.101335512Z","submitted_at":"2026-03-02T14:31:07.101333512Z","filled_at":null,
 "expired_at":null,"expires_at":"2026-03-02T21:00:00Z","canceled_at":null,"failed_at":null,"replaced_at":null,
 "replaced_by":null,"replaces":null,"asset_id":"b0b6dd9d-8b9b-48a9-ba46-b9d54906e415","symbol":"AAPL",
 "asset_class":"us_equity","notional":null,"qty":"10","filled_qty":"0","filled_avg_price":null,"order_class":"",
 "order_type":"limit","type":"limit","side":"buy","position_intent":"buy_to_open","time_in_force":"day",
 "limit_price":"201.15","stop_price":null,"status":"pending_new","extended_hours":false,"legs":null,
 "trail_percent":null,"trail_price":null,"hwm":null,"ratio_qty":null,"subtag":null,"source":null}
"""
FILL = Fill(
    execution_id="0f0e4c1e-0000-4000-8000-000000000001",
    order_id=ORDER.id,
    symbol="AAPL",
    side=Side.BUY,
    qty=Decimal(3),
    price=Decimal("201.12"),
    ts_ns=AT,
)


def update(**values: Any) -> OrderUpdate:
    return OrderUpdate(**({"change": OrderChange.NEW, "order": ORDER, "ts_ns": AT, "event_id": "01HTEXAMPLE"} | values))


def test_an_order_has_every_key_of_a_recorded_one() -> None:
    assert render_order(ORDER) == msgspec.json.decode(DOCUMENTED)


def test_legs_are_told_inside_their_order() -> None:
    leg = evolve(ORDER, id="leg", parent_id=ORDER.id)
    assert render_order(ORDER, [leg])["legs"] == [render_order(leg)]


def test_a_multi_leg_order_is_empty_where_it_has_nothing_and_its_legs_have_no_type() -> None:
    parent = evolve(ORDER, symbol="", asset_id="", asset_class=None, side=None, order_class=OrderClass.MLEG)
    leg = evolve(ORDER, ratio_qty=Decimal(2), order_class=OrderClass.MLEG)
    told = render_order(parent, [leg])
    assert (told["symbol"], told["asset_class"], told["asset_id"], told["side"]) == ("", "", "", "")
    assert (told["legs"][0]["type"], told["legs"][0]["order_type"], told["legs"][0]["ratio_qty"]) == ("", "", "2")
    assert render_update(update(order=parent))["order"]["asset_id"] == NO_ASSET


def test_on_the_stream_some_times_are_local_and_the_cancel_has_one_of_its_own() -> None:
    told = render_update(update(order=evolve(ORDER, cancel_requested_ns=AT, canceled_ns=AT)))
    order = told["order"]
    assert (told["event"], told["event_id"], told["at"]) == ("new", "01HTEXAMPLE", "2026-03-02T14:31:07.101334512Z")
    assert order["created_at"] == "2026-03-02T09:31:07.101334512-05:00"
    assert order["canceled_at"] == order["cancel_requested_at"] == "2026-03-02T14:31:07.101334512Z"
    assert order.keys() - render_order(ORDER).keys() == {"cancel_requested_at"}
    assert not {"price", "qty", "position_qty", "execution_id", "legs"} & told.keys()


def test_a_fill_tells_this_execution_and_the_position_after_it() -> None:
    told = render_update(update(fill=FILL, execution_id=FILL.execution_id, position_qty=Decimal(-13)))
    assert (told["price"], told["qty"], told["position_qty"]) == ("201.12", "3", "-13")
    assert told["execution_id"] == FILL.execution_id


def test_a_multi_leg_fill_tells_its_legs_and_positions() -> None:
    legs = (FILL, evolve(FILL, symbol="B", order_id="leg2"))
    told = render_update(update(fill=FILL, leg_fills=legs, position_qtys={"B": Decimal(-1), "AAPL": Decimal(1)}))
    assert [leg["order_id"] for leg in told["legs"]] == [ORDER.id, "leg2"]
    assert told["position_qtys"] == {"AAPL": "1", "B": "-1"}
    assert "position_qty" not in told


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20))
def test_a_decimal_keeps_its_value_and_never_has_an_exponent(number: Decimal) -> None:
    text = render_decimal(number)
    assert Decimal(text) == number
    assert not set(text) - set("-0123456789.")
    assert text == "0" or not text.endswith((".", "-0"))


@pytest.mark.parametrize("text", ["1E+3", "1E-12", "0E+400", "-0.0", "12345678901234567890123456789.123456789012"])
def test_odd_decimals_are_told_plainly(text: str) -> None:
    assert Decimal(render_decimal(Decimal(text))) == Decimal(text)
    assert "E" not in render_decimal(Decimal(text))


@given(st.integers(0, 4_102_444_800_000_000_000))
def test_a_local_instant_is_the_instant(ts_ns: int) -> None:
    assert parse_instant(render_local(ts_ns)) == ts_ns


def test_positions_spell_pairs_without_a_slash() -> None:
    assert render_position_symbol("BTC/USD") == "BTCUSD"
