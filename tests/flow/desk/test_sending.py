"""An intent becomes at most one order at the broker, is on disk before it is sent, and its caller gets the order."""

from decimal import Decimal

import pytest
import trio

from engine.errors import KillSwitchTripped, NotReady, OrderEnded, OrderRefused, StoreFailed
from engine.model.entry import Intended, Saved
from engine.model.intent import Outcome, Purpose
from engine.model.order import Side
from engine.ports import Step


@pytest.mark.parametrize("way", ["ok", "drop", "slow", "late"])
async def test_whatever_happens_to_the_reply_there_is_one_order_and_the_caller_gets_it(world, ask, way, autojump_clock):
    world.broker.submits = [way]
    async with world.open() as desk:
        live = await desk.place("s", ask())
        assert live.id == "order-1"
        await desk.settle()
    assert len(world.broker.orders) == len(world.broker.posts) == 1


async def test_an_order_that_never_arrived_is_sent_again_with_its_own_id(world, ask, autojump_clock):
    world.broker.submits = ["lose"]
    async with world.open() as desk:
        live = await desk.place("s", ask(), within_s=30)
        assert live.ticket.sends == 2
    assert len({post.client_order_id for post in world.broker.posts}) == 1
    assert len(world.broker.orders) == 1
    assert Step.RESUBMIT_SENDING in world.steps


async def test_an_exit_is_not_sent_again_once_something_else_has_closed_what_it_was_to_close(
    world, ask, autojump_clock
):
    async with world.open() as desk, trio.open_nursery() as nursery:
        entry = await desk.place("s", ask())
        stop = await desk.place("s", ask(Side.SELL, price=490))
        world.fill(desk, entry.id)
        await entry.filled()
        world.broker.submits = ["lose"]

        async def leave():
            with pytest.raises(OrderEnded):
                await desk.place("s", ask(Side.SELL), purpose=Purpose.EXIT)

        nursery.start_soon(leave)
        await trio.sleep(1)
        world.fill(desk, stop.id)
        await stop.filled()
    assert len(world.broker.posts) == 3
    assert not world.broker.held["SPY"]


async def test_it_is_sent_at_most_so_many_times(world, ask, autojump_clock):
    world.broker.submits = ["lose"] * 9
    async with world.open() as desk:
        with pytest.raises(OrderEnded, match="never reached the venue"):
            await desk.place("s", ask(), within_s=600)
        assert len(world.broker.posts) == desk.tuning.sends_max
        assert not desk.open_orders("s")


async def test_it_is_not_sent_again_once_it_is_too_old(world, ask, autojump_clock):
    world.broker.submits = ["lose"] * 9
    async with world.open() as desk:
        with pytest.raises(OrderEnded):
            await desk.place("s", ask(), within_s=3)
    assert len(world.broker.posts) == 1


async def test_it_is_not_sent_again_when_the_kill_switch_was_tripped_meanwhile(world, ask, autojump_clock):
    world.broker.submits = ["lose"] * 9
    async with world.open() as desk, trio.open_nursery() as nursery:

        async def place():
            with pytest.raises(OrderEnded):
                await desk.place("s", ask(), within_s=600)

        nursery.start_soon(place)
        await trio.sleep(1)
        world.switch.reason = "a person said so"
    assert len(world.broker.posts) == 1


async def test_a_refusal_of_the_first_sending_is_told_to_the_caller(world, ask, autojump_clock):
    world.broker.submits = ["refuse"]
    async with world.open() as desk:
        with pytest.raises(OrderRefused) as refused:
            await desk.place("s", ask())
        ticket = desk.blotter.ticket(refused.value.client_order_id)
    assert refused.value.rule == "buying_power"
    assert str(refused.value) == f"s: buy 10 SPY ({ticket.client_order_id}): insufficient buying power"
    assert ticket.outcome is Outcome.REFUSED
    assert world.judge.notes == {"": False}


async def test_a_refusal_of_the_second_sending_is_no_answer_about_the_first(world, ask, autojump_clock):
    """The first copy arrives between the two, and holds the money that the second one is refused for."""
    world.broker.submits = ["lose", "refuse"]

    async def first_copy_arrives(name):
        if name == "submit" and len(world.broker.posts) == 2:
            world.broker._accept(world.broker.posts[0])

    world.broker.on_call = first_copy_arrives
    async with world.open() as desk:
        live = await desk.place("s", ask(), within_s=30)
        assert live.ticket.outcome is Outcome.TAKEN
    assert len(world.broker.orders) == 1


async def test_a_venue_that_says_the_id_is_taken_is_asked(world, ask, autojump_clock):
    world.broker.submits = ["lose", "ok"]

    async def first_copy_arrives(name):
        if name == "submit" and len(world.broker.posts) == 2:
            world.broker._accept(world.broker.posts[0])

    world.broker.on_call = first_copy_arrives
    async with world.open() as desk:
        live = await desk.place("s", ask(), within_s=30)
        assert live.id == "order-1"


