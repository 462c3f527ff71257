"""Straight at the broker: flat at the end, nothing sent twice, whatever the broker answers."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.flatten import Flattened
from engine.errors import BrokerUnavailable, OrderRefused, ReplyMissing
from engine.flow.flatten import BrokerHands, run_flatten
from engine.model.account import Account, Asset, HeldPosition
from engine.model.order import ZERO, AssetClass, Order, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from engine.ports import FeePage, FillPage

CORE_NS = 1_772_461_860 * 10**9
"""Monday 2026-03-02, 9:31 in New York."""
ANSWERS = ("ok", "ok", "half", "half", "no", "lost before", "lost behind", "away")


@define
class ToyBroker:
    """`engine.ports.Broker` with one position; ``answers`` says how it takes each request that changes something."""

    position: Decimal
    answers: Iterator[str] = field(factory=lambda: iter(()))
    orders: dict[str, Order] = field(factory=dict)
    stuck: set[str] = field(factory=set)
    forgets: bool = False
    """Whether an id can be used again once its order has ended."""
    moves: list[tuple[Decimal, Decimal]] = field(factory=list)

    def rest(self, order_id: str, side: Side, qty: int) -> None:
        """An order of somebody that is open."""
        request = OrderRequest(
            symbol="SPY", side=side, type=OrderType.LIMIT, time_in_force=TimeInForce.DAY, qty=Decimal(qty)
        )
        self._keep(evolve(request, client_order_id=order_id), OrderStatus.NEW)

    def _keep(self, request: OrderRequest, status: OrderStatus) -> Order:
        order = Order(
            id=request.client_order_id,
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            asset_id="",
            asset_class=None,
            side=request.side,
            type=request.type,
            time_in_force=request.time_in_force,
            status=status,
            qty=request.qty,
            filled_qty=(request.qty or ZERO) if status is OrderStatus.FILLED else ZERO,
        )
        self.orders[order.id] = order
        return order

    async def submit(self, request: OrderRequest, *, urgent: bool = False, go: Any = None) -> tuple[Order, ...]:
        await trio.sleep(0.05)
        assert urgent
        answer = next(self.answers, "ok")
        known = self.orders.get(request.client_order_id)
        if known is not None and (known.open or not self.forgets):
            raise OrderRefused("client_order_id must be unique", rule="client_order_id_taken")
        if answer == "no":
            raise OrderRefused("insufficient qty available for order")
        if answer in ("lost before", "away"):
            raise ReplyMissing("no answer")
        order = self._keep(request, OrderStatus.FILLED)
        if answer == "half" and order.filled_qty > 1:
            order = evolve(order, status=OrderStatus.PARTIALLY_FILLED, filled_qty=order.filled_qty // 2)
            self.orders[order.id] = order
        before = self.position
        self.position += order.filled_qty * request.side.sign
        self.moves.append((before, self.position))
        if answer == "lost behind":
            raise ReplyMissing("no answer")
        return (order,)

    async def cancel(self, order_id: str) -> None:
        await trio.sleep(0.05)
        if next(self.answers, "ok") not in ("ok", "no", "half"):
            raise ReplyMissing("no answer")
        if not self.orders[order_id].open:
            raise OrderRefused("order is not cancelable")
        if order_id not in self.stuck:
            self.orders[order_id] = evolve(self.orders[order_id], status=OrderStatus.CANCELED)

    async def order(self, order_id: str) -> tuple[Order, ...]:
        await trio.sleep(0.05)
        return (self.orders[order_id],) if order_id in self.orders else ()

    async def order_of(self, client_order_id: str) -> tuple[Order, ...]:
        if next(self.answers, "ok") == "away":
            raise BrokerUnavailable("timed out")
        return await self.order(client_order_id)

    async def open_orders(self) -> tuple[Order, ...]:
        await trio.sleep(0.05)
        return tuple(order for order in self.orders.values() if order.open)

    async def positions(self) -> tuple[HeldPosition, ...]:
        await trio.sleep(0.05)
        if not self.position:
            return ()
        return (HeldPosition(symbol="SPY", qty=self.position, entry_price=Decimal(100), price=Decimal(100)),)

    async def asset(self, symbol: str) -> Asset | None:
        await trio.lowlevel.checkpoint()
        return Asset(
            id="a", symbol=symbol, name="", asset_class=AssetClass.US_EQUITY, exchange="NYSE", fractionable=False
        )

    async def replace(self, order_id: str, change: Any, *, go: Any = None) -> tuple[Order, ...]:
        raise AssertionError("flattening changes no order")

    async def fills_behind(self, mark: str, since_ns: int) -> FillPage:
        raise AssertionError("flattening reads positions")

    async def fees_behind(self, mark: str, since_ns: int) -> FeePage:
        raise AssertionError("flattening reads positions")

    async def account(self) -> Account:
        raise AssertionError("flattening asks for no money")


class CoreClock:
    """Regular hours, for ever."""

    speed = 1.0
    ended = False
    is_open = True

    def now_ns(self) -> int:
        return CORE_NS

    def advance(self, ts_ns: int) -> None:
        """It stands still."""

    async def refresh(self) -> int:
        return CORE_NS

    async def sleep_until(self, ts_ns: int) -> None:
        await trio.sleep_forever()


def hands(broker: ToyBroker, **what: Any) -> BrokerHands:
    return BrokerHands(broker=broker, symbol="SPY", clock=CoreClock(), prefix="kill-1", **what)


def run(body: Callable[[], Any]) -> Any:
    return trio.run(body, clock=trio.testing.MockClock(autojump_threshold=0))


@settings(max_examples=150, deadline=None)
@given(
    position=st.integers(-9, 9).map(Decimal),
    answers=st.lists(st.sampled_from(ANSWERS), max_size=8),
    resting=st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 5)), max_size=3),
)
def test_flat_at_the_end_and_nothing_twice(position: Decimal, answers: list[str], resting: list[Any]) -> None:
    broker = ToyBroker(position, iter(answers))
    for number, (side, qty) in enumerate(resting):
        broker.rest(f"o{number}", side, qty)

    async def body() -> Flattened:
        with trio.fail_after(300):
            return await run_flatten(hands(broker))

    over = run(body)
    assert over.flat == (broker.position == 0 and not any(order.open for order in broker.orders.values()))
    assert over.flat or over.sentence
    assert over.flat or answers.count("no") >= 5  # a few lost answers are no reason to stay in
    for before, after in broker.moves:
        assert before * after >= 0
        assert abs(after) < abs(before)


async def test_an_order_whose_answer_is_lost_is_found_and_not_sent_again(autojump_clock: Any) -> None:
    broker = ToyBroker(Decimal(5), iter(["lost behind"]))
    over = await run_flatten(hands(broker))
    assert over.flat
    assert list(broker.orders) == ["kill-1-SPY-1"]


async def test_an_order_that_is_filled_in_part_is_canceled_and_the_rest_is_another_one(autojump_clock: Any) -> None:
    broker = ToyBroker(Decimal(5), iter(["half"]))
    over = await run_flatten(hands(broker))
    assert over.flat
    assert [(order.id, order.filled_qty, order.status) for order in broker.orders.values()] == [
        ("kill-1-SPY-1", 2, OrderStatus.CANCELED),
        ("kill-1-SPY-2", 3, OrderStatus.FILLED),
    ]


async def test_a_lost_answer_counts_to_the_share_even_where_ids_can_be_used_twice(autojump_clock: Any) -> None:
    broker = ToyBroker(Decimal(10), iter(["lost behind"]), forgets=True)
    over = await run_flatten(hands(broker, share=Decimal(4)))
    assert over.flat
    assert broker.position == 6


async def test_an_order_that_never_got_there_is_sent_again_under_its_own_id(autojump_clock: Any) -> None:
    broker = ToyBroker(Decimal(5), iter(["lost before"]))
    over = await run_flatten(hands(broker))
    assert over.flat
    assert list(broker.orders) == ["kill-1-SPY-1"]


@pytest.mark.parametrize(
    ("account", "share", "left"), [(10, "4", 6), (3, "4", 0), (-3, "4", -3), (10, "-4", 10), (-9, "-4", -5)]
)
async def test_only_its_share_is_closed_and_never_more_than_there_is(
    account: int, share: str, left: int, autojump_clock: Any
) -> None:
    broker = ToyBroker(Decimal(account))
    over = await run_flatten(hands(broker, share=Decimal(share)))
    assert over.flat
    assert broker.position == left


async def test_only_the_orders_that_concern_it_are_canceled(autojump_clock: Any) -> None:
    broker = ToyBroker(ZERO)
    broker.rest("mine-1", Side.BUY, 1)
    broker.rest("other-1", Side.BUY, 1)
    over = await run_flatten(hands(broker, concerns=lambda order: order.id.startswith("mine")))
    assert over.flat
    assert [order.id for order in broker.orders.values() if order.open] == ["other-1"]


async def test_a_stuck_cancel_is_told_of_and_its_shares_are_left_to_it(autojump_clock: Any) -> None:
    broker = ToyBroker(Decimal(10))
    broker.rest("o1", Side.SELL, 4)
    broker.stuck.add("o1")
    over = await run_flatten(hands(broker))
    assert broker.position == 4
    assert over.sentence == "SPY: 4 is left, and so are open orders that the venue does not cancel: 1"
