"""Messages are taken in order by one task, and what there is no room for is made up for by comparing the books."""

import trio
from attrs import evolve

from engine.flow.desk import DeskTuning
from engine.model.entry import Heard
from engine.model.order import OrderChange, OrderStatus
from engine.ports import AccountMessage


async def test_a_storm_that_does_not_fit_is_made_up_for(world, ask, autojump_clock):
    tuning = DeskTuning(messages_max=3)
    async with world.open(desk=world.build(tuning=tuning)) as desk:
        orders = [await desk.place("s", ask()) for _ in range(6)]
        await trio.sleep(20)
        for order in orders:
            world.fill(desk, order.id)
        await trio.sleep(0.1)
        assert sum(order.open for order in orders) == 3
        await trio.sleep(20)
        assert not any(order.open for order in orders)
        assert desk.position("s", "SPY").qty == 60


async def test_the_order_of_a_lost_reply_is_known_as_soon_as_the_stream_tells_it(world, ask, autojump_clock):
    world.broker.submits = ["hang"]
    async with world.open() as desk, trio.open_nursery() as nursery:

        async def tell_it():
            await trio.sleep(0.1)
            world.tell(desk, world.broker._accept(world.broker.posts[0]), "new")

        nursery.start_soon(tell_it)
        with trio.fail_after(1):
            order = await desk.place("s", ask())
        assert order.status is OrderStatus.NEW


async def test_a_message_of_no_known_kind_makes_the_books_be_compared(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        await trio.sleep(20)
        world.broker.turn(order.id, OrderStatus.CANCELED)
        desk.hear([AccountMessage(update=None, doubt="an event of no known name")], "stream")
        await trio.sleep(5)
        assert not order.open


async def test_how_far_the_replay_was_heard_is_kept_behind_what_it_told(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        message = AccountMessage(
            update=None, orders=(evolve(order.order, status=OrderStatus.CANCELED),), event_id="0007"
        )
        desk.hear([message], "events")
        await trio.sleep(0.01)
        assert desk.events_mark() == "0007"
        assert not order.open
        assert world.store.soon[-1] == Heard(source="events", mark="0007")
    assert world.build(heard={"events": "0007"}).events_mark() == "0007"


async def test_a_fill_reaches_its_strategy_once_and_only_while_it_listens(world, ask, autojump_clock):
    async with world.open() as desk:
        got = []
        end = desk.listen_fills("s", got.append)
        order = await desk.place("s", ask())
        fill = world.fill(desk, order.id, 4)
        world.tell(desk, world.broker.orders[order.id], "partial_fill", fill)
        await trio.sleep(0.1)
        assert [each.qty for each in got] == [4]
        end()
        end()
        world.fill(desk, order.id)
        await trio.sleep(0.1)
        assert len(got) == 1


async def test_a_rejection_overrules_the_reply_however_often_and_fully_it_is_told(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        world.tell(desk, world.broker.turn(order.id, OrderStatus.REJECTED), OrderChange.REJECTED)
        await order.ended()
        world.tell(desk, world.broker.turn(order.id, OrderStatus.REJECTED, failed_ns=1), OrderChange.REJECTED)
        await trio.sleep(1)
        assert order.order.failed_ns == 1
        assert world.judge.notes[order.client_order_id] is False
