"""A handle reads the books at that moment, and its waits end with the order, however that ends."""

import pytest
import trio
from attrs import evolve

from engine.errors import NotReady, OrderEnded, OrderRefused
from engine.model.intent import Purpose
from engine.model.order import OrderChange, OrderStatus, Side


async def test_filled_returns_when_it_is_filled_whole(world, ask, autojump_clock):
    async with world.open() as desk, trio.open_nursery() as nursery:
        order = await desk.place("s", ask())
        done = trio.Event()

        async def wait():
            await order.filled()
            done.set()

        nursery.start_soon(wait)
        world.fill(desk, order.id, 4)
        await trio.sleep(0.1)
        assert (order.filled_qty, done.is_set()) == (4, False)
        world.fill(desk, order.id)
        await trio.sleep(0.1)
        assert done.is_set()
        assert order.filled_price == 500


@pytest.mark.parametrize(
    ("status", "change", "error"),
    [
        (OrderStatus.CANCELED, OrderChange.CANCELED, OrderEnded),
        (OrderStatus.EXPIRED, OrderChange.EXPIRED, OrderEnded),
        (OrderStatus.REJECTED, OrderChange.REJECTED, OrderRefused),
    ],
)
async def test_filled_raises_when_it_ends_otherwise(world, ask, status, change, error, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        world.tell(desk, world.broker.turn(order.id, status), change)
        with pytest.raises(error):
            await order.filled()
        assert not (await order.ended()).open


async def test_the_legs_of_a_bracket_are_handles_of_the_same_strategy(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        leg = world.broker._accept(evolve(ask(Side.SELL, price=510), client_order_id="leg"))
        leg = world.broker.turn(leg.id, OrderStatus.HELD, parent_id=order.id)
        world.broker.turn(order.id, OrderStatus.NEW, legs=(leg.id,))
        await desk.reconcile()
        assert [(each.id, each.status) for each in order.legs] == [(leg.id, OrderStatus.HELD)]
        assert {each.id for each in desk.open_orders("s")} == {order.id, leg.id}


async def test_changes_tell_each_state_and_end_with_the_order(world, ask, autojump_clock):
    async with world.open() as desk, trio.open_nursery() as nursery:
        order = await desk.place("s", ask())
        seen = []

        async def read():
            seen.extend([ticket.order.status async for ticket in order.changes()])

        nursery.start_soon(read)
        await trio.sleep(0.1)
        world.fill(desk, order.id, 4)
        await trio.sleep(0.1)
        world.fill(desk, order.id)
        await trio.sleep(0.1)
        assert seen == [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED]


async def test_handles_of_one_order_are_equal(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        assert {order} == set(desk.open_orders("s")) == {desk.live(order.client_order_id)}
        with pytest.raises(KeyError):
            desk.live("nobody's")


async def test_waits_do_not_outlive_the_desk(world, ask, autojump_clock):
    async with trio.open_nursery() as nursery:
        desk = world.build()
        async with world.open(desk=desk):
            order = await desk.place("s", ask())

            async def wait():
                with pytest.raises(NotReady):
                    await order.filled()

            nursery.start_soon(wait)
            await trio.sleep(0.1)
    with pytest.raises(NotReady):
        await desk.place("s", ask(), late_ok=True, purpose=Purpose.EXIT)
    with pytest.raises(NotReady):
        await desk.reconcile()