async def test_nothing_is_sent_before_the_intent_is_on_disk(world, ask, autojump_clock):
    world.store.slow_s = 2.0
    synced = []

    async def look(name):
        if name == "submit":
            synced.extend(entry for entry in world.store.synced if isinstance(entry, Intended))

    world.broker.on_call = look
    async with world.open() as desk:
        live = await desk.place("s", ask())
    assert [entry.intent.client_order_id for entry in synced] == [live.client_order_id]


async def test_what_the_strategy_saved_is_in_the_same_write_as_the_intent(world, ask, autojump_clock):
    world.saved["s"] = Saved(strategy="s", values={"bought": True})
    async with world.open() as desk:
        await desk.place("s", ask())
    first = next(at for at, entry in enumerate(world.store.synced) if isinstance(entry, Intended))
    assert isinstance(world.store.synced[first + 1], Saved)


async def test_a_broken_disk_sends_nothing_and_ends_the_desk(world, ask, autojump_clock):
    with pytest.RaisesGroup(pytest.RaisesExc(StoreFailed), flatten_subgroups=True):
        async with world.open() as desk:
            world.store.broken = True
            with pytest.raises(StoreFailed):
                await desk.place("s", ask())
            await trio.sleep_forever()
    assert not world.broker.posts


async def test_a_write_that_takes_too_long_makes_the_order_too_old(world, ask, autojump_clock):
    async with world.open() as desk:
        world.store.slow_s = 11.0
        with pytest.raises(NotReady) as refused:
            await desk.place("s", ask())
    assert refused.value.rule == "too_old"
    assert not world.broker.posts


async def test_a_switch_that_trips_during_the_write_stops_the_entry_and_not_the_exit(world, ask, autojump_clock):
    def trip(step):
        if step is Step.INTENT_WRITING:
            world.switch.reason = "a person said so"

    async with world.open() as desk:
        world.on_step = trip
        with pytest.raises(KillSwitchTripped):
            await desk.place("s", ask())
        assert not world.broker.posts
        await desk.place("s", ask(), purpose=Purpose.EXIT)
    assert len(world.broker.posts) == 1


@pytest.mark.parametrize("after_s", [0.0, 0.0005, 0.005, 0.015, 3.0, 9.0])
@pytest.mark.parametrize("way", ["ok", "drop", "slow"])
async def test_a_caller_may_be_cancelled_at_any_await_and_the_order_is_still_owned(
    world, ask, way, after_s, autojump_clock
):
    world.broker.submits = [way]
    async with world.open() as desk:
        with trio.move_on_after(after_s):
            await desk.place("s", ask())
        await desk.settle()
        known = [live.client_order_id for live in desk.open_orders("s")]
        assert known == [order.client_order_id for order in world.broker.orders.values()]
        assert not desk.blotter.unresolved()


async def test_an_order_that_nobody_waits_for_any_more_is_not_sent_again(world, ask, autojump_clock):
    world.broker.submits = ["lose"]
    async with world.open() as desk:
        with trio.move_on_after(1):
            await desk.place("s", ask(), within_s=600)
        await desk.settle()
    assert len(world.broker.posts) == 1


async def test_stopping_brings_what_is_being_sent_to_its_answer(world, ask, autojump_clock):
    world.broker.submits = ["slow"]
    async with trio.open_nursery() as nursery:
        desk = world.build()
        await nursery.start(desk.run)
        desk.account_connected()
        await desk.reconcile()
        nursery.start_soon(desk.place, "s", ask())
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert Step.SUBMIT_NOT_ANSWERED in world.steps


async def test_a_reply_that_never_comes_is_waited_for_no_longer_than_the_shield(world, ask, autojump_clock):
    world.broker.submits = ["hang"]
    async with world.open() as desk, trio.open_nursery() as nursery:
        nursery.start_soon(desk.place, "s", ask())
        await trio.sleep(1)
        began_s = trio.current_time()
        nursery.cancel_scope.cancel()
        desk._nursery.cancel_scope.cancel()
    assert trio.current_time() - began_s <= desk.tuning.send_shield_s


async def test_an_unknown_order_counts_and_holds_up_no_other(world, ask, autojump_clock):
    world.broker.submits = ["hang"]
    async with world.open() as desk, trio.open_nursery() as nursery:
        nursery.start_soon(desk.place, "s", ask(qty=7))
        await trio.sleep(0.5)
        buys, _ = desk.blotter.working("SPY")
        assert buys == Decimal(7)
        with trio.fail_after(1):
            await desk.place("s", ask())
        nursery.cancel_scope.cancel()
