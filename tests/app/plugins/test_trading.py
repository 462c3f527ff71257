"""Whether a strategy trades is seen from its code, unless it says so.

The price of a wrong guess is small either way, but a watcher that takes the account's only stream is a nuisance.
"""

from typing import Any

import pytest

from engine.app.plugins.find import find_strategy
from engine.app.plugins.trading import may_trade
from engine.ports import CallbackStrategy, Context, plug, strategy


async def _place(ctx: Context) -> None:
    await ctx.buy("SPY", 1)


@strategy()
async def buyer(ctx: Context) -> None:
    """Names it itself."""
    await ctx.buy("SPY", 1)


@strategy()
async def inner(ctx: Context) -> None:
    """Names it in a function inside."""

    async def later() -> None:
        async with ctx.orders():
            pass

    await later()


@strategy()
async def by_another(ctx: Context) -> None:
    """Names it in a function beside it."""
    await _place(ctx)


@strategy()
async def watcher(ctx: Context) -> None:
    """Names nothing."""
    async with ctx.trades("SPY") as trades:
        async for trade in trades:
            ctx.log(str(trade))


@strategy(trades=False)
async def denies(ctx: Context) -> None:
    """Says no."""
    await _place(ctx)


@strategy(trades=True)
async def asserts(ctx: Context) -> None:
    """Says yes."""


class Listener(CallbackStrategy):
    """Reacts to fills."""

    def on_fill(self, fill: Any) -> None:
        self.ctx.log(str(fill))


class Printer(CallbackStrategy):
    """Reacts to trades."""

    def on_trade(self, trade: Any) -> None:
        self.ctx.log(str(trade))


@pytest.mark.parametrize(
    ("found", "trades"),
    [
        (buyer, True),
        (inner, True),
        (by_another, True),
        (watcher, False),
        (denies, False),
        (asserts, True),
        (plug(Listener), True),
        (plug(Printer), False),
        (find_strategy("audit"), False),
        (find_strategy("print_events"), False),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_strategy_trades_if_it_says_so_or_its_code_does(found: Any, trades: bool) -> None:
    assert may_trade(found) is trades
