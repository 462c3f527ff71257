"""The broker tells what is there: every open order with its legs, every execution, positions as orders spell them."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
import trio

from engine.errors import MarkUnknown
from engine.exchange.trading.brokerage import Brokerage
from engine.model.order import (
    Order,
    OrderClass,
    OrderRequest,
    OrderStatus,
    OrderType,
    ReplaceRequest,
    Side,
    TimeInForce,
)
from engine.ports.broker import Broker
from engine.testing.simulated import SimulatedExchange
from engine.venues.alpaca.broker import PAGE_ORDERS, AlpacaBroker
from engine.venues.alpaca.http import open_client
from engine.venues.alpaca.rate import RESERVE_SHARE, Throttle

MANY = 1201
"""Two full pages and one order."""
PER_MINUTE = 100_000
"""A budget that is not in the way."""


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    """A quiet market of a coin and a stock at the opening."""
    return {"symbols": ("BTC/USD", "SPY"), "events_per_s": 5.0, "burst": False, "seed": 3}


@pytest.fixture
def brokerage(exchange: SimulatedExchange) -> Brokerage:
    """The truth, and orders that nobody sent over the network."""
    return exchange.running.brokerage


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
async def broker(exchange: SimulatedExchange, reports: list[str]) -> AsyncIterator[AlpacaBroker]:
    async with open_client(exchange.trading_url, exchange.headers) as client:
        await trio.sleep(5)
        yield AlpacaBroker(client, Throttle(PER_MINUTE, reserve_share=RESERVE_SHARE), reports.append)


def ask(client_order_id: str, **values: Any) -> OrderRequest:
    """A small purchase of a coin far below the market, which stays open."""
    return OrderRequest(
        **{
            "symbol": "BTC/USD", "side": Side.BUY, "type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC,
            "qty": Decimal("0.0006"), "limit_price": Decimal(20_000), "client_order_id": client_order_id,
        } | values
    )  # fmt: skip


def bracket(client_order_id: str, **values: Any) -> OrderRequest:
    """A purchase of a share with both exits; it stays open unless told otherwise."""
    return ask(
        client_order_id,
        **{
            "symbol": "SPY", "qty": Decimal(1), "limit_price": Decimal(100), "order_class": OrderClass.BRACKET,
            "take_profit_limit": Decimal(9000), "stop_loss_stop": Decimal(50),
        } | values,
    )  # fmt: skip


async def wait_asked(exchange: SimulatedExchange, requests: int) -> None:
    """Wait until the exchange has had so many requests, and not a step longer."""
    while exchange.summary()["requests"] < requests:  # noqa: ASYNC110 - the exchange tells nobody of a request
        await trio.lowlevel.checkpoint()


def names(orders: tuple[Order, ...]) -> list[str]:
    return [order.client_order_id for order in orders]


async def test_it_is_a_broker_and_tells_an_order_from_its_beginning_to_its_end(broker: AlpacaBroker) -> None:
    desk: Broker = broker
    (sent,) = await desk.submit(ask("mine-1"))
    assert (sent.client_order_id, sent.status, sent.qty) == ("mine-1", OrderStatus.PENDING_NEW, Decimal("0.0006"))
    await trio.sleep(1)
    (after,) = await desk.replace(sent.id, ReplaceRequest(limit_price=Decimal(21_000), client_order_id="mine-2"))
    assert (after.replaces, after.limit_price, after.client_order_id) == (sent.id, Decimal(21_000), "mine-2")
    await trio.sleep(1)
    (before,) = await desk.order_of("mine-1")
    assert (before.status, before.replaced_by) == (OrderStatus.REPLACED, after.id)
    await desk.cancel(after.id)
    await trio.sleep(1)
    assert [order.status for order in await desk.order(after.id)] == [OrderStatus.CANCELED]
    assert await desk.open_orders() == ()


async def test_what_there_is_not_is_empty_and_no_error(broker: AlpacaBroker) -> None:
    assert await broker.order("7c1e2a10-0000-4000-8000-00000000a001") == ()
    assert await broker.order_of("nobody's") == ()
    assert await broker.asset("NOPE") is None
    assert await broker.asset("AAPL260320C99999000") is None
    assert await broker.positions() == ()


async def test_the_open_orders_are_found_although_a_thousand_newer_ones_are_over(
    broker: AlpacaBroker, brokerage: Brokerage
) -> None:
    """Row 16 of the pains: a default page of 50, newest first, is full of what does not matter any more."""
    alive = [brokerage.submit(ask(f"open-{number}")) for number in range(5)]
    alive += [brokerage.submit(bracket(f"bracket-{number}")) for number in range(2)]
    await trio.sleep(1)
    for number in range(MANY - len(alive)):
        brokerage.cancel(brokerage.submit(ask(f"over-{number}")).id, at_once=True)
    found = await broker.open_orders()
    legs = [leg for order in alive for leg in brokerage.legs_of(order)]
    assert {order.id for order in found} == {order.id for order in alive} | {leg.id for leg in legs}
    assert {order.id: order.parent_id for order in found if order.status is OrderStatus.HELD} == {
        leg.id: leg.parent_id for leg in legs
    }
    assert len(legs) == 4


async def test_a_list_of_several_pages_is_read_to_its_end(broker: AlpacaBroker, brokerage: Brokerage) -> None:
    sent = [brokerage.submit(ask(f"mine-{number}")) for number in range(MANY)]
    found = await broker.open_orders()
    assert [order.id for order in found] == [order.id for order in sent]


async def test_a_page_that_is_full_of_legs_is_full(broker: AlpacaBroker, brokerage: Brokerage) -> None:
    for number in range(PAGE_ORDERS // 3 + 1):
        brokerage.submit(bracket(f"mine-{number}"))
    found = await broker.open_orders()
    assert len(found) == 3 * (PAGE_ORDERS // 3 + 1) == len({order.id for order in found})
    assert sum(order.status is OrderStatus.HELD and bool(order.parent_id) for order in found) == len(found) * 2 // 3


async def test_what_comes_and_goes_between_two_pages_is_neither_lost_nor_doubled(
    exchange: SimulatedExchange, broker: AlpacaBroker, brokerage: Brokerage
) -> None:
    sent = [brokerage.submit(ask(f"mine-{number}")) for number in range(MANY)]
    await trio.sleep(1)
    asked = exchange.summary()["requests"]

    async def meddle() -> None:
        """After the first page: a new order, and the end of the one where the page ended and of one on it."""
        await wait_asked(exchange, asked + 1)
        brokerage.submit(ask("between"))
        for place in (PAGE_ORDERS - 1, PAGE_ORDERS - 2):
            brokerage.cancel(sent[place].id, at_once=True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(meddle)
        found = await broker.open_orders()
    assert names(found) == [*(f"mine-{number}" for number in range(MANY)), "between"]


async def test_the_exit_that_is_held_is_found_beside_the_one_that_works(
    broker: AlpacaBroker, brokerage: Brokerage, reports: list[str]
) -> None:
    entry = brokerage.submit(bracket("mine-1", type=OrderType.MARKET, limit_price=None))
    await trio.sleep(30)
    assert brokerage.matching.orders.get(entry.id).status is OrderStatus.FILLED
    brokerage.submit(bracket("mine-2"))
    found = {order.id: order for order in await broker.open_orders()}
    profit, loss = brokerage.legs_of(entry)
    assert [found[leg.id].status for leg in (profit, loss)] == [OrderStatus.NEW, OrderStatus.HELD]
    assert [found[leg.id].parent_id for leg in (profit, loss)] == [entry.id, entry.id]
    assert entry.id not in found
    assert len(found) == 5
    assert reports == []


async def test_an_exit_whose_bracket_the_venue_does_not_show_is_reported(
    exchange: SimulatedExchange, broker: AlpacaBroker, brokerage: Brokerage, reports: list[str]
) -> None:
    brokerage.submit(bracket("mine-1", type=OrderType.MARKET, limit_price=None))
    await trio.sleep(30)
    for number in range(PAGE_ORDERS // 5):
        brokerage.submit(ask(f"other-{number}", symbol="SPY", qty=Decimal(1), limit_price=Decimal(100)))
    exchange.fault("empty_snapshot", next=1)
    assert await broker.open_orders() == ()
    asked = exchange.summary()["requests"]

    async def hide() -> None:
        await wait_asked(exchange, asked + 1)
        exchange.fault("empty_snapshot", next=1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hide)
        found = await broker.open_orders()
    assert len(found) == PAGE_ORDERS // 5 + 1
    assert ["exit of a bracket" in report for report in reports] == [True]


async def test_every_execution_is_told_once_page_by_page_and_again_from_the_mark(
    exchange: SimulatedExchange, broker: AlpacaBroker, brokerage: Brokerage
) -> None:
    since_ns = exchange.now_ns()
    assert (await broker.fills_behind("", since_ns)).mark == ""
    for number in range(130):
        brokerage.submit(ask(f"mine-{number}", type=OrderType.MARKET, limit_price=None))
    await trio.sleep(60)
    told, mark, more, pages = [], "", True, 0
    while more:
        page = await broker.fills_behind(mark, since_ns)
        told, mark, more, pages = [*told, *page.fills], page.mark, page.more, pages + 1
    assert pages == 2
    assert [fill.execution_id for fill in told] == [fill.execution_id for fill in brokerage.matching.fills]
    assert {(fill.symbol, fill.side, fill.qty) for fill in told} == {("BTC/USD", Side.BUY, Decimal("0.0006"))}
    again = await broker.fills_behind(mark, since_ns)
    assert (again.fills, again.mark, again.more) == ((), mark, False)
    brokerage.submit(ask("late", type=OrderType.MARKET, limit_price=None))
    await trio.sleep(60)
    assert [fill.order_id for fill in (await broker.fills_behind(mark, since_ns)).fills] == [
        brokerage.matching.orders.by_client_id("late").id
    ]


async def test_the_first_instant_that_is_asked_for_is_among_the_answers(
    broker: AlpacaBroker, brokerage: Brokerage
) -> None:
    brokerage.submit(ask("mine-1", type=OrderType.MARKET, limit_price=None))
    await trio.sleep(30)
    (fill,) = brokerage.matching.fills
    assert [each.execution_id for each in (await broker.fills_behind("", fill.ts_ns)).fills] == [fill.execution_id]
    assert (await broker.fills_behind("", fill.ts_ns + 1)).fills == ()


async def test_what_sales_of_coins_cost_in_dollars_is_told_with_their_orders_page_by_page(
    exchange: SimulatedExchange, broker: AlpacaBroker, brokerage: Brokerage
) -> None:
    since_ns = exchange.now_ns()
    brokerage.submit(ask("bought", type=OrderType.MARKET, limit_price=None, qty=Decimal(1)))
    await trio.sleep(60)
    assert (await broker.fees_behind("", since_ns)).fees == ()  # that cost coins
    for number in range(60):
        brokerage.submit(ask(f"sold-{number}", type=OrderType.MARKET, limit_price=None, side=Side.SELL))
    await trio.sleep(60)
    told, mark, more, pages = [], "", True, 0
    while more:
        page = await broker.fees_behind(mark, since_ns)
        told, mark, more, pages = [*told, *page.fees], page.mark, page.more, pages + 1
    sales = [fill for fill in brokerage.matching.fills if fill.fee_asset == "USD"]
    assert len(sales) >= 60
    assert [(fee.order_id, fee.symbol, fee.amount, fee.ts_ns) for fee in told] == [
        (fill.order_id, "BTC/USD", fill.fee, fill.ts_ns) for fill in sales
    ]
    again = await broker.fees_behind(mark, since_ns)
    assert (again.fees, again.mark, again.more) == ((), mark, False)
    assert (await broker.fees_behind("", sales[-1].ts_ns)).fees[-1] == told[-1]


async def test_a_mark_that_the_venue_does_not_know_is_no_answer(broker: AlpacaBroker) -> None:
    with pytest.raises(MarkUnknown, match="page_token"):
        await broker.fills_behind("20260302093107298::0f0e4c1e-0000-4000-8000-000000000001", 0)


async def test_positions_have_the_symbols_of_orders_and_the_sign_of_their_side(
    broker: AlpacaBroker, brokerage: Brokerage
) -> None:
    brokerage.submit(ask("mine-1", type=OrderType.MARKET, limit_price=None))
    short = ask("mine-2", type=OrderType.MARKET, limit_price=None, symbol="SPY", qty=Decimal(3), side=Side.SELL)
    brokerage.submit(OrderRequest(**{**{f: getattr(short, f) for f in FIELDS}, "time_in_force": TimeInForce.DAY}))
    await trio.sleep(30)
    truth = {position.asset.symbol: position for position in brokerage.matching.positions()}
    held = await broker.positions()
    assert [position.symbol for position in held] == ["BTC/USD", "SPY"]
    assert [position.qty for position in held] == [truth[position.symbol].qty for position in held]
    assert held[1].qty == -3
    assert Decimal(0) < held[0].qty < Decimal("0.0006"), "the venue keeps its fee in coins"


async def test_assets_are_asked_for_once_a_day_and_by_a_quoted_name(
    exchange: SimulatedExchange, broker: AlpacaBroker, brokerage: Brokerage
) -> None:
    option = next(symbol for symbol in brokerage.assets if len(symbol) > 15)
    for symbol in ("BTC/USD", "SPY", option):
        assert await broker.asset(symbol) == brokerage.assets[symbol]
    asked = exchange.summary()["requests"]
    for symbol in ("BTC/USD", "SPY", option):
        assert await broker.asset(symbol) == brokerage.assets[symbol]
    assert exchange.summary()["requests"] == asked


async def test_the_account_is_the_exchanges(broker: AlpacaBroker, brokerage: Brokerage) -> None:
    assert await broker.account() == brokerage.matching.account()


FIELDS = [each.name for each in OrderRequest.__attrs_attrs__]
