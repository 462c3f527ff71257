"""Orders that hang on one another, asked for with the SDK: brackets, OCO, OTO, and several option legs as one."""

from decimal import Decimal
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, OrderType, PositionIntent, TimeInForce
from alpaca.trading.requests import (
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    OptionLegRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
)

pytestmark = pytest.mark.slow

BUY, SELL = OrderSide.BUY, OrderSide.SELL
DAY, GTC = TimeInForce.DAY, TimeInForce.GTC
NEAR = 0.1
"""Dollars: the market gets there within a second, and not before an order does."""
NESTED = GetOrderByIdRequest(nested=True)
CALL_NEAR, CALL_FAR = "AAPL260306C00230000", "AAPL260306C00235000"
PUT_NEAR, PUT_FAR = "AAPL260306P00230000", "AAPL260306P00225000"


def exits(low: float, high: float, limit: float | None = None) -> dict[str, Any]:
    return {
        "take_profit": TakeProfitRequest(limit_price=high),
        "stop_loss": StopLossRequest(stop_price=low, limit_price=limit),
    }


def statuses(desk: Any, order_id: object) -> list[str]:
    """Of an order and its legs, as the exchange holds them."""
    held = desk.held_order(order_id)
    return [held.status.value, *(leg.status.value for leg in desk.held(lambda broker: broker.legs_of(held)))]


def settled(desk: Any, until: Any, order_id: object, expected: set[tuple[str, ...]]) -> None:
    until(lambda: tuple(statuses(desk, order_id)) in expected, f"one of {expected}")


@pytest.mark.parametrize("time", [DAY, GTC])
def test_a_bracket_takes_its_profit_or_its_loss_and_never_both(desk: Any, until: Any, time: TimeInForce) -> None:
    bid, ask = desk.quote("AAPL")
    order = desk.submit(
        MarketOrderRequest(
            symbol="AAPL",
            qty=4,
            side=BUY,
            time_in_force=time,
            order_class=OrderClass.BRACKET,
            **exits(round(bid - NEAR, 2), round(ask + NEAR, 2)),
        )
    )
    assert (order.order_class, len(order.legs)) == (OrderClass.BRACKET, 2)
    desk.until(order.id, "fill")
    settled(desk, until, order.id, {("filled", "filled", "canceled"), ("filled", "canceled", "filled")})
    shown = desk.trading.get_order_by_id(order.id, NESTED)
    assert sorted(leg.type for leg in shown.legs) == [OrderType.LIMIT, OrderType.STOP]
    assert sorted(leg.status for leg in shown.legs) == [OrderStatus.CANCELED, OrderStatus.FILLED]
    assert desk.trading.get_all_positions() == []


def test_the_exits_of_a_bracket_are_held_until_it_is_filled(desk: Any, until: Any) -> None:
    bid, _ = desk.quote("MSFT")
    price = round(bid - 50, 2)
    order = desk.submit(
        LimitOrderRequest(
            symbol="MSFT",
            qty=4,
            side=BUY,
            time_in_force=DAY,
            order_class=OrderClass.BRACKET,
            limit_price=price,
            **exits(price - 10, price + 10, price - 11),
        )
    )
    settled(desk, until, order.id, {("new", "held", "held")})
    assert desk.trading.get_orders(GetOrdersRequest(nested=True))[0].legs[1].limit_price is not None
    desk.trading.cancel_order_by_id(order.id)
    settled(desk, until, order.id, {("canceled", "canceled", "canceled")})


def test_a_stop_may_open_a_bracket_and_its_legs_can_be_moved(desk: Any, until: Any) -> None:
    bid, _ = desk.quote("MSFT")
    order = desk.submit(
        StopOrderRequest(
            symbol="MSFT",
            qty=2,
            side=BUY,
            time_in_force=GTC,
            order_class=OrderClass.BRACKET,
            stop_price=round(bid - 1),
            **exits(round(bid - 50), round(bid + 50)),
        )
    )
    desk.until(order.id, "fill")
    settled(desk, until, order.id, {("filled", "new", "held")})
    profit = desk.trading.get_order_by_id(order.id, NESTED).legs[0]
    moved = desk.trading.replace_order_by_id(profit.id, ReplaceOrderRequest(limit_price=round(bid + 60)))
    assert (float(moved.limit_price), moved.replaces) == (round(bid + 60), profit.id)
    desk.trading.cancel_order_by_id(moved.id)
    until(lambda: not desk.trading.get_orders(), "both exits to end")
    assert Decimal(desk.trading.get_open_position("MSFT").qty) == 2


def test_an_oco_sells_once(desk: Any, until: Any) -> None:
    desk.buy(MarketOrderRequest(symbol="SPY", qty=3, side=BUY, time_in_force=DAY))
    bid, ask = desk.quote("SPY")
    order = desk.submit(
        LimitOrderRequest(
            symbol="SPY",
            qty=3,
            side=SELL,
            time_in_force=GTC,
            order_class=OrderClass.OCO,
            **exits(round(bid - NEAR, 2), round(ask + NEAR, 2)),
        )
    )
    assert (order.order_class, order.type, len(order.legs)) == (OrderClass.OCO, OrderType.LIMIT, 1)
    settled(desk, until, order.id, {("filled", "canceled"), ("canceled", "filled")})
    assert desk.trading.get_all_positions() == []


