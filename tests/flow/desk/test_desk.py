"""A process may die at any step: what is started again finds every order once, and sends nothing twice."""

import pytest
import trio

from engine.core.blotter import Blotter
from engine.errors import GaplessError
from engine.model.intent import Outcome, Purpose
from engine.model.order import Side
from engine.ports import Step


class _Death(BaseException):
    """The process is gone: nothing behind this line ever runs."""


STEPS = [
    Step.INTENT_WRITING,
    Step.INTENT_WRITTEN,
    Step.SUBMIT_SENDING,
    Step.SUBMIT_ANSWERED,
    Step.SUBMIT_NOT_ANSWERED,
    Step.OUTCOME_WRITING,
    Step.OUTCOME_WRITTEN,
    Step.UNKNOWN_ASKING,
    Step.UNKNOWN_ANSWERED,
    Step.RESUBMIT_SENDING,
    Step.RESUBMIT_ANSWERED,
]


async def _die_at(world, ask, step, way, purpose=Purpose.ENTRY):
    """Place an order in a desk that dies at a step; what it had synced by then stays."""
    frozen = []

    def die(at):
        if at is step and not frozen:
            frozen.append(list(world.store.synced))
            raise _Death

    world.broker.submits = [way]
    try:
        async with world.open() as desk:
            world.on_step = die
            with trio.move_on_after(60):
                await desk.place("s", ask(), purpose=purpose, within_s=60)
    except BaseExceptionGroup as group:
        rest = group.split(_Death)[1]
        assert rest is None or rest.split(GaplessError)[1] is None
    world.on_step = lambda _: None
    if frozen:
        world.store.synced = frozen[0]
        world.store.soon = []
    return bool(frozen)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("way", ["ok", "drop", "lose"])
async def test_after_a_death_at_any_step_there_is_one_order_or_none_and_both_sides_know_it(
    world, ask, step, way, autojump_clock
):
    died = await _die_at(world, ask, step, way)
    desk = world.build(Blotter.restore(world.store.remembered("test2")))
    async with world.open(desk=desk):
        await desk.settle()
        await desk.reconcile()
        known = {live.client_order_id for live in desk.open_orders("s")}
        assert known == {order.client_order_id for order in world.broker.orders.values()}
    assert len(world.broker.orders) <= 1
    assert died or way != "lose" or step is Step.SUBMIT_ANSWERED


async def test_what_a_former_run_left_unclear_is_asked_for_before_anything_is_opened(world, ask, autojump_clock):
    await _die_at(world, ask, Step.SUBMIT_NOT_ANSWERED, "lose")
    asked = len(world.broker.calls)
    desk = world.build(Blotter.restore(world.store.remembered("test2")))
    async with world.open(desk=desk):
        order = await desk.place("s", ask(qty=3), within_s=60)
        assert order.order.qty == 3
    calls = world.broker.calls[asked:]
    assert calls.index("order_of") < calls.index("submit")
    assert len(world.broker.orders) == 2 or desk.blotter.ticket(world.broker.posts[0].client_order_id).outcome in (
        Outcome.ABSENT,
        Outcome.TAKEN,
    )


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_what_a_former_run_did_not_get_to_the_venue_is_not_sent_by_this_one(world, ask, purpose, autojump_clock):
    assert await _die_at(world, ask, Step.INTENT_WRITTEN, "ok", purpose)
    desk = world.build(Blotter.restore(world.store.remembered("test2")))
    async with world.open(desk=desk):  # what it was to close, 'gapless kill' or the guard has closed meanwhile
        await desk.settle()
        assert [ticket.outcome for ticket in desk.blotter.tickets()] == [Outcome.ABSENT]
    assert not world.broker.posts


async def test_an_exit_at_the_start_waits_for_those_answers_but_not_for_ever(world, ask, autojump_clock):
    await _die_at(world, ask, Step.SUBMIT_NOT_ANSWERED, "lose")
    desk = world.build(Blotter.restore(world.store.remembered("test2")))

    async def no_answers(name):
        if name == "order_of":
            await trio.sleep_forever()

    world.broker.on_call = no_answers
    async with world.open(desk=desk, ready=False):
        began_s = trio.current_time()
        await desk.place("s", ask(Side.SELL), purpose=Purpose.EXIT)
        assert trio.current_time() - began_s == pytest.approx(desk.tuning.start_wait_s, abs=0.5)


async def test_settle_waits_for_what_is_being_sent_and_for_what_is_unknown(world, ask, autojump_clock):
    world.broker.submits = ["slow"]
    async with world.open() as desk, trio.open_nursery() as nursery:
        nursery.start_soon(desk.place, "s", ask())
        await trio.sleep(0.1)
        await desk.settle()
        assert trio.current_time() > 9
        assert desk.open_orders("s")[0].ticket.outcome is Outcome.TAKEN


async def test_ids_go_on_where_they_were(world, ask, autojump_clock):
    async with world.open() as desk:
        names = [(await desk.place("s", ask())).client_order_id for _ in range(3)]
    assert names == ["test-s-0", "test-s-1", "test-s-2"]
