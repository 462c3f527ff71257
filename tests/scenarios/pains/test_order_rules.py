"""Rows 48, 52, 56, 57: what the venue would refuse is refused here with its own words, and nothing is sent for it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any

import httpx
import pytest
import trio
from attrs import evolve

from engine import Context, NotReady, OrderRefused, strategy
from engine.codec.parse_orders import render_order_request
from engine.core.amounts import QTY_STEP, cut
from engine.core.risk.limits import Limits
from engine.model.intent import Purpose
from engine.model.order import OrderClass, OrderRequest, OrderType, Side, TimeInForce

COIN, SHARE = "BTC/USD", "SPY"
NO = tuple[int, int]
"""Status of HTTP and code of the body."""


def build_product() -> Iterator[OrderRequest]:
    """Type x time in force x session x fraction x class, at prices that cannot be wrong themselves."""
    classes = (OrderClass.SIMPLE, OrderClass.BRACKET)
    for kind, tif, extended, qty, order_class in product(OrderType, TimeInForce, (False, True), ("1", "0.5"), classes):
        limited, stopped = (
            kind in (OrderType.LIMIT, OrderType.STOP_LIMIT),
            kind in (OrderType.STOP, OrderType.STOP_LIMIT),
        )
        exits = order_class is OrderClass.BRACKET
        if exits and (qty == "0.5" or stopped):
            continue
        yield OrderRequest(
            symbol=SHARE, side=Side.BUY, type=kind, time_in_force=tif, qty=Decimal(qty), extended_hours=extended,
            limit_price=Decimal(500) if limited else None, stop_price=Decimal(700) if stopped else None,
            trail_price=Decimal(5) if kind is OrderType.TRAILING_STOP else None, order_class=order_class,
            take_profit_limit=Decimal(800) if exits else None, stop_loss_stop=Decimal(400) if exits else None,
        )  # fmt: skip


def build_random(seed: int) -> Iterator[OrderRequest]:
    """Sizes and prices with more and fewer decimals than the venue takes, of a share and of a coin."""
    dice = Random(seed)
    for _ in range(120):
        coin = dice.random() < 0.5
        qty = round(Decimal(dice.uniform(0.0001, 3)), dice.randint(0, 11))
        price = round(Decimal(dice.choice((0.4, 3.0, 300.0, 30_000.0 if coin else 400.0))), 0) + round(
            Decimal(dice.random()), dice.randint(0, 11)
        )
        yield OrderRequest(
            symbol=COIN if coin else SHARE, side=Side.BUY, type=OrderType.LIMIT, qty=qty, limit_price=price,
            time_in_force=TimeInForce.GTC if coin else TimeInForce.DAY,
        )  # fmt: skip


class Judges:
    """Asks the engine and the exchange about the same order: the engine without sending, the exchange directly."""

    def __init__(self, account: Any, http: httpx.AsyncClient) -> None:
        self.account = account
        self.http = http

    async def ours(self, request: OrderRequest) -> NO | None:
        """What is refused here."""
        asset = await self.account.desk.broker.asset(request.symbol)
        try:
            self.account.desk.vet.check("s", request, Purpose.ENTRY, asset)
        except OrderRefused as no:
            refusal = no
        else:
            return None
        assert refusal.rule not in ("", "venue"), "a refusal of ours names its rule"
        return refusal.status, refusal.code

    async def theirs(self, request: OrderRequest) -> NO | None:
        """What the exchange refuses; what it takes is there to the last digit, and ended at once."""
        reply = await self.http.post("/v2/orders", json=render_order_request(request))
        body = reply.json()
        if reply.status_code != 200:
            return reply.status_code, body["code"]
        assert request.qty is None or Decimal(body["qty"]) == cut(request.qty, QTY_STEP), (
            "the ninth decimal is its last"
        )
        assert request.limit_price is None or Decimal(body["limit_price"]) == request.limit_price
        assert (await self.http.delete("/v2/orders")).status_code == 207, "with its exits"
        await trio.sleep(0.3)  # until the engine has heard of it
        return None


@strategy(trades=True)
async def s(ctx: Context) -> None:
    """Trades nothing; its session is what is asked."""
    async with ctx.quotes(SHARE, COIN, full="latest"):
        await trio.sleep_forever()


async def compare(play: Any, requests: Iterator[OrderRequest]) -> tuple[int, int]:
    """Ask about all of them; how many both refuse, and how many both take."""
    asked = tuple(requests)
    answers: list[tuple[OrderRequest, NO | None, NO | None]] = []

    async def judge(account: Any) -> None:
        await trio.sleep(10)
        async with httpx.AsyncClient(base_url=play.exchange.trading_url, headers=play.exchange.headers) as http:
            judges = Judges(account, http)
            answers.extend([(one, await judges.ours(one), await judges.theirs(one)) for one in asked])

    await play.hold(s, beside=judge, for_s=120, limits=Limits())
    assert len(answers) == len(asked), "the session was too short"
    assert [(one, ours, theirs) for one, ours, theirs in answers if ours != theirs] == []
    refused = sum(ours is not None for _, ours, _ in answers)
    return refused, len(answers) - refused


@pytest.fixture
def exchange_options(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """A quiet market that begins when the test says so."""
    start = getattr(request, "param", datetime(2026, 3, 2, 15, 0, tzinfo=UTC))
    return {"symbols": (COIN, SHARE), "events_per_s": 2.0, "burst": False, "seed": 3, "start": start}


@pytest.mark.parametrize(
    "exchange_options",
    [
        pytest.param(datetime(2026, 3, 2, 15, 0, tzinfo=UTC), id="regular"),
        pytest.param(datetime(2026, 3, 2, 12, 0, tzinfo=UTC), id="before"),
        pytest.param(datetime(2026, 3, 2, 22, 0, tzinfo=UTC), id="after"),
        pytest.param(datetime(2026, 3, 1, 18, 0, tzinfo=UTC), id="sunday"),
    ],
    indirect=True,
)
async def test_the_whole_table_is_the_exchanges_at_every_hour(play):
    refused, taken = await compare(play, build_product())
    assert refused > 50
    assert taken > 10


@pytest.mark.parametrize("seed", range(2))
async def test_no_size_or_price_off_the_grid_is_sent_and_none_is_rounded(play, seed):
    refused, taken = await compare(play, build_random(seed))
    assert refused > 20
    assert taken > 10


async def test_two_strategies_on_both_sides_of_a_symbol_never_meet(play, ready):
    outcomes: list[str] = []

    def build(name: str, side: str) -> Any:
        @strategy(trades=True)
        async def trader(ctx: Context) -> None:
            order = ctx.buy if side == "buy" else ctx.sell
            async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest") as quotes:
                await trio.sleep(10)
                for number in range(12):
                    quote = (await quotes.batch())[-1]
                    limit = f"{(quote.ask_price if side == 'buy' else quote.bid_price):.2f}" if number % 2 else None
                    try:
                        await order(COIN, "0.001", limit=limit)
                        outcomes.append("sent")
                    except OrderRefused as no:
                        outcomes.append(no.rule)
                    await trio.sleep(3)

        return evolve(trader, name=name)

    async def judge(account: Any) -> None:
        await ready(account)
        for _ in range(1200):
            await trio.sleep(0.1)
            live = [order for order in play.matching.open_orders(COIN) if order.limit_price is not None]
            bids = [order.limit_price for order in live if order.side is Side.BUY]
            asks = [order.limit_price for order in live if order.side is Side.SELL]
            assert not (bids and asks and max(bids) >= min(asks)), "two orders of one account could meet"

    @strategy(trades=True)
    async def stock(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(8)
            await (await ctx.buy(COIN, "0.5")).filled()

    # The seller sells what it bought before: coins cannot be sold short.
    await play.hold(stock, build("bull", "buy"), build("bear", "sell"), beside=judge, for_s=150)
    assert len(outcomes) == 24
    assert set(outcomes) <= {"sent", "wash_trade", "insufficient_balance", "balance", "venue", "insufficient_qty"}
    assert outcomes.count("sent") > 12


async def test_many_signals_with_cash_for_one_are_one_order_and_then_the_breaker_opens(play, ready):
    """The venue's no is final, is never sent again, and too many of them stop the strategy."""
    said: list[str] = []

    async def want(ctx: Context) -> None:
        try:
            await ctx.buy(SHARE, 600, limit=600)  # 360,000 of 400,000 dollars
            said.append("taken")
        except OrderRefused as no:
            said.append(no.rule)

    @strategy(trades=True)
    async def greedy(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(SHARE, full="latest"):
            await trio.sleep(10)
            for _ in range(4):
                async with trio.open_nursery() as nursery:
                    for _ in range(5):
                        nursery.start_soon(want, ctx)
                await trio.sleep(1)

    async def judge(account: Any) -> None:
        await ready(account)
        await trio.sleep(60)
        assert account.switch.tripped("greedy")

    limits = {"greedy": Limits(rejects_in_row=4, orders_per_minute=12)}
    await play.hold(greedy, beside=judge, for_s=90, strategy_limits=limits, on_kill="cancel")
    assert said.count("taken") == 1
    assert len(said) == 20
    names = [row["client_order_id"] for row in play.posted() if row["side"] == "buy"]
    assert len(names) == len(set(names)) <= 12
    assert len(play.posted()) < 20
    assert said[-5:] == ["kill_switch"] * 5


async def test_a_runaway_strategy_sends_no_more_than_its_orders_a_minute(play, ready):
    no: list[str] = []

    @strategy(trades=True)
    async def runaway(ctx: Context) -> None:
        async with ctx.orders(on_exit="cancel"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            for _ in range(60):
                try:
                    await ctx.buy(COIN, "0.001", limit=30_000)
                except (OrderRefused, NotReady) as refused:
                    no.append(refused.rule)
                await trio.sleep(2)

    await play.hold(runaway, for_s=160, strategy_limits={"runaway": Limits(orders_per_minute=10)})
    times = [each.at_ns / 1e9 for each in play.asked("POST")]
    assert max(sum(at <= other < at + 60 for other in times) for at in times) == 10
    assert set(no) == {"orders_per_minute"}
