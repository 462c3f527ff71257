"""A shadow takes orders as the venue does, fills them from the market it is shown, and only reads from the venue."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
import trio
from attrs import define, evolve, field

from engine.core.blotter import Blotter
from engine.core.matching.fees import ALPACA_FEES
from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.matching.models import MODELS
from engine.errors import OrderRefused
from engine.exchange.assets import START_NS, build_assets
from engine.model.account import Account, Asset
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Quote
from engine.model.order import OrderRequest, OrderStatus, OrderType, ReplaceRequest, Side, TimeInForce
from engine.ports import AccountMessage
from engine.venues.shadow import MARK, STAND_EVERY_S, UNREAD_MAX, ShadowVenue

ASSETS = build_assets(("AAPL",), start_ns=START_NS)
MINUTE_NS = 60 * NS_PER_S
AT_NS = 1_772_461_860 * NS_PER_S
"""2026-03-02T14:31:00Z, in the regular session."""


@define
class Truth:
    """A venue that can be read and has no door for orders: an order that is sent to it is an AttributeError."""

    asked: list[str] = field(factory=list)

    async def account(self) -> Account:
        await trio.lowlevel.checkpoint()
        self.asked.append("account")
        return Ledger(AccountTerms(cash=Decimal(5_000))).account()

    async def asset(self, symbol: str) -> Asset | None:
        await trio.lowlevel.checkpoint()
        self.asked.append(symbol)
        return ASSETS.get(symbol)


@define
class Clock:
    """The market's time, moved by the test."""

    at_ns: int = AT_NS
    speed: float = 1.0

    def now_ns(self) -> int:
        return self.at_ns

    async def sleep_until(self, ts_ns: int) -> None:
        while self.at_ns < ts_ns:  # noqa: ASYNC110 - a clock that is moved by hand rings for nobody
            await trio.sleep(0.01)


@define
class Stage:
    """An open shadow and what it is shown."""

    shadow: ShadowVenue
    truth: Truth
    clock: Clock

    def quote(self, bid: float, ask: float) -> None:
        self.clock.at_ns += NS_PER_S
        self.shadow.take(Quote("AAPL", self.clock.at_ns, bid, 100.0, ask, 100.0))

    def bar(self, price: float) -> None:
        self.clock.at_ns += MINUTE_NS
        ts_ns = self.clock.at_ns - MINUTE_NS
        self.shadow.take(Bar("AAPL", ts_ns, price, price, price, price, 1_000.0, price, 10))

    async def buy(self, qty: str, limit: str = "", cid: str = "one", symbol: str = "AAPL") -> str:
        """Returns the order's id."""
        request = OrderRequest(
            symbol=symbol,
            side=Side.BUY,
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            qty=Decimal(qty),
            limit_price=Decimal(limit) if limit else None,
            client_order_id=cid,
        )
        return (await self.shadow.submit(request))[0].id

    async def heard(self) -> Sequence[AccountMessage]:
        async with self.shadow.open_line() as line:
            return await line.receive()


@pytest.fixture
async def stage() -> Stage:
    truth, clock = Truth(), Clock()
    shadow = ShadowVenue(truth=truth, clock=clock, model=MODELS["touch"], seed=1)  # type: ignore[arg-type]  # the reads of each alone
    await shadow.open()
    return Stage(shadow, truth, clock)


async def test_the_account_is_a_copy_of_the_real_ones_worth_and_begins_flat(stage: Stage) -> None:
    assert (await stage.shadow.account()).cash == 5_000
    assert await stage.shadow.positions() == ()
    assert await stage.shadow.open_orders() == ()


async def test_a_market_order_is_filled_at_the_quote_that_is_told_next_and_booked(stage: Stage) -> None:
    order_id = await stage.buy("3")
    stage.quote(99.0, 100.0)
    (order,) = await stage.shadow.order(order_id)
    assert (order.status, order.filled_qty, order.filled_avg_price) == (OrderStatus.FILLED, 3, 100)
    assert await stage.shadow.order_of("one") == (order,)
    assert [(held.symbol, held.qty) for held in await stage.shadow.positions()] == [("AAPL", 3)]
    told = [message.update for message in await stage.heard()]
    assert [update.change for update in told if update is not None][-1] == "fill"
    assert stage.truth.asked == ["account", "AAPL"]


