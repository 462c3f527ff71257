"""Rows 1, 2, 19, 20: whatever the account stream loses, doubles, shuffles or babbles, each execution is booked once."""

from random import Random
from typing import Any

import pytest
import trio

from engine import CallbackStrategy, Context, Halted, OrderEnded, OrderRefused, Quote, plug, strategy
from engine.model.order import Fill

COIN, SHARE = "BTC/USD", "SPY"
PERIOD_S = 75.0
TRADE_S = 60.0


def build_trader(seed: int, kept: list[Fill]) -> Any:
    """Trades at random for a while, waits for no order for long, and keeps the fills that it is told."""
    dice = Random(seed)

    @strategy(trades=True)
    async def trader(ctx: Context) -> None:
        async def listen() -> None:
            async with ctx.fills() as fills:
                async for fill in fills:
                    kept.append(fill)  # noqa: PERF401 - they are looked at while they come

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            with trio.move_on_after(TRADE_S):
                async with ctx.orders(on_exit="leave"), ctx.quotes(SHARE, COIN, full="latest"):
                    while True:
                        await trio.sleep(dice.uniform(0.2, 4))
                        try:
                            with trio.move_on_after(8):
                                order = await ctx.buy(SHARE, dice.choice((1, 7, 400)))
                                await order.filled()
                                await ctx.target(COIN, dice.choice(("0.05", "0.2", "0")))
                        except (OrderRefused, OrderEnded):
                            await trio.sleep(1)

    return trader


@pytest.mark.parametrize("replay", [True, False], ids=["with_replay", "without"])
@pytest.mark.parametrize("seed", [0, 2, 5])
async def test_after_one_period_of_comparing_every_lost_fill_is_booked_once(play, seed, replay):
    dice, kept = Random(seed), []
    if not replay:
        play.exchange.fault("http_status", status=404, path="/v2/events", next=100)
    if seed:
        play.exchange.fault("drop_update", p=seed / 5, next=10_000)
    play.exchange.fault(
        dice.choice(("cut", "cut_without_close")), line="trading", every=f"{dice.randint(5, 30)}s", times=50
    )

    async def judge(account: Any) -> None:
        await trio.sleep(TRADE_S + 5)
        play.exchange.calm()
        await trio.sleep(PERIOD_S)  # nobody asks for a comparison
        assert play.wrong(account) == []

    await play.hold(build_trader(seed, kept), beside=judge, for_s=TRADE_S + 5 + PERIOD_S + 1)
    told, there = ([fill.execution_id for fill in fills] for fills in (kept, play.matching.fills))
    assert sorted(told) == sorted(there)
    assert len(there) > 5
    assert seed == 0 or play.hits("drop_update")


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_shuffled_doubled_late_and_babbling_stream_ends_in_the_same_books(play, seed):
    kept: list[Fill] = []
    kinds = ("swap_updates", "duplicate_update", "delay_update", "null_update", "unknown_update")
    for kind in kinds:
        play.exchange.fault(kind, p=0.3, next=10_000)

    async def judge(account: Any) -> None:
        await trio.sleep(TRADE_S + 5)
        play.exchange.calm()
        await trio.sleep(PERIOD_S)
        assert play.wrong(account) == []
        assert account.stream.state == "listening"
        assert account.stream.connects == 1, "babble is no reason to hang up, and none to be deaf"

    await play.hold(build_trader(seed, kept), beside=judge, for_s=TRADE_S + 5 + PERIOD_S + 1)
    assert len({fill.execution_id for fill in kept}) == len(kept) == len(play.matching.fills)
    assert all(play.hits(kind) for kind in kinds)


async def test_a_strategy_that_raises_at_a_fill_ends_alone_and_loudly_and_every_later_fill_is_booked(play):
    kept: list[Fill] = []

    class Broken(CallbackStrategy):
        """Cannot stand its first fill."""

        symbols = (SHARE,)

        def __init__(self, ctx: Context, params: Any = None) -> None:
            super().__init__(ctx, params)
            self.bought = False

        def on_quote(self, quote: Quote) -> None:
            if not self.bought:
                self.bought = True
                self.buy(SHARE, 600)

        def on_fill(self, fill: Fill) -> None:
            raise RuntimeError("message k")

    async def judge(account: Any) -> None:
        await trio.sleep(TRADE_S + 5 + PERIOD_S)
        assert play.wrong(account) == []

    report = await play.hold(
        plug(Broken), build_trader(2, kept), beside=judge, for_s=TRADE_S + 5 + PERIOD_S + 1, may_fail=("Broken",)
    )
    assert kept
    assert [row.name for row in report.strategies if row.error] == ["Broken"]
    halted = [notice for notice in play.notices if isinstance(notice, Halted)]
    assert len(halted) == 1
