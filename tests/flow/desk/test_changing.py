"""A change stands in the old order's place, or the old order stands; the handle is always on the one that does."""

from decimal import Decimal

import pytest
import trio

from engine.errors import OrderRefused
from engine.model.order import OrderChange, OrderStatus


@pytest.mark.parametrize("way", ["ok", "drop"])
async def test_the_handle_follows_to_the_new_order(world, ask, way, autojump_clock):
    world.broker.changes = [way]
    async with world.open() as desk:
        order = await desk.place("s", ask())
        await order.replace(limit="498.5")
        assert (order.id, order.order.limit_price) == ("order-2", Decimal("498.5"))
        assert [each.id for each in desk.open_orders("s")] == ["order-2"]
        world.fill(desk, "order-2")
        with trio.fail_after(1):
            await order.filled()
        assert desk.position("s", "SPY").qty == 10
    assert world.broker.calls.count("replace") == 1


async def test_a_change_that_never_arrived_leaves_the_old_order_and_is_not_sent_again(world, ask, autojump_clock):
    world.broker.changes = ["lose"]
    async with world.open() as desk:
        order = await desk.place("s", ask())
        with pytest.raises(OrderRefused, match="stands as it was"):
            await order.replace(limit=498)
        assert (order.id, order.status) == ("order-1", OrderStatus.NEW)
        assert not desk.blotter.unresolved()
    assert world.broker.calls.count("replace") == 1


@pytest.mark.parametrize("way", ["refuse", "beaten"])
async def test_a_change_that_loses_to_a_fill_is_refused_and_the_fill_stands(world, ask, way, autojump_clock):
    world.broker.changes = [way]
    async with world.open() as desk:
        order = await desk.place("s", ask())

        async def fill_the_old(name):
            if name == "order" and world.broker.orders["order-1"].open:
                world.broker.fill("order-1", 500)
                world.broker.turn("order-2", OrderStatus.REJECTED)

        world.broker.on_call = fill_the_old
        with pytest.raises(OrderRefused):
            await order.replace(limit=498)
        await desk.reconcile()
        assert (order.id, order.status) == ("order-1", OrderStatus.FILLED)
        assert desk.position("s", "SPY").qty == 10


async def test_a_change_that_the_rules_forbid_is_not_sent(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        with pytest.raises(OrderRefused) as refused:
            await order.replace(limit="499.001")
        assert refused.value.rule == "sub_penny"
    assert "replace" not in world.broker.calls


async def test_who_waits_for_the_old_order_waits_for_the_new_one(world, ask, autojump_clock):
    async with world.open() as desk, trio.open_nursery() as nursery:
        order = await desk.place("s", ask())
        nursery.start_soon(order.filled)
        await trio.sleep(0.1)
        await order.replace(qty=20)
        await trio.sleep(0.1)
        world.fill(desk, "order-2")
        await trio.sleep(0.1)
        assert order.filled_qty == 20


async def test_a_change_that_nobody_told_of_is_found_by_looking_however_busy_the_account_is(world, ask, autojump_clock):
    async with world.open() as desk, trio.open_nursery() as nursery:
        live = await desk.place("s", ask())
        other = await desk.place("s", ask(qty=1000))

        async def fill_the_other():
            while True:
                await trio.sleep(1)
                world.fill(desk, other.id, 1)

        nursery.start_soon(fill_the_other)
        began_s = trio.current_time()
        await live.replace(limit=498)
        assert trio.current_time() - began_s < 2 * desk.tuning.look_after_s
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("new_after_s", "changed"), [(0.5, True), (60, False)])
async def test_an_order_on_its_way_is_changed_once_it_has_arrived(world, ask, autojump_clock, new_after_s, changed):
    world.broker.accepts_as = OrderStatus.PENDING_NEW
    async with world.open() as desk, trio.open_nursery() as nursery:
        order = await desk.place("s", ask())

        async def arrive():
            await trio.sleep(new_after_s)
            world.tell(desk, world.broker.turn("order-1", OrderStatus.NEW), OrderChange.NEW)

        nursery.start_soon(arrive)
        if changed:
            await order.replace(limit=498)
            assert order.id == "order-2"
        else:
            with pytest.raises(OrderRefused, match="pending_new"):
                await order.replace(limit=498)
            assert "replace" not in world.broker.calls
        nursery.cancel_scope.cancel()
