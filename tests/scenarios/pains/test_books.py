"""Rows 8, 15, 51: a restart or a comparison finds what is there, sends nothing for it, and says what is nobody's."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
import trio

from engine import Context, strategy
from engine.core.amounts import step_of
from engine.model.order import OrderStatus

COIN, SHARE = "BTC/USD", "SPY"


def build_holder(left: list[str], found: list[str]) -> Any:
    """The first run buys and leaves an order; later ones look at what they have, and send nothing."""

    @strategy(trades=True)
    async def holder(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave") as scope, ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            if not ctx.state.get("runs"):
                await (await ctx.buy(COIN, "0.02")).filled()
                left.append((await ctx.buy(COIN, "0.01", limit=30_000)).client_order_id)
                left.append((await ctx.buy(SHARE, 2, limit=100)).client_order_id)
            found[:] = [order.client_order_id for order in scope.open]
            ctx.state["runs"] = ctx.state.get("runs", 0) + 1

    return holder


async def test_a_restart_finds_what_went_on_without_it_and_sends_nothing(play, exchange):
    """Between two runs one order fills, one is canceled, and a person buys: all of it by other programs."""
    left: list[str] = []
    found: list[str] = []
    holder = build_holder(left, found)
    await play.hold(holder, for_s=40)
    assert len(found) == 2
    posts = len(play.posted())

    async with httpx.AsyncClient(base_url=exchange.trading_url, headers=exchange.headers) as person:
        share = play.matching.orders.by_client_id(left[1])
        assert (await person.delete(f"/v2/orders/{share.id}")).status_code == 204
        hand = {"symbol": SHARE, "qty": "3", "side": "buy", "type": "market", "time_in_force": "day"}
        assert (await person.post("/v2/orders", json=hand)).status_code == 200
        coin = play.matching.orders.by_client_id(left[0])
        change = {"limit_price": "999999"}  # through the market: it fills while nobody looks
        assert (await person.patch(f"/v2/orders/{coin.id}", json=change)).status_code == 200
    await trio.sleep(30)
    assert play.matching.open_orders() == ()

    books: list[Any] = []

    async def judge(account: Any) -> None:
        await trio.sleep(75)
        blotter = account.desk.blotter
        wrong = [sentence for sentence in play.wrong(account) if "no intent of it is on disk" not in sentence]
        assert wrong == [], "but for the orders that others sent"
        assert blotter.position("", SHARE).qty == 3
        assert blotter.position("holder", COIN).qty == play.held()
        books.append((account.desk.positions("holder"), sorted(ticket.client_order_id for ticket in blotter.tickets())))

    for _ in range(2):
        said = len(play.said)
        await play.hold(holder, beside=judge, for_s=85)
        assert found == []
        assert any(SHARE in sentence for sentence in play.said[said:]) or books[1:]
    assert books[0] == books[1], "the second restart changed something"
    assert len(play.posted()) - posts == 1, "only the person has sent an order meanwhile"


LIES = {
    "no_answer": {"kind": "http_status", "status": 503, "method": "GET", "path": "/v2/"},
    "empty": {"kind": "empty_snapshot"},
    "half_an_answer": {"kind": "cut_body", "p": 0.6},
    "silent": {"kind": "black_hole", "stage": "body", "method": "GET", "path": "/v2/positions"},
    "trailing": {"kind": "stale_reads", "lag": "4s"},
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_the_broker_fails_to_tell_changes_nothing_and_two_rounds_make_it_good(play, ready, lie):
    told: list[Decimal] = []
    sent: list[int] = []

    @strategy(trades=True)
    async def holder(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            await (await ctx.buy(COIN, "0.02")).filled()
            await ctx.buy(COIN, "0.01", limit=30_000)
            await trio.sleep(10)
            play.exchange.fault("cut_without_close", line="trading", every="20s", times=6)
            play.exchange.fault(**LIES[lie], for_="120s")
            sent.append(len(play.matching.orders))
            for _ in range(120):
                await trio.sleep(1)
                told.append(ctx.position(COIN))

    async def judge(account: Any) -> None:
        await ready(account)
        await trio.sleep(160)
        play.exchange.calm()
        await trio.sleep(15)
        rounds = account.desk.rounds
        await account.desk.reconcile()
        await account.desk.reconcile()
        assert play.wrong(account) == []
        assert account.desk.rounds - rounds <= 3
        assert not account.desk.gate.account_blocked
        assert not account.killed

    await play.hold(holder, beside=judge, for_s=200)
    assert set(told) == {play.held()}
    assert sent == [len(play.matching.orders)]
    assert [order.status for order in play.matching.open_orders()] == [OrderStatus.NEW]


async def test_a_coins_fee_never_makes_a_sale_larger_than_what_is_held(play):
    """Twenty cycles; every fee is taken from the coins that were bought, and no fill tells of it."""
    refused: list[str] = []

    @strategy(trades=True)
    async def cycler(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            for number in range(20):
                await (await ctx.buy(COIN, Decimal("0.001000007") * (number + 1))).filled()
                await trio.sleep(15)
                await ctx.close(COIN)

    async def judge(account: Any) -> None:
        await trio.sleep(420)
        assert play.wrong(account) == []
        refused.extend(ticket.reason for ticket in account.desk.blotter.tickets() if ticket.reason)

    await play.hold(cycler, beside=judge, for_s=430)
    assert refused == []
    assert len(play.orders()) == 40
    assert play.held() < step_of(play.exchange.running.brokerage.matching.assets[COIN])
