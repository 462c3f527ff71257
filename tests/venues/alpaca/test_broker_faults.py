"""Whatever becomes of a call, its answer is a fact, a definite no or not knowing; what changes something goes once."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
import trio

from engine.errors import BrokerUnavailable, KeysRefused, NotReady, OrderRefused, ReplyMissing
from engine.model.order import Order, OrderRequest, OrderType, ReplaceRequest, Side, TimeInForce
from engine.testing.simulated import SimulatedExchange
from engine.venues.alpaca.broker import WRITE_MAX_S, AlpacaBroker
from engine.venues.alpaca.calls import READ_MAX_S, TURN_MAX_S
from engine.venues.alpaca.http import open_client
from engine.venues.alpaca.rate import RESERVE_SHARE, Throttle

CHECKPOINTS = 120
"""More than an undisturbed submission takes, so that it is cancelled at each of its steps."""


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    """A quiet market of one coin, which has no closing hours."""
    return {"symbols": "BTC/USD", "events_per_s": 5.0, "burst": False, "seed": 3}


@pytest.fixture
async def broker(exchange: SimulatedExchange) -> AsyncIterator[AlpacaBroker]:
    async with open_client(exchange.trading_url, exchange.headers) as client:
        await trio.sleep(5)
        yield AlpacaBroker(client, Throttle(reserve_share=RESERVE_SHARE), pytest.fail)


def ask(client_order_id: str = "mine-1", **values: Any) -> OrderRequest:
    """A small purchase far below the market, which stays open."""
    return OrderRequest(
        **{
            "symbol": "BTC/USD", "side": Side.BUY, "type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC,
            "qty": Decimal("0.01"), "limit_price": Decimal(20_000), "client_order_id": client_order_id,
        } | values
    )  # fmt: skip


def truth(exchange: SimulatedExchange, client_order_id: str = "mine-1") -> Order | None:
    return exchange.running.brokerage.matching.orders.by_client_id(client_order_id)


def requests(exchange: SimulatedExchange) -> int:
    return int(exchange.summary()["requests"])


NOT_TAKEN = [
    ("http_status", {"status": 429, "headers": {"Retry-After": "2"}}),
    ("http_status", {"status": 429, "bare": True}),
    ("http_status", {"status": 500}),
    ("http_status", {"status": 502}),
    ("http_status", {"status": 503}),
    ("http_status", {"status": 504}),
    ("http_status", {"status": 408}),
    ("http_status", {"status": 425}),
    ("http_status", {"status": 404}),
    ("http_status", {"status": 422}),
    ("black_hole", {"stage": "request"}),
]
TAKEN = [
    ("late_status", {"status": 504}),
    ("late_status", {"status": 500}),
    ("late_status", {"status": 429, "bare": True}),
    ("late_status", {"status": 404}),
    ("late_status", {"status": 403}),
    ("lost_reply", {}),
    ("black_hole", {"stage": "reply"}),
    ("black_hole", {"stage": "body"}),
]
NO_BODY = ("black_hole", {"stage": "body"})
"""A reply without a body, such as that to a cancel, cannot be cut inside it."""
EVERY = [(*fault, False) for fault in NOT_TAKEN] + [(*fault, True) for fault in TAKEN]


@pytest.mark.parametrize(("kind", "keys", "taken"), EVERY)
async def test_an_order_that_was_not_answered_clearly_may_be_there_and_was_sent_once(
    exchange: SimulatedExchange, broker: AlpacaBroker, kind: str, keys: Mapping[str, Any], taken: bool
) -> None:
    exchange.fault(kind, next=1, method="POST", **keys)
    before, started_s = requests(exchange), trio.current_time()
    with pytest.raises(ReplyMissing, match="POST /v2/orders at"):
        await broker.submit(ask())
    assert trio.current_time() - started_s <= WRITE_MAX_S + 1
    assert requests(exchange) - before == 1
    assert (truth(exchange) is not None) is taken
    assert [order.client_order_id for order in await broker.order_of("mine-1")] == ["mine-1"] * taken


@pytest.mark.parametrize(("kind", "keys", "taken"), EVERY)
async def test_a_change_that_was_not_answered_clearly_may_have_been_made_and_was_sent_once(
    exchange: SimulatedExchange, broker: AlpacaBroker, kind: str, keys: Mapping[str, Any], taken: bool
) -> None:
    (old,) = await broker.submit(ask())
    await trio.sleep(1)
    exchange.fault(kind, next=1, method="PATCH", **keys)
    before = requests(exchange)
    with pytest.raises(ReplyMissing, match="PATCH /v2/orders/"):
        await broker.replace(old.id, ReplaceRequest(limit_price=Decimal(21_000), client_order_id="mine-2"))
    assert requests(exchange) - before == 1
    assert [order.limit_price for order in await broker.order_of("mine-2")] == [Decimal(21_000)] * taken


@pytest.mark.parametrize(("kind", "keys", "taken"), [fault for fault in EVERY if fault[:2] != NO_BODY])
async def test_a_cancel_that_was_not_answered_clearly_was_sent_once_and_may_be_sent_again(
    exchange: SimulatedExchange, broker: AlpacaBroker, kind: str, keys: Mapping[str, Any], taken: bool
) -> None:
    (order,) = await broker.submit(ask())
    await trio.sleep(1)
    exchange.fault(kind, next=1, method="DELETE", **keys)
    before = requests(exchange)
    with pytest.raises(ReplyMissing, match="DELETE /v2/orders/"):
        await broker.cancel(order.id)
    assert requests(exchange) - before == 1
    assert (truth(exchange).status == "canceled") is taken  # type: ignore[union-attr]  # it was taken above
    await broker.cancel(order.id)
    assert truth(exchange).status == "canceled"  # type: ignore[union-attr]  # it was taken above


@pytest.mark.parametrize(
    "question", ["order", "order_of", "open_orders", "fills_behind", "fees_behind", "positions", "account", "asset"]
)
@pytest.mark.parametrize(
    ("kind", "keys"), [*NOT_TAKEN, ("black_hole", {"stage": "reply"}), ("black_hole", {"stage": "body"})]
)
async def test_a_question_that_was_not_answered_is_no_answer(
    exchange: SimulatedExchange, broker: AlpacaBroker, kind: str, keys: Mapping[str, Any], question: str
) -> None:
    (order,) = await broker.submit(ask())
    arguments: dict[str, tuple[Any, ...]] = {
        "order": (order.id,), "order_of": ("mine-1",), "fills_behind": ("", 1), "fees_behind": ("", 1),
        "asset": ("BTC/USD",),
    }  # fmt: skip
    ask_it = getattr(broker, question)
    exchange.fault(kind, next=1, method="GET", **keys)
    started_s = trio.current_time()
    with pytest.raises(BrokerUnavailable, match="/v2/"):
        await ask_it(*arguments.get(question, ()))
    assert trio.current_time() - started_s <= READ_MAX_S + 1
    assert await ask_it(*arguments.get(question, ())) is not None


async def test_what_was_just_written_may_not_be_there_to_be_read_and_comes(
    exchange: SimulatedExchange, broker: AlpacaBroker
) -> None:
    await trio.sleep(1)
    exchange.fault("stale_reads", lag="3s")
    (order,) = await broker.submit(ask())
    assert (await broker.order_of("mine-1"), await broker.order(order.id), await broker.open_orders()) == ((), (), ())
    await trio.sleep(5)
    assert [each.id for each in await broker.open_orders()] == [order.id]
    assert [each.id for each in await broker.order_of("mine-1")] == [order.id]


async def test_an_empty_list_is_not_the_last_word_and_the_order_is_known_by_its_id(
    exchange: SimulatedExchange, broker: AlpacaBroker
) -> None:
    (order,) = await broker.submit(ask())
    exchange.fault("empty_snapshot", next=1)
    assert await broker.open_orders() == ()
    assert [each.id for each in await broker.order(order.id)] == [order.id]
    assert [each.id for each in await broker.open_orders()] == [order.id]


async def test_a_caller_cancelled_at_any_step_sends_the_order_once_or_not_at_all(
    exchange: SimulatedExchange, broker: AlpacaBroker
) -> None:
    left, taken = 0, 0
    for steps in range(CHECKPOINTS):
        before, name = requests(exchange), f"mine-{steps}"
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(cancel_after, steps, scope)
                await broker.submit(ask(name, qty=Decimal("0.001")))
                nursery.cancel_scope.cancel()
        left += scope.cancelled_caught
        await trio.sleep(1)  # the exchange's answer to a request whose caller has left
        sent = requests(exchange) - before
        assert sent == (truth(exchange, name) is not None)
        assert len(await broker.order_of(name)) == sent
        taken += sent
    assert 0 < left < CHECKPOINTS
    assert CHECKPOINTS - left < taken <= CHECKPOINTS, "some were taken although their callers had left"
    assert len(await broker.open_orders()) == taken


async def cancel_after(steps: int, scope: trio.CancelScope) -> None:
    for _ in range(steps):
        await trio.lowlevel.checkpoint()
    scope.cancel()


async def test_what_the_venue_refuses_is_refused_by_the_name_of_its_rule(
    exchange: SimulatedExchange, broker: AlpacaBroker
) -> None:
    cases = [
        (ask(symbol="NOPE"), "asset_unknown", 422),
        (ask(qty=None), "qty_required", 422),
        (ask(qty=Decimal(1000)), "balance", 403),
        (ask(time_in_force=TimeInForce.DAY), "crypto_time", 422),
    ]
    for request, rule, status in cases:
        with pytest.raises(OrderRefused, match=f"HTTP {status}") as refused:
            await broker.submit(request)
        assert (refused.value.rule, refused.value.status, refused.value.client_order_id) == (rule, status, "mine-1")
    await broker.submit(ask())
    with pytest.raises(OrderRefused) as twice:
        await broker.submit(ask())
    assert (twice.value.rule, twice.value.code) == ("client_order_id_taken", 40010001)
    with pytest.raises(OrderRefused) as missing:
        await broker.cancel("7c1e2a10-0000-4000-8000-00000000a001")
    assert (missing.value.rule, missing.value.status) == ("order_not_found", 404)


async def test_a_refusal_brings_the_figures_that_the_venue_told_with_it(broker: AlpacaBroker) -> None:
    with pytest.raises(OrderRefused) as refused:
        await broker.submit(ask(side=Side.SELL, type=OrderType.MARKET, limit_price=None))
    assert refused.value.rule in ("balance", "qty_available")
    assert refused.value.extra["symbol"] in ("BTC/USD", "USD", "BTC")


async def test_a_cancel_of_what_is_over_is_refused_and_of_what_is_canceled_is_not(broker: AlpacaBroker) -> None:
    (done,) = await broker.submit(ask("mine-1", type=OrderType.MARKET, limit_price=None))
    (gone,) = await broker.submit(ask("mine-2"))
    await trio.sleep(5)
    with pytest.raises(OrderRefused) as refused:
        await broker.cancel(done.id)
    assert refused.value.rule == "cancel_status"
    await broker.cancel(gone.id)
    await broker.cancel(gone.id)


@pytest.mark.exchange(keys=(("PKTEST", "the-right-secret"),))
async def test_keys_that_are_not_known_are_a_sentence_without_the_secret(exchange: SimulatedExchange) -> None:
    wrong = {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "the-wrong-secret"}
    async with open_client(exchange.trading_url, wrong) as client:
        broker = AlpacaBroker(client, Throttle(), pytest.fail)
        for call in (broker.account, lambda: broker.submit(ask()), lambda: broker.cancel("x"), broker.open_orders):
            with pytest.raises(KeysRefused, match="APCA_API_KEY_ID") as refused:
                await call()
            assert "secret" not in str(refused.value).replace("APCA_API_SECRET_KEY", "")


async def test_with_the_budget_spent_an_order_is_dropped_unsent_and_a_cancel_goes_at_once(
    exchange: SimulatedExchange,
) -> None:
    async with open_client(exchange.trading_url, exchange.headers) as client:
        throttle = Throttle(40, reserve_share=RESERVE_SHARE)
        broker = AlpacaBroker(client, throttle, pytest.fail)
        brokerage = exchange.running.brokerage
        await trio.sleep(5)
        order = brokerage.submit(ask())
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(throttle.turn)
            await trio.testing.wait_all_tasks_blocked()
            before, started_s = requests(exchange), trio.current_time()
            with pytest.raises(NotReady) as dropped:
                await broker.submit(ask("mine-2"))
            assert (dropped.value.rule, dropped.value.client_order_id) == ("request_budget", "mine-2")
            assert trio.current_time() - started_s == pytest.approx(TURN_MAX_S)
            assert requests(exchange) == before
            await broker.cancel(order.id)
            assert trio.current_time() - started_s == pytest.approx(TURN_MAX_S)
            assert truth(exchange).status == "canceled"  # type: ignore[union-attr]  # it was taken above
            nursery.cancel_scope.cancel()
