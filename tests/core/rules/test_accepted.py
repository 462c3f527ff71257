"""What the venue takes is not refused, and however odd an order is, the rules answer with a yes or a refusal.

The table of refusals cannot show a rule that is too strict; this one can.
"""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.calendar import instant_of
from engine.core.rules import Refused, check_cancel, check_replace, check_request, check_wash
from engine.exchange.assets import START_NS, build_assets
from engine.model.order import (
    Leg,
    Order,
    OrderClass,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionIntent,
    ReplaceRequest,
    Side,
    TimeInForce,
)

ASSETS = build_assets(("AAPL", "BTC/USD"), start_ns=START_NS)
MARKET = OrderRequest(
    symbol="AAPL", side=Side.BUY, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=Decimal(1)
)
LIMIT = evolve(MARKET, type=OrderType.LIMIT, limit_price=Decimal(230))
SHORT_STOP = evolve(MARKET, side=Side.SELL, type=OrderType.STOP, stop_price=Decimal(200))
TRAILING = evolve(MARKET, type=OrderType.TRAILING_STOP, trail_percent=Decimal("0.1"))
CRYPTO = evolve(LIMIT, symbol="BTC/USD", limit_price=Decimal("64000.01"), time_in_force=TimeInForce.GTC)
OPTION = evolve(LIMIT, symbol="AAPL260320C00230000", limit_price=Decimal("2.05"))
BRACKET = evolve(
    LIMIT, order_class=OrderClass.BRACKET, take_profit_limit=Decimal("230.01"), stop_loss_stop=Decimal("229.99")
)
WORKING = Order(
    id="working",
    client_order_id="mine",
    symbol="AAPL",
    asset_id="",
    asset_class=ASSETS["AAPL"].asset_class,
    side=Side.SELL,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    status=OrderStatus.NEW,
    qty=Decimal(10),
    limit_price=Decimal(250),
)

TAKEN = {
    "market": MARKET,
    "limit for some days": evolve(LIMIT, time_in_force=TimeInForce.GTC),
    "limit at once": evolve(LIMIT, time_in_force=TimeInForce.FOK),
    "limit in extended hours": evolve(LIMIT, extended_hours=True),
    "limit in extended hours for some days": evolve(LIMIT, extended_hours=True, time_in_force=TimeInForce.GTC),
    "four decimals below a dollar": evolve(LIMIT, symbol="PNNY", limit_price=Decimal("0.5001")),
    "trailing zeros are no pennies": evolve(LIMIT, limit_price=Decimal("230.100000")),
    "stop": SHORT_STOP,
    "trailing stop": TRAILING,
    "part of a share": evolve(MARKET, qty=Decimal("0.005")),
    "part of a share at a limit": evolve(LIMIT, qty=Decimal("0.005")),
    "dollars": evolve(MARKET, qty=None, notional=Decimal("1.00")),
    "what is left of a share": evolve(
        MARKET, side=Side.SELL, qty=Decimal("0.000000001"), position_intent=PositionIntent.SELL_TO_CLOSE
    ),
    "short of what is hard to borrow, for the day": evolve(MARKET, symbol="HTBR", side=Side.SELL),
    "bracket a cent wide": BRACKET,
    "bracket with a stop entry": evolve(
        BRACKET, type=OrderType.STOP, limit_price=None, stop_price=Decimal(230), take_profit_limit=Decimal(240)
    ),
    "OTO": evolve(BRACKET, order_class=OrderClass.OTO, take_profit_limit=None),
    "OCO": evolve(
        BRACKET,
        order_class=OrderClass.OCO,
        side=Side.SELL,
        limit_price=None,
        take_profit_limit=Decimal(250),
        stop_loss_stop=Decimal(220),
    ),
    "crypto limit": CRYPTO,
    "crypto stop limit": evolve(CRYPTO, type=OrderType.STOP_LIMIT, stop_price=Decimal(65000)),
    "crypto at once": evolve(CRYPTO, time_in_force=TimeInForce.IOC),
    "crypto for ten dollars": evolve(CRYPTO, type=OrderType.MARKET, limit_price=None, qty=None, notional=Decimal(10)),
    "option": OPTION,
    "option for some days": evolve(OPTION, time_in_force=TimeInForce.GTC),
    "option stop": evolve(OPTION, type=OrderType.STOP, limit_price=None, stop_price=Decimal(1)),
}


@pytest.mark.parametrize("request_", TAKEN.values(), ids=TAKEN)
def test_an_order_that_the_venue_takes_is_taken(request_: OrderRequest) -> None:
    check_request(request_, ASSETS[request_.symbol], at(10, 0), Decimal(230))


def at(hour: int, minute: int, day: int = 2) -> int:
    """An instant of March 2026, in New York's winter time."""
    return instant_of(datetime(2026, 3, day, hour, minute, tzinfo=UTC)) + 5 * 3600 * 10**9


