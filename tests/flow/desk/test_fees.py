"""Fees are read behind the executions they are of, late ones too, each counts once, and none of them stops a round."""

from decimal import Decimal

import trio

from engine.core.blotter import Blotter
from engine.errors import BrokerUnavailable, MarkUnknown
from engine.model.account import AccountFee
from engine.model.entry import Charged, Remembered


def charge(world, order_id="", cents=5, age_s=0.0):
    """The broker takes a fee."""
    fee = AccountFee(
        id=f"fee-{len(world.broker.fees)}",
        amount=Decimal(cents) / 100,
        ts_ns=world.clock.now_ns() - round(age_s * 1e9),
        order_id=order_id,
        symbol="SPY",
    )
    world.broker.fees.append(fee)


def asked(world):
    return world.broker.calls.count("fees_behind")


async def test_what_was_filled_is_followed_by_what_it_cost(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        world.fill(desk, order.id)
        for _ in range(5):
            charge(world, order.id)
        await desk.reconcile()
        assert desk.position("s", "SPY").fees == Decimal("0.25")
        assert desk.blotter.profit("s", {"SPY": Decimal(500)}) == Decimal("-0.25")
        await trio.sleep(2)
    assert [entry.fee.id for entry in (*world.store.synced, *world.store.soon) if isinstance(entry, Charged)] == [
        f"fee-{number}" for number in range(5)
    ]


async def test_without_a_fill_fees_are_read_once_in_ten_minutes(world, ask, autojump_clock):
    async with world.open() as desk:
        await trio.sleep(30)
        before = asked(world)
        for _ in range(8):
            await trio.sleep(60)
            await desk.reconcile()
        assert asked(world) == before
        await trio.sleep(180)
        assert asked(world) == before + 1


async def test_a_fee_that_is_listed_late_and_before_others_is_found(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        world.fill(desk, order.id)
        charge(world, order.id)
        await desk.reconcile()
        charge(world, order.id, cents=7)
        world.broker.fees.reverse()
        await trio.sleep(700)
        assert desk.position("s", "SPY").fees == Decimal("0.12")


async def test_what_the_account_was_charged_before_these_books_began_is_none_of_theirs(world, ask, autojump_clock):
    charge(world, cents=99, age_s=3600)
    async with world.open() as desk:
        assert desk.blotter.cash() == 0
    heard = world.store.remembered("again").heard
    await trio.sleep(7200)
    charge(world, cents=1)
    async with world.open(desk=world.build(Blotter("again"), heard=heard)) as desk:
        assert desk.blotter.cash() == Decimal("-0.01")


async def test_another_run_reads_them_again_and_counts_each_once(world, ask, autojump_clock):
    async with world.open() as desk:
        order = await desk.place("s", ask())
        world.fill(desk, order.id)
        charge(world, order.id)
        await desk.reconcile()
        charge(world, order.id)
        written = (*world.store.synced, *world.store.soon)
    remembered = world.store.remembered("again")
    charged = tuple(entry for entry in written if isinstance(entry, Charged))
    blotter = Blotter.restore(Remembered(
        session="again", next_seq={}, tickets=remembered.tickets, charged=charged, heard=remembered.heard
    ))  # fmt: skip
    assert blotter.position("s", "SPY").fees == Decimal("0.05")
    async with world.open(desk=world.build(blotter, heard=remembered.heard)) as desk:
        assert desk.position("s", "SPY").fees == Decimal("0.10")


async def test_a_list_of_fees_that_cannot_be_read_is_said_once_and_stops_nothing(world, ask, autojump_clock):
    error = BrokerUnavailable("no route to fees")

    async def fail(name):
        if name == "fees_behind":
            raise error

    async with world.open() as desk:
        order = await desk.place("s", ask())
        world.fill(desk, order.id)
        charge(world, order.id)
        world.broker.on_call = fail
        await desk.reconcile()
        await desk.reconcile()
        assert desk.position("s", "SPY").qty == 10
        assert sum("no route to fees" in sentence for sentence in world.said) == 1
        error = MarkUnknown("no such mark")
        await desk.reconcile()
        world.broker.on_call = None
        await desk.reconcile()
        assert desk.position("s", "SPY").fees == Decimal("0.05")
