"""The judge sees orders that leave too early, twice, or although they may not, and states that go backwards."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from engine.core.blotter import Blotter
from engine.exchange.rest.http import Response
from engine.exchange.rest.received import Received
from engine.model.control import Alarm, Connected, Lost
from engine.model.entry import Intended
from engine.model.intent import Intent, Purpose
from engine.model.order import AssetClass, Order, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from engine.store import ACCOUNT, Latches
from engine.store.orderfile import OrderFile, open_order_file
from engine.store.rows import render_rows
from engine.testing.simulate.outcome import Violated
from engine.testing.simulate.plan import Plan, Player
from tests.testing.simulate.conftest import Hand, build_plan

REQUEST = OrderRequest(
    symbol="SPY", side=Side.BUY, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=Decimal(1)
)  # fmt: skip


def broken(number: int) -> "pytest.RaisesExc[Violated]":
    return pytest.raises(Violated, check=lambda found: found.number == number)


def intent(cid: str, purpose: Purpose = Purpose.ENTRY) -> Intent:
    return Intent(
        client_order_id=cid, strategy="one", seq=0, request=evolve(REQUEST, client_order_id=cid), purpose=purpose,
        at_ns=0, valid_until_ns=1 << 62,
    )  # fmt: skip


@pytest.fixture
def file(hand: Hand, tmp_path: Path) -> Iterator[OrderFile]:
    """The order file of a life whose account is listened to."""
    with listened(hand, tmp_path) as opened:
        yield opened


@contextmanager
def listened(hand: Hand, tmp_path: Path) -> Iterator[OrderFile]:
    blotter = Blotter("k3x9")
    hand.life.account = SimpleNamespace(desk=SimpleNamespace(blotter=blotter), states={"one": None})  # type: ignore[assignment] # as much of it as is looked at
    opened = open_order_file(tmp_path)
    hand.judge.noticed(hand.life, "one", Connected("account", hand.now_ns), hand.now_ns)
    yield opened
    opened.close()


def write(hand: Hand, file: OrderFile, cid: str, purpose: Purpose = Purpose.ENTRY) -> None:
    file.commit(render_rows([Intended(intent=intent(cid, purpose))]))
    hand.life.account.desk.blotter.intend(intent(cid, purpose))  # type: ignore[union-attr] # as much of it as is looked at


def post(hand: Hand, cid: str, method: str = "POST", **more: Any) -> None:
    body = json.dumps({"symbol": "SPY", "side": "buy", "qty": "1", "client_order_id": cid, **more}).encode()
    ask(hand, method, "/v2/orders", body)


def ask(hand: Hand, method: str, path: str, body: bytes = b"", status: int = 200) -> None:
    hand.judge.orders.requested(Received(hand.now_s, hand.now_ns, method, path, body), Response(status))


def test_an_order_whose_intent_is_on_disk_is_right(hand: Hand, file: OrderFile) -> None:
    write(hand, file, "k3x9-one-0")
    post(hand, "k3x9-one-0")


def test_21_an_order_without_an_intent(hand: Hand, file: OrderFile) -> None:
    with broken(21):
        post(hand, "k3x9-one-0")


def test_21_an_order_without_an_id(hand: Hand, file: OrderFile) -> None:
    with broken(21):
        post(hand, "")


def test_22_an_id_for_two_orders(hand: Hand, file: OrderFile) -> None:
    write(hand, file, "k3x9-one-0")
    post(hand, "k3x9-one-0")
    with broken(22):
        post(hand, "k3x9-one-0", qty="2")


def test_22_an_order_that_is_sent_again_unasked(hand: Hand, file: OrderFile) -> None:
    write(hand, file, "k3x9-one-0")
    post(hand, "k3x9-one-0")
    with broken(22):
        post(hand, "k3x9-one-0")


def test_22_an_order_that_the_broker_has_called_absent_twice_may_be_sent_again(hand: Hand, file: OrderFile) -> None:
    write(hand, file, "k3x9-one-0")
    post(hand, "k3x9-one-0")
    for _ in range(2):
        ask(hand, "GET", "/v2/orders:by_client_order_id", status=404)
    post(hand, "k3x9-one-0")


def test_22_an_order_of_a_former_life_is_sent_again(hand: Hand, file: OrderFile) -> None:
    write(hand, file, "k3x9-one-0")
    post(hand, "k3x9-one-0")
    hand.born()
    with broken(22):
        post(hand, "k3x9-one-0")


def test_23_an_entry_while_the_accounts_line_is_lost(hand: Hand, file: OrderFile) -> None:
    write(hand, file, "k3x9-one-0")
    hand.judge.noticed(hand.life, "one", Lost("account", hand.now_ns, "cut"), hand.now_ns)
    hand.now_s += 60
    with broken(23):
        post(hand, "k3x9-one-0")


def test_23_an_exit_while_the_accounts_line_is_lost_may_go(hand: Hand, file: OrderFile) -> None:
    write(hand, file, "k3x9-one-0", Purpose.EXIT)
    hand.judge.noticed(hand.life, "one", Lost("account", hand.now_ns, "cut"), hand.now_ns)
    hand.now_s += 60
    post(hand, "k3x9-one-0")


@pytest.mark.parametrize(("feed", "purpose", "wrong"), [
    ("iex", Purpose.ENTRY, True), ("crypto", Purpose.ENTRY, False), ("iex", Purpose.EXIT, False),
])  # fmt: skip
def test_23_an_entry_of_a_strategy_that_sees_nothing(
    playing: Callable[[Plan], Hand], tmp_path: Path, feed: str, purpose: Purpose, wrong: bool
) -> None:
    hand = playing(build_plan(players=(Player(kind="trader", name="one", params=(("symbols", ("SPY",)),)),)))
    with listened(hand, tmp_path) as file:
        write(hand, file, "k3x9-one-0", purpose)
        hand.judge.noticed(hand.life, "one", Lost(feed, hand.now_ns, "cut"), hand.now_ns)
        hand.now_s += 60
        with broken(23) if wrong else nullcontext():
            post(hand, "k3x9-one-0")


def test_23_an_entry_behind_a_tripped_kill_switch(hand: Hand, file: OrderFile, tmp_path: Path) -> None:
    write(hand, file, "k3x9-one-0")
    Latches(tmp_path).trip(ACCOUNT, "too much", "test", 0)
    hand.judge.orders.step()
    hand.now_s += 60
    with broken(23):
        post(hand, "k3x9-one-0")


def stand(status: OrderStatus, filled: int = 0) -> Order:
    return Order(
        id="o1", client_order_id="k3x9-one-0", symbol="SPY", side=Side.BUY, type=OrderType.MARKET, qty=Decimal(9),
        asset_id="a1", asset_class=AssetClass.US_EQUITY, time_in_force=TimeInForce.DAY, status=status,
        filled_qty=Decimal(filled), created_ns=1, updated_ns=1,
    )  # fmt: skip


def test_26_a_status_that_cannot_follow(hand: Hand) -> None:
    blotter = Blotter("k3x9")
    blotter.take_orders([stand(OrderStatus.PENDING_CANCEL)])
    ticket = blotter.ticket("k3x9-one-0")
    assert ticket is not None
    hand.judge.orders.check_life(ticket)
    with broken(26):
        hand.judge.orders.check_life(evolve(ticket, order=stand(OrderStatus.HELD)))


def test_26_an_order_that_had_ended_and_is_open_again(hand: Hand) -> None:
    blotter = Blotter("k3x9")
    blotter.take_orders([stand(OrderStatus.CANCELED)])
    ticket = blotter.ticket("k3x9-one-0")
    assert ticket is not None
    hand.judge.orders.check_life(ticket)
    with broken(26):
        hand.judge.orders.check_life(evolve(ticket, order=stand(OrderStatus.NEW)))


def test_25_an_order_that_was_given_up_and_is_there(hand: Hand) -> None:
    told = Alarm("account", 0, "one was told that its order is refused, and the venue has it after all.")
    with broken(25):
        hand.judge.noticed(hand.life, "one", told, 0)


def test_26_what_was_filled_is_taken_back(hand: Hand) -> None:
    blotter = Blotter("k3x9")
    blotter.take_orders([stand(OrderStatus.PARTIALLY_FILLED, 2)])
    ticket = blotter.ticket("k3x9-one-0")
    assert ticket is not None
    hand.judge.orders.check_life(ticket)
    with broken(26):
        hand.judge.orders.check_life(evolve(ticket, order=stand(OrderStatus.PARTIALLY_FILLED, 1)))


@pytest.mark.parametrize(
    ("open_ids", "spent_s", "wrong"), [(("x-1",), 0.2, True), (("x-1",), 60.0, False), ((), 0.2, False)]
)
def test_31_a_block_that_is_left_with_open_orders_before_its_time(
    hand: Hand, open_ids: tuple[str, ...], spent_s: float, wrong: bool
) -> None:
    with broken(31) if wrong else nullcontext():
        hand.judge.left_block(hand.life, "trader_1", open_ids, spent_s)
