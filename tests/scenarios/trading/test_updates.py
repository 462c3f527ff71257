"""What the trading stream tells may be lost, doubled, late, in the wrong order or nonsense; REST stays right."""

from typing import Any

import pytest
import trio

FILLED = ["pending_new", "new", "fill"]


async def status_of(trader: Any, order: dict[str, Any]) -> str:
    reply = await trader.http.get("/v2/orders:by_client_order_id", params=order)
    return str(reply.json()["status"])


async def test_an_update_that_is_never_sent_has_happened_all_the_same(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("drop_update", next=3)
        order = trader.order()
        await trader.post(order)
        assert await updates.silence(30)
        assert await status_of(trader, order) == "filled"
        await trader.post(trader.order())
        assert await updates.events(3) == FILLED


async def test_an_update_can_come_twice_word_for_word(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("duplicate_update", next=3)
        await trader.post(trader.order())
        told = [await updates.hear() for _ in range(6)]
        assert [message["data"]["event"] for message in told] == [event for event in FILLED for _ in range(2)]
        assert told[0::2] == told[1::2]
        assert await updates.silence(10)
    assert len(trader.venue.fills) == 1


async def test_an_update_can_come_long_after_the_event(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("delay_update", lag="20s", next=3)
        order = trader.order()
        await trader.post(order)
        began_s = trio.current_time()
        assert await status_of(trader, order) == "filled"
        assert await updates.events(3) == FILLED
        assert trio.current_time() - began_s == pytest.approx(20, abs=0.5)


async def test_updates_of_one_order_can_change_places(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("swap_updates", next=1)
        await trader.post(trader.order())
        told = [await updates.hear() for _ in range(3)]
        assert [message["data"]["event"] for message in told] == ["new", "fill", "pending_new"]
        ids = [message["data"]["event_id"] for message in told]
        assert sorted(ids) == [ids[2], ids[0], ids[1]]  # who sorts by the id can put them right


async def test_a_message_can_have_no_data(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("null_update", next=1)
        await trader.post(trader.order())
        assert await updates.hear() == {"stream": "trade_updates", "data": None}
        assert await updates.events(3) == FILLED


async def test_an_event_can_have_a_name_that_nobody_knows(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("unknown_update", next=1)
        order = trader.order()
        await trader.post(order)
        odd = (await updates.hear())["data"]
        assert odd["event"] not in (*FILLED, "canceled", "rejected", "expired", "replaced")
        assert odd["order"]["client_order_id"] == order["client_order_id"]
        assert await updates.events(3) == FILLED
