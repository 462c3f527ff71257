"""What a call looks like when it goes wrong, and what has become of it: the two do not follow from one another."""

from contextlib import suppress
from typing import Any

import httpx
import pytest
import trio

BUDGET = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}


async def test_a_504_after_the_order_was_taken_hides_an_order_that_fills(trader: Any) -> None:
    trader.exchange.fault("late_status", next=1)
    order = trader.order()
    reply = await trader.post(order)
    assert reply.status_code == 504
    assert "message" in reply.json()
    assert trader.truth(order).status == "filled"
    again = await trader.post(order)
    assert (again.status_code, again.json()["code"]) == (422, 40010001)
    assert again.json()["message"] == "client_order_id must be unique"
    found = await trader.http.get("/v2/orders:by_client_order_id", params=order)
    assert (found.json()["status"], len(trader.venue.fills)) == ("filled", 1)


async def test_a_late_status_can_be_any_with_headers_and_without_the_budget(trader: Any) -> None:
    trader.exchange.fault("late_status", status=429, headers={"Retry-After": "7"}, bare=True, next=1)
    order = trader.resting()
    reply = await trader.post(order)
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "7")
    assert not BUDGET & set(reply.headers)
    assert trader.truth(order).open


async def test_a_late_status_is_about_orders_and_not_about_reading(trader: Any) -> None:
    trader.exchange.fault("late_status")
    assert (await trader.http.get("/v2/orders")).status_code == 200
    assert (await trader.http.get("/v2/clock")).status_code == 200
    assert trader.hits("late_status") == 0


async def test_a_lost_reply_is_a_dropped_connection_and_a_taken_order(trader: Any) -> None:
    trader.exchange.fault("lost_reply", next=1)
    order = trader.order()
    with pytest.raises(httpx.RemoteProtocolError):
        await trader.post(order)
    assert trader.truth(order).status == "filled"
    again = await trader.post(order)
    assert (again.status_code, again.json()["message"]) == (422, "client_order_id must be unique")
    assert len(trader.venue.fills) == 1


async def test_a_cancel_whose_reply_is_lost_has_canceled_and_may_be_sent_again(trader: Any) -> None:
    order = trader.resting()
    path = f"/v2/orders/{(await trader.post(order)).json()['id']}"
    trader.exchange.fault("lost_reply", next=1, method="DELETE")
    with pytest.raises(httpx.RemoteProtocolError):
        await trader.http.delete(path)
    assert trader.truth(order).status == "canceled"
    assert (await trader.http.delete(path)).status_code == 204


async def test_a_replacement_that_looks_failed_has_replaced(trader: Any) -> None:
    order = trader.resting()
    path = f"/v2/orders/{(await trader.post(order)).json()['id']}"
    trader.exchange.fault("late_status", next=1, method="PATCH")
    assert (await trader.http.patch(path, json={"limit_price": "21000"})).status_code == 504
    assert trader.truth(order).status == "replaced"
    again = await trader.http.patch(path, json={"limit_price": "21000"})
    assert (again.status_code, again.json()["message"]) == (422, "order already replaced")
    assert [str(open_.limit_price) for open_ in trader.venue.open_orders()] == ["21000"]


async def test_a_black_hole_before_the_exchange_took_nothing(trader: Any) -> None:
    trader.exchange.fault("black_hole", stage="request", next=1)
    order = trader.order()
    with pytest.raises(httpx.ReadTimeout):
        await trader.post(order)
    assert trader.truth(order) is None
    assert (await trader.post(order)).status_code == 200


async def test_a_black_hole_behind_the_exchange_took_the_order(trader: Any) -> None:
    trader.exchange.fault("black_hole", stage="reply", next=1)
    order = trader.order()
    with pytest.raises(httpx.ReadTimeout):
        await trader.post(order)
    assert trader.truth(order).status == "filled"
    assert (await trader.post(order)).status_code == 422


