"""Each fill and each fee is one activity, with an id in New York's wall time and an event id in the order of events."""

from decimal import Decimal
from typing import Any

from attrs import evolve

from engine.codec.activities import activities_of, render_activity
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
