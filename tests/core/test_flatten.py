"""Flattening ends at zero or with a sentence; what is held never grows by it and never changes its sign."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.calendar import instant_of, new_york
from engine.core.flatten import (
    CANCELS_MAX,
    CLOSES_MAX,
    FAILURES_MAX,
    Cancel,
    Close,
    Flattened,
    Flattening,
    Seen,
    closing_request,
)
from engine.model.account import Asset
from engine.model.order import AssetClass, OrderRequest, OrderType, PositionIntent, Side, TimeInForce

CORE_NS = 1_772_461_860 * 10**9
"""Monday 2026-03-02, 9:31 in New York."""
HOUR_NS = 3600 * 10**9
STEPS_MAX = (CLOSES_MAX + 1) * (CANCELS_MAX + 1) + 1


def asset(asset_class: AssetClass = AssetClass.US_EQUITY, **what: Any) -> Asset:
    return Asset(id="a", symbol="A", name="A", asset_class=asset_class, exchange="X", **{"fractionable": False} | what)


def seen(held: int | str, *, at_ns: int = CORE_NS, of: Asset | None = None, **what: Any) -> Seen:
    given: dict[str, Any] = {"account": Decimal(held), "orders": 0, "buying": Decimal(0), "selling": Decimal(0)}
    given |= {"price": Decimal(100), "asset": of or asset(), "held": Decimal(held), "now_ns": at_ns}
    return Seen(**given | what)


@define
class Resting:
    """An open order. A stuck one ignores cancels, and may still fill at any time."""

    signed: int
    stuck: bool


@define
class Venue:
    """A position and open orders, to which things happen between any two steps."""

    script: st.DataObject
    position: int
    orders: list[Resting]
    strict: bool
    """Whether it refuses to sell what open orders hold already, as Alpaca does."""
    closed: int = 0
    moves: list[tuple[int, int]] = field(factory=list)

    def happen(self) -> None:
        """Open orders fill, in part or whole, as the script has it."""
        for order in list(self.orders):
            if self.script.draw(st.integers(0, 3)) == 0:
                part = self.script.draw(st.integers(1, abs(order.signed))) * (1 if order.signed > 0 else -1)
                order.signed -= part
                self.position += part
                if not order.signed:
                    self.orders.remove(order)

    def cancel(self) -> None:
        self.happen()
        self.orders = [order for order in self.orders if order.stuck]

    def close(self, request: OrderRequest) -> bool:
        self.happen()
        assert request.qty is not None
        signed = int(request.qty) * request.side.sign
        if self.strict and self.script.draw(st.integers(0, 3)) == 0:
            return False
        filled = self.script.draw(st.sampled_from([0, signed // 2 if signed > 0 else -(-signed // 2), signed, signed]))
        self.moves.append((self.position, self.position + filled))
        self.position += filled
        if filled != signed:
            self.orders.append(Resting(signed - filled, stuck=False))
        return True

    def look(self) -> Seen:
        buying = sum(order.signed for order in self.orders if order.signed > 0)
        selling = -sum(order.signed for order in self.orders if order.signed < 0)
        count = len(self.orders)
        self.happen()  # between the orders and the position
        return seen(self.position, orders=count, buying=Decimal(buying), selling=Decimal(selling))


@settings(max_examples=300, deadline=None)
@given(script=st.data(), position=st.integers(-30, 30), strict=st.booleans())
def test_it_never_crosses_never_grows_and_always_ends(script: st.DataObject, position: int, strict: bool) -> None:
    exits = st.builds(Resting, st.integers(1, 10).map(lambda qty: -qty if position > 0 else qty), st.booleans())
    orders: list[Resting] = []
    for order in script.draw(st.lists(exits, max_size=4)):
        if sum(abs(one.signed) for one in (*orders, order)) <= abs(position):  # more no venue takes
            orders.append(order)
    venue = Venue(script, position, orders, strict)
    flattening = Flattening("A")
    over: Flattened | None = None
    for _ in range(STEPS_MAX):
        act = flattening.decide(venue.look())
        if isinstance(act, Cancel):
            venue.cancel()
        elif isinstance(act, Close):
            assert flattening.closes <= CLOSES_MAX
            if not venue.close(act.request):
                assert flattening.refused("insufficient qty available") is None
        else:
            over = act
            break
    assert over is not None
    assert over.flat or over.sentence
    assert over.left is not None
    assert not over.flat or (over.left == 0 and venue.position == 0 and not venue.orders)
    for before, after in venue.moves:
        assert before * after >= 0
        assert abs(after) <= abs(before)
    assert position * venue.position >= 0


def test_orders_are_canceled_before_anything_is_closed() -> None:
    flattening = Flattening("A")
    assert flattening.decide(seen(10, orders=1, selling=Decimal(3))) == Cancel()
    act = flattening.decide(seen(7))
    assert isinstance(act, Close)
    assert (act.request.side, act.request.qty) == (Side.SELL, 7)


def test_what_a_stuck_order_may_still_fill_is_not_closed_too() -> None:
    flattening = Flattening("A")
    stuck = seen(10, orders=1, selling=Decimal(4))
    for _ in range(CANCELS_MAX):
        assert flattening.decide(stuck) == Cancel()
    act = flattening.decide(stuck)
    assert isinstance(act, Close)
    assert act.request.qty == 6


def test_an_order_that_cannot_be_canceled_is_told_of() -> None:
    flattening = Flattening("A")
    for _ in range(CANCELS_MAX):
        flattening.decide(seen(0, orders=2))
    over = flattening.decide(seen(0, orders=2))
    assert over == Flattened(
        symbol="A",
        flat=False,
        left=Decimal(0),
        orders=2,
        sentence="A: 0 is left, and so are open orders that the venue does not cancel: 2",
    )


def test_after_so_many_orders_a_person_is_asked_with_the_last_word() -> None:
    flattening = Flattening("A")
    for _ in range(CLOSES_MAX):
        assert isinstance(flattening.decide(seen(10)), Close)
        assert flattening.refused("insufficient qty available") is None
    over = flattening.decide(seen(10))
    assert isinstance(over, Flattened)
    assert over.sentence == "A: 10 is left after 5 orders to close it. Last word: insufficient qty available"


def test_a_broker_that_never_answers_is_told_of() -> None:
    flattening = Flattening("A")
    over = [flattening.unanswered("timed out") for _ in range(FAILURES_MAX)]
    assert over[:-1] == [None] * (FAILURES_MAX - 1)
    assert over[-1] is not None
    assert over[-1].sentence == "A: not known to be flat: the broker does not answer (timed out)"


def test_less_than_can_be_traded_is_flat_and_told() -> None:
    coin = asset(AssetClass.CRYPTO, min_trade_increment=Decimal("0.001"))
    over = Flattening("A").decide(seen("0.0004", of=coin))
    assert isinstance(over, Flattened)
    assert over.flat
    assert over.sentence == "A: 0.0004 is left: less than can be traded"


def test_regular_hours_close_at_market_and_say_that_they_close() -> None:
    request = closing_request(seen(-5), Decimal(5), Decimal("0.01"))
    assert request is not None
    assert (request.type, request.time_in_force, request.limit_price) == (OrderType.MARKET, TimeInForce.DAY, None)
    assert request.position_intent is PositionIntent.BUY_TO_CLOSE


@pytest.mark.parametrize(("delta", "limit"), [(-5, "99"), (5, "101")])
@pytest.mark.parametrize("hours", [-2, 8])
def test_before_and_after_them_a_limit_reaches_through_the_last_price(delta: int, limit: str, hours: int) -> None:
    look = seen(-delta, at_ns=CORE_NS + hours * HOUR_NS)
    request = closing_request(look, Decimal(delta), Decimal("0.01"))
    assert request is not None
    assert (request.type, request.limit_price, request.extended_hours) == (OrderType.LIMIT, Decimal(limit), True)


def test_a_closed_market_is_said_and_its_orders_are_canceled_first() -> None:
    saturday_ns = instant_of(new_york(CORE_NS).replace(day=7, hour=12))
    flattening = Flattening("A")
    assert flattening.decide(seen(10, orders=1, at_ns=saturday_ns)) == Cancel()
    over = flattening.decide(seen(10, at_ns=saturday_ns))
    assert isinstance(over, Flattened)
    assert over.sentence == (
        "A: 10 is left: its market is closed. Its orders are canceled; close it when the market opens"
    )


def test_contracts_wait_for_regular_hours_and_coins_for_nothing() -> None:
    evening_ns = CORE_NS + 8 * HOUR_NS
    assert closing_request(seen(1, of=asset(AssetClass.US_OPTION), at_ns=evening_ns), Decimal(-1), Decimal(0)) is None
    coin = closing_request(seen(1, of=asset(AssetClass.CRYPTO), at_ns=evening_ns), Decimal(-1), Decimal(0))
    assert coin is not None
    assert (coin.type, coin.time_in_force) == (OrderType.MARKET, TimeInForce.GTC)


def test_beyond_regular_hours_a_price_is_needed() -> None:
    over = Flattening("A").decide(seen(10, at_ns=CORE_NS + 8 * HOUR_NS, price=None))
    assert isinstance(over, Flattened)
    assert "no price of it is known" in over.sentence
