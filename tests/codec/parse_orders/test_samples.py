"""The documented samples are read, what is new in them is passed over, what an account could suffer by is refused."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.codec.parse_orders import (
    Unreadable,
    is_contract,
    parse_account,
    parse_asset,
    parse_fills,
    parse_order,
    parse_orders,
    parse_pair,
    parse_positions,
    parse_update,
    read_json,
)
from engine.model.instant import parse_instant
from engine.model.order import AssetClass, OrderChange, OrderClass, OrderStatus, OrderType, Side, TimeInForce

ORDER = b"""
{"id":"7c1e2a10-0000-4000-8000-00000000a001","client_order_id":"cli-000123","created_at":"2026-03-02T14:31:07.101334512Z",
 "updated_at":"2026-03-02T14:31:07.1019Z","submitted_at":"2026-03-02T14:31:07.09871Z","filled_at":null,"expired_at":null,
 "expires_at":"2026-03-02T21:00:00Z","canceled_at":null,"failed_at":null,"replaced_at":null,"replaced_by":null,"replaces":null,
 "asset_id":"b0b6dd9d-8b9b-48a9-ba46-b9d54906e415","symbol":"AAPL","asset_class":"us_equity","notional":null,"qty":"10",
 "filled_qty":"0","filled_avg_price":null,"order_class":"","order_type":"limit","type":"limit","side":"buy",
 "position_intent":"buy_to_open","time_in_force":"day","limit_price":"201.15","stop_price":null,"status":"pending_new",
 "extended_hours":false,"legs":null,"trail_percent":null,"trail_price":null,"hwm":null,"subtag":null,"source":null}
"""
UPDATE = b"""
{"at":"2026-03-02T14:31:07.301234Z","event_id":"01HTEXAMPLEULID0000000000A",
 "event":"partial_fill","execution_id":"0f0e4c1e-0000-4000-8000-000000000001",
 "price":"201.12","qty":"3","position_qty":"13","timestamp":"2026-03-02T14:31:07.298Z",
 "order":{"id":"7c1e","client_order_id":"cli-000123","created_at":"2026-03-02T10:31:07.101-04:00","updated_at":
  "2026-03-02T14:31:07.300111Z","submitted_at":"2026-03-02T14:31:07.11Z","filled_at":null,"expired_at":null,
  "expires_at":"2026-03-02T21:00:00Z","cancel_requested_at":null,"canceled_at":null,"failed_at":null,"replaced_at":null,
  "replaced_by":null,"replaces":null,"asset_id":"b0b6","symbol":"AAPL","asset_class":"us_equity","notional":null,
  "qty":"10","filled_qty":"3","filled_avg_price":"201.12","order_class":"","order_type":"limit","type":"limit",
  "side":"buy","position_intent":"buy_to_open","time_in_force":"day","limit_price":"201.15","stop_price":null,
  "status":"partially_filled","extended_hours":false,"legs":null,"trail_percent":null,"trail_price":null,"hwm":null}}
"""
SPREAD = b"""
{"event":"fill","execution_id":"whole","price":"1.28","qty":"1","timestamp":"2026-03-02T15:00:00.1Z",
 "position_qtys":{"AAPL260320C00210000":"1","AAPL260320C00220000":"-1"},
 "legs":[{"execution_id":"e1","order_id":"LEG1","symbol":"AAPL260320C00210000","qty":"1","price":"2.03"},
         {"execution_id":"e2","order_id":"LEG2","symbol":"AAPL260320C00220000","qty":"1","price":"0.75"}],
 "order":{"id":"PARENT","client_order_id":"p","symbol":"","asset_class":"",
  "asset_id":"00000000-0000-0000-0000-000000000000","order_class":"mleg","type":"limit","time_in_force":"day","qty":"1",
  "filled_qty":"1","status":"filled","legs":[
   {"id":"LEG1","client_order_id":"l1","symbol":"AAPL260320C00210000","ratio_qty":"1","type":"","order_type":"",
    "side":"buy","position_intent":"buy_to_open","status":"filled","filled_qty":"1"},
   {"id":"LEG2","client_order_id":"l2","symbol":"AAPL260320C00220000","ratio_qty":"1","type":"","order_type":"",
    "side":"sell","position_intent":"sell_to_open","status":"filled","filled_qty":"1"}]}}
