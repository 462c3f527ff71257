"""A shadow session sends nothing, and ends as a session does: its blocks are left while it can still be matched."""

from typing import Any

import pytest

from engine import Context, strategy
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.secrets import Secret
from engine.testing.inline import run_inline

pytestmark = pytest.mark.exchange(symbols="SPY", events_per_s=5)


@strategy()
async def holder(ctx: Context) -> None:
    """Hold five shares, and close them at the end of the data."""
    async with ctx.orders(on_exit="flatten", within=5), ctx.quotes("SPY", full="latest") as quotes:
        await ctx.target("SPY", 5)
        async for _ in quotes:
            pass


async def test_a_block_is_flattened_after_the_data_has_ended_and_nothing_is_sent(exchange: Any) -> None:
    options = RunOptions(
        strategies=(LoadedStrategy(holder, None, "holder"),),
        for_s=20,
        shadow=True,
        key_id=Secret(exchange.key_id),
        secret=Secret(exchange.secret),
    )
    report = await run_live(options, exchange=exchange.running, run_sync=run_inline)
    assert report.account is not None
    assert report.account.shadow
    assert [(row.orders, row.filled, row.open) for row in report.account.orders] == [(2, 2, 0)]
    assert report.account.positions == ()
    assert not exchange.running.rest.changes.requests