async def test_a_black_hole_in_the_body_shows_the_status_and_half_of_the_order(trader: Any) -> None:
    trader.exchange.fault("black_hole", stage="body", next=1)
    order, got = trader.order(), bytearray()
    async with trader.http.stream("POST", "/v2/orders", json=order) as reply:
        assert reply.status_code == 200
        with suppress(httpx.ReadTimeout):
            async for chunk in reply.aiter_raw():
                got += chunk
            pytest.fail("the body came to an end")
        assert len(got) == int(reply.headers["Content-Length"]) // 2
    assert trader.truth(order).status == "filled"


async def test_a_status_before_the_exchange_took_nothing(trader: Any) -> None:
    trader.exchange.fault("http_status", status=503, next=1, method="POST", path="/v2/orders")
    order = trader.order()
    assert (await trader.http.get("/v2/orders")).status_code == 200
    reply = await trader.post(order)
    assert (reply.status_code, trader.truth(order)) == (503, None)
    assert (await trader.post(order)).status_code == 200


@pytest.mark.parametrize("bare", [False, True])
async def test_a_429_comes_with_its_headers_or_without_any(trader: Any, bare: bool) -> None:
    trader.exchange.fault("http_status", headers={} if bare else {"Retry-After": "1"}, bare=bare, next=1)
    order = trader.order()
    reply = await trader.post(order)
    assert (reply.status_code, trader.truth(order)) == (429, None)
    assert ("Retry-After" in reply.headers) is not bare
    assert (set(reply.headers) >= BUDGET) is not bare
    assert "x-request-id" in reply.headers


async def test_a_cancel_can_lose_to_a_fill(trader: Any) -> None:
    quote = trader.exchange.published("quotes", "BTC/USD")[-1]
    order = trader.order(type="limit", limit_price=str(quote.bid_price))
    placed = await trader.post(order)
    trader.exchange.fault("cancel_loses", lag="10m", next=1)
    async with trader.listen() as updates:
        assert (await trader.http.delete(f"/v2/orders/{placed.json()['id']}")).status_code == 204
        assert trader.truth(order).status == "pending_cancel"
        assert await updates.events(2) == ["pending_cancel", "fill"]
        assert trader.truth(order).status == "filled"
        with trio.fail_after(700):
            told = await updates.hear(650)
    assert told["data"]["event"] == "order_cancel_rejected"
    assert told["data"]["order"]["status"] == "filled"
    assert [str(position.qty) for position in trader.venue.positions()] != ["0"]


async def test_a_cancel_that_nothing_beats_cancels_late(trader: Any) -> None:
    order = trader.resting()
    placed = await trader.post(order)
    trader.exchange.fault("cancel_loses", lag="10s", next=1)
    assert (await trader.http.delete(f"/v2/orders/{placed.json()['id']}")).status_code == 204
    await trio.sleep(9)
    assert trader.truth(order).status == "pending_cancel"
    await trio.sleep(2)
    assert trader.truth(order).status == "canceled"


async def test_an_order_can_be_taken_and_rejected_on_the_stream(trader: Any) -> None:
    trader.exchange.fault("reject_late", next=1)
    before = (await trader.http.get("/v2/account")).json()["buying_power"]
    order = trader.order()
    async with trader.listen() as updates:
        assert (await trader.post(order | {"symbol": "NONE"})).status_code == 422  # refused, so not taken
        placed = await trader.post(order)
        assert (placed.status_code, placed.json()["status"]) == (200, "pending_new")
        assert await updates.events(2) == ["pending_new", "rejected"]
    shown = (await trader.http.get(f"/v2/orders/{placed.json()['id']}")).json()
    assert (shown["status"], shown["failed_at"] is None, shown["filled_qty"]) == ("rejected", False, "0")
    assert (trader.venue.positions(), trader.hits("reject_late")) == ((), 1)
    assert (await trader.http.get("/v2/account")).json()["buying_power"] == before
    assert (await trader.post(trader.order())).status_code == 200
    assert len(trader.venue.fills) == 1
