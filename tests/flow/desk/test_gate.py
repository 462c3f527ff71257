"""Orders that add risk wait for a ready account and live data, bounded, and are looked at again before they go."""

from decimal import Decimal

import pytest
import trio

from engine.errors import LimitReached, LineLost, NotReady, OrderRefused
from engine.flow.desk import DeskTuning
from engine.model.intent import Purpose
from engine.model.order import OrderStatus, Side


async def test_while_the_account_stream_is_down_ten_entries_wait_and_the_exit_goes(world, ask, autojump_clock):
    async with world.open() as desk, trio.open_nursery() as nursery:
        desk.account_lost(LineLost("reset by peer"), 1.0)
        for _ in range(10):
            nursery.start_soon(desk.place, "s", ask())
        await desk.place("s", ask(Side.SELL), purpose=Purpose.EXIT)
        assert [post.side for post in world.broker.posts] == [Side.SELL]
        await trio.sleep(3)
        assert len(world.broker.posts) == 1

        asked = len(world.broker.calls)
        desk.account_connected()
        await trio.sleep(1)
        calls = world.broker.calls[asked:]
        assert calls.index("account") < calls.index("submit"), "the books are compared first"
        assert len(world.broker.posts) == 11


async def test_an_entry_that_waited_too_long_is_dropped_and_says_for_what(world, ask, autojump_clock):
    async with world.open(ready=False) as desk:
        began_s = trio.current_time()
        with pytest.raises(NotReady, match="account stream is not listening"):
            await desk.place("s", ask())
        assert trio.current_time() - began_s == pytest.approx(10, abs=0.1)
    assert not world.broker.posts


async def test_books_compared_for_an_earlier_connection_do_not_open_the_gate(world, autojump_clock):
    async with world.open() as desk:

        async def drop_the_line(name):
            if name == "account":
                world.broker.on_call = None
                desk.account_lost(LineLost("reset by peer"), 1.0)
                desk.account_connected()

        world.broker.on_call = drop_the_line
        await desk.reconcile()
        assert "have not been compared" in desk.gate.account_blocked
        await desk.reconcile()
        assert not desk.gate.account_blocked


async def test_an_entry_waits_for_live_data_unless_it_may_be_late(world, ask, autojump_clock):
    world.missing = "trades of SPY are being caught up"
    async with world.open() as desk:
        await desk.place("s", ask(), late_ok=True)
        with pytest.raises(NotReady, match="caught up"):
            await desk.place("s", ask(), within_s=2)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(desk.place, "s", ask())
            await trio.sleep(1)
            world.missing = ""
    assert len(world.broker.posts) == 2


async def test_an_entry_is_dropped_when_the_price_moved_while_it_waited(world, ask, autojump_clock):
    world.missing = "trades of SPY are being caught up"
    async with world.open() as desk, trio.open_nursery() as nursery:

        async def place():
            with pytest.raises(NotReady) as refused:
                await desk.place("s", ask())
            assert refused.value.rule == "price_moved"

        nursery.start_soon(place)
        await trio.sleep(1)
        world.prices.last = Decimal(503)
        world.missing = ""
    assert not world.broker.posts


async def test_an_order_waits_for_its_twin_to_end_and_then_goes(world, ask, autojump_clock):
    async with world.open() as desk, trio.open_nursery() as nursery:
        mine = await desk.place("a", ask(Side.SELL, price=501))
        world.judge.clash = lambda request: mine.order if mine.open and request.side is Side.BUY else None
        nursery.start_soon(desk.place, "b", ask(price=502))
        await trio.sleep(1)
        assert len(world.broker.posts) == 1
        await mine.cancel()
    assert len(world.broker.posts) == 2


async def test_an_order_whose_twin_does_not_end_is_refused_as_a_wash_trade(world, ask, autojump_clock):
    async with world.open() as desk:
        mine = await desk.place("a", ask(Side.SELL, price=501))
        world.judge.clash = lambda _: mine.order
        with pytest.raises(OrderRefused) as refused:
            await desk.place("b", ask(price=502))
    assert refused.value.rule == "wash_trade"
    assert trio.current_time() < 7


async def test_there_is_a_most_of_open_orders_and_of_waiting_ones(world, ask, autojump_clock):
    tuning = DeskTuning(open_max=1, waiting_max=1)
    async with world.open(desk=world.build(tuning=tuning)) as desk, trio.open_nursery() as nursery:
        await desk.place("s", ask())
        with pytest.raises(LimitReached) as refused:
            await desk.place("s", ask())
        assert refused.value.rule == "open_max"
        world.broker.turn("order-1", OrderStatus.CANCELED)
        await desk.reconcile()
        world.missing = "nothing is live"
        nursery.start_soon(desk.place, "s", ask())
        await trio.sleep(0.5)
        with pytest.raises(NotReady) as crowded:
            await desk.place("s", ask())
        assert crowded.value.rule == "waiting_max"
        world.missing = ""
