"""An order goes only where its life allows, and what it says of its fills is what its fills say."""

from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from engine.core.lifecycle import AVG_PRICE_STEP, FILLS, NEXT, STATUS_AFTER, IllegalTransition, advance
from engine.model.order import (
    AssetClass,
    Fill,
    Order,
    OrderChange,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

ORDER = Order(
    id="o",
    client_order_id="c",
    symbol="AAPL",
    asset_id="a",
    asset_class=AssetClass.US_EQUITY,
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    status=OrderStatus.NEW,
    qty=Decimal(10),
)


def _fill(qty: str, price: str = "100") -> Fill:
    return Fill(
        execution_id="e", order_id="o", symbol="AAPL", side=Side.BUY, qty=Decimal(qty), price=Decimal(price), ts_ns=1
    )


def test_the_table_speaks_of_every_status_and_ends_in_the_terminal_ones() -> None:
    assert set(NEXT) == set(OrderStatus)
    for status, following in NEXT.items():
        assert status.terminal is not bool(following)
        assert status not in following or status is OrderStatus.PARTIALLY_FILLED


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("change", sorted(set(STATUS_AFTER) - FILLS))
def test_every_change_follows_the_table(status: OrderStatus, change: OrderChange) -> None:
    order = evolve(ORDER, status=status)
    if STATUS_AFTER[change] in NEXT[status]:
        assert advance(order, change, 5).status is STATUS_AFTER[change]
    else:
        with pytest.raises(IllegalTransition, match=f"is {status} and cannot be told: {change}"):
            advance(order, change, 5)


def test_a_fill_adds_up() -> None:
    part = advance(ORDER, OrderChange.PARTIAL_FILL, 5, fill=_fill("3", "100"))
    assert (part.status, part.filled_qty, part.filled_avg_price, part.filled_ns) == ("partially_filled", 3, 100, 0)
    whole = advance(part, OrderChange.FILL, 6, fill=_fill("7", "101"))
    assert (whole.status, whole.filled_qty, whole.filled_avg_price) == ("filled", 10, Decimal("100.7"))
    assert (whole.filled_ns, whole.updated_ns) == (6, 6)


def test_an_average_is_cut_below_any_price_increment() -> None:
    order = evolve(ORDER, qty=Decimal(3))
    order = advance(order, OrderChange.PARTIAL_FILL, 5, fill=_fill("1", "100"))
    order = advance(order, OrderChange.FILL, 5, fill=_fill("2", "100.01"))
    assert order.filled_avg_price == Decimal("100.006666666667")


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 10**7)), min_size=1, max_size=50))
def test_many_fills_average_to_what_was_paid(fills: list[tuple[int, int]]) -> None:
    order = evolve(ORDER, qty=None, notional=Decimal(1))
    paid = Decimal(0)
    for qty, cents in fills:
        fill = _fill(str(qty), str(Decimal(cents) / 100))
        order = advance(order, OrderChange.PARTIAL_FILL, 5, fill=fill)
        paid += fill.qty * fill.price
    assert order.filled_avg_price is not None
    assert abs(order.filled_avg_price - paid / order.filled_qty) <= len(fills) * AVG_PRICE_STEP


@pytest.mark.parametrize("status", ["pending_cancel", "pending_replace"])
def test_a_part_that_fills_leaves_a_pending_request_pending(status: str) -> None:
    order = evolve(ORDER, status=OrderStatus(status))
    assert advance(order, OrderChange.PARTIAL_FILL, 5, fill=_fill("3")).status == status
    assert advance(order, OrderChange.FILL, 5, fill=_fill("10")).status == "filled"


@pytest.mark.parametrize(("filled", "status"), [("0", "new"), ("3", "partially_filled")])
def test_a_refused_request_gives_back_what_the_fills_say(filled: str, status: str) -> None:
    order = evolve(ORDER, status=OrderStatus.PENDING_CANCEL, filled_qty=Decimal(filled))
    assert advance(order, OrderChange.CANCEL_REJECTED, 5).status == status


def test_a_refused_request_changes_nothing_of_an_order_that_has_ended() -> None:
    order = evolve(ORDER, status=OrderStatus.FILLED, filled_ns=3)
    after = advance(order, OrderChange.REPLACE_REJECTED, 5)
    assert (after.status, after.filled_ns) == ("filled", 3)


def test_times_and_further_values_are_set() -> None:
    assert advance(ORDER, OrderChange.CANCELED, 5, cancel_requested_ns=4).canceled_ns == 5
    assert advance(ORDER, OrderChange.CANCELED, 5, cancel_requested_ns=4).cancel_requested_ns == 4
    assert advance(ORDER, OrderChange.REPLACED, 5, replaced_by="p").replaced_by == "p"
    assert advance(ORDER, OrderChange.EXPIRED, 5).expired_ns == 5
    assert advance(ORDER, OrderChange.PENDING_CANCEL, 5).cancel_requested_ns == 5


@pytest.mark.parametrize("change", [OrderChange.FILL, OrderChange.PARTIAL_FILL])
def test_more_than_was_asked_for_cannot_fill(change: OrderChange) -> None:
    for qty in ("11", "0", "-1"):
        with pytest.raises(ValueError, match=f"a fill of {qty}"):
            advance(ORDER, change, 5, fill=_fill(qty))


def test_a_fill_and_its_change_belong_together() -> None:
    with pytest.raises(ValueError, match="nothing else is"):
        advance(ORDER, OrderChange.FILL, 5)
    with pytest.raises(ValueError, match="nothing else is"):
        advance(ORDER, OrderChange.CANCELED, 5, fill=_fill("1"))


@pytest.mark.parametrize("status", ["held", "pending_new", "accepted", "canceled", "filled"])
def test_what_is_not_in_the_market_does_not_fill(status: str) -> None:
    with pytest.raises(IllegalTransition):
        advance(evolve(ORDER, status=OrderStatus(status)), OrderChange.FILL, 5, fill=_fill("10"))
