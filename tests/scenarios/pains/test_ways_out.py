"""Rows 18, 21, 22: flattening ends at zero and never beyond it, a chain of orders fills once, no position is bare."""

from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest
import trio

from engine import Context, OrderEnded, OrderRefused, strategy
from engine.model.order import OrderStatus, OrderType, Side

COIN, SHARE = "BTC/USD", "SPY"

STUMBLES = {
    "fills_before_the_cancel": [{"kind": "cancel_loses", "lag": "5s", "next": 20}],
    "lost_replies": [{"kind": "lost_reply", "next": 3}],
    "late_statuses": [{"kind": "late_status", "status": 504, "next": 3}],
    "nothing_is_told": [{"kind": "drop_update", "next": 100}, {"kind": "stale_reads", "lag": "3s", "for": "15s"}],
    "not_carried_out": [{"kind": "http_status", "status": 503, "method": "POST", "next": 2}],
    "all_of_it": [
        {"kind": "cancel_loses", "lag": "3s", "next": 2},
        {"kind": "lost_reply", "method": "POST", "next": 1},
        {"kind": "drop_update", "p": 0.5, "next": 100},
        {"kind": "cut_without_close", "line": "trading"},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "stumble"), [*((SHARE, stumble) for stumble in STUMBLES), (COIN, "fills_before_the_cancel")]
)
async def test_the_kill_switch_ends_at_zero_and_never_beyond_it(play, ready, until, stumble, symbol):
    """What is held when it trips: shares or coins, a bid at the market that may fill meanwhile, and one far away."""
    tripped: list[int] = []
    size = Decimal(2) if symbol == SHARE else Decimal("0.2")

    @strategy(trades=True)
    async def holder(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(symbol, full="latest") as quotes:
            await trio.sleep(10)
            await (await ctx.buy(symbol, size)).filled()
            async for quote in quotes:
                await ctx.buy(symbol, size / 2, limit=f"{quote.bid_price:.2f}")
                break
            await ctx.buy(symbol, size / 2, limit=100)
            await trio.sleep_forever()

    async def judge(account: Any) -> None:
        await ready(account)
        await trio.sleep(15)
        for fault in STUMBLES[stumble]:
            play.exchange.fault(**{key if key != "for" else "for_": value for key, value in fault.items()})
        tripped.append(play.exchange.now_ns())
        await account.switch.trip("account", "a test", "test")
        await until(lambda: play.held(symbol) < Decimal("0.00001") and not play.matching.open_orders())
        play.exchange.calm()
        await trio.sleep(90)
        assert play.wrong(account) == []

    await play.hold(holder, beside=judge, for_s=200)
    after = [fill for fill in play.matching.fills if fill.ts_ns >= tripped[0]]
    before = sum((fill.qty * fill.side.sign for fill in play.matching.fills if fill not in after), Decimal(0))
    held = list(accumulate((fill.qty * fill.side.sign for fill in after), initial=before))
    assert min(held) >= 0, "it crossed zero"
    assert max(held) <= before + size / 2, "more than the bid that was there could fill"
    sent = [order for order in play.asked("POST") if order.at_ns >= tripped[0]]
    assert 1 <= len(sent) <= 5
    assert not [order for order in play.orders() if order.side is Side.BUY and order.created_ns > tripped[0]]


CHANGES = {
    "fine": [],
    "the_reply_is_lost": [{"kind": "lost_reply", "method": "PATCH", "next": 2}],
    "done_and_told_504": [{"kind": "late_status", "status": 504, "method": "PATCH", "next": 2}],
    "not_done_and_told_503": [{"kind": "http_status", "status": 503, "method": "PATCH", "next": 2}],
    "silence": [{"kind": "black_hole", "stage": "reply", "method": "PATCH", "next": 1}],
    "the_stream_says_nothing": [{"kind": "drop_update", "next": 50}],
    "the_line_is_cut": [{"kind": "cut_without_close", "line": "trading", "every": "3s", "times": 8}],
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_chain_of_replacements_fills_once_and_has_one_live_end(play, ready, change):
    """A bid is moved closer and closer to the market, and through it, while the answers get lost."""
    wanted = Decimal(300)
    handle: list[Any] = []

    @strategy(trades=True)
    async def chaser(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(SHARE, full="latest") as quotes:
            await trio.sleep(10)
            price = next(iter(await quotes.batch())).bid_price
            order = await ctx.buy(SHARE, wanted, limit=f"{price * 0.99:.2f}")
            handle.append(order)
            for fault in CHANGES[change]:
                play.exchange.fault(**fault)
            for share in (0.995, 1.0, 1.0005, 1.005):
                try:
                    await order.replace(limit=f"{price * share:.2f}")
                except (OrderRefused, OrderEnded):
                    await trio.sleep(1)
                await trio.sleep(2)

    async def judge(account: Any) -> None:
        await ready(account)
        for _ in range(100):
            await trio.sleep(1)
            live = [order for order in play.matching.open_orders() if order.status is not OrderStatus.PENDING_REPLACE]
            assert len([order for order in live if not order.replaced_by]) <= 1
        play.exchange.calm()
        await trio.sleep(75)
        assert play.wrong(account) == []
        assert not account.desk.blotter.unresolved()
        assert handle[0].filled_qty == sum(fill.qty for fill in play.matching.fills)

    await play.hold(chaser, beside=judge, for_s=200)
    assert sum(fill.qty for fill in play.matching.fills) <= wanted
    assert len(play.posted()) == 1


@pytest.mark.parametrize("fault", ["drop_update", "lost_reply"])
async def test_while_a_bracket_holds_shares_its_stop_is_known_and_live_at_every_second(play, ready, fault):
    bare: list[str] = []

    @strategy(trades=True)
    async def careful(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(SHARE, full="latest") as quotes:
            await trio.sleep(10)
            play.exchange.fault(fault, p=0.5, next=200)
            for _ in range(3):
                price = next(iter(await quotes.batch())).ask_price
                order = await ctx.buy(
                    SHARE, 5, take_profit=f"{price * 1.0005:.2f}", stop_loss=f"{price * 0.9995:.2f}", within=60
                )
                with trio.move_on_after(60):
                    await order.filled()
                await trio.sleep(30)

    async def judge(account: Any) -> None:
        await ready(account)
        for _ in range(300):
            await trio.sleep(1)
            stops = [
                ticket.order
                for ticket in account.desk.blotter.open_tickets("careful", SHARE)
                if ticket.order is not None and ticket.order.type is OrderType.STOP
            ]
            if account.desk.position("careful", SHARE).qty and not stops and play.held(SHARE):
                bare.append(f"{trio.current_time():.0f}: {play.held(SHARE)} held")
        play.exchange.calm()
        await trio.sleep(75)
        assert play.wrong(account) == []

    await play.hold(careful, beside=judge, for_s=400)
    assert len(play.orders()) == 3
    assert bare == []
    for order in play.orders():
        legs = [play.matching.orders.get(leg) for leg in order.legs]
        assert sorted(leg.type for leg in legs) == sorted((OrderType.LIMIT, OrderType.STOP))
