"""The broker's books stand as long as nothing was filled or ended since, and no longer than the rounds are apart."""

import trio

from engine.model.order import OrderStatus


async def test_an_order_that_is_taken_leaves_the_books_standing_and_its_fill_does_not(world, ask, autojump_clock):
    async with world.open() as desk:
        assert desk.standing is desk.snapshot is not None
        order = await desk.place("s", ask())
        assert desk.standing is desk.snapshot
        world.fill(desk, order.id)
        await trio.sleep(0.1)
        assert desk.snapshot is not None and desk.standing is None
        await trio.sleep(130)  # a round that began well after it
        assert desk.standing is desk.snapshot is not None


async def test_a_cancel_that_a_round_finds_makes_that_round_doubtful(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        await trio.sleep(10)
        world.broker.turn(order.id, OrderStatus.CANCELED)  # nobody tells
        await desk.reconcile()
        assert desk.standing is None
        await trio.sleep(10)
        await desk.reconcile()
        assert desk.standing is desk.snapshot is not None


async def test_what_was_filled_just_before_the_round_may_not_be_in_its_answers(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        world.fill(desk, order.id)
        await trio.sleep(desk.tuning.fence_s - 1)
        await desk.reconcile()
        assert desk.standing is None


async def test_books_that_cannot_be_read_again_stand_no_longer_than_a_round(world, autojump_clock):
    async with world.open() as desk:
        world.broker.away = True
        await trio.sleep(desk.tuning.reconcile_every_s + 1)
        assert desk.snapshot is not None and desk.standing is None
