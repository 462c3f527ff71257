"""Law: orders that the venue takes and rejects a moment later trip the limit on refusals in a row."""

import pytest

from engine import Context, OrderRefused, strategy
from engine.core.risk.limits import DEFAULT_ACCOUNT_LIMITS
from engine.errors import OrderEnded
from engine.testing.simulated import SimulatedExchange

MOST = DEFAULT_ACCOUNT_LIMITS.rejects_in_row or 0


@pytest.mark.exchange(symbols=("SPY",), events_per_s=2, seed=3, faults=[{"kind": "reject_late", "next": 40}])
async def test_late_rejects_in_a_row_trip_the_switch(exchange: SimulatedExchange) -> None:
    ends: list[str] = []

    @strategy(trades=True)
    async def trader(ctx: Context) -> None:
        async with ctx.trades("SPY", full="latest") as trades:
            async for trade in trades:
                try:
                    order = await ctx.buy("SPY", 1, limit=round(trade.price / 2, 2))
                    await order.ended()
                    ends.append(str(order.status))
                except (OrderRefused, OrderEnded) as failure:
                    ends.append(getattr(failure, "rule", "ended"))

    result = await exchange.run(trader, for_s=120)
    assert ends[:MOST] == ["rejected"] * MOST, (ends, result.said)
    assert set(ends[MOST:]) == {"kill_switch"}
