"""A trading day as the orders of the SDK live it: auctions, hours, and what ends with the day.

At speed 0 the market stands until somebody reads, so all orders are in before it moves; then it runs as fast as a data
stream of the SDK takes it, and every update comes at the market's own time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from alpaca.data.live import StockDataStream
from alpaca.trading.enums import OrderSide, OrderStatus, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest, OrderRequest

pytestmark = pytest.mark.slow

BUY, SELL = OrderSide.BUY, OrderSide.SELL
DAY, GTC, OPG, CLS, *_ = TimeInForce
EIGHT = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
"""In New York: stocks trade since four, and open at half past nine."""
FOUR, EIGHT_PM = EIGHT + timedelta(hours=8), EIGHT + timedelta(hours=12)
OPENING = EIGHT + timedelta(minutes=90)
SECOND = timedelta(seconds=1)


def market(time: TimeInForce, side: OrderSide = BUY) -> OrderRequest:
    return MarketOrderRequest(symbol="AAPL", qty=10, side=side, time_in_force=time)


def limit(time: TimeInForce, price: float, *, extended: bool = False) -> OrderRequest:
    return LimitOrderRequest(
        symbol="AAPL", qty=10, side=BUY, time_in_force=time, limit_price=price, extended_hours=extended
    )


ORDERS = {
    "opg": market(OPG),
    "opg limit": limit(OPG, 1000.0),
    "opg too low": limit(OPG, 1.0),
    "cls": market(CLS),
    "cls limit": limit(CLS, 1000.0),
    "cls too low": limit(CLS, 1.0),
    "day": market(DAY),
    "gtc": market(GTC),
    "day too low": limit(DAY, 1.0),
    "gtc too low": limit(GTC, 1.0),
    "early": limit(DAY, 1000.0, extended=True),
    "early too low": limit(DAY, 1.0, extended=True),
}


@pytest.fixture(scope="module")
def day(open_desk: Any, ear: Any, started: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A desk after a whole day, and the orders that were submitted before it, by name."""
    with open_desk(symbols="AAPL", events_per_s=2, speed=0, start=EIGHT, seed=3) as desk:
        orders = {name: desk.submit(request) for name, request in ORDERS.items()}
        reader = StockDataStream("k", "s", url_override=desk.exchange.data_stream_url + "/v2/iex")
        reader.subscribe_bars(ear().take, "AAPL")
        with started(reader):
            desk.until(orders["early too low"].id, "expired")  # at eight in the evening, the last of them
            reader.stop()
        yield desk, orders


def when(desk: Any, orders: dict[str, Any], name: str, event: str) -> datetime:
    """The market time at which something happened to an order, in New York's offset or not."""
    (update,) = [each for each in desk.updates(orders[name].id) if each.event == event]
    return update.timestamp


def prints(desk: Any, condition: str) -> Any:
    """The print of an auction."""
    (cross,) = [each for each in desk.exchange.published("trades", "AAPL") if condition in each.conditions]
    return cross


@pytest.mark.parametrize(
    ("names", "condition", "at"), [(("opg", "opg limit"), "O", OPENING), (("cls", "cls limit"), "6", FOUR)]
)
def test_orders_for_an_auction_fill_at_its_price(day: Any, names: Any, condition: str, at: datetime) -> None:
    desk, orders = day
    price = Decimal(str(prints(desk, condition).price))
    for name in names:
        filled = desk.trading.get_order_by_id(orders[name].id)
        assert (filled.status, Decimal(filled.filled_avg_price)) == (OrderStatus.FILLED, price)
        assert at <= filled.filled_at <= at + 5 * SECOND


@pytest.mark.parametrize(("name", "at"), [("opg too low", OPENING), ("cls too low", FOUR)])
def test_what_an_auction_leaves_is_canceled(day: Any, name: str, at: datetime) -> None:
    desk, orders = day
    ended = desk.trading.get_order_by_id(orders[name].id)
    assert ended.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
    assert at <= (ended.canceled_at or ended.expired_at) <= at + 61 * SECOND


@pytest.mark.parametrize("name", ["day", "gtc"])
def test_an_early_order_waits_for_the_opening(day: Any, name: str) -> None:
    desk, orders = day
    assert orders[name].status == OrderStatus.ACCEPTED
    assert OPENING <= when(desk, orders, name, "new") <= when(desk, orders, name, "fill") <= OPENING + 60 * SECOND


def test_orders_for_extended_hours_trade_at_once(day: Any) -> None:
    desk, orders = day
    assert EIGHT <= when(desk, orders, "early", "fill") < OPENING


def test_a_day_order_ends_with_its_session_and_a_gtc_order_stays(day: Any) -> None:
    desk, orders = day
    assert FOUR <= when(desk, orders, "day too low", "expired") <= FOUR + SECOND
    assert EIGHT_PM <= when(desk, orders, "early too low", "expired") <= EIGHT_PM + SECOND
    assert [order.id for order in desk.trading.get_orders()] == [orders["gtc too low"].id]


def test_the_account_adds_up_at_the_end_of_the_day(day: Any) -> None:
    desk, _ = day
    rows = desk.trading.get("/account/activities/FILL")
    paid = sum(Decimal(row["qty"]) * Decimal(row["price"]) for row in rows)
    assert desk.cash() == 100_000 - paid
    assert desk.trading.get_open_position("AAPL").qty == str(sum(Decimal(row["qty"]) for row in rows)) == "70"
    history = desk.trading.get_portfolio_history()
    assert history.base_value == 100_000