async def test_bars_alone_fill_too(stage: Stage) -> None:
    order_id = await stage.buy("3")
    stage.bar(100.0)
    stage.bar(101.0)
    (order,) = await stage.shadow.order(order_id)
    assert (order.status, order.filled_avg_price) == (OrderStatus.FILLED, 100)


async def test_when_the_data_has_ended_the_last_close_stands(stage: Stage, autojump_clock: Any) -> None:
    await stage.shadow.asset("AAPL")
    stage.bar(100.0)
    stage.clock.at_ns += MINUTE_NS
    order_id = await stage.buy("3")
    assert (await stage.shadow.order(order_id))[0].open
    with trio.move_on_after(3 * STAND_EVERY_S):
        await stage.shadow.stand()
    (order,) = await stage.shadow.order(order_id)
    assert (order.status, order.filled_avg_price) == (OrderStatus.FILLED, 100)


async def test_an_order_rests_is_changed_and_canceled(stage: Stage) -> None:
    order_id = await stage.buy("3", limit="90")
    stage.quote(99.0, 100.0)
    assert [order.id for order in await stage.shadow.open_orders()] == [order_id]
    newer = (await stage.shadow.replace(order_id, ReplaceRequest(limit_price=Decimal(91))))[0]
    assert (await stage.shadow.order(order_id))[0].status is OrderStatus.REPLACED
    await stage.shadow.cancel(newer.id)
    assert await stage.shadow.open_orders() == ()
    assert stage.truth.asked == ["account", "AAPL"]


async def test_what_the_venue_would_refuse_the_shadow_refuses_and_marks(stage: Stage) -> None:
    stage.quote(99.0, 100.0)
    with pytest.raises(OrderRefused, match=rf"^{MARK}: .*buying power"):
        await stage.buy("1000", limit="100")
    with pytest.raises(OrderRefused, match="not found"):
        await stage.buy("1", symbol="NOPE")
    await stage.buy("1", limit="90")
    with pytest.raises(OrderRefused, match="client_order_id must be unique"):
        await stage.buy("1", limit="90")
    with pytest.raises(OrderRefused):
        await stage.shadow.cancel("nowhere")


async def test_fills_are_read_behind_a_mark_and_each_once(stage: Stage) -> None:
    await stage.shadow.asset("AAPL")
    for number in range(3):
        stage.quote(99.0, 100.0 + number)
        await stage.buy("1", cid=f"number {number}")
    everything = await stage.shadow.fills_behind("", 0)
    assert [fill.price for fill in everything.fills] == [100, 101, 102]
    middle = everything.fills[1]
    assert (await stage.shadow.fills_behind(middle.execution_id, 0)).fills == everything.fills[2:]
    again = await stage.shadow.fills_behind(everything.mark, 0)
    assert (again.fills, again.mark) == ((), everything.mark)
    assert (await stage.shadow.fills_behind("", middle.ts_ns)).fills == everything.fills[1:]


async def test_a_fill_tells_what_it_cost_and_no_fee_is_told_beside_it() -> None:
    model = evolve(MODELS["touch"], fees=ALPACA_FEES)
    shadow = ShadowVenue(truth=Truth(), clock=Clock(), model=model, seed=1)  # type: ignore[arg-type]  # as in `stage`
    await shadow.open()
    stage = Stage(shadow, shadow.truth, shadow.clock)  # type: ignore[arg-type]  # the same
    await stage.buy("100")
    stage.quote(99.0, 100.0)
    (fill,) = (await shadow.fills_behind("", 0)).fills
    blotter = Blotter("s")
    blotter.take_fills([fill])
    blotter.take_fees((await shadow.fees_behind("", 0)).fees, 0)
    assert fill.fee > 0
    assert blotter.cash() == (await shadow.account()).cash - 5_000


async def test_time_alone_ends_the_orders_of_a_day(stage: Stage, autojump_clock: Any) -> None:
    order_id = await stage.buy("1", limit="90")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.shadow.run)
        await trio.sleep(1)
        assert (await stage.shadow.order(order_id))[0].open
        stage.clock.at_ns += 24 * 60 * MINUTE_NS
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert (await stage.shadow.order(order_id))[0].status is OrderStatus.EXPIRED


async def test_who_reads_too_late_is_told_to_compare_the_books(stage: Stage) -> None:
    for number in range(UNREAD_MAX // 2 + 1):
        await stage.shadow.cancel(await stage.buy("1", limit="90", cid=f"number {number}"))
    told = await stage.heard()
    assert len(told) <= UNREAD_MAX
    assert "unread" in told[0].doubt
