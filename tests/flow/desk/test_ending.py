"""A cancel is asked for until somebody answers, and an order is looked after until it has really ended."""

import pytest
import trio

from engine.errors import OrderEnded
from engine.model.intent import Outcome
from engine.model.order import OrderChange, OrderStatus


@pytest.mark.parametrize("ways", [["ok"], ["drop"], ["lose", "lose", "ok"]])
async def test_a_cancel_is_asked_for_until_it_is_answered(world, ask, ways, autojump_clock):
    world.broker.cancels = list(ways)
    async with world.open() as desk:
        order = await desk.place("s", ask())
        await order.cancel()
        assert order.status is OrderStatus.CANCELED
        await order.cancel()
    assert world.broker.calls.count("cancel") == max(len(ways), 2 if ways == ["drop"] else 1)


async def test_a_cancel_that_loses_to_a_fill_ends_with_the_fill(world, ask, autojump_clock):
    world.broker.cancels = ["beaten"]
    async with world.open() as desk:
        order = await desk.place("s", ask())
        assert (await order.cancel()).status is OrderStatus.FILLED
        assert order.filled_qty == 10
        await desk.reconcile()
        assert desk.position("s", "SPY").qty == 10


async def test_an_order_that_stays_pending_cancel_stays_open_and_is_looked_after(world, ask, autojump_clock):
    world.broker.cancels = ["stuck"]
    async with world.open() as desk:
        order = await desk.place("s", ask())
        with trio.move_on_after(60) as patience:
            await order.cancel()
        assert patience.cancelled_caught
        assert order.open
        assert order.status is OrderStatus.PENDING_CANCEL
        assert sum("still pending_cancel" in said for said in world.said) == 1
        assert world.broker.calls.count("cancel") == 1
        world.broker.turn(order.id, OrderStatus.CANCELED)
        with trio.fail_after(5):
            await order.cancel()


async def test_an_end_that_nobody_told_of_is_found_by_looking(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        with trio.fail_after(5):
            await order.cancel()
        assert world.broker.calls.count("order") == 1


async def test_canceling_what_nobody_knows_waits_and_keeps_it_from_being_sent_again(world, ask, autojump_clock):
    world.broker.submits = ["lose"] * 3
    async with world.open() as desk, trio.open_nursery() as nursery:
        with trio.move_on_after(0.5):
            await desk.place("s", ask(), within_s=600)
        (order,) = desk.open_orders("s")
        assert order.ticket.outcome is Outcome.UNKNOWN
        await order.cancel()
        assert order.ticket.outcome is Outcome.ABSENT
        nursery.cancel_scope.cancel()
    assert len(world.broker.posts) == 1
    assert "cancel" not in world.broker.calls


async def test_canceling_what_arrives_late_cancels_it(world, ask, autojump_clock):
    world.broker.submits = ["late"]
    async with world.open() as desk:
        with trio.move_on_after(0.5):
            await desk.place("s", ask())
        (order,) = desk.open_orders("s")
        await order.cancel()
        assert order.status is OrderStatus.CANCELED


async def test_an_order_that_turns_up_after_it_was_given_up_is_taken_back_and_a_person_is_told(
    world, ask, autojump_clock
):
    world.broker.submits = ["lose"]
    async with world.open() as desk:
        with pytest.raises(OrderEnded):
            await desk.place("s", ask(), within_s=1)
        order = await world.broker.submit(world.broker.posts[0])  # a proxy kept it back for so long
        for _ in range(2):
            world.tell(desk, order[0], OrderChange.NEW)
            await trio.sleep(5)
        assert [order.status for order in desk.open_orders("s")] == [OrderStatus.NEW]
        (alarm,) = world.alarms
        assert "the venue has it after all" in alarm.message
        assert sum(alarm.message == said for said in world.said) == 1
