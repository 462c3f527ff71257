"""Rows 5, 13, 43: no request hangs or costs a connection for good, and a cancel has its turn whoever asks for more."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import trio

from engine import Context, Kind, OrderRefused, strategy
from engine.errors import LineLost
from engine.exchange.line.limits import LineOptions
from engine.exchange.tiers import FREE
from engine.model.instant import NS_PER_S
from engine.model.order import OrderStatus
from engine.venues.alpaca.http import REQUEST_MAX_S, GuardedClient, open_client

COIN = "BTC/USD"
AFTER = 20
"""Questions afterwards, which all have to be answered."""
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
HEAD_ONLY, HALF = REPLY[:20], REPLY[:-1]


@asynccontextmanager
async def serve(answer: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[str]:
    """A server that does with each connection what ``answer`` does."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, answer, 0)
        yield f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


async def read_request(stream: trio.SocketStream) -> bool:
    """One request; false when there are no more."""
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        part = await stream.receive_some()
        if not part:
            return False
        said += part
    return True


async def test_a_storm_of_questions_for_data_leaves_the_client_of_orders_alone(play: Any) -> None:
    """A strategy asks for history and loses patience, again and again, and trades meanwhile."""

    @strategy(trades=True)
    async def impatient(ctx: Context) -> None:
        async with ctx.orders(on_exit="cancel"), ctx.quotes(COIN, full="latest"), trio.open_nursery() as nursery:
            await trio.sleep(10)
            play.exchange.fault("slow_pages", lag="3s", for_="60s")

            async def ask() -> None:
                for _ in range(30):
                    with trio.move_on_after(0.7):
                        await ctx.history(Kind.QUOTES, COIN, ctx.now_ns() - 60 * NS_PER_S)

            for _ in range(10):
                nursery.start_soon(ask)
            for _ in range(5):
                began_s = trio.current_time()
                await (await ctx.buy(COIN, "0.001")).filled()
                assert trio.current_time() - began_s < 2
                await trio.sleep(3)

    await play.hold(impatient, for_s=60)
    assert len(play.orders()) == 5


SILENCES = {"connect": b"", "headers": HEAD_ONLY, "body": HALF}


@pytest.mark.parametrize("stage", [*SILENCES, "tls"])
async def test_a_black_hole_at_any_stage_is_left_at_the_deadline_and_costs_no_slot(exchange: Any, stage: str) -> None:
    """On the exchange's network, in memory. At this stage the server says
    no more, to more callers than there are slots; later it does."""
    mended = trio.Event()

    async def answer(stream: trio.SocketStream) -> None:
        if mended.is_set():
            while await read_request(stream):
                await stream.send_all(REPLY)
            return
        await stream.send_all(SILENCES.get(stage, b""))
        await trio.sleep_forever()

    async def ask(client: GuardedClient) -> None:
        began_s = trio.current_time()
        with pytest.raises(LineLost):
            await client.get("/")
        assert trio.current_time() - began_s <= 2 * REQUEST_MAX_S

    scheme = "https" if stage == "tls" else "http"
    async with serve(answer) as host, open_client(f"{scheme}://{host}") as client:
        async with trio.open_nursery() as nursery:
            for _ in range(12):
                nursery.start_soon(ask, client)
        mended.set()
        if stage != "tls":
            for _ in range(AFTER):
                assert (await client.get("/")).status == 200


@pytest.mark.exchange(line=LineOptions(tier=FREE))
async def test_a_cancel_goes_at_once_while_orders_have_spent_the_budget_and_another_program_half_of_it(
    play: Any,
) -> None:
    """Two hundred requests a minute: a person's program takes a hundred of them, a strategy wants far more."""
    asked: list[int] = []
    refused: list[str] = []

    @strategy(trades=True)
    async def greedy(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            first = await ctx.buy(COIN, "0.001", limit=30_000)
            async with httpx.AsyncClient(base_url=play.exchange.trading_url, headers=play.exchange.headers) as other:
                for _ in range(100):
                    await other.get("/v2/clock")
            async with trio.open_nursery() as nursery:
                for _ in range(250):
                    nursery.start_soon(want, ctx)
                await trio.sleep(3)
                asked.append(play.exchange.now_ns())
                await first.cancel()

    async def want(ctx: Context) -> None:
        try:
            await ctx.buy(COIN, "0.001", limit=30_000, within=20)
        except OrderRefused as no:
            refused.append(no.rule)

    async def judge(account: Any) -> None:
        await trio.sleep(200)
        assert play.wrong(account) == []
        assert not account.desk.blotter.unresolved()

    await play.hold(greedy, beside=judge, for_s=210, rest_per_minute=200)
    ended = [order for order in play.orders() if order.status is OrderStatus.CANCELED]
    assert len(ended) == 1
    assert play.asked("DELETE")[0].at_ns - asked[0] < 2 * NS_PER_S
    posts = [each.at_ns for each in play.asked("POST")]
    assert max(sum(at <= other < at + 60 * NS_PER_S for other in posts) for at in posts) <= 200
    assert refused
