"""Rows 3, 6, 7: not being answered is no answer, one intent is one order, and nobody opens a position blind."""

from decimal import Decimal
from typing import Any

import pytest
import trio

from engine import Context, NotReady, OrderRefused, strategy
from engine.core.risk.limits import Limits
from engine.errors import LimitReached
from engine.model.instant import NS_PER_S
from engine.model.intent import Outcome
from engine.model.order import OrderStatus

COIN = "BTC/USD"
LOST = [
    {"kind": "lost_reply", "method": "POST"},
    {"kind": "late_status", "status": 504, "method": "POST"},
    {"kind": "late_status", "status": 500, "method": "POST"},
    {"kind": "late_status", "status": 429, "method": "POST", "bare": True},
    {"kind": "late_status", "status": 408, "method": "POST"},
    {"kind": "http_status", "status": 504, "method": "POST"},
    {"kind": "http_status", "status": 429, "method": "POST", "bare": True, "headers": {"Retry-After": "2"}},
    {"kind": "black_hole", "stage": "request", "method": "POST"},
    {"kind": "black_hole", "stage": "reply", "method": "POST"},
    {"kind": "black_hole", "stage": "body", "method": "POST"},
]
"""What can become of a POST, whether or not the exchange took the order."""


async def test_whatever_becomes_of_the_reply_each_intent_is_one_order_and_is_never_called_rejected(play, ready, until):
    placed = []

    @strategy(trades=True)
    async def buyer(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            for fault in LOST:
                play.exchange.fault(**fault, next=1)
                order = await ctx.buy(COIN, "0.01", within=120)
                await order.filled()
                placed.append(order.client_order_id)

    async def judge(account: Any) -> None:
        await ready(account)
        await until(lambda: len(placed) == len(LOST), 500)
        await trio.sleep(90)
        assert play.wrong(account) == []
        assert not account.desk.blotter.unresolved()

    await play.hold(buyer, beside=judge, for_s=620)
    assert [order.client_order_id for order in play.orders()] == placed
    assert {row["client_order_id"] for row in play.posted()} == set(placed)
    assert all(play.hits(kind) for kind in ("lost_reply", "late_status", "http_status", "black_hole"))


@pytest.mark.exchange(events_per_s=0.5)
async def test_as_long_as_nobody_can_be_asked_no_order_ends_and_all_of_them_count(play, ready):
    """Six orders are there; the replies to the last three were lost, and nobody can be asked for ten minutes."""
    seen: list[tuple[int, Decimal, int]] = []
    refused: list[OrderRefused] = []
    play.exchange.fault("http_status", status=404, path="/v2/events", next=1)  # no replay either

    @strategy(trades=True)
    async def rester(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest"), trio.open_nursery() as nursery:
            await trio.sleep(10)
            for _ in range(3):
                await ctx.buy(COIN, "0.01", limit=30_000)
            play.exchange.fault("lost_reply", method="POST", next=3)
            play.exchange.fault("http_status", status=503, method="GET", path="/v2/", for_="10m")
            play.exchange.fault("drop_update", for_="10m")
            for _ in range(3):
                nursery.start_soon(lambda: ctx.buy(COIN, "0.01", limit=30_000, within=3600))
            await trio.sleep(20)
            try:
                await ctx.buy(COIN, "0.01", limit=30_000, within=5)
            except OrderRefused as no:
                refused.append(no)

    async def judge(account: Any) -> None:
        blotter = account.desk.blotter
        await ready(account)
        await trio.sleep(60)
        for _ in range(8):
            await trio.sleep(60)
            ended = [ticket for ticket in blotter.tickets() if not ticket.open and ticket.sends]
            seen.append((len(ended), blotter.working(COIN)[0], len(blotter.unresolved())))
        await trio.sleep(300)
        assert play.wrong(account) == []
        assert not blotter.unresolved()

    await play.hold(rester, beside=judge, for_s=900, strategy_limits={"rester": Limits(position_qty=Decimal("0.06"))})
    assert {ended for ended, _, _ in seen} == {0}
    assert {working for _, working, _ in seen} == {Decimal("0.06")}
    assert [unknown for _, _, unknown in seen].count(3) >= 7
    assert [type(no) for no in refused] in ([LimitReached], [NotReady])
    assert len(play.orders()) == 6
    assert all(order.status is OrderStatus.NEW for order in play.orders())


@pytest.mark.parametrize("waits_s", [5.0, 300.0], ids=["impatient", "patient"])
async def test_blind_no_entry_is_sent_the_stop_out_is_and_what_waited_too_long_never_goes(play, ready, until, waits_s):
    """The account stream is down for a minute; ten entries and one stop-out are asked for meanwhile."""
    fates: list[str] = []
    times: dict[str, int] = {}

    async def enter(ctx: Context) -> None:
        try:
            await ctx.buy(COIN, "0.01", limit=30_000, within=waits_s)
            fates.append("sent")
        except NotReady as no:
            fates.append(no.rule)

    @strategy(trades=True)
    async def trader(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            await (await ctx.buy(COIN, "0.1")).filled()
            play.exchange.fault("refuse", line="trading", for_="60s")
            play.exchange.fault("cut_without_close", line="trading")
            await trio.sleep(2)
            times["blind"] = ctx.now_ns()
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(enter, ctx)
                await trio.sleep(1)
                times["exit"] = ctx.now_ns()
                await (await ctx.sell(COIN, ctx.position(COIN))).ended()

    async def judge(account: Any) -> None:
        await ready(account)
        await until(lambda: "exit" in times, 120)
        await until(lambda: not account.desk.gate.account_blocked, 120)
        times["ready"] = account.desk.clock.now_ns()
        await trio.sleep(100)
        assert play.wrong(account) == []

    await play.hold(trader, beside=judge, for_s=400)
    assert len(fates) == 10
    posts = [(each.at_ns, order) for each, order in zip(play.asked("POST"), play.posted(), strict=True)]
    exits = [at_ns for at_ns, order in posts if order["side"] == "sell"]
    assert len(exits) == 1
    assert exits[0] - times["exit"] < NS_PER_S
    late = [at_ns for at_ns, order in posts[1:] if order["side"] == "buy"]
    assert not [at_ns for at_ns in late if at_ns < times["ready"] - NS_PER_S // 10]
    assert len(late) == fates.count("sent")
    if waits_s < 60:
        assert fates == ["not_ready"] * 10


async def test_an_order_that_is_canceled_by_its_caller_while_unknown_is_still_found(play, ready):
    """The caller leaves at once; the exchange has taken the order, and its reply is lost."""

    @strategy(trades=True)
    async def leaver(ctx: Context) -> None:
        async with ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            play.exchange.fault("lost_reply", method="POST", next=1)
            with trio.move_on_after(0.05):
                await ctx.buy(COIN, "0.01", limit=30_000)
            await trio.sleep(60)

    async def judge(account: Any) -> None:
        await ready(account)
        await trio.sleep(50)
        assert [ticket.outcome for ticket in account.desk.blotter.tickets()] == [Outcome.TAKEN]
        assert play.wrong(account) == []

    await play.hold(leaver, beside=judge, for_s=120)
    assert len(play.posted()) == 1
    assert [order.status for order in play.orders()] == [OrderStatus.CANCELED], "it belonged to the strategy's run"
