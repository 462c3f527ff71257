"""No order that is let through could meet another of the account, by the venue's own rule; only market orders change.

The oracle is `engine.core.rules.check_wash`, which is what the exchange refuses by.
"""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.risk.crossing import REACH, Sides, keep_apart
from engine.core.rules import Refused, check_request, check_wash
from engine.model.account import Asset
from engine.model.order import AssetClass, Order, OrderClass, OrderRequest, OrderStatus, OrderType, Side, TimeInForce

D = Decimal
NOW_NS = 1_772_461_860 * 10**9
SPY = Asset(id="a", symbol="SPY", name="SPY", asset_class=AssetClass.US_EQUITY, exchange="ARCA")


def request(side: Side, price: Decimal | None = None, **changes: Any) -> OrderRequest:
    return OrderRequest(
        symbol="SPY",
        side=side,
        type=changes.pop("type", OrderType.MARKET if price is None else OrderType.LIMIT),
        time_in_force=changes.pop("time_in_force", TimeInForce.DAY),
        qty=D(10),
        limit_price=price,
        **changes,
    )


def resting(side: Side, price: Decimal | None, number: int = 0, **changes: Any) -> Order:
    return Order(
        id=f"o{number}",
        client_order_id=f"c{number}",
        symbol="SPY",
        asset_id="a",
        asset_class=None,
        side=side,
        type=changes.pop("type", OrderType.LIMIT),
        time_in_force=TimeInForce.DAY,
        status=changes.pop("status", OrderStatus.NEW),
        qty=D(10),
        limit_price=price,
        **changes,
    )


QUOTE = Sides(D("99.99"), D("100.01"))


def test_a_market_order_stops_one_step_short_of_the_other_strategys_limit() -> None:
    buy, clash = keep_apart(request(Side.BUY), [resting(Side.SELL, D("100.05"))], D(5), QUOTE, SPY)
    assert (buy.type, buy.limit_price, clash) == (OrderType.LIMIT, D("100.04"), None)
    sell, clash = keep_apart(request(Side.SELL), [resting(Side.BUY, D("99.95"))], D(5), QUOTE, SPY)
    assert (sell.type, sell.limit_price, clash) == (OrderType.LIMIT, D("99.96"), None)


def test_a_limit_far_away_does_not_make_the_order_pay_more_than_the_reach() -> None:
    buy, _ = keep_apart(request(Side.BUY), [resting(Side.SELL, D(150))], D(5), QUOTE, SPY)
    assert buy.limit_price == D("102.01")
    sell, _ = keep_apart(request(Side.SELL), [resting(Side.BUY, D(50))], D(5), QUOTE, SPY)
    assert sell.limit_price == D("98.00")


def test_where_the_other_is_the_best_price_of_the_market_one_has_to_wait() -> None:
    for price in (D("100.01"), D("99.50")):
        order = resting(Side.SELL, price)
        asked = request(Side.BUY)
        assert keep_apart(asked, [order], D(5), QUOTE, SPY) == (asked, order)


def test_without_a_quote_one_has_to_wait() -> None:
    order, asked = resting(Side.SELL, D(101)), request(Side.BUY)
    assert keep_apart(asked, [order], D(5), None, SPY) == (asked, order)
    assert keep_apart(asked, [order], D(5), Sides(D(99), D(0)), SPY) == (asked, order)


def test_an_order_for_the_auction_is_not_changed() -> None:
    order, asked = resting(Side.SELL, D(101)), request(Side.BUY, time_in_force=TimeInForce.CLS)
    assert keep_apart(asked, [order], D(5), QUOTE, SPY) == (asked, order)


def test_with_nothing_held_the_venue_wants_the_other_side_gone_whatever_the_price() -> None:
    order, asked = resting(Side.SELL, D(101)), request(Side.BUY)
    assert keep_apart(asked, [order], D(0), QUOTE, SPY) == (asked, order)


def test_what_is_far_away_or_on_the_same_side_is_in_nobodys_way() -> None:
    asked = request(Side.BUY, D("100.00"))
    others = [resting(Side.SELL, D("100.01")), resting(Side.BUY, D("100.02"), 1), resting(Side.BUY, None, 2)]
    assert keep_apart(asked, others, D(5), QUOTE, SPY) == (asked, None)


PRICES = st.decimals(min_value="0.5", max_value="1.5", places=2) | st.decimals(min_value=90, max_value=110, places=2)
RESTING = st.builds(
    resting,
    st.sampled_from(Side),
    PRICES,
    st.integers(0, 9),
    type=st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.STOP]),
    status=st.sampled_from([OrderStatus.NEW, OrderStatus.NEW, OrderStatus.HELD, OrderStatus.CANCELED]),
)
REQUESTS = st.builds(
    request,
    st.sampled_from(Side),
    st.none() | st.none() | PRICES,
    order_class=st.sampled_from([OrderClass.SIMPLE, OrderClass.SIMPLE, OrderClass.BRACKET]),
)
QUOTES = st.none() | st.builds(lambda bid, spread: Sides(bid, bid + spread), PRICES, st.sampled_from([D("0.01"), D(1)]))


def refused(asked: OrderRequest, others: list[Order], held: Decimal) -> bool:
    try:
        check_wash(asked, others, held)
    except Refused:
        return True
    return False


@settings(max_examples=400)
@given(REQUESTS, st.lists(RESTING, max_size=4), st.sampled_from([D(0), D(7), D(-7)]), QUOTES)
def test_what_is_let_through_the_venue_would_not_call_a_wash_trade(
    asked: OrderRequest, others: list[Order], held: Decimal, sides: Sides | None
) -> None:
    sent, clash = keep_apart(asked, others, held, sides, SPY)
    if clash is not None:
        assert sent is asked
        assert refused(asked, [clash], held)
        return
    assert not refused(sent, others, held)
    if sent == asked:
        return
    assert refused(asked, others, held), "an order that was in nobody's way is not changed"
    assert asked.type is OrderType.MARKET
    assert sides is not None
    assert sent.limit_price is not None
    check_request(sent, SPY, NOW_NS)
    if sent.side is Side.BUY:
        assert sides.ask <= sent.limit_price <= sides.ask * (1 + REACH)
    else:
        assert sides.bid * (1 - REACH) <= sent.limit_price <= sides.bid