@pytest.mark.parametrize("exit_with", ["take_profit", "stop_loss"])
def test_an_oto_brings_one_exit(desk: Any, until: Any, exit_with: str) -> None:
    bid, ask = desk.quote("AAPL")
    terms = exits(round(bid - 40, 2), round(ask + 40, 2))
    order = desk.submit(
        MarketOrderRequest(
            symbol="AAPL",
            qty=2,
            side=BUY,
            time_in_force=DAY,
            order_class=OrderClass.OTO,
            **{exit_with: terms[exit_with]},
        )
    )
    desk.until(order.id, "fill")
    settled(desk, until, order.id, {("filled", "new")})
    leg = desk.trading.get_order_by_id(order.id, NESTED).legs[0]
    assert leg.type == (OrderType.LIMIT if exit_with == "take_profit" else OrderType.STOP)
    desk.trading.cancel_order_by_id(leg.id)
    desk.until(leg.id, "canceled")


def test_legs_on_the_wrong_side_are_refused(desk: Any) -> None:
    bid, _ = desk.quote("AAPL")
    request = LimitOrderRequest(
        symbol="AAPL",
        qty=1,
        side=BUY,
        time_in_force=DAY,
        order_class=OrderClass.BRACKET,
        limit_price=round(bid, 2),
        **exits(round(bid + 5, 2), round(bid + 10, 2)),
    )
    with pytest.raises(APIError) as refused:
        desk.trading.submit_order(request)
    assert (refused.value.status_code, refused.value.code) == (422, 42210000)
    assert "stop_loss.stop_price must be <= base_price - 0.01" in refused.value.message


def leg(symbol: str, side: OrderSide, intent: PositionIntent) -> OptionLegRequest:
    return OptionLegRequest(symbol=symbol, ratio_qty=1, side=side, position_intent=intent)


def test_a_spread_fills_as_one(desk: Any) -> None:
    before = desk.cash()
    legs = [
        leg(CALL_NEAR, BUY, PositionIntent.BUY_TO_OPEN),
        leg(CALL_FAR, SELL, PositionIntent.SELL_TO_OPEN),
    ]
    bought = desk.buy(MarketOrderRequest(qty=2, time_in_force=DAY, order_class=OrderClass.MLEG, legs=legs))
    assert (bought.order_class, bought.symbol, bought.status) == (OrderClass.MLEG, None, OrderStatus.FILLED)
    shown = desk.trading.get_order_by_id(bought.id, NESTED).legs
    assert {(each.symbol, each.filled_qty, each.ratio_qty) for each in shown} == {
        (CALL_NEAR, "2", "1"),
        (CALL_FAR, "2", "1"),
    }
    prices = {each.symbol: Decimal(each.filled_avg_price) for each in shown}
    assert Decimal(bought.filled_avg_price) == prices[CALL_NEAR] - prices[CALL_FAR]
    assert before - desk.cash() == 200 * Decimal(bought.filled_avg_price)
    held = {each.symbol: each.qty for each in desk.trading.get_all_positions()}
    assert held == {CALL_NEAR: "2", CALL_FAR: "-2"}
    back = [
        leg(CALL_NEAR, SELL, PositionIntent.SELL_TO_CLOSE),
        leg(CALL_FAR, BUY, PositionIntent.BUY_TO_CLOSE),
    ]
    sold = desk.buy(
        LimitOrderRequest(qty=2, time_in_force=DAY, order_class=OrderClass.MLEG, legs=back, limit_price=5.0)
    )
    assert sold.status == OrderStatus.FILLED
    assert desk.trading.get_all_positions() == []


def test_a_condor_waits_at_its_limit_and_is_replaced(desk: Any) -> None:
    legs = [
        leg(CALL_NEAR, SELL, PositionIntent.SELL_TO_OPEN),
        leg(CALL_FAR, BUY, PositionIntent.BUY_TO_OPEN),
        leg(PUT_NEAR, SELL, PositionIntent.SELL_TO_OPEN),
        leg(PUT_FAR, BUY, PositionIntent.BUY_TO_OPEN),
    ]
    order = desk.submit(
        LimitOrderRequest(qty=1, time_in_force=GTC, order_class=OrderClass.MLEG, legs=legs, limit_price=-20.0)
    )
    assert desk.until(order.id, "new")[-1].order.legs is not None
    changed = desk.trading.replace_order_by_id(order.id, ReplaceOrderRequest(limit_price=-21.0))
    assert float(changed.limit_price) == -21.0
    desk.trading.cancel_order_by_id(changed.id)
    assert desk.until(changed.id, "canceled")
