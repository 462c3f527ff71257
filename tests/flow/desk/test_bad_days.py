"""Whatever goes wrong in whatever order: in the end both sides know the same orders and positions, each order once."""

from random import Random

import pytest
import trio

from engine.errors import GaplessError, LineLost
from engine.model.order import OrderStatus, Side

SUBMITS = ("ok", "drop", "slow", "late", "lose", "refuse")
CANCELS = ("ok", "drop", "lose", "beaten")
CHANGES = ("ok", "drop", "lose", "refuse")


async def _trade(desk, ask, dice):
    """One strategy: places, changes and cancels, and gives up on some of it half way."""
    for _ in range(6):
        with trio.move_on_after(dice.choice((0.005, 0.5, 5, 100))):
            try:
                order = await desk.place("s", ask(dice.choice((Side.BUY, Side.SELL)), dice.randint(1, 9)))
                await trio.sleep(dice.random())
                if dice.random() < 0.3:
                    await order.replace(limit=dice.randint(400, 498))
                if dice.random() < 0.5:
                    await order.cancel()
            except GaplessError:
                await trio.sleep(0.1)


async def _break(world, desk, dice):
    """The day: fills told, untold and doubled, the line gone, REST gone, and back again."""
    while True:
        await trio.sleep(dice.random())
        broker = world.broker
        broker.submits, broker.cancels, broker.changes = ([dice.choice(ways)] for ways in (SUBMITS, CANCELS, CHANGES))
        open_ids = [order.id for order in broker.orders.values() if order.status is OrderStatus.NEW]
        what = dice.random()
        if what < 0.5 and open_ids:
            fill = broker.fill(dice.choice(open_ids), 500)
            for _ in range(dice.choice((0, 1, 2))):
                world.tell(desk, broker.orders[fill.order_id], "fill", fill)
        elif what < 0.6:
            broker.away = not broker.away
        elif what < 0.7:
            desk.account_lost(LineLost("reset by peer"), 1.0)
        elif what < 0.8:
            desk.account_connected()


@pytest.mark.parametrize("seed", range(25))
async def test_a_bad_day_ends_with_equal_books(world, ask, seed, autojump_clock):
    dice = Random(seed)
    async with world.open() as desk:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_break, world, desk, dice)
            async with trio.open_nursery() as strategies:
                for _ in range(3):
                    strategies.start_soon(_trade, desk, ask, dice)
            nursery.cancel_scope.cancel()
        broker = world.broker
        broker.away, broker.submits, broker.cancels, broker.changes = False, [], [], []
        desk.account_connected()
        with trio.fail_after(120):
            await desk.settle()
        await trio.sleep(60)
        await desk.reconcile()

        names = [order.client_order_id for order in broker.orders.values()]
        assert len(names) == len(set(names))
        for order in broker.orders.values():
            ticket = desk.blotter.by_order_id(order.id)
            assert ticket is not None
            assert ticket.strategy == "s"
            assert ticket.order.status is order.status
            assert sum(fill.qty for fill in ticket.fills) == order.filled_qty
        assert desk.position("s", "SPY").qty == desk.blotter.account_position("SPY") == broker.held.get("SPY", 0)
        assert not desk.gate.account_blocked
        assert not world.switch.reason
