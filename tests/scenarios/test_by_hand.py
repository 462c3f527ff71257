"""What a person sells behind a strategy's back is not sold a second time on its way out: that would be a short sale."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from engine import Context, strategy
from engine.core.rules import plain
from engine.model.instant import NS_PER_S
from engine.model.order import OrderRequest, OrderType, Side, TimeInForce
from engine.testing.simulated import SimulatedExchange


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    return {"symbols": ("SPY",), "events_per_s": 20.0, "burst": False, "seed": 3}


async def test_what_was_sold_by_hand_is_not_sold_again(exchange: SimulatedExchange, autojump_clock: Any) -> None:
    brokerage = exchange.running.brokerage
    by_hand = OrderRequest(
        symbol="SPY", side=Side.SELL, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=Decimal(3)
    )
    held: list[Decimal] = []

    @strategy()
    async def holder(ctx: Context) -> None:
        async with ctx.orders(on_exit="flatten", within=10), ctx.quotes("SPY", full="latest") as quotes:
            await (await ctx.buy("SPY", 5)).filled()
            brokerage.submit(by_hand)
            for _ in range(40):
                await anext(quotes)
            position = brokerage.matching.position("SPY")
            held.append(Decimal(0) if position is None else position.qty)

    await exchange.run(holder, for_s=30)
    assert held == [2], "it was sold by hand while the strategy looked on"
    assert brokerage.matching.position("SPY") is None
    sells = [order.qty for order in brokerage.matching.orders if order.side is Side.SELL]
    assert sells == [3, 2]


async def test_what_gapless_kill_sold_is_not_believed_in_any_more(
    exchange: SimulatedExchange, autojump_clock: Any
) -> None:
    brokerage = exchange.running.brokerage
    by_kill = OrderRequest(
        symbol="SPY",
        side=Side.SELL,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        qty=Decimal(5),
        client_order_id="kill-1-2-SPY-0",
    )
    held: list[Decimal] = []
    profits: list[Decimal | None] = []

    @strategy()
    async def holder(ctx: Context) -> None:
        async with ctx.orders(on_exit="flatten", within=10), ctx.quotes("SPY", full="latest") as quotes:
            await (await ctx.buy("SPY", 5)).filled()
            brokerage.submit(by_kill)
            before_ns = ctx.now_ns()
            while ctx.position("SPY") and ctx.now_ns() < before_ns + 10 * NS_PER_S:
                await anext(quotes)
            held.append(ctx.position("SPY"))
            profits.append(ctx.profit())

    result = await exchange.run(holder, for_s=30)
    assert held == [0]
    bought, sold = (order.filled_avg_price for order in brokerage.matching.orders)
    assert bought is not None
    assert sold is not None
    assert profits == [5 * (sold - bought)]
    assert result.report.account is not None
    assert [row.profit for row in result.report.account.orders] == [plain(5 * (sold - bought))]


async def test_a_pair_without_its_slash_is_bought(exchange: SimulatedExchange, autojump_clock: Any) -> None:
    @strategy()
    async def buyer(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes("SPY", full="latest") as quotes:
            await anext(quotes)
            await (await ctx.buy("BTCUSD", "0.01")).accepted()

    await exchange.run(buyer, for_s=30)
    (order,) = exchange.running.brokerage.matching.orders
    assert (order.symbol, order.time_in_force) == ("BTC/USD", TimeInForce.GTC)
