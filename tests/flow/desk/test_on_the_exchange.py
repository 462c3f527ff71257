"""The desk with everything real but the network: the venue's broker and stream, the file, the vet, faults on demand."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import trio
from attrs import define

from engine.core.blotter import Blotter
from engine.core.risk.limits import NO_LIMITS
from engine.exchange.trading.brokerage import Brokerage
from engine.flow.account import AccountStream
from engine.flow.account.killswitch import KillSwitch
from engine.flow.desk import Desk
from engine.flow.risk import Vet
from engine.model.intent import Purpose
from engine.model.order import OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from engine.store import open_store
from engine.store.latches import Latches
from engine.testing.simulated import SimulatedExchange
from engine.venues.alpaca.account_line import AlpacaAccountFeed
from engine.venues.alpaca.broker import AlpacaBroker
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.http import open_client
from engine.venues.alpaca.rate import RESERVE_SHARE, Throttle


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    """A quiet market of a coin, which never closes."""
    return {"symbols": ("BTC/USD",), "events_per_s": 5.0, "burst": False, "seed": 3}


class NoPrices:
    """No stream tells a price."""

    def price(self, symbol: str) -> None:
        return None

    def quote(self, symbol: str) -> None:
        return None

    def prices(self) -> Mapping[str, Decimal]:
        return {}

    async def look_up(self, symbol: str) -> None:
        await trio.lowlevel.checkpoint()

    def take_positions(self, positions: object, told_ns: int) -> None:
        pass


@define
class MarketClock:
    """The exchange's own clock."""

    exchange: SimulatedExchange
    speed: float = 1.0
    ended: bool = False
    is_open: bool = True

    def now_ns(self) -> int:
        return self.exchange.now_ns()


async def inline(function, /, *args, abandon_on_cancel=False):
    """Disk without a thread, so that virtual time stands still meanwhile."""
    await trio.lowlevel.checkpoint()
    return function(*args)


@pytest.fixture
def open_desk(exchange: SimulatedExchange, tmp_path):
    """``async with open_desk() as desk``: once more for each start of the process."""
    clock = MarketClock(exchange)

    @asynccontextmanager
    async def opened(*, stream: bool = True) -> AsyncIterator[Desk]:
        async with (
            open_client(exchange.trading_url, exchange.headers) as client,
            open_store(tmp_path, now_ns=clock.now_ns, run_sync=inline) as store,
            trio.open_nursery() as nursery,
        ):
            await trio.sleep(5)
            blotter = Blotter.restore(store.remembered)
            switch = KillSwitch(latches=Latches(tmp_path), on_trip=lambda _: None, now_ns=clock.now_ns, report=print)
            desk = Desk(
                broker=AlpacaBroker(client, Throttle(100_000, reserve_share=RESERVE_SHARE), print),
                store=store,
                blotter=blotter,
                clock=clock,
                vet=Vet(
                    blotter=blotter,
                    marks=NoPrices(),
                    switch=switch,
                    clock=clock,
                    account_limits=NO_LIMITS,
                    strategy_limits={},
                ),
                switch=switch,
                marks=NoPrices(),
                random=Random(5),
                report=print,
                announce=lambda _: None,
                heard=store.remembered.heard,
            )
            await nursery.start(desk.run)
            if stream:
                feed = AlpacaAccountFeed(
                    url=f"{exchange.trading_stream_url}/stream", keys=Keys(exchange.key_id, exchange.secret)
                )
                account = AccountStream(
                    feed=feed, listener=desk, clock=clock, random=Random(6), report=print, announce=lambda _: None
                )
                nursery.start_soon(account.run)
            yield desk
            nursery.cancel_scope.cancel()

    return opened


@pytest.fixture
def brokerage(exchange: SimulatedExchange) -> Brokerage:
    """The truth."""
    return exchange.running.brokerage


