"""What a strategy asks for reaches the desk as it was meant, and what only gives back is an exit."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import trio

from engine.core.restart import RestartPolicy
from engine.errors import ChannelOverflow, Misconfigured, OrderEnded, OrderRefused
from engine.flow.context import StrategyContext
from engine.flow.runner import StrategyRun
from engine.flow.trading.fills import FILLS_MAX, Fills
from engine.model.intent import Purpose
from engine.model.order import OrderStatus, Side, TimeInForce
from engine.ports import CallbackStrategy, Context, Strategy, plug, strategy

Build = Callable[..., Any]
REST = Decimal(0)


@pytest.mark.parametrize(
    ("side", "qty", "purpose"),
    [
        (Side.SELL, 10, Purpose.EXIT),
        (Side.SELL, 11, Purpose.ENTRY),
        (Side.BUY, 1, Purpose.ENTRY),
    ],
)
async def test_giving_back_what_is_held_is_an_exit(
    build_floor: Build, side: Side, qty: int, purpose: Purpose, autojump_clock: Any
) -> None:
    floor = build_floor(alpha_SPY=10, beta_SPY=50)
    await floor.trading().order(side, "SPY", qty)
    assert floor.desk.purposes == [purpose]


async def test_what_is_on_its_way_already_is_not_given_back_twice(
    build_floor: Build, fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=REST), fate(fills=REST), alpha_SPY=10)
    trading = floor.trading()
    for _ in range(2):
        await trading.order(Side.SELL, "SPY", 6, limit=110)
    assert floor.desk.purposes == [Purpose.EXIT, Purpose.ENTRY]


async def test_an_order_with_exits_of_its_own_is_no_exit(build_floor: Build, autojump_clock: Any) -> None:
    floor = build_floor(alpha_SPY=10)
    await floor.trading().order(Side.SELL, "SPY", 5, take_profit=90, stop_loss=110)
    assert floor.desk.purposes == [Purpose.ENTRY]


async def test_a_word_that_no_order_knows_is_a_mistake_in_the_strategy(build_floor: Build, autojump_clock: Any) -> None:
    context = StrategyContext("alpha", build_floor().markets, build_floor().trading())
    with pytest.raises(TypeError, match=r"^ctx\.buy has no argument 'limt': did you mean 'limit'\?$"):
        await context.buy("SPY", 1, limt=3)
    with pytest.raises(TypeError, match=r"^ctx\.sell has no argument 'time_in_force': did you mean 'tif'\?$"):
        await context.sell("SPY", 1, time_in_force="day")
    with pytest.raises(TypeError, match=r"ctx\.buy has no argument 'zzz': it has qty, notional, limit,"):
        await context.buy("SPY", 1, zzz=1)


async def test_a_pair_may_be_written_without_its_slash(build_floor: Build, autojump_clock: Any) -> None:
    floor = build_floor()
    floor.desk.assets["BTCUSD"] = floor.desk.assets["BTC/USD"]
    trading = floor.trading()
    await trading.order(Side.BUY, "BTCUSD", "0.5")
    (order,) = floor.desk.placed
    assert (order.symbol, order.ticket.intent.request.time_in_force) == ("BTC/USD", TimeInForce.GTC)
    assert trading.position("BTCUSD") == trading.position("BTC/USD") == Decimal("0.5")
    await trading.target("BTCUSD", 0)
    assert trading.position("BTCUSD") == 0


async def test_a_strategy_reads_its_own_profit_and_none_where_that_is_not_known(build_floor: Build) -> None:
    floor = build_floor()
    floor.profits["alpha"] = Decimal("12.5")
    profits = [StrategyContext(name, floor.markets, floor.trading(name)).profit() for name in ("alpha", "beta")]
    assert profits == [Decimal("12.5"), None]


async def test_cancel_ends_the_open_orders_of_one_symbol_or_all(
    build_floor: Build, fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=REST), fate(fills=REST))
    trading = floor.trading()
    await trading.order(Side.BUY, "SPY", 1, limit=9)
    await trading.order(Side.BUY, "QQQ", 1, limit=9)
    await trading.cancel("SPY")
    assert [order.symbol for order in trading.open_orders()] == ["QQQ"]
    await trading.cancel()
    assert trading.open_orders() == ()


async def test_fills_come_once_each_and_only_its_own(build_floor: Build, autojump_clock: Any) -> None:
    floor = build_floor()
    async with floor.trading("alpha").fills() as fills:
        await floor.trading("beta").order(Side.BUY, "SPY", 1)
        await floor.trading("alpha").order(Side.BUY, "SPY", 2)
        assert [fill.qty for fill in await fills.batch()] == [2]
    floor.desk.move("alpha", "SPY", Decimal(1))  # nobody listens any more, and that is no error


async def test_fills_end_with_the_session(build_floor: Build, autojump_clock: Any) -> None:
    floor = build_floor()
    async with floor.trading().fills() as fills:
        floor.markets.close_channels()
        assert [fill async for fill in fills] == []


async def test_no_fill_is_dropped_the_strategy_is_ended_instead(autojump_clock: Any) -> None:
    fills = Fills(2, strategy="alpha")
    for number in range(4):
        fills.put(number)
    assert [await anext(fills), await anext(fills)] == [0, 1]
    with pytest.raises(ChannelOverflow, match="2 fills wait to be read"):
        await anext(fills)
    assert FILLS_MAX > 1000


@pytest.mark.parametrize("what", ["buy", "sell", "target", "close", "cancel"])
async def test_without_an_account_orders_are_a_sentence(build_floor: Build, what: str, autojump_clock: Any) -> None:
    ctx = StrategyContext("alpha", build_floor().markets)
    arguments = ("SPY", 1) if what == "target" else ("SPY",)
    with pytest.raises(Misconfigured, match=f"alpha: ctx.{what} needs an account"):
        await getattr(ctx, what)(*arguments)
    for there in ("positions", "state"):
        with pytest.raises(Misconfigured, match=there):
            getattr(ctx, there)


# -- a run is a block


def run_of(floor: Any, body: Any, restart: RestartPolicy | None = None) -> StrategyRun:
    plugged: Strategy = body if isinstance(body, Strategy) else strategy(restart=restart)(body)
    return StrategyRun("alpha", plugged, None, floor.markets, Random(1), floor.trading())


@pytest.mark.parametrize("end", ["returns", "raises", "is stopped"])
async def test_a_run_that_ends_leaves_no_order_behind(
    build_floor: Build, fate: Any, end: str, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=REST))

    async def body(ctx: Context) -> None:
        await ctx.buy("SPY", 1, limit=9)
        if end == "raises":
            raise ZeroDivisionError
        if end == "is stopped":
            await trio.sleep_forever()

    with trio.move_on_after(5):
        await run_of(floor, body).run()
    assert [order.order.status for order in floor.desk.placed] == [OrderStatus.CANCELED]


async def test_blocks_are_left_before_a_strategy_is_started_again(
    build_floor: Build, fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(), fate(), fate())
    seen: list[Decimal] = []

    async def body(ctx: Context) -> None:
        seen.append(ctx.position("SPY"))
        async with ctx.orders(on_exit="flatten", within=5):
            await ctx.buy("SPY", 7)
            if len(seen) == 1:
                raise ZeroDivisionError

    run = run_of(floor, body, RestartPolicy(restarts_max=1))
    await run.run()
    assert (run.state, run.restarts, seen) == ("finished", 1, [0, 0])
    assert floor.desk.held["alpha", "SPY"] == 0


async def test_an_order_that_is_refused_ends_the_strategy_by_name(
    build_floor: Build, fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(refused="insufficient buying power"))

    async def body(ctx: Context) -> None:
        await ctx.buy("SPY", 7)

    run = run_of(floor, body)
    await run.run()
    assert isinstance(run.failure, OrderRefused)


# -- call-backs


async def test_call_backs_ask_and_are_told(build_floor: Build, fate: Any, autojump_clock: Any) -> None:
    floor = build_floor(fate(), fate(refused="no"))
    told: list[object] = []

    class Quiet(CallbackStrategy):
        def on_fill(self, fill: Any) -> None:
            told.append((fill.side, fill.qty))
            if len(told) == 1:
                self.target("SPY", 5)

        def on_refused(self, refusal: OrderRefused | OrderEnded) -> None:
            told.append(str(refusal))

        async def _read(self) -> None:
            self.buy("SPY", 3)
            await trio.sleep(5)

    await run_of(floor, plug(Quiet)).run()
    assert told == [("buy", 3), "no"]


async def test_call_backs_on_one_symbol_are_carried_out_in_order(build_floor: Build, autojump_clock: Any) -> None:
    floor = build_floor()

    class Busy(CallbackStrategy):
        async def _read(self) -> None:
            for qty in range(1, 6):
                self.buy("SPY", qty)
            await trio.sleep(5)

    await run_of(floor, plug(Busy)).run()
    assert [order.order.qty for order in floor.desk.placed] == [1, 2, 3, 4, 5]
