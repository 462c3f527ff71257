"""What REST tells of the account may be of a moment ago, or nothing: a client must not take that for the truth."""

from typing import Any

import trio


async def test_what_was_just_written_is_not_there_to_be_read_for_a_while(trader: Any) -> None:
    cash = (await trader.http.get("/v2/account")).json()["cash"]
    await trio.sleep(1)
    trader.exchange.fault("stale_reads", lag="3s")
    order = trader.order()
    placed = (await trader.post(order)).json()
    path = f"/v2/orders/{placed['id']}"
    assert trader.truth(order).status == "filled"
    for _ in range(2):
        assert await trader.listed() == []
        assert (await trader.http.get(path)).status_code == 404
        assert (await trader.http.get("/v2/orders:by_client_order_id", params=order)).status_code == 404
        assert (await trader.http.get("/v2/positions")).json() == []
        assert (await trader.http.get("/v2/positions/BTCUSD")).status_code == 404
        assert (await trader.http.get("/v2/account")).json()["cash"] == cash
        await trio.sleep(1)
    assert (await trader.post(order)).status_code == 422  # the exchange itself knows better
    await trio.sleep(3)
    assert (await trader.http.get(path)).json()["status"] == "filled"
    assert len((await trader.http.get("/v2/positions")).json()) == 1
    assert (await trader.http.get("/v2/account")).json()["cash"] != cash


async def test_a_cancel_is_not_seen_for_a_while_either(trader: Any) -> None:
    order = trader.resting()
    path = f"/v2/orders/{(await trader.post(order)).json()['id']}"
    trader.exchange.fault("stale_reads", lag="3s")
    await trio.sleep(1)
    assert (await trader.http.delete(path)).status_code == 204
    assert (await trader.http.get(path)).json()["status"] == "new"
    assert await trader.listed("open") == [order["client_order_id"]]
    await trio.sleep(4)
    assert (await trader.http.get(path)).json()["status"] == "canceled"


async def test_reads_are_true_again_when_the_fault_is_over(trader: Any) -> None:
    trader.exchange.fault("stale_reads", lag="1h", for_="10s")
    order = trader.resting()
    await trader.post(order)
    assert await trader.listed() == []
    await trio.sleep(11)
    assert await trader.listed() == [order["client_order_id"]]


async def test_a_list_that_is_empty_is_no_list_without_orders(trader: Any) -> None:
    order = trader.resting()
    await trader.post(order)
    trader.exchange.fault("empty_snapshot", next=1)
    reply = await trader.http.get("/v2/orders")
    assert (reply.status_code, reply.json()) == (200, [])
    assert trader.truth(order).open
    assert await trader.listed("open") == [order["client_order_id"]]


async def test_positions_can_be_empty_while_orders_are_told(trader: Any) -> None:
    order = trader.order()
    await trader.post(order)
    trader.exchange.fault("empty_snapshot", next=1, path="/v2/positions")
    assert await trader.listed() == [order["client_order_id"]]
    assert (await trader.http.get("/v2/positions")).json() == []
    assert [row["symbol"] for row in (await trader.http.get("/v2/positions")).json()] == ["BTCUSD"]


async def test_a_failed_snapshot_and_an_empty_one_differ(trader: Any) -> None:
    await trader.post(trader.resting())
    trader.exchange.fault("http_status", status=500, path="/v2/orders", method="GET", next=1)
    failed = await trader.http.get("/v2/orders")
    trader.exchange.fault("empty_snapshot", next=1)
    empty = await trader.http.get("/v2/orders")
    assert (failed.status_code, empty.status_code, empty.json()) == (500, 200, [])
    assert "message" in failed.json()