"""
POSITION = b"""
{"asset_id":"b0b6dd9d-8b9b-48a9-ba46-b9d54906e415","symbol":"AAPL","exchange":"NASDAQ","asset_class":"us_equity",
 "asset_marginable":true,"qty":"10","qty_available":"10","avg_entry_price":"201.12","side":"long",
 "market_value":"2014.5","cost_basis":"2011.2","unrealized_pl":"3.3","unrealized_plpc":"0.0016408",
 "unrealized_intraday_pl":"3.3","unrealized_intraday_plpc":"0.0016408","current_price":"201.45",
 "lastday_price":"200.1","change_today":"0.0067466"}
"""
ASSET = b"""
{"id":"276e2673-764b-4ab6-a611-caf665ca6340","class":"crypto","exchange":"CRYPTO","symbol":"BTC/USD",
 "name":"Bitcoin / US Dollar","status":"active","tradable":true,"marginable":false,"shortable":false,
 "easy_to_borrow":false,"fractionable":true,"attributes":[],"min_order_size":"0.00001",
 "min_trade_increment":"0.000000001","price_increment":"0.01"}
"""
ACTIVITIES = b"""
[{"id":"20260302093107298::0f0e4c1e-0000-4000-8000-000000000001","activity_type":"FILL",
  "transaction_time":"2026-03-02T14:31:07.298Z","type":"partial_fill","price":"201.12","qty":"3","side":"buy",
  "symbol":"AAPL","leaves_qty":"7","order_id":"7c1e","cum_qty":"3","order_status":"partially_filled"}]
