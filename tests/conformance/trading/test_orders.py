"""Every order request class of the SDK with every time in force: taken as it was asked for, or refused for a reason.

What is taken is compared with the order in the exchange's books, and what fills with the market that was published.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderSide, OrderStatus, PositionIntent, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    OrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopOrderRequest,
    TrailingStopOrderRequest,
)

pytestmark = pytest.mark.slow

BUY, SELL = OrderSide.BUY, OrderSide.SELL
DAY, GTC, OPG, CLS, IOC, FOK = TimeInForce
FAR = 100.0
"""Dollars: no stock here comes near it."""
CONTRACT = "AAPL260306C00230000"

Made = Callable[[TimeInForce], OrderRequest]


def market(time: TimeInForce) -> OrderRequest:
    return MarketOrderRequest(symbol="AAPL", qty=3, side=BUY, time_in_force=time)


def limit(time: TimeInForce) -> OrderRequest:
    return LimitOrderRequest(symbol="AAPL", qty=3, side=BUY, time_in_force=time, limit_price=FAR)


def stop(time: TimeInForce) -> OrderRequest:
    return StopOrderRequest(symbol="AAPL", qty=3, side=BUY, time_in_force=time, stop_price=10 * FAR)


def stop_limit(time: TimeInForce) -> OrderRequest:
    return StopLimitOrderRequest(
        symbol="AAPL", qty=3, side=BUY, time_in_force=time, stop_price=10 * FAR, limit_price=10 * FAR + 1
    )


def trailing_price(time: TimeInForce) -> OrderRequest:
    return TrailingStopOrderRequest(symbol="AAPL", qty=3, side=BUY, time_in_force=time, trail_price=FAR)


def trailing_percent(time: TimeInForce) -> OrderRequest:
    return TrailingStopOrderRequest(symbol="AAPL", qty=3, side=BUY, time_in_force=time, trail_percent=40)


RESTING: dict[Made, tuple[TimeInForce, ...]] = {
    limit: (DAY, GTC, CLS),
    market: (CLS,),
    stop: (DAY, GTC, IOC, FOK),  # immediate once the market has reached the stop price
    stop_limit: (DAY, GTC, IOC, FOK),
    trailing_price: (DAY, GTC),
    trailing_percent: (DAY, GTC),
}
"""What waits at noon. What is immediate ends at once, and orders for the opening are in `test_day`."""
REFUSED: dict[Made, tuple[TimeInForce, ...]] = {
    market: (OPG,),
    limit: (OPG,),
    stop: (OPG, CLS),
    stop_limit: (OPG, CLS),
    trailing_price: (OPG, CLS, IOC, FOK),
    trailing_percent: (OPG, CLS, IOC, FOK),
}


def combinations(table: dict[Made, tuple[TimeInForce, ...]]) -> list[Any]:
    return [pytest.param(made, time, id=f"{made.__name__}-{time.value}") for made in table for time in table[made]]


@pytest.mark.parametrize(("made", "time"), combinations(RESTING))
def test_an_order_that_waits_is_told_and_canceled(desk: Any, made: Made, time: TimeInForce) -> None:
    order = desk.submit(made(time))
    assert order.status in (OrderStatus.PENDING_NEW, OrderStatus.ACCEPTED)
    assert desk.until(order.id, "new")[-1].order.status == OrderStatus.NEW
    desk.trading.cancel_order_by_id(order.id)
    assert desk.until(order.id, "canceled")[-1].order.status == OrderStatus.CANCELED
    assert desk.held_order(order.id).status == "canceled"
    assert desk.trading.get_order_by_id(order.id).canceled_at is not None


@pytest.mark.parametrize(("made", "time"), combinations(REFUSED))
def test_an_order_that_alpaca_does_not_take_is_refused(desk: Any, made: Made, time: TimeInForce) -> None:
    with pytest.raises(APIError) as refused:
        desk.trading.submit_order(made(time))
    too_late = time is OPG and made in (market, limit)
    assert (refused.value.status_code, refused.value.code) == ((403, 40310000) if too_late else (422, 42210000))
    assert not desk.held(lambda brokerage: brokerage.open_orders())


@pytest.mark.parametrize("time", [DAY, GTC, IOC, FOK])
def test_a_market_order_fills_at_a_price_that_was_offered(desk: Any, time: TimeInForce) -> None:
    before = desk.cash()
    filled = desk.buy(market(time))
    assert (filled.status, Decimal(filled.filled_qty)) == (OrderStatus.FILLED, 3)
    offered = {Decimal(str(quote.ask_price)) for quote in desk.exchange.published("quotes", "AAPL")}
    assert Decimal(filled.filled_avg_price) in offered
    assert before - desk.cash() == 3 * Decimal(filled.filled_avg_price)
    events = [update.event for update in desk.updates(filled.id)]
    assert events == ["pending_new", "new", "fill"]
    fill = desk.updates(filled.id)[-1]
    assert (fill.qty, fill.position_qty, Decimal(str(fill.price))) == (3, 3, Decimal(filled.filled_avg_price))
    assert fill.execution_id is not None


@pytest.mark.parametrize("time", [IOC, FOK])
def test_what_cannot_trade_at_once_ends_at_once(desk: Any, time: TimeInForce) -> None:
    order = desk.submit(limit(time))
    assert desk.until(order.id, "canceled")[-1].order.filled_qty == "0"


@pytest.mark.parametrize("time", [DAY, GTC, IOC, FOK])
def test_a_limit_order_that_crosses_fills_no_worse(desk: Any, time: TimeInForce) -> None:
    ask = desk.quote("AAPL")[1] + 0.5
    filled = desk.buy(LimitOrderRequest(symbol="AAPL", qty=2, side=BUY, time_in_force=time, limit_price=round(ask, 2)))
    assert filled.status == OrderStatus.FILLED
    assert float(filled.filled_avg_price) <= ask


def test_stops_that_the_market_has_reached_trigger(desk: Any) -> None:
    bid = desk.quote("AAPL")[0]
    bought = desk.buy(StopOrderRequest(symbol="AAPL", qty=2, side=BUY, time_in_force=DAY, stop_price=round(bid - 1)))
    assert float(bought.filled_avg_price) <= round(bid - 1) * 1.025
    terms: dict[str, Any] = {"stop_price": round(bid + 5), "limit_price": round(bid - 5)}
    sold = desk.buy(StopLimitOrderRequest(symbol="AAPL", qty=2, side=SELL, time_in_force=GTC, **terms))
    assert float(sold.filled_avg_price) >= terms["limit_price"]


def test_a_trailing_stop_follows_and_sells(desk: Any) -> None:
    desk.buy(market(DAY))
    sold = desk.buy(TrailingStopOrderRequest(symbol="AAPL", qty=3, side=SELL, time_in_force=DAY, trail_price=0.01))
    assert float(sold.hwm) - float(sold.stop_price) == pytest.approx(0.01)
    assert sold.status == OrderStatus.FILLED


def test_fractions_and_dollars_buy_parts_of_shares(desk: Any) -> None:
    part = desk.buy(MarketOrderRequest(symbol="SPY", qty=0.5, side=BUY, time_in_force=DAY))
    assert Decimal(part.filled_qty) == Decimal("0.5")
    limited = desk.buy(
        LimitOrderRequest(symbol="SPY", qty=0.25, side=BUY, time_in_force=DAY, limit_price=desk.quote("SPY")[1] + 1)
    )
    assert Decimal(limited.filled_qty) == Decimal("0.25")
    worth = desk.buy(MarketOrderRequest(symbol="SPY", notional=150, side=BUY, time_in_force=DAY))
    assert Decimal(worth.filled_qty) * Decimal(worth.filled_avg_price) == pytest.approx(
        Decimal(150), abs=Decimal("0.01")
    )
    held = desk.held(lambda brokerage: brokerage.matching.position("SPY"))
    assert held.qty == sum(Decimal(order.filled_qty) for order in (part, limited, worth))


@pytest.mark.parametrize("time", [GTC, IOC])
def test_crypto_orders_pay_their_fee_in_the_coin(desk: Any, time: TimeInForce) -> None:
    bought = desk.buy(MarketOrderRequest(symbol="BTC/USD", qty=0.001, side=BUY, time_in_force=time))
    held = desk.held(lambda brokerage: brokerage.matching.position("BTC/USD"))
    assert 0 < held.qty < Decimal(bought.filled_qty)
    price = round(desk.quote("BTC/USD")[1] * 1.01)
    limited = desk.buy(
        LimitOrderRequest(symbol="BTC/USD", notional=50, side=BUY, time_in_force=time, limit_price=price)
    )
    assert limited.status == OrderStatus.FILLED
    resting = StopLimitOrderRequest(
        symbol="BTC/USD", qty=0.001, side=SELL, time_in_force=GTC, stop_price=19_000, limit_price=18_000
    )
    order = desk.submit(resting)
    assert desk.until(order.id, "new")[-1].order.symbol == "BTC/USD"


def test_an_option_is_bought_and_sold_with_its_intent(desk: Any) -> None:
    before = desk.cash()
    bought = desk.buy(
        MarketOrderRequest(
            symbol=CONTRACT, qty=1, side=BUY, time_in_force=DAY, position_intent=PositionIntent.BUY_TO_OPEN
        )
    )
    assert bought.position_intent == PositionIntent.BUY_TO_OPEN
    assert before - desk.cash() == 100 * Decimal(bought.filled_avg_price)
    sold = desk.submit(
        LimitOrderRequest(
            symbol=CONTRACT, qty=1, side=SELL, time_in_force=GTC, limit_price=99.99,
            position_intent=PositionIntent.SELL_TO_CLOSE,
        )
    )  # fmt: skip
    assert desk.until(sold.id, "new")[-1].order.position_intent == PositionIntent.SELL_TO_CLOSE
    desk.trading.cancel_order_by_id(sold.id)
    for request in (
        StopOrderRequest(symbol=CONTRACT, qty=1, side=SELL, time_in_force=DAY, stop_price=0.01),
        StopLimitOrderRequest(symbol=CONTRACT, qty=1, side=SELL, time_in_force=DAY, stop_price=0.02, limit_price=0.01),
    ):
        order = desk.submit(request)
        desk.until(order.id, "new")
        desk.trading.cancel_order_by_id(order.id)
        desk.until(order.id, "canceled")


def test_a_replaced_order_names_the_one_in_its_place(desk: Any) -> None:
    first = desk.submit(limit(DAY))
    desk.until(first.id, "new")
    change = ReplaceOrderRequest(qty=5, limit_price=FAR + 1, time_in_force=GTC, client_order_id=f"second-{first.id}")
    second = desk.trading.replace_order_by_id(first.id, change)
    told = desk.until(first.id, "replaced")[-1].order
    assert (told.replaced_by, second.replaces) == (second.id, first.id)
    now = desk.trading.get_order_by_id(second.id)
    assert (now.qty, float(now.limit_price), now.time_in_force) == ("5", FAR + 1, GTC)
    assert desk.trading.get_order_by_client_id(f"second-{first.id}").id == second.id
    assert desk.held_order(first.id).status == "replaced"
    stopped = desk.submit(stop(DAY))
    desk.until(stopped.id, "new")
    moved = desk.trading.replace_order_by_id(stopped.id, ReplaceOrderRequest(stop_price=11 * FAR))
    assert float(moved.stop_price) == 11 * FAR
    trailing = desk.submit(trailing_price(DAY))
    desk.until(trailing.id, "new")
    assert float(desk.trading.replace_order_by_id(trailing.id, ReplaceOrderRequest(trail=50)).trail_price) == 50


def test_orders_are_listed_as_they_are_asked_for(desk: Any) -> None:
    first = desk.submit(limit(DAY))
    second = desk.submit(LimitOrderRequest(symbol="MSFT", qty=1, side=SELL, time_in_force=GTC, limit_price=10 * FAR))
    listed = {
        name: [order.id for order in desk.trading.get_orders(GetOrdersRequest(**asked))]
        for name, asked in {
            "newest first": {},
            "oldest first": {"direction": "asc"},
            "one": {"limit": 1},
            "of AAPL": {"symbols": ["AAPL"]},
            "sales": {"side": SELL},
            "until the second": {"until": second.submitted_at - timedelta(milliseconds=1)},
            "after the first": {"after": first.submitted_at + timedelta(milliseconds=1), "nested": True},
        }.items()
    }
    assert listed == {
        "newest first": [second.id, first.id],
        "oldest first": [first.id, second.id],
        "one": [second.id],
        "of AAPL": [first.id],
        "sales": [second.id],
        "until the second": [first.id],
        "after the first": [second.id],
    }
    desk.trading.cancel_order_by_id(first.id)
    desk.until(first.id, "canceled")
    closed = desk.trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.CLOSED, limit=1))
    assert [(order.id, order.status) for order in closed] == [(first.id, OrderStatus.CANCELED)]
    every = desk.trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, limit=500))
    assert {first.id, second.id} <= {order.id for order in every}
    assert desk.trading.get_order_by_id(second.id, GetOrderByIdRequest(nested=True)).limit_price == "1000"


def test_cancel_all_cancels_all(desk: Any) -> None:
    orders = [desk.submit(made(DAY)) for made in (limit, stop, trailing_price)]
    assert {(row.id, row.status) for row in desk.trading.cancel_orders()} == {(order.id, 200) for order in orders}
    for order in orders:
        desk.until(order.id, "canceled")
    assert desk.trading.get_orders() == []


def test_a_client_order_id_is_taken_once(desk: Any) -> None:
    request = limit(DAY)
    request.client_order_id = "only-once"
    first = desk.submit(request)
    assert desk.trading.get_order_by_client_id("only-once").id == first.id
    with pytest.raises(APIError) as refused:
        desk.trading.submit_order(request)
    assert (refused.value.status_code, refused.value.code) == (422, 40010001)
    assert refused.value.message == "client_order_id must be unique"
    with pytest.raises(APIError) as unknown:
        desk.trading.get_order_by_client_id("never")
    assert (unknown.value.status_code, unknown.value.code) == (404, 40410000)
