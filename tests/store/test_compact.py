"""What is forgotten of old orders changes no position, and what is not old is not forgotten."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from engine.core.blotter import Blotter
from engine.model.account import AccountFee, StrategyPosition
from engine.model.entry import Adjusted, Charged, Heard, Remembered, Saved, Stood
from engine.model.instant import NS_PER_S
from engine.model.order import Fill, OrderStatus, Side
from engine.store import open_store, read_store
from engine.store.compact import recall_compactly
from engine.store.orderfile import open_order_file

DAY_NS = 24 * 3600 * NS_PER_S
NOW_NS = 1_790_000_000 * NS_PER_S
ENDS = [OrderStatus.FILLED, OrderStatus.CANCELED]


def positions(remembered: Remembered) -> Mapping[str, Mapping[str, StrategyPosition]]:
    """Everybody's books, after beginning with this."""
    blotter = Blotter.restore(remembered)
    return {strategy: blotter.positions(strategy) for strategy in ("", *blotter.strategies())}


@pytest.fixture
def traded(stood: Any) -> Any:
    """An order of so many days ago that bought ``seq`` shares, at ``seq`` dollars each."""

    def make(seq: int, days: float, status: OrderStatus = OrderStatus.FILLED) -> Stood:
        at_ns = NOW_NS - int(days * DAY_NS) + seq
        fill = Fill(
            execution_id=f"e{seq}",
            order_id=f"o{seq}",
            symbol="SPY",
            side=Side.BUY,
            qty=Decimal(seq),
            price=Decimal(seq),
            ts_ns=at_ns,
        )
        ticket = stood(seq, status, fills=(fill,)).ticket
        order = evolve(
            ticket.order,
            qty=Decimal(seq) + (status is not OrderStatus.FILLED),
            filled_qty=Decimal(seq),
            filled_avg_price=Decimal(seq),
            created_ns=at_ns - 1,
            submitted_ns=at_ns - 1,
            updated_ns=at_ns,
            filled_ns=at_ns if status is OrderStatus.FILLED else 0,
            canceled_ns=at_ns if status is OrderStatus.CANCELED else 0,
        )
        return Stood(ticket=evolve(ticket, order=order))

    return make


async def reopen(folder: Path, now_ns: int = NOW_NS) -> Remembered:
    """Open and close it; returns what was remembered."""
    async with open_store(folder, now_ns=lambda: now_ns) as store:
        return store.remembered


@pytest.mark.parametrize("status", ENDS)
async def test_orders_of_more_than_a_month_ago_become_a_line(tmp_path: Path, traded: Any, status: OrderStatus) -> None:
    old = [traded(seq, days=40, status=status) for seq in range(1, 6)]
    new = [traded(seq, days=3, status=status) for seq in range(6, 8)]
    by_hand = Adjusted(
        id="a", strategy="", symbol="SPY", qty=Decimal(5), price=Decimal(2), at_ns=NOW_NS - 50 * DAY_NS, why="by hand"
    )
    async with open_store(tmp_path, now_ns=lambda: NOW_NS - 30 * DAY_NS) as store:
        await store.write(by_hand, *old, *new)
        await store.write(Saved(strategy="s", values={"a": 1}), Heard(source="events", mark="7"))
    before = read_store(tmp_path)
    after = await reopen(tmp_path)
    assert [ticket.client_order_id for ticket in after.tickets] == ["x-s-6", "x-s-7"]
    assert (after.saved, after.heard) == (before.saved, before.heard)
    assert positions(after) == positions(before)
    assert positions(after)["s"]["SPY"].qty == Decimal(28)
    assert read_store(tmp_path) == after
    again = await reopen(tmp_path, NOW_NS + 60 * DAY_NS)
    assert (again.tickets, positions(again)) == ((), positions(before))


async def test_an_order_that_still_works_is_kept_however_old(tmp_path: Path, traded: Any) -> None:
    working = traded(2, days=80, status=OrderStatus.PARTIALLY_FILLED)
    async with open_store(tmp_path, now_ns=lambda: NOW_NS) as store:
        await store.write(traded(1, days=90), working, traded(3, days=70))
    before = read_store(tmp_path)
    after = await reopen(tmp_path)
    assert after.tickets == (working.ticket,)
    assert positions(after) == positions(before)


async def test_where_nothing_is_old_nothing_is_touched(tmp_path: Path, traded: Any) -> None:
    orders = [traded(seq, days=29) for seq in range(1, 4)]
    async with open_store(tmp_path, now_ns=lambda: NOW_NS) as store:
        await store.write(*orders)
    after = await reopen(tmp_path)
    assert (after.tickets, after.carried) == (tuple(order.ticket for order in orders), ())


async def test_of_too_many_the_oldest_go_first(tmp_path: Path, traded: Any) -> None:
    async with open_store(tmp_path, now_ns=lambda: NOW_NS) as store:
        await store.write(*(traded(seq, days=1) for seq in range(10)))
    before = read_store(tmp_path)
    file = open_order_file(tmp_path)
    after = recall_compactly(file, NOW_NS, ended_max=4)
    file.close()
    assert [ticket.client_order_id for ticket in after.tickets] == ["x-s-6", "x-s-7", "x-s-8", "x-s-9"]
    assert read_store(tmp_path) == after
    assert positions(after) == positions(before)


async def test_an_old_fee_stays_paid_and_a_young_one_stays_known(tmp_path: Path, traded: Any) -> None:
    def charged(name: str, days: float) -> Charged:
        at_ns = NOW_NS - int(days * DAY_NS)
        fee = AccountFee(id=name, amount=Decimal("0.30"), ts_ns=at_ns, symbol="SPY")
        return Charged(fee=fee, shares={"s": Decimal("0.20"), "": Decimal("0.10")}, at_ns=at_ns)

    async with open_store(tmp_path, now_ns=lambda: NOW_NS - 50 * DAY_NS) as store:
        await store.write(traded(1, days=60), traded(2, days=40), charged("old", 59), charged("young", 39))
    cash = Blotter.restore(read_store(tmp_path)).cash()
    after = await reopen(tmp_path)
    assert (after.tickets, [entry.fee.id for entry in after.charged]) == ((), ["young"])
    assert read_store(tmp_path) == after
    blotter = Blotter.restore(after)
    assert (blotter.cash(), blotter.position("s", "SPY").fees) == (cash, Decimal("0.40"))
    assert blotter.take_fees([charged("young", 39).fee], NOW_NS).entries == ()