"""


def order(**changed: Any) -> dict[str, Any]:
    """The documented order with other fields; ``...`` takes one out."""
    told = {**read_json(ORDER), **changed}
    return {name: value for name, value in told.items() if value is not ...}


def update(**changed: Any) -> dict[str, Any]:
    told = {**read_json(UPDATE), **changed}
    return {name: value for name, value in told.items() if value is not ...}


def said_of(parse: Callable[[Any], object], told: Any) -> str:
    """Why it cannot be read, or that it can; any other exception comes out."""
    try:
        parse(told)
    except Unreadable as error:
        return str(error)
    return "it can be read"


def test_the_documented_order() -> None:
    (read,) = parse_order(order())
    assert (read.id, read.client_order_id) == ("7c1e2a10-0000-4000-8000-00000000a001", "cli-000123")
    assert (read.symbol, read.side, read.type, read.status) == ("AAPL", Side.BUY, OrderType.LIMIT, "pending_new")
    assert (read.qty, read.filled_qty, read.limit_price) == (Decimal(10), Decimal(0), Decimal("201.15"))
    assert read.submitted_ns == parse_instant("2026-03-02T14:31:07.09871Z") < read.created_ns
    assert read.filled_ns == 0


def test_the_documented_update() -> None:
    read, orders = parse_update(update())
    assert (read.change, read.event_id, orders) == (
        OrderChange.PARTIAL_FILL,
        "01HTEXAMPLEULID0000000000A",
        (read.order,),
    )
    assert read.fill is not None
    assert (read.fill.execution_id, read.fill.qty) == ("0f0e4c1e-0000-4000-8000-000000000001", Decimal(3))
    assert (read.order.filled_qty, read.position_qty) == (Decimal(3), Decimal(13))
    assert read.order.created_ns == parse_instant("2026-03-02T14:31:07.101Z")


def test_the_documented_fill_of_a_spread() -> None:
    read, orders = parse_update(read_json(SPREAD))
    assert [(fill.order_id, fill.side, fill.price) for fill in read.leg_fills] == [
        ("LEG1", Side.BUY, Decimal("2.03")),
        ("LEG2", Side.SELL, Decimal("0.75")),
    ]
    assert (read.fill, read.order.legs, read.order.asset_id) == (None, ("LEG1", "LEG2"), "")
    assert [(each.parent_id, each.type, each.time_in_force) for each in orders[1:]] == [("PARENT", "limit", "day")] * 2
    assert read.position_qtys == {"AAPL260320C00210000": Decimal(1), "AAPL260320C00220000": Decimal(-1)}


def test_the_documented_position_asset_and_fill() -> None:
    (held,) = parse_positions([read_json(POSITION)])
    assert (held.symbol, held.qty, held.entry_price, held.price) == (
        "AAPL", Decimal(10), Decimal("201.12"), Decimal("201.45"),
    )  # fmt: skip
    assert parse_asset(read_json(ASSET)).min_order_size == Decimal("0.00001")
    (fill,), mark, rows = parse_fills(read_json(ACTIVITIES))
    assert (fill.execution_id, fill.order_id, fill.qty) == ("0f0e4c1e-0000-4000-8000-000000000001", "7c1e", Decimal(3))
    assert (mark, rows) == ("20260302093107298::0f0e4c1e-0000-4000-8000-000000000001", 1)


def test_fields_that_are_new_to_us_are_passed_over() -> None:
    assert parse_order(order(new_field={"deep": [1]})) == parse_order(order())


@pytest.mark.parametrize("gone", ["expires_at", "position_intent", "subtag", "source", "legs", "hwm", "notional"])
def test_fields_that_recorded_orders_lack_are_not_needed(gone: str) -> None:
    (read,) = parse_order(order(**{gone: ...}))
    assert read.client_order_id == "cli-000123"


@pytest.mark.parametrize(
    "name", ["id", "client_order_id", "symbol", "side", "type", "time_in_force", "status", "filled_qty"]
)
@pytest.mark.parametrize("value", [..., None, "", {}])
def test_an_order_without_what_the_books_stand_on_is_unreadable(name: str, value: Any) -> None:
    with pytest.raises(Unreadable, match=name):
        parse_order(order(**{name: value}))


@pytest.mark.parametrize(
    ("changed", "name", "word"),
    [
        ({"time_in_force": "gtd"}, "time_in_force", TimeInForce.GTC),
        ({"type": "pegged"}, "type", OrderType.LIMIT),
        ({"type": "pegged", "limit_price": None}, "type", OrderType.MARKET),
        ({"type": "pegged", "stop_price": "1"}, "type", OrderType.STOP_LIMIT),
        ({"type": "pegged", "stop_price": "1", "limit_price": None}, "type", OrderType.STOP),
        ({"order_class": "simple"}, "order_class", OrderClass.SIMPLE),
        ({"order_class": "iceberg"}, "order_class", OrderClass.SIMPLE),
        ({"asset_class": "crypto_perp"}, "asset_class", None),
        ({"position_intent": "neither"}, "position_intent", None),
        ({"status": "pending_review"}, "status", OrderStatus.PENDING_NEW),
        ({"filled_avg_price": 201.12}, "filled_avg_price", Decimal("201.12")),
    ],
)
def test_somebody_elses_unusual_order_does_not_hide_all_others(changed: Any, name: str, word: Any) -> None:
    (read,) = parse_order(order(**changed))
    assert getattr(read, name) == word


@pytest.mark.parametrize("changed", [{"status": "melted"}, {"side": "sideways"}])
def test_a_status_or_side_of_no_known_name_is_never_guessed(changed: Any) -> None:
    with pytest.raises(Unreadable, match="not a known word"):
        parse_order(order(**changed))


@pytest.mark.parametrize("gone", ["execution_id", "qty", "price", "order", "timestamp"])
def test_half_a_fill_is_none(gone: str) -> None:
    lost = {gone: ...} if gone != "timestamp" else {"timestamp": ..., "at": ...}
    with pytest.raises(Unreadable):
        parse_update(update(**lost))


@pytest.mark.parametrize("body", [None, [], "text", 7, {"event": "exploded"}, {"event": None}])
def test_a_message_that_is_none_is_unreadable(body: Any) -> None:
    with pytest.raises(Unreadable):
        parse_update({**read_json(UPDATE), **body} if isinstance(body, dict) else body)


def test_the_fill_of_a_spread_that_names_a_strange_leg_is_unreadable() -> None:
    told = read_json(SPREAD)
    told["legs"][0]["order_id"] = "SOMEBODY"
    with pytest.raises(Unreadable, match="none of the order's legs"):
        parse_update(told)


def test_orders_inside_orders_without_end_are_refused() -> None:
    told = order()
    for _ in range(10):
        told = order(legs=[told])
    with pytest.raises(Unreadable, match="nested"):
        parse_order(told)


@pytest.mark.parametrize("number", ["1e999999", "9" * 100, "NaN", "Infinity", "1_000", "ten", True, [], {}])
def test_what_no_quantity_can_be_is_refused_at_once(number: Any) -> None:
    with pytest.raises(Unreadable, match="qty is not a number"):
        parse_order(order(qty=number))


@given(st.binary(max_size=200) | st.sampled_from([b"[" * 5000, b'{"a":' * 5000, b"\xff", b"", b"<html>"]))
@settings(max_examples=50, deadline=None)
def test_a_body_that_is_not_json_is_unreadable_and_nothing_worse(body: bytes) -> None:
    assert len(said_of(lambda told: parse_orders(read_json(told)), body)) < 300


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(order())), inner, max_size=5),
    max_leaves=10,
)


@given(
    json,
    st.sampled_from(
        [parse_order, parse_orders, parse_update, parse_positions, parse_account, parse_asset, parse_fills]
    ),
)
@settings(max_examples=150, deadline=None)
def test_whatever_json_it_is_no_reader_fails_in_another_way(body: Any, parse: Any) -> None:
    assert said_of(parse, body)


@given(st.sampled_from(sorted(order())), json)
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_a_field_no_reader_fails_in_another_way(name: str, value: Any) -> None:
    assert said_of(parse_order, order(**{name: value}))


@pytest.mark.parametrize(
    ("spelled", "pair"),
    [("BTCUSD", "BTC/USD"), ("BTCUSDT", "BTC/USDT"), ("ETHUSDC", "ETH/USDC"), ("ETHBTC", "ETH/BTC"),
     ("USDTUSD", "USDT/USD"), ("USDCUSD", "USDC/USD"), ("USDTUSDC", "USDT/USDC"), ("BTC/USD", "BTC/USD"),
     ("USD", "USD")],
)  # fmt: skip
def test_a_pair_gets_its_slash_back(spelled: str, pair: str) -> None:
    assert parse_pair(spelled) == pair


@pytest.mark.parametrize(
    ("symbol", "side", "qty"), [("BTCUSD", "long", "0.1"), ("AAPL", "short", "-3"), ("AAPL", "short", "3")]
)
def test_a_position_has_the_symbol_of_orders_and_the_sign_of_its_side(symbol: str, side: str, qty: str) -> None:
    crypto = symbol == "BTCUSD"
    told = {**read_json(POSITION), "symbol": symbol, "side": side, "qty": qty, "current_price": None}
    (held,) = parse_positions([told | {"asset_class": "crypto" if crypto else "us_equity"}])
    assert (held.symbol, held.qty) == (("BTC/USD", Decimal("0.1")) if crypto else ("AAPL", Decimal(-3)))
    assert held.price == 0


@pytest.mark.parametrize(
    ("told", "symbol"), [("BTCUSD", "BTC/USD"), ("BTC/USD", "BTC/USD"), ("XUSD", "XUSD"), ("BAC.PUSD", "BAC.PUSD")]
)
def test_an_activity_tells_no_class_and_its_pair_is_found_all_the_same(told: str, symbol: str) -> None:
    row = {**read_json(ACTIVITIES)[0], "symbol": told, "side": "sell_short"}
    (fill,), _, _ = parse_fills([row])
    assert (fill.symbol, fill.side) == (symbol, Side.SELL)


def test_activities_that_are_no_fills_are_counted_and_passed_over() -> None:
    fee = {"id": "20260302093107298::f", "activity_type": "FEE"}
    assert parse_fills([fee]) == ((), "20260302093107298::f", 1)
    assert parse_fills([]) == ((), "", 0)


def test_an_account_needs_its_money_and_no_more() -> None:
    account = parse_account({"cash": "1", "equity": "2", "buying_power": "3", "daytrade_count": 4})
    assert (account.cash, account.equity, account.buying_power, account.sma, account.multiplier) == (1, 2, 3, 0, 1)
    with pytest.raises(Unreadable, match="cash is missing"):
        parse_account({"equity": "2", "buying_power": "3"})


def test_an_asset_may_only_what_it_is_said_to() -> None:
    asset = parse_asset({"id": "a", "class": "us_equity", "symbol": "X"})
    assert not any((asset.tradable, asset.active, asset.shortable, asset.fractionable, asset.marginable))
    hard = parse_asset({**read_json(ASSET), "borrow_status": "hard_to_borrow", "easy_to_borrow": True})
    assert not hard.easy_to_borrow
    assert hard.asset_class is AssetClass.CRYPTO


def test_a_contract_is_told_by_its_strike() -> None:
    assert [is_contract(each) for each in ("AAPL260320C00200000", "AAPL", "BTC/USD", "12345678")] == [
        True,
        *[False] * 3,
    ]
