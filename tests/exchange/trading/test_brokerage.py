"""The brokerage moves the account with the market: in the order of publication, in silence too, never in its way."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from attrs import define, evolve, field

from engine.core.matching.fees import ALPACA_FEES
from engine.core.matching.models import MODELS
from engine.core.rules.refusal import Refused
from engine.exchange.clock import MarketClock
from engine.exchange.faults import Fault, FaultPlan
from engine.exchange.market import Market, Row
from engine.exchange.trading import Brokerage
from engine.exchange.trading.settings import Settings
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Bar, Quote, Trade
from engine.model.order import Fill, OrderRequest, OrderStatus, OrderType, OrderUpdate, Side, TimeInForce

T0 = parse_instant("2026-03-02T14:30:00Z")
LIMIT = OrderRequest(
    symbol="AAPL",
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    qty=Decimal(10),
    limit_price=Decimal(100),
)


def quote(at_s: float, ask: float) -> Row:
    ts_ns = T0 + round(at_s * NS_PER_S)
    return ts_ns, Quote("AAPL", ts_ns, ask - 0.02, 1000.0, ask, 1000.0, "Q", "Q", ("R",), "C")


@define
class Listed:
    """A source of given rows."""

    listed: list[Row]
    endless: bool = True
    symbols: tuple[str, ...] = ("AAPL",)
    start_ns: int = T0

    def rows(self) -> Iterator[Row]:
        return iter(self.listed)


@define
class Told:
    """A listener, and a sink beside the brokerage: what each was told, in one order."""

    heard: list[Any] = field(factory=list)
    reading: bool = True

    def tell(self, update: OrderUpdate) -> None:
        self.heard.append(update.change.value)

    def deliver(self, events: Any) -> None:
        self.heard.extend(type(event).__name__ for event in events)

    async def ready(self) -> None:
        await trio.lowlevel.checkpoint()

    def flushed(self) -> bool:
        return True


def build(rows: list[Row], speed: float = 0.0, **options: Any) -> tuple[Market, Brokerage, Told]:
    """A market with a data stream in front of its account."""
    market = Market(Listed(rows), MarketClock(T0, speed))
    told = Told()
    market.attach(told)
    brokerage = Brokerage(market, FaultPlan(now_s=trio.current_time), **options)
    market.attach(brokerage)
    brokerage.listen(told)
    return market, brokerage, told


async def test_a_fill_is_told_right_behind_the_quote_that_caused_it() -> None:
    market, brokerage, told = build([quote(1, 101.0), quote(2, 100.0)])
    await market.swallow(1)
    order = brokerage.submit(LIMIT)
    assert order.status is OrderStatus.PENDING_NEW
    await market.swallow(1)
    assert told.heard == ["Quote", "pending_new", "new", "Quote", "fill"]
    found = brokerage.books.order(order.id)
    assert found is not None
    assert found.filled_avg_price == Decimal(100)
    assert not brokerage.reading


async def test_what_came_out_is_remembered_by_id_and_instant() -> None:
    charged = evolve(MODELS["touch"], fees=ALPACA_FEES)
    market, brokerage, _ = build([quote(1, 99.0)], model=charged)
    await market.swallow(1)
    brokerage.submit(LIMIT)
    told = brokerage.updates.read(0, 10)
    assert [update.change.value for update in told] == ["pending_new", "new", "fill"]
    assert brokerage.updates.after_id(told[0].event_id) == 1
    assert [activity.kind for activity in brokerage.activities.newest_first()] == ["FEE", "FILL"]


async def test_at_speed_0_no_order_waits_for_a_market_that_nobody_moves() -> None:
    slow = evolve(MODELS["touch"], latency_ns=NS_PER_S)
    market, brokerage, told = build([quote(1, 99.0)], model=slow)
    await market.swallow(1)
    brokerage.submit(LIMIT)
    assert told.heard[-1] == "fill"
    assert brokerage.model.latency_ns == 0


async def test_time_passes_where_the_market_is_silent(autojump_clock: trio.testing.MockClock) -> None:
    slow = evolve(MODELS["touch"], latency_ns=2 * NS_PER_S)
    market, brokerage, told = build([quote(1, 99.0)], speed=1.0, model=slow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(brokerage.serve_time)
        await nursery.start(market.run)
        await trio.sleep(5)
        brokerage.submit(LIMIT)
        assert told.heard[-1] == "pending_new"
        await trio.sleep(3)
        assert told.heard[-2:] == ["new", "fill"]
        brokerage.submit(evolve(LIMIT, limit_price=Decimal(50)))
        await trio.sleep(7 * 3600)
        assert told.heard[-1] == "expired"
        nursery.cancel_scope.cancel()


async def test_equity_is_sampled_once_a_minute_whoever_moves_the_clock() -> None:
    market, brokerage, _ = build([quote(at_s, 99.0) for at_s in (1, 59, 61, 62, 400)])
    await market.swallow(5)
    samples = brokerage.equity.between(T0, T0 + 3600 * NS_PER_S)
    assert [(sample.start_ns - T0) // (60 * NS_PER_S) for sample in samples] == [0, 1]
    assert {sample.equity for sample in samples} == {Decimal(100_000)}


async def test_the_end_of_a_contract_is_an_activity_that_no_update_tells() -> None:
    evening_s = (parse_instant("2026-03-06T21:30:00Z") - T0) / NS_PER_S
    market, brokerage, told = build([quote(1, 99.0), quote(evening_s, 99.0)])
    contract = brokerage.assets["AAPL260306C00225000"]
    bought = Fill(
        execution_id="e",
        order_id="o",
        symbol=contract.symbol,
        side=Side.BUY,
        qty=Decimal(1),
        price=Decimal(3),
        ts_ns=T0,
    )
    brokerage.ledger.apply(bought, contract)
    await market.swallow(2)
    (ended,) = brokerage.activities.newest_first()
    assert (ended.kind, ended.fill.symbol) == ("OPEXP", contract.symbol)
    assert brokerage.books.positions() == ()
    assert told.heard == ["Quote", "Quote"]


async def test_events_about_the_past_do_not_turn_time_back() -> None:
    late = Bar("AAPL", T0 - 60 * NS_PER_S, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0)
    market, brokerage, _ = build([quote(5, 99.0), (T0 + 6 * NS_PER_S, late)])
    await market.swallow(2)
    assert brokerage.now_ns() == T0 + 6 * NS_PER_S


async def test_a_cancel_can_lose_to_a_fill() -> None:
    market, brokerage, told = build([quote(1, 101.0), quote(2, 100.0)])
    brokerage.plan.inject(Fault(kind="cancel_loses", lag_s=5.0, uses=1))
    await market.swallow(1)
    with pytest.raises(Refused, match="not found"):
        brokerage.cancel("nobody's")  # which uses nothing up
    order = brokerage.submit(LIMIT)
    brokerage.cancel(order.id)
    assert told.heard[-1] == "pending_cancel"
    await market.swallow(1)
    assert "fill" in told.heard
    assert "canceled" not in told.heard


async def test_stale_reads_follow_the_prices_at_their_distance(autojump_clock: trio.testing.MockClock) -> None:
    prints = [
        (T0 + each * NS_PER_S, Trade("AAPL", T0 + each * NS_PER_S, 100.0 + each, 100.0, each, "Q", ("@",), "C"))
        for each in range(1, 30)
    ]
    market, brokerage, _ = build([quote(0, 100.0), *prints])
    await market.swallow(1)
    brokerage.submit(LIMIT)
    brokerage.plan.inject(Fault(kind="stale_reads", lag_s=4.0))
    for second in range(1, 30):
        await market.swallow(1)
        position = brokerage.books.position("AAPL")
        assert position is not None
        if second > 6:
            assert Decimal(100 + second - 6) <= position.price <= Decimal(100 + second - 4)
        await trio.sleep(1)


@pytest.mark.exchange(symbols=("AAPL",))
async def test_on_the_first_day_of_a_made_market_a_position_knows_the_close_of_the_day_before(exchange: Any) -> None:
    await trio.sleep(5)
    async with httpx.AsyncClient(base_url=exchange.trading_url, headers=exchange.headers) as client:
        bars = await client.get("/v2/stocks/AAPL/bars", params={"timeframe": "1Day", "start": "2026-02-27"})
        asked = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
        assert (await client.post("/v2/orders", json=asked)).status_code == 200
        position = (await client.get("/v2/positions/AAPL")).json()
    close = bars.json()["bars"][0]["c"]
    assert float(position["lastday_price"]) == close
    assert float(position["change_today"]) == pytest.approx(float(position["current_price"]) / close - 1)


async def test_a_refused_order_changes_nothing() -> None:
    market, brokerage, told = build([quote(1, 99.0)])
    await market.swallow(1)
    with pytest.raises(Refused):
        brokerage.submit(evolve(LIMIT, symbol="NONE"))
    brokerage.change(Settings(suspend_trade=True))
    with pytest.raises(Refused, match="rejected by user"):
        brokerage.submit(LIMIT)
    assert told.heard == ["Quote"]
    assert not brokerage.open_orders()


async def test_who_no_longer_listens_is_told_nothing() -> None:
    market, brokerage, told = build([quote(1, 99.0)])
    await market.swallow(1)
    brokerage.unlisten(told)
    brokerage.submit(LIMIT)
    assert told.heard == ["Quote"]