@pytest.mark.parametrize(
    ("time", "now_ns"),
    [
        (TimeInForce.OPG, at(9, 27)),
        (TimeInForce.OPG, at(19, 0)),
        (TimeInForce.OPG, at(12, 0, day=1)),
        (TimeInForce.CLS, at(15, 54)),
        (TimeInForce.CLS, at(19, 0)),
    ],
    ids=["before 9:28", "from 19:00", "on a Sunday", "before 15:55", "from 19:00 for the next close"],
)
def test_an_auction_order_is_taken_in_its_window(time: TimeInForce, now_ns: int) -> None:
    check_request(evolve(MARKET, time_in_force=time), ASSETS["AAPL"], now_ns)


def test_without_a_price_what_needs_one_is_not_checked() -> None:
    bracket = evolve(BRACKET, type=OrderType.MARKET, limit_price=None)
    check_request(bracket, ASSETS["AAPL"], at(10, 0))
    with pytest.raises(Refused, match=r"base_price \+ 0.01"):
        check_request(bracket, ASSETS["AAPL"], at(10, 0), Decimal(300))


@pytest.mark.parametrize(
    "request_",
    [
        evolve(LIMIT, limit_price=Decimal("249.99")),
        evolve(MARKET, side=Side.SELL),
        TRAILING,
        evolve(BRACKET, limit_price=Decimal(250)),
        evolve(MARKET, symbol="AMD"),
    ],
    ids=["a limit that does not cross", "the same side", "a trailing stop", "a bracket", "another symbol"],
)
def test_orders_that_cannot_meet_are_no_wash_trade(request_: OrderRequest) -> None:
    check_wash(request_, [WORKING], Decimal(10))


def test_neither_ended_nor_held_orders_are_in_the_way() -> None:
    ended = evolve(WORKING, status=OrderStatus.CANCELED)
    leg = evolve(WORKING, status=OrderStatus.HELD)
    check_wash(evolve(LIMIT, limit_price=Decimal(300)), [ended, leg], Decimal(10))


@pytest.mark.parametrize("status", [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.HELD])
def test_an_order_that_works_or_waits_for_its_entry_can_be_changed(status: OrderStatus) -> None:
    order = evolve(WORKING, status=status)
    check_replace(order, ReplaceRequest(limit_price=Decimal(251)), ASSETS["AAPL"], at(10, 0))
    check_replace(order, ReplaceRequest(client_order_id="another"), ASSETS["AAPL"], at(10, 0))


def test_a_stop_that_the_venue_moves_itself_is_no_part_of_a_change() -> None:
    order = evolve(WORKING, type=OrderType.TRAILING_STOP, limit_price=None, trail_price=Decimal(2), hwm=Decimal(250))
    order = evolve(order, stop_price=Decimal("247.9999"))
    check_replace(order, ReplaceRequest(trail=Decimal(3)), ASSETS["AAPL"], at(10, 0))


@pytest.mark.parametrize("status", [OrderStatus.NEW, OrderStatus.PENDING_CANCEL, OrderStatus.CANCELED])
def test_canceling_again_is_no_error(status: OrderStatus) -> None:
    check_cancel(evolve(WORKING, status=status))


NUMBERS = st.none() | st.decimals() | st.sampled_from([Decimal(1), Decimal("0.01"), Decimal("230.5"), Decimal("1e30")])
LEGS = st.builds(
    Leg, symbol=st.sampled_from(["AAPL260320C00230000", "X"]), ratio_qty=NUMBERS.filter(bool), side=st.just(Side.BUY)
)
REQUESTS = st.builds(
    OrderRequest,
    symbol=st.sampled_from(["AAPL", "BTC/USD", "AAPL260320C00230000", "PNNY", "GONE", "", "ZZZZ"]),
    side=st.sampled_from(Side),
    type=st.sampled_from(OrderType),
    time_in_force=st.sampled_from(TimeInForce),
    qty=NUMBERS,
    notional=NUMBERS,
    limit_price=NUMBERS,
    stop_price=NUMBERS,
    trail_price=NUMBERS,
    trail_percent=NUMBERS,
    extended_hours=st.booleans(),
    client_order_id=st.text(max_size=130),
    order_class=st.sampled_from(OrderClass),
    take_profit_limit=NUMBERS,
    stop_loss_stop=NUMBERS,
    stop_loss_limit=NUMBERS,
    position_intent=st.none() | st.sampled_from(PositionIntent),
    legs=st.lists(LEGS, max_size=5).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(request=REQUESTS, now_ns=st.integers(min_value=START_NS, max_value=START_NS + 10**16))
def test_the_rules_answer_whatever_is_asked(request: OrderRequest, now_ns: int) -> None:
    """Any other exception than a refusal would reach the client as an error of the server's."""
    with suppress(Refused):
        check_request(request, ASSETS.get(request.symbol), now_ns, Decimal(230))