def coins(side: Side = Side.BUY, limit: int | None = None) -> OrderRequest:
    """A hundredth of a coin, at the market or far away from it."""
    return OrderRequest(
        symbol="BTC/USD",
        side=side,
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        qty=Decimal("0.01"),
        limit_price=None if limit is None else Decimal(limit),
    )


async def _equal(desk: Desk, brokerage: Brokerage) -> None:
    """Engine and exchange agree on every order and position, once what is under way has settled."""
    await trio.sleep(10)
    await desk.settle()
    await desk.reconcile()
    await trio.sleep(10)  # a difference of coins counts when a second round has seen it
    theirs = {order.client_order_id: order for order in brokerage.matching.orders}
    ours = {name: desk.blotter.ticket(name) for name in theirs}
    for name, order in theirs.items():
        ticket = ours[name]
        assert ticket is not None
        assert ticket.order is not None
        assert (ticket.order.status, ticket.order.filled_qty) == (order.status, order.filled_qty)
    held = {position.symbol: position.qty for position in await desk.broker.positions()}
    assert desk.blotter.account_position("BTC/USD") == held.get("BTC/USD", 0)


@pytest.mark.parametrize(
    "fault",
    [
        None,
        {"kind": "lost_reply", "next": 1},
        {"kind": "late_status", "status": 504, "next": 1},
        {"kind": "http_status", "status": 503, "method": "POST", "next": 1},
        {"kind": "http_status", "status": 429, "method": "POST", "next": 1},
        {"kind": "black_hole", "stage": "request", "method": "POST", "next": 1},
        {"kind": "black_hole", "stage": "reply", "method": "POST", "next": 1},
        {"kind": "black_hole", "stage": "body", "method": "POST", "next": 1},
        {"kind": "stale_reads", "lag": "3s", "for": "30s"},
        {"kind": "drop_update", "next": 5},
        {"kind": "empty_snapshot", "for": "20s"},
    ],
    ids=lambda fault: "calm" if fault is None else "-".join(str(value) for value in fault.values()),
)
async def test_one_intent_is_one_order_whatever_breaks(open_desk, exchange, brokerage, fault, autojump_clock):
    async with open_desk() as desk:
        await desk.place("s", coins(limit=20_000), within_s=30)
        if fault is not None:
            exchange.fault(**{key if key != "for" else "for_": value for key, value in fault.items()})
        order = await desk.place("s", coins(), within_s=180)
        with trio.fail_after(180):
            await order.filled()
        if fault is not None and "for" in fault:
            await trio.sleep(60)
        await _equal(desk, brokerage)
        assert desk.position("s", "BTC/USD").qty > 0
        names = [each.client_order_id for each in brokerage.matching.orders]
        assert len(names) == len(set(names)) == 2


async def test_a_former_run_is_taken_up_again(open_desk, brokerage, autojump_clock):
    async with open_desk() as desk:
        resting = await desk.place("s", coins(limit=20_000))
        filled = await desk.place("s", coins())
        await filled.filled()
        held = desk.position("s", "BTC/USD").qty
    async with open_desk() as desk:
        await desk.reconcile()
        assert [live.client_order_id for live in desk.open_orders("s")] == [resting.client_order_id]
        assert desk.position("s", "BTC/USD").qty == held
        assert (await desk.open_orders("s")[0].cancel()).status is OrderStatus.CANCELED
        await _equal(desk, brokerage)


async def test_blind_the_exit_goes_and_the_entry_does_not(open_desk, brokerage, autojump_clock):
    async with open_desk(stream=False) as desk, trio.open_nursery() as nursery:
        nursery.start_soon(desk.place, "s", coins(limit=20_000))
        exit_ = await desk.place("s", coins(limit=30_000), purpose=Purpose.EXIT)
        await trio.sleep(1)
        assert [order.client_order_id for order in brokerage.matching.orders] == [exit_.client_order_id]
        nursery.cancel_scope.cancel()
