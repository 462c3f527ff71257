"""A reply counts for what it says only if it is whole, readable and about what was asked; sentences hold no secret."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
import pytest
import trio

from engine.codec.orders import render_order
from engine.errors import BrokerUnavailable, GaplessError, KeysRefused, OrderRefused, ReplyMissing
from engine.model.order import Order, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from engine.venues.alpaca.broker import AlpacaBroker
from engine.venues.alpaca.http import open_client
from engine.venues.alpaca.rate import Throttle

Asked: TypeAlias = tuple[str, dict[str, str], dict[str, str]]
Told: TypeAlias = tuple[int, bytes, dict[str, str]]
OpenLoopback: TypeAlias = Callable[[Callable[[Asked], Awaitable[Told]]], AbstractAsyncContextManager[str]]

TEST_MAX_S = 10.0
SECRET = "s3cr3t-of-the-account"
REQUEST = OrderRequest(
    symbol="SPY", side=Side.BUY, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=Decimal(1),
    client_order_id="mine-1",
)  # fmt: skip


def order(number: int = 1, **changed: Any) -> dict[str, Any]:
    """An order as the venue tells it."""
    known = Order(
        id=f"id-{number}", client_order_id=f"mine-{number}", symbol="SPY", asset_id="a", asset_class=None,
        side=Side.BUY, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, status=OrderStatus.NEW, created_ns=10**18,
    )  # fmt: skip
    return render_order(known) | changed


def body(told: object) -> bytes:
    return msgspec.json.encode(told)


@pytest.fixture
def open_broker(open_loopback: OpenLoopback) -> Callable[..., AbstractAsyncContextManager[AlpacaBroker]]:
    """``async with open_broker(*replies)``: a venue that says these one after the other, the last again and again."""

    @asynccontextmanager
    async def opened(*replies: Told) -> AsyncIterator[AlpacaBroker]:
        left = list(replies)

        async def answer(_: Asked) -> Told:
            status, told, headers = left.pop(0) if len(left) > 1 else left[0]
            return status, told, dict(headers)

        headers = {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": SECRET}
        with trio.fail_after(TEST_MAX_S):
            async with open_loopback(answer) as url, open_client(url, headers) as client:
                yield AlpacaBroker(client, Throttle(100_000), pytest.fail)

    return opened


async def failure_of(call: Awaitable[object]) -> GaplessError:
    with pytest.raises(GaplessError) as failed:
        await call
    assert SECRET not in str(failed.value)
    return failed.value


WHOLE = body(order())


@pytest.mark.parametrize(
    "told",
    [
        (200, WHOLE, {"Cut-After": "100"}),
        (200, b"", {}),
        (200, b"null", {}),
        (200, b"[]", {}),
        (200, b"<html>it works</html>", {}),
        (200, body(order(status="melted")), {}),
        (200, body(order(2)), {}),
        (302, b"", {"Location": "/elsewhere"}),
        (422, b"", {}),
        (422, b'{"message":"qty must be > 0"}', {}),
        (422, b'{"code":"40010001","message":"qty must be > 0"}', {}),
        (429, b'{"code":42910000,"message":"rate limit exceeded"}', {}),
        (503, b'{"code":50010000,"message":"internal server error"}', {}),
        (403, b"<html>Access denied by the proxy</html>", {}),
    ],
)
async def test_an_order_whose_reply_cannot_be_trusted_is_not_known_to_be_there(open_broker: Any, told: Told) -> None:
    async with open_broker(told) as broker:
        assert isinstance(await failure_of(broker.submit(REQUEST)), ReplyMissing)


@pytest.mark.parametrize(
    "told",
    [
        (200, WHOLE, {"Cut-After": "100"}),
        (200, b"", {}),
        (200, b'{"message":"ok"}', {}),
        (200, body(order(2)), {}),
        (204, b"", {}),
        (404, b"", {}),
        (404, b"<html>404 page not found</html>", {}),
        (404, b'{"message":"endpoint not found."}', {}),
        (404, b'{"code":40410001,"message":"another thing"}', {}),
        (403, b'{"code":40310000,"message":"no"}', {}),
        (422, b'{"code":40010001,"message":"what?"}', {}),
        (500, b'{"code":40410000,"message":"order not found"}', {}),
    ],
)
async def test_only_the_venues_own_words_say_that_there_is_no_such_order(open_broker: Any, told: Told) -> None:
    async with open_broker(told) as broker:
        for call in (broker.order("id-1"), broker.order_of("mine-1")):
            assert isinstance(await failure_of(call), BrokerUnavailable)
    async with open_broker((404, b'{"code":40410000,"message":"order not found"}', {})) as broker:
        assert (await broker.order("id-1"), await broker.order_of("mine-1")) == ((), ())


async def test_a_list_that_is_not_there_is_not_an_empty_list(open_broker: Any) -> None:
    async with open_broker((404, b'{"code":40410000,"message":"endpoint not found."}', {})) as broker:
        for call in (broker.open_orders(), broker.positions(), broker.account(), broker.fills_behind("", 1)):
            assert isinstance(await failure_of(call), BrokerUnavailable)


async def test_one_order_that_cannot_be_read_leaves_no_half_a_list(open_broker: Any) -> None:
    async with open_broker((200, body([order(1), order(2, status="melted")]), {})) as broker:
        assert "status" in str(await failure_of(broker.open_orders()))


async def test_pages_that_never_end_are_given_up(open_broker: Any) -> None:
    page = body([order(number) for number in range(500)])
    async with open_broker((200, page, {})) as broker:
        assert "comes to no end" in str(await failure_of(broker.open_orders()))


async def test_a_page_of_fills_that_comes_twice_is_noticed(open_broker: Any) -> None:
    mark = "20260302093107298::e"
    row = {"id": mark, "activity_type": "FEE"}
    async with open_broker((200, body([row]), {})) as broker:
        assert "twice" in str(await failure_of(broker.fills_behind(mark, 1)))


async def test_a_refusal_that_quotes_the_keys_is_told_without_them(open_broker: Any) -> None:
    quoting = body({"code": 40010001, "message": f"bad key {SECRET}", "key": SECRET})
    async with open_broker((422, quoting, {})) as broker:
        refused = await failure_of(broker.submit(REQUEST))
        assert isinstance(refused, OrderRefused)
        assert refused.extra == {"key": "***"}
        assert isinstance(await failure_of(broker.account()), BrokerUnavailable)
    async with open_broker((200, body(order(status=SECRET)), {})) as broker:
        assert isinstance(await failure_of(broker.submit(REQUEST)), ReplyMissing)
    for filler in (290, 295, 299):
        async with open_broker((503, b"x" * filler + SECRET.encode(), {})) as broker:
            assert SECRET[:6] not in str(await failure_of(broker.submit(REQUEST)))
    async with open_broker((401, body({"message": f"unknown key {SECRET}"}), {})) as broker:
        assert isinstance(await failure_of(broker.submit(REQUEST)), KeysRefused)
        assert isinstance(await failure_of(broker.positions()), KeysRefused)


async def test_the_gateways_forbidden_is_about_the_keys_and_the_venues_is_about_the_order(open_broker: Any) -> None:
    async with open_broker((403, b'{"message":"forbidden."}', {})) as broker:
        assert isinstance(await failure_of(broker.submit(REQUEST)), KeysRefused)
    async with open_broker((403, b'{"code":40310000,"message":"insufficient buying power"}', {})) as broker:
        refused = await failure_of(broker.submit(REQUEST))
        assert isinstance(refused, OrderRefused)
        assert (refused.rule, refused.status, refused.code) == ("buying_power", 403, 40310000)


async def test_nobody_listening_is_not_knowing() -> None:
    with trio.fail_after(TEST_MAX_S):
        async with open_client("http://127.0.0.1:9", {"APCA-API-SECRET-KEY": SECRET}) as client:
            broker = AlpacaBroker(client, Throttle(), pytest.fail)
            assert isinstance(await failure_of(broker.submit(REQUEST)), ReplyMissing)
            assert isinstance(await failure_of(broker.cancel("id-1")), ReplyMissing)
            assert isinstance(await failure_of(broker.open_orders()), BrokerUnavailable)
