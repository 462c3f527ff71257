"""However a block of orders is left, what was asked for is done in time, or it is said what was not."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import trio

from engine.errors import Misconfigured
from engine.flow.notices import Notices
from engine.flow.trading import Trading
from engine.model.control import Alarm
from engine.model.intent import Purpose
from engine.model.order import OrderRequest, OrderStatus, OrderType, Side, TimeInForce

Build = Callable[..., Any]
REST = Decimal(0)


def statuses(floor: Any) -> list[str]:
    return [order.order.status for order in floor.desk.placed]


async def by_returning(trading: Trading, **how: Any) -> None:
    async with trading.orders(**how):
        await trading.order(Side.BUY, "SPY", 10, limit=90)


async def by_raising(trading: Trading, **how: Any) -> None:
    async def body() -> None:
        async with trading.orders(**how):
            await trading.order(Side.BUY, "SPY", 10, limit=90)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await body()


async def by_time_out(trading: Trading, **how: Any) -> None:
    with trio.move_on_after(5):
        async with trading.orders(**how):
            await trading.order(Side.BUY, "SPY", 10, limit=90)
            await trio.sleep_forever()


async def by_cancel_while_placing(trading: Trading, **how: Any) -> None:
    with trio.move_on_after(0.05):
        async with trading.orders(**how):
            await trading.order(Side.BUY, "SPY", 10, limit=90)


async def by_a_childs_crash(trading: Trading, **how: Any) -> None:
    async def child() -> None:
        await trading.order(Side.BUY, "SPY", 10, limit=90)
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError):
        async with trading.orders(**how), trio.open_nursery() as nursery:
            nursery.start_soon(child)
            await trio.sleep_forever()


WAYS = [by_returning, by_raising, by_time_out, by_cancel_while_placing, by_a_childs_crash]


@pytest.mark.parametrize("way", WAYS)
async def test_left_in_any_way_its_orders_are_canceled(
    build_floor: Build, fate: Any, way: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=REST))
    trading = floor.trading()
    async with trading.run():
        await way(trading, on_exit="cancel", within=5)
        assert statuses(floor) == [OrderStatus.CANCELED]
    assert floor.reports == []


@pytest.mark.parametrize("way", WAYS)
async def test_left_in_any_way_its_position_is_closed(
    build_floor: Build, fate: Any, way: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=Decimal("0.5"), late=Decimal("0.2")), beta_SPY=9)
    await way(floor.trading(), on_exit="flatten", within=5)
    assert floor.desk.held == {("alpha", "SPY"): 0, ("beta", "SPY"): 9}
    assert floor.desk.purposes[-1] is Purpose.EXIT
    assert floor.reports == []


@pytest.mark.parametrize("way", [by_returning, by_raising, by_time_out])
async def test_what_is_to_be_left_is_left(build_floor: Build, fate: Any, way: Any, autojump_clock: Any) -> None:
    floor = build_floor(fate(fills=REST))
    trading = floor.trading()
    async with trading.run():
        await way(trading, on_exit="leave", within=5)
    assert statuses(floor) == [OrderStatus.NEW]
    assert floor.reports == []


async def test_leaving_ends_in_time_and_says_what_is_left(build_floor: Build, fate: Any, autojump_clock: Any) -> None:
    floor = build_floor(fate(fills=REST, stuck=True))
    began_s = trio.current_time()
    await by_returning(floor.trading(), on_exit="cancel", within=3)
    assert trio.current_time() - began_s == pytest.approx(3.1)
    said = (
        "alpha: left a block of orders with on_exit='cancel', but SPY order s-alpha-1 is still open; "
        "3 s were not enough"
    )
    assert floor.reports == [said]


async def test_what_is_left_is_an_alarm(build_floor: Build, fate: Any, autojump_clock: Any) -> None:
    floor = build_floor(fate(fills=REST, stuck=True))
    floor.markets.listen(notices := Notices(10))
    await by_returning(floor.trading(), on_exit="cancel", within=1)
    assert await notices.batch() == [Alarm("orders", floor.clock.at_ns, floor.reports[0])]


async def test_what_cannot_be_closed_is_said(build_floor: Build, fate: Any, autojump_clock: Any) -> None:
    floor = build_floor(fate(), *[fate(refused="no") for _ in range(5)])
    async with floor.trading().orders(on_exit="flatten", within=60):
        await floor.desk.place("alpha", _market("SPY", 10))
    assert floor.reports == []  # that order was not the block's: the desk was asked behind its back
    floor = build_floor(fate(), *[fate(refused="no") for _ in range(5)])
    trading = floor.trading()
    async with trading.orders(on_exit="flatten", within=60):
        await trading.order(Side.BUY, "SPY", 10)
    assert len(floor.reports) == 1
    assert floor.reports[0].endswith("but SPY: 10 is left after 5 orders to close it. Last word: no")


async def test_blocks_nest_and_each_order_is_its_own_blocks(build_floor: Build, fate: Any, autojump_clock: Any) -> None:
    floor = build_floor(fate(fills=REST), fate(fills=REST), fate(fills=REST))
    trading = floor.trading()
    async with trading.orders(on_exit="cancel") as outer:
        await trading.order(Side.BUY, "SPY", 1, limit=90)
        async with trading.orders(on_exit="cancel") as inner:
            await trading.order(Side.BUY, "SPY", 2, limit=90)
            assert [len(scope.open) for scope in (outer, inner)] == [1, 1]
        await trading.order(Side.BUY, "SPY", 3, limit=90)
        assert statuses(floor) == [OrderStatus.NEW, OrderStatus.CANCELED, OrderStatus.NEW]
    assert statuses(floor) == [OrderStatus.CANCELED] * 3


async def test_blocks_of_sibling_tasks_do_not_touch_each_others_orders(
    build_floor: Build, fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=REST), fate(fills=REST))
    trading = floor.trading()

    async def sibling(seconds: float) -> None:
        async with trading.orders(on_exit="cancel"):
            await trading.order(Side.BUY, "SPY", 1, limit=90)
            await trio.sleep(seconds)

    async with trading.run(), trio.open_nursery() as nursery:
        nursery.start_soon(sibling, 5)
        nursery.start_soon(sibling, 50)
        await trio.sleep(10)
        assert sorted(statuses(floor)) == [OrderStatus.CANCELED, OrderStatus.NEW]


async def test_an_order_outside_every_block_is_canceled_at_the_end_of_the_run(
    build_floor: Build, fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=REST))
    trading = floor.trading()
    async with trading.run():
        await trading.order(Side.BUY, "SPY", 1, limit=90)
        assert statuses(floor) == [OrderStatus.NEW]
    assert statuses(floor) == [OrderStatus.CANCELED]


async def test_the_first_block_takes_over_what_a_former_run_left(
    build_floor: Build, fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(alpha_QQQ=4)
    floor.desk.open("alpha", _market("SPY", 1), fate(fills=REST))
    trading = floor.trading()
    async with trading.run(), trading.orders(on_exit="flatten") as scope:
        assert [order.symbol for order in scope.open] == ["SPY"]
    assert statuses(floor) == [OrderStatus.CANCELED, OrderStatus.FILLED]
    assert floor.desk.held["alpha", "QQQ"] == 0


async def test_a_block_that_leaves_takes_over_and_leaves(build_floor: Build, fate: Any, autojump_clock: Any) -> None:
    floor = build_floor()
    floor.desk.open("alpha", _market("SPY", 1), fate(fills=REST))
    trading = floor.trading()
    async with trading.run(), trading.orders(on_exit="leave"):
        pass
    assert statuses(floor) == [OrderStatus.NEW]


async def test_flattening_cancels_what_else_the_strategy_has_on_the_symbol(
    build_floor: Build, fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=REST), fate(), fate(fills=REST))
    trading = floor.trading()
    async with trading.orders(on_exit="leave"):
        await trading.order(Side.SELL, "SPY", 5, limit=110)
        async with trading.orders(on_exit="flatten"):
            await trading.order(Side.BUY, "SPY", 10)
    assert floor.desk.held["alpha", "SPY"] == 0
    assert floor.desk.crossed == []


async def test_a_wrong_word_or_no_time_is_said_at_the_door(build_floor: Build, autojump_clock: Any) -> None:
    trading = build_floor().trading()
    with pytest.raises(Misconfigured, match="none of 'cancel', 'flatten', 'leave'"):
        async with trading.orders(on_exit="close"):
            pass
    with pytest.raises(Misconfigured, match="must be more than 0 seconds"):
        async with trading.orders(within=0):
            pass


def _market(symbol: str, qty: int) -> OrderRequest:
    return OrderRequest(
        symbol=symbol, side=Side.BUY, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=Decimal(qty)
    )
