"""A shadow session trades on paper alone: strategies see live data and their fills, and the venue sees only reads."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
import trio
from attrs import frozen

from engine import Context, Fill, strategy
from engine.app.account import AccountSide
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.app.report import AccountRow
from engine.app.secrets import Secret
from engine.ports import Strategy
from engine.testing.inline import run_inline
from engine.testing.simulated import SimulatedExchange
from engine.venues.shadow import MARK


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    return {"symbols": ("SPY",), "events_per_s": 20.0, "burst": False, "seed": 3}


@frozen
class Shadowed:
    """A session and what it left at the venue."""

    account: AccountRow
    sent: list[str]
    """Requests that would change something."""


async def hold(
    exchange: SimulatedExchange,
    trader: Strategy,
    *,
    for_s: float,
    beside: Callable[[AccountSide], Awaitable[None]] | None = None,
) -> Shadowed:
    options = RunOptions(
        strategies=(LoadedStrategy(trader, name=trader.name),),
        for_s=for_s,
        key_id=Secret(exchange.key_id),
        secret=Secret(exchange.secret),
        shadow=True,
        tuning=Tuning(silence_s=600.0),
    )
    report = await run_live(options, exchange=exchange.running, run_sync=run_inline, beside=beside)
    assert not [row.error for row in report.strategies if row.error]
    assert report.account is not None
    assert not list(exchange.running.brokerage.matching.orders)
    sent = [f"{each.method} {each.path}" for each in exchange.running.rest.changes.requests]
    return Shadowed(report.account, sent)


async def test_orders_are_matched_marked_and_never_sent(exchange: SimulatedExchange, autojump_clock: Any) -> None:
    seen: list[Any] = []

    @strategy()
    async def trader(ctx: Context) -> None:
        async with ctx.orders(on_exit="flatten", within=10), ctx.quotes("SPY", full="latest") as quotes:
            quote = await anext(quotes)
            async with ctx.fills() as fills:
                order = await ctx.buy("SPY", 5)
                await order.filled()
                fill: Fill = await anext(fills)
            resting = await ctx.buy("SPY", 1, limit=round(quote.bid_price / 2, 2))
            changed = await resting.replace(limit=round(quote.bid_price / 2 + 1, 2))
            seen.extend([order.client_order_id, fill.qty, ctx.position("SPY"), changed.open])
            async for _ in quotes:
                pass

    held = await hold(exchange, trader, for_s=90)
    cid, *rest = seen
    assert cid.startswith(MARK)
    assert rest == [5, 5, True]
    assert held.sent == []
    account = held.account
    assert account.shadow
    assert account.rounds >= 2, "the books are compared with the shadow's as with a venue's"
    (row,) = [row for row in account.orders if row.strategy == "trader"]
    assert (row.filled, row.open, row.unknown) == (2, 0, 0)
    assert account.positions == (), "flattened on the way out, after the data had ended"


async def test_a_strategy_that_sees_bars_alone_gets_in_and_out(
    exchange: SimulatedExchange, autojump_clock: Any
) -> None:
    @strategy()
    async def minutes(ctx: Context) -> None:
        async with ctx.orders(on_exit="flatten", within=10), ctx.bars("SPY") as bars:
            async for _ in bars:
                await ctx.target("SPY", 5)

    held = await hold(exchange, minutes, for_s=250)
    assert held.sent == []
    assert [row.filled for row in held.account.orders if row.strategy == "minutes"] == [2]
    assert held.account.positions == ()


async def test_the_kill_switch_ends_a_shadow_as_it_ends_a_session(
    exchange: SimulatedExchange, autojump_clock: Any
) -> None:
    @strategy()
    async def holder(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes("SPY", full="latest") as quotes:
            await (await ctx.buy("SPY", 5)).filled()
            await ctx.buy("SPY", 1, limit=1)
            async for _ in quotes:
                pass

    async def kill(side: AccountSide) -> None:
        await trio.sleep(10)
        await side.switch.trip("account", "The test says so.", "test")
        await trio.sleep_forever()

    held = await hold(exchange, holder, for_s=30, beside=kill)
    assert "The test says so." in held.account.killed
    assert held.account.positions == ()
    assert sum(row.open for row in held.account.orders) == 0
    assert held.sent == []
