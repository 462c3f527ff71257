"""The account as the SDK shows it is the account in the exchange's books: positions, activities, worth, settings."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderSide, PositionSide, TimeInForce
from alpaca.trading.models import AccountConfiguration, NonTradeActivity, TradeActivity
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
)

pytestmark = pytest.mark.slow

BUY, SELL = OrderSide.BUY, OrderSide.SELL
DAY = TimeInForce.DAY
CALL, PUT = "AAPL260306C00225000", "AAPL260306P00235000"
NOBODY = "7c1e2a10-0000-4000-8000-00000000dead"


def market(symbol: str, qty: float, side: OrderSide = BUY) -> MarketOrderRequest:
    return MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=DAY)


def test_the_account_is_that_of_the_books(desk: Any) -> None:
    desk.buy(market("SPY", 10))
    shown = desk.trading.get_account()
    held = desk.held(lambda brokerage: brokerage.matching.account())
    assert (Decimal(shown.cash), shown.multiplier, shown.currency) == (held.cash, "4", "USD")
    assert (shown.status.value, shown.shorting_enabled, shown.options_trading_level) == ("ACTIVE", True, 3)
    assert Decimal(shown.equity) == Decimal(shown.cash) + Decimal(shown.long_market_value)
    assert shown.pattern_day_trader is None, "Alpaca took it out in July 2026"


def test_positions_are_those_of_the_books(desk: Any) -> None:
    bought, shorted = desk.buy(market("AAPL", 5)), desk.buy(market("MSFT", 2, SELL))
    shown = {position.symbol: position for position in desk.trading.get_all_positions()}
    held = {each.asset.symbol: each for each in desk.held(lambda brokerage: brokerage.matching.positions())}
    assert {symbol: Decimal(position.qty) for symbol, position in shown.items()} == {
        symbol: position.qty for symbol, position in held.items()
    }
    assert (shown["AAPL"].side, shown["MSFT"].side) == (PositionSide.LONG, PositionSide.SHORT)
    assert Decimal(shown["AAPL"].avg_entry_price) == Decimal(bought.filled_avg_price)
    assert Decimal(shown["MSFT"].cost_basis) == -2 * Decimal(shorted.filled_avg_price)
    one = desk.trading.get_open_position("AAPL")
    assert (one.asset_id, one.qty_available) == (bought.asset_id, "5")
    assert Decimal(one.unrealized_pl) == Decimal(one.market_value) - Decimal(one.cost_basis)
    assert desk.trading.get_open_position(bought.asset_id).symbol == "AAPL"
    with pytest.raises(APIError) as unknown:
        desk.trading.get_open_position("SPY")
    assert (unknown.value.status_code, unknown.value.code) == (404, 40410000)


def test_a_position_is_closed_in_part_and_as_a_whole(desk: Any) -> None:
    desk.buy(market("AAPL", 8))
    for asked, left in (
        (ClosePositionRequest(qty="2"), "6"),
        (ClosePositionRequest(percentage="50"), "3"),
    ):
        order = desk.trading.close_position("AAPL", asked)
        assert order.side == SELL
        desk.until(order.id, "fill")
        assert desk.trading.get_open_position("AAPL").qty == left
    desk.until(desk.trading.close_position("AAPL").id, "fill")
    assert desk.trading.get_all_positions() == []
    with pytest.raises(APIError) as nothing:
        desk.trading.close_position("AAPL")
    assert nothing.value.status_code == 404


def test_closing_all_says_for_each_position_what_became_of_it(desk: Any) -> None:
    desk.buy(market("AAPL", 3))
    desk.buy(market("SPY", 2))
    price = round(desk.quote("AAPL")[1] + 50)
    held = desk.submit(LimitOrderRequest(symbol="AAPL", qty=3, side=SELL, time_in_force=DAY, limit_price=price))
    desk.until(held.id, "new")
    rows = {row.symbol: row for row in desk.trading.close_all_positions()}
    assert (rows["AAPL"].status, rows["SPY"].status) == (403, 200)
    assert (rows["AAPL"].body.code, rows["AAPL"].body.held_for_orders, rows["AAPL"].body.available) == (40310000, 3, 0)
    desk.until(rows["SPY"].order_id, "fill")
    (row,) = desk.trading.close_all_positions(cancel_orders=True)
    assert (row.symbol, row.status, row.body.side) == ("AAPL", 200, SELL)
    desk.until(held.id, "canceled")
    desk.until(row.order_id, "fill")
    assert desk.trading.get_all_positions() == []


def test_exercising_a_call_buys_its_shares_at_the_strike(desk: Any) -> None:
    desk.buy(market(CALL, 1))
    before = desk.cash()
    assert desk.trading.exercise_options_position(CALL) is None
    (position,) = desk.trading.get_all_positions()
    assert (position.symbol, position.qty, position.avg_entry_price) == ("AAPL", "100", "225")
    assert before - desk.cash() == 22_500
    with pytest.raises(APIError) as nothing:
        desk.trading.exercise_options_position(CALL)
    assert (nothing.value.status_code, nothing.value.message) == (
        403, "no available position for the specified contract",
    )  # fmt: skip
    desk.buy(market(PUT, 1))
    contract = desk.trading.get_option_contract(PUT)
    desk.trading.exercise_options_position(contract.id)
    assert desk.trading.get_all_positions() == []


def test_activities_are_the_fills_of_the_stream(desk: Any) -> None:
    orders = [desk.buy(market("AAPL", 2)), desk.buy(market("AAPL", 2, SELL))]
    coin = MarketOrderRequest(symbol="BTC/USD", qty=0.01, side=BUY, time_in_force=TimeInForce.GTC)
    orders.append(desk.buy(coin))
    fills = {fill.execution_id: fill for order in orders for fill in desk.updates(order.id) if fill.execution_id}
    after = desk.trading.get_order_by_id(orders[0].id).submitted_at - timedelta(milliseconds=1)
    rows = desk.trading.get("/account/activities", {"after": after.isoformat(), "page_size": 100})
    told = [row | {"account_id": NOBODY} for row in rows]  # the SDK's models want one, Alpaca's list has none
    trades = [TradeActivity(**row) for row in told if row["activity_type"] == "FILL"]
    fees = [NonTradeActivity(**row) for row in told if row["activity_type"] == "CFEE"]
    assert {each.id.partition("::")[2] for each in trades} == {str(execution_id) for execution_id in fills}
    for each in trades:
        fill = fills[next(known for known in fills if str(known) == each.id.partition("::")[2])]
        assert (each.order_id, each.qty, each.price) == (fill.order.id, fill.qty, fill.price)
    assert trades == sorted(trades, key=lambda each: each.transaction_time, reverse=True)
    position = desk.held(lambda brokerage: brokerage.matching.position("BTC/USD"))
    assert Decimal("0.01") + sum(Decimal(str(fee.qty)) for fee in fees) == position.qty
    only = desk.trading.get("/account/activities/FILL", {"order_id": str(orders[1].id)})
    assert {row["order_id"] for row in only} == {str(orders[1].id)}
    first = desk.trading.get("/account/activities", {"page_size": 1})
    second = desk.trading.get("/account/activities", {"page_size": 1, "page_token": first[0]["id"]})
    assert [*first, *second] == rows[:2]


def test_the_portfolio_history_ends_with_what_the_account_is_worth(desk: Any) -> None:
    asked = GetPortfolioHistoryRequest(period="1D", timeframe="1Min", extended_hours=True)
    history = desk.trading.get_portfolio_history(asked)
    worth = float(desk.held(lambda brokerage: brokerage.matching.account().equity))
    assert history.timeframe == "1Min"
    assert history.base_value == 100_000
    assert len(history.timestamp) == len(history.equity) == len(history.profit_loss) == len(history.profit_loss_pct)
    assert history.timestamp == sorted(set(history.timestamp))
    assert history.equity[-1] == worth  # nothing is held, so nothing moves it
    assert history.profit_loss[-1] == pytest.approx(worth - 100_000)
    assert desk.trading.get_portfolio_history().timeframe == "1D"


def test_settings_are_kept_and_obeyed(desk: Any) -> None:
    before = desk.trading.get_account_configurations()
    changed = before.model_copy(update={"no_shorting": True, "fractional_trading": False})
    assert isinstance(changed, AccountConfiguration)
    assert desk.trading.set_account_configurations(changed) == changed
    try:
        assert desk.trading.get_account_configurations() == changed
        assert desk.held(lambda brokerage: brokerage.settings.no_shorting) is True
        with pytest.raises(APIError) as refused:
            desk.trading.submit_order(market("AAPL", 1, SELL))
        assert (refused.value.status_code, refused.value.message) == (403, "account is not allowed to short")
    finally:
        desk.trading.set_account_configurations(before)
    assert desk.trading.get_account_configurations() == before
