"""Comparing books changes nothing unless every question was answered; it is shared, paced, and gives up loudly."""

from decimal import Decimal

import pytest
import trio

from engine.core.blotter import Blotter
from engine.errors import BrokerUnavailable, LineLost, MarkUnknown
from engine.flow.desk import DeskTuning
from engine.model.entry import Remembered
from engine.model.order import OrderStatus, Side


async def test_in_half_an_hour_without_rest_no_order_ends_and_all_of_them_count(world, ask, autojump_clock):
    async with world.open() as desk:
        orders = [await desk.place("s", ask()) for _ in range(6)]
        world.broker.away = True
        for number, order in enumerate(orders[:3]):
            world.broker.turn(order.id, OrderStatus.CANCELED if number else OrderStatus.EXPIRED)
        for _ in range(30):
            await trio.sleep(60)
            assert all(order.open for order in orders)
            assert desk.blotter.working("SPY")[0] == 60
        world.broker.away = False
        await trio.sleep(10)
        assert [order.open for order in orders] == [False] * 3 + [True] * 3
        assert [order.status for order in orders] == [world.broker.orders[order.id].status for order in orders]


async def test_a_failed_question_has_no_effect_and_is_told_to_who_asked(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        before = desk.snapshot
        world.broker.fill(order.id, 500)

        async def fail_at_the_last(name):
            if name == "account":
                raise BrokerUnavailable("no route to host")

        world.broker.on_call = fail_at_the_last
        with pytest.raises(BrokerUnavailable):
            await desk.reconcile()
        assert desk.snapshot is before
        assert order.status is OrderStatus.NEW
        world.broker.on_call = None
        await desk.reconcile()
        assert order.status is OrderStatus.FILLED
        assert desk.position("s", "SPY").qty == 10


async def test_an_empty_answer_is_not_taken_for_an_empty_account(world, ask, autojump_clock):
    async with world.open() as desk:
        first = await desk.place("s", ask())
        world.fill(desk, first.id)
        second = await desk.place("s", ask())
        await trio.sleep(5)
        world.broker.liar = True
        with pytest.raises(BrokerUnavailable, match="no open orders"):
            await desk.reconcile()
        world.broker.orders[second.id] = world.broker.turn(second.id, OrderStatus.CANCELED)
        with pytest.raises(BrokerUnavailable, match="no positions"):
            await desk.reconcile()
        assert desk.position("s", "SPY").qty == 10


async def test_rounds_asked_for_at_once_are_one_round(world, autojump_clock):
    async with world.open() as desk:
        before = world.broker.calls.count("account")
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(desk.reconcile)
        assert world.broker.calls.count("account") == before + 1


async def test_a_round_that_was_under_way_does_not_answer_who_asks_later(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())

        async def fill_behind_the_list(name):
            if name == "account":
                world.broker.on_call = None
                world.broker.fill(order.id, 500)
                nursery.start_soon(later)

        async def later():
            await desk.reconcile()
            assert order.status is OrderStatus.FILLED

        async with trio.open_nursery() as nursery:
            world.broker.on_call = fill_behind_the_list
            await desk.reconcile()


async def test_rounds_out_of_doubt_keep_apart(world, autojump_clock):
    async with world.open() as desk:
        before = world.broker.calls.count("account")
        for _ in range(300):
            desk._reconciler.doubt("something is strange")
            await trio.sleep(0.1)
        rounds = world.broker.calls.count("account") - before
    assert 2 <= rounds <= 1 + 30 / desk.tuning.doubt_every_s


async def test_books_are_compared_by_the_clock_too(world, autojump_clock):
    async with world.open() as desk:
        before = world.broker.calls.count("account")
        await trio.sleep(10 * desk.tuning.reconcile_every_s + 5)
        assert world.broker.calls.count("account") == before + 10


async def test_a_fill_that_nobody_told_of_is_found_and_handed_out_once(world, ask, autojump_clock):
    async with world.open() as desk:
        got = []
        desk.listen_fills("s", got.append)
        order = await desk.place("s", ask())
        missed = world.broker.fill(order.id, 500)
        await desk.reconcile()
        await desk.reconcile()
        assert [fill.execution_id for fill in got] == [missed.execution_id]
        world.tell(desk, world.broker.orders[order.id], "fill", missed)
        await trio.sleep(1)
        assert len(got) == 1
        assert desk.position("s", "SPY").qty == 10


async def test_executions_are_read_to_the_last_page(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask(qty=10))
        for _ in range(10):
            world.broker.fill(order.id, 500, Decimal(1))
        await desk.reconcile()
        assert len(order.fills) == 10


async def test_what_a_person_bought_is_adopted_and_said_and_is_nobodys(world, autojump_clock):
    world.broker.held["SPY"] = Decimal(25)
    async with world.open() as desk:
        assert desk.blotter.account_position("SPY") == 25
        assert desk.position("s", "SPY").qty == 0
        assert any("25" in said for said in world.said)
        assert not desk.gate.account_blocked


async def test_positions_that_move_during_a_round_are_read_again(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        await trio.sleep(5)
        desk.account_lost(LineLost("reset by peer"), 1.0)

        async def fill_between(name):
            if name == "positions" and world.broker.calls.count("positions") % 2 == 0:
                world.broker.on_call = None
                world.broker.fill(order.id, 500)

        world.broker.on_call = fill_between
        await desk.reconcile()
        assert desk.position("s", "SPY").qty == desk.blotter.account_position("SPY") == 10
        assert not any("belong" in said for said in world.said)


async def test_reads_that_trail_by_seconds_are_not_held_against_what_was_just_told(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        await trio.sleep(10)
        world.fill(desk, order.id)
        shown, world.broker.held = world.broker.held, {}  # what is read is as it was before
        for _ in range(2):  # a difference counts when it is seen twice, with a fence set between
            await trio.sleep(desk.tuning.fence_s / 2 - 0.1)
            await desk.reconcile()
        assert desk.position("s", "SPY").qty == desk.blotter.account_position("SPY") == 10
        world.broker.held = shown
        await trio.sleep(60)
        await desk.reconcile()
        assert desk.position("s", "SPY").qty == desk.blotter.account_position("SPY") == 10
        assert not any("belong" in said or "differ" in said for said in world.said)


async def test_orders_that_ended_unheard_are_each_asked_for_once_a_round_however_positions_move(
    world, ask, autojump_clock
):
    async with world.open() as desk:
        resting = await desk.place("s", ask())
        lost = [await desk.place("s", ask()) for _ in range(5)]
        await trio.sleep(5)
        for order in lost:
            world.broker.turn(order.id, OrderStatus.CANCELED)
        world.broker.calls.clear()

        async def move(name):
            if name == "positions" and world.broker.calls.count("positions") in (2, 3):
                world.broker.fill(resting.id, 500, Decimal(1))

        world.broker.on_call = move
        await desk.reconcile()
        assert world.broker.calls.count("positions") == 4
        assert world.broker.calls.count("order") == len(lost)
        assert all(order.status is OrderStatus.CANCELED for order in lost)


async def test_books_that_cannot_be_brought_together_trip_the_switch_and_say_why(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        await trio.sleep(5)
        fill = world.broker.fill(order.id, 500)
        world.broker.fills.remove(fill)
        await trio.sleep(240)
        assert "could not be brought together" in desk.gate.account_blocked
        assert "still differ" in world.switch.reason
        assert sum("still differ" in said for said in world.said) == 1


async def test_no_two_rounds_run_beside_each_other(world, ask, autojump_clock):
    running = []

    async def look(name):
        if name == "open_orders":
            running.append(1)
            await trio.sleep(0.5)
        if name == "account":
            running.pop()
            assert not running

    async with world.open(desk=world.build(tuning=DeskTuning(doubt_every_s=0.0, doubt_after_s=0.0))) as desk:
        world.broker.on_call = look
        async with trio.open_nursery() as nursery:
            for pause_s in range(10):
                desk._reconciler.doubt("strange")
                nursery.start_soon(desk.reconcile)
                await trio.sleep(0.1 * pause_s)


async def test_an_order_by_hand_is_kept_as_nobodys(world, ask, autojump_clock):
    world.broker._accept(ask(Side.SELL))
    async with world.open() as desk:
        assert not desk.open_orders("s")
        assert len(desk.open_orders("")) == 1


async def test_a_fill_of_an_order_that_was_canceled_before_is_found_too(world, ask, autojump_clock):
    async with world.open() as desk:
        got = []
        desk.listen_fills("s", got.append)
        order = await desk.place("s", ask())
        await order.cancel()
        world.broker.fill(order.id, 500, Decimal(4))
        world.broker.turn(order.id, OrderStatus.CANCELED)
        await desk.reconcile()
        assert [fill.qty for fill in got] == [4]
        assert desk.position("s", "SPY").qty == desk.blotter.account_position("SPY") == 4
        assert (order.status, order.filled_qty) == (OrderStatus.CANCELED, 4)
        await trio.sleep(30)
        assert not world.switch.reason


async def test_a_fill_that_a_former_run_died_of_hours_ago_is_found(world, ask, autojump_clock):
    async with world.open(desk=world.build(Blotter("first"))) as desk:
        order = await desk.place("s", ask())
    missed = world.broker.fill(order.id, 500)
    await trio.sleep(5 * 3600)
    ticket = desk.blotter.ticket(order.client_order_id)
    told = Blotter.restore(Remembered(session="second", next_seq={}, intents=(ticket.intent,)))
    told.take_orders((world.broker.orders[order.id],))  # as the one that asks what became of it does, at once
    async with world.open(desk=world.build(told)) as desk:
        assert desk.blotter.fills_of("s") == (missed,)
        await trio.sleep(600)
        assert not world.switch.reason


async def test_after_books_that_could_not_be_brought_together_a_reset_and_a_clean_round_let_it_go_on(
    world, ask, autojump_clock
):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        await trio.sleep(5)
        fill = world.broker.fill(order.id, 500)
        world.broker.fills.remove(fill)
        await trio.sleep(240)
        world.switch.reason = ""  # a person reset it, and the books still differ
        await trio.sleep(120)
        assert "could not be brought together" in desk.gate.account_blocked
        world.switch.reason = "again"
        world.broker.fills.append(fill)
        await trio.sleep(120)
        assert desk.gate.account_blocked  # the books agree, and nobody has looked
        world.switch.reason = ""
        await trio.sleep(60)
        assert not desk.gate.account_blocked
        assert sum("may be opened again" in said for said in world.said) == 1
        await desk.place("s", ask())


async def test_a_place_in_the_list_of_executions_that_the_broker_forgot_is_given_up_once_and_said(
    world, ask, autojump_clock
):
    async def forget(name):
        if name == "fills_behind":
            world.broker.on_call = None
            raise MarkUnknown("invalid page_token")

    desk = world.build(heard={"activities": "7"})
    async with world.open(desk=desk, ready=False):
        desk.account_connected()
        order = await desk.place("s", ask())
        world.broker.fill(order.id, 500)
        await desk.reconcile()
        world.broker.on_call = forget
        await desk.reconcile()
        await desk.reconcile()
        assert desk.position("s", "SPY").qty == 10
        assert [ticket.fills for ticket in desk.blotter.tickets()] == [tuple(world.broker.fills)]
        assert sum("was the account reset?" in said for said in world.said) == 1


async def test_what_a_round_shows_first_is_told_with_its_time(world, ask, autojump_clock):
    untold: list[int] = []
    desk = world.build()
    desk.untold = untold.append
    async with world.open(desk=desk):
        order = await desk.place("s", ask())
        other = await desk.place("s", ask())
        await trio.sleep(10)
        world.fill(desk, other.id)
        await trio.sleep(10)
        await desk.reconcile()
        assert untold == []
        turned = world.broker.turn(order.id, OrderStatus.CANCELED)
        await trio.sleep(10)
        await desk.reconcile()
        assert untold == [turned.updated_ns]
