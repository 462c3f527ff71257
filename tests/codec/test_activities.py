"""Each fill and each fee is one activity, with an id in New York's wall time and an event id in the order of events.

The end of option contracts is one too, and the trade of shares that it brings another.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from attrs import evolve

from engine.codec.activities import (
    activities_of,
    activities_of_settlement,
    render_activity,
    render_activity_event,
)
from engine.model.instant import parse_instant
from engine.model.order import (
    AssetClass,
    Fill,
    Order,
    OrderChange,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
    TimeInForce,
)
from engine.model.settlement import Settlement, SettlementKind

AT = parse_instant("2026-03-02T14:31:07.298Z")
ORDER = Order(
    id="o",
    client_order_id="c",
    symbol="BTC/USD",
    asset_id="a",
    asset_class=AssetClass.CRYPTO,
    side=Side.BUY,
    type=OrderType.MARKET,
    time_in_force=TimeInForce.GTC,
    status=OrderStatus.PARTIALLY_FILLED,
    qty=Decimal(10),
    filled_qty=Decimal(5),
)
FILL = Fill(
    execution_id="0f0e4c1e-0000-4000-8000-000000000001",
    order_id="o",
    symbol="BTC/USD",
    side=Side.BUY,
    qty=Decimal(3),
    price=Decimal("201.12"),
    ts_ns=AT,
    fee=Decimal("0.0075"),
    fee_asset="BTC",
)


def update(**values: Any) -> OrderUpdate:
    told: dict[str, Any] = {"change": OrderChange.PARTIAL_FILL, "order": ORDER, "ts_ns": AT, "fill": FILL}
    return OrderUpdate(**(told | {"event_id": "01KJPZZZZZ000000000000000Z"} | values))


def test_a_fill_is_told_with_what_is_left_of_its_order() -> None:
    fill, _ = activities_of(update())
    assert render_activity(fill) == {
        "id": "20260302093107298::0f0e4c1e-0000-4000-8000-000000000001",
        "activity_type": "FILL",
        "transaction_time": "2026-03-02T14:31:07.298Z",
        "type": "partial_fill",
        "price": "201.12",
        "qty": "3",
        "side": "buy",
        "symbol": "BTC/USD",
        "leaves_qty": "5",
        "order_id": "o",
        "cum_qty": "5",
        "order_status": "partially_filled",
    }


def test_a_fee_is_an_activity_of_its_own_in_dollars_or_in_coins() -> None:
    fill, fee = activities_of(update())
    told = render_activity(fee)
    assert (told["activity_type"], told["qty"], told["net_amount"]) == ("CFEE", "-0.0075", "0")
    assert fee.id != fill.id
    assert fee.event_id == "01KJPZZZZZ0000000000000010" > fill.event_id
    (_, dollars) = activities_of(update(fill=evolve(FILL, fee=Decimal("0.02"), fee_asset="USD")))
    assert (render_activity(dollars)["activity_type"], render_activity(dollars)["net_amount"]) == ("FEE", "-0.02")


def test_what_filled_nothing_is_no_activity_and_legs_are_one_each() -> None:
    assert list(activities_of(update(fill=None))) == []
    free = evolve(FILL, fee=Decimal(0))
    legs = tuple(activities_of(update(leg_fills=(free, evolve(free, symbol="X")))))
    assert [each.fill.symbol for each in legs] == ["BTC/USD", "X"]
    assert len({each.event_id for each in legs}) == 2


CALL = "AAPL260302C00150000"
ENDED = evolve(FILL, order_id="", symbol=CALL, side=Side.SELL, qty=Decimal(2), price=Decimal(0), fee=Decimal(0))
SHARES = evolve(
    ENDED,
    execution_id="0f0e4c1e-0000-4000-8000-000000000002",
    symbol="AAPL",
    side=Side.BUY,
    qty=Decimal(200),
    price=Decimal(150),
)
EXERCISE = Settlement(
    kind=SettlementKind.EXERCISED,
    underlying="AAPL",
    contract=ENDED,
    shares=SHARES,
    event_id="01KJPZZZZZ0000000000000000",
)


def test_an_exercise_is_an_activity_and_its_shares_are_another_as_alpaca_s_docs_show() -> None:
    rows = [render_activity(activity) for activity in activities_of_settlement(EXERCISE)]
    shown = ("activity_type", "date", "net_amount", "description", "symbol", "qty", "price", "status")
    assert [[row.get(name) for name in shown] for row in rows] == [
        ["OPEXC", "2026-03-02", "0", "Option Exercise", CALL, "-2", None, "executed"],
        ["OPTRD", "2026-03-02", "-30000", "Option Trade", "AAPL", "200", "150", "executed"],
    ]
    assert rows[0]["group_id"] == rows[1]["group_id"] == ENDED.execution_id
    assert rows[0]["id"] == f"20260302093107298::{ENDED.execution_id}" != rows[1]["id"]


def test_contracts_that_were_sold_come_back_and_give_shares_for_money() -> None:
    assigned = evolve(
        EXERCISE,
        kind=SettlementKind.ASSIGNED,
        contract=evolve(ENDED, side=Side.BUY),
        shares=evolve(SHARES, side=Side.SELL),
    )
    rows = [render_activity(activity) for activity in activities_of_settlement(assigned)]
    assert [(row["activity_type"], row["qty"], row["net_amount"]) for row in rows] == [
        ("OPASN", "2", "0"),
        ("OPTRD", "-200", "30000"),
    ]
    (expired,) = activities_of_settlement(evolve(EXERCISE, kind=SettlementKind.EXPIRED, shares=None))
    assert (render_activity(expired)["activity_type"], render_activity(expired)["qty"]) == ("OPEXP", "-2")


def test_the_event_stream_names_the_contract_and_its_underlying_in_both() -> None:
    first, second = (
        render_activity_event(activity, date(2026, 3, 3), Decimal(1)) for activity in activities_of_settlement(EXERCISE)
    )
    assert first["event_id"] < second["event_id"]
    details = {"symbol": "AAPL", "contract_symbol": CALL, "group_id": ENDED.execution_id}
    assert first["details"] == second["details"] == details
    assert (first["activity_type"], first["net_amount"]) == ("OPEXC", "0")
    assert (second["activity_type"], second["net_amount"], second["price"]) == ("OPTRD", "-30000", "150")
