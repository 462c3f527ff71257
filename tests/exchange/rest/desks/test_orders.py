"""Orders over REST: every verb answers with the venue's status and shape, and a list holds what was asked for."""

from typing import Any

import pytest

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_an_order_is_taken_told_as_pending_and_found_as_filled(counter: Any) -> None:
    order = await counter.order(client_order_id="mine")
    assert (counter.status, order["status"], order["filled_qty"]) == (200, "pending_new", "0")
    found = await counter.ask("GET", f"/v2/orders/{order['id']}")
    assert (found["status"], found["filled_avg_price"], found["filled_qty"]) == ("filled", "100.02", "10")
    assert await counter.ask("GET", "/v2/orders:by_client_order_id", client_order_id="mine") == found


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        (b"{", 400, 40010000, "request body format is invalid"),
        (b"[]", 400, 40010000, "request body format is invalid"),
        ({"qty": True}, 400, 40010000, "request body format is invalid"),
        ({}, 422, 40010001, "symbol is required"),
        ({"symbol": "AAPL", "side": "buy", "time_in_force": "day"}, 422, 40010001, "type is required"),
        ({"symbol": "AAPL", "side": "hold"}, 422, 40010001, "invalid side"),
    ],
)
async def test_a_body_that_is_no_order_is_refused(
    counter: Any, body: object, status: int, code: int, message: str
) -> None:
    told = await counter.ask("POST", "/v2/orders", body)
    assert (counter.status, told) == (status, {"code": code, "message": message})


async def test_a_refusal_carries_what_it_is_about(counter: Any) -> None:
    await counter.order()
    told = await counter.order(side="sell", qty="12")
    assert counter.status == 403
    assert (told["code"], told["available"], told["existing_qty"], told["symbol"]) == (40310000, "10", "10", "AAPL")
    await counter.order(client_order_id="once")
    assert await counter.order(client_order_id="once") == {
        "code": 40010001,
        "message": "client_order_id must be unique",
    }
    assert counter.status == 422


async def test_a_field_that_nobody_knows_is_let_through_and_numbers_may_be_numbers(counter: Any) -> None:
    order = await counter.order(qty=0.5, later="?")
    assert (counter.status, order["qty"]) == (200, "0.5")


async def test_a_cancel_has_no_body_and_a_filled_order_is_not_canceled(counter: Any) -> None:
    resting = await counter.order(type="limit", limit_price="90")
    filled = await counter.order()
    for _ in range(2):
        assert await counter.ask("DELETE", f"/v2/orders/{resting['id']}") is None
        assert counter.status == 204
    told = await counter.ask("DELETE", f"/v2/orders/{filled['id']}")
    assert (counter.status, told["code"]) == (422, 42210000)
    assert "filled" in told["message"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_order_that_is_not_there_is_a_404(counter: Any, method: str) -> None:
    told = await counter.ask(method, f"/v2/orders/{UNKNOWN}", {"qty": "1"} if method == "PATCH" else None)
    assert (counter.status, told) == (404, {"code": 40410000, "message": "order not found"})


async def test_all_open_orders_are_canceled_one_row_each(counter: Any) -> None:
    ids = [(await counter.order(type="limit", limit_price=str(90 + n)))["id"] for n in range(3)]
    assert await counter.ask("DELETE", "/v2/orders") == [{"id": each, "status": 200} for each in ids]
    assert counter.status == 207
    assert await counter.ask("GET", "/v2/orders") == []


async def test_a_replaced_order_is_a_new_one(counter: Any) -> None:
    old = await counter.order(type="limit", limit_price="90")
    new = await counter.ask("PATCH", f"/v2/orders/{old['id']}", {"limit_price": "91", "qty": 7})
    assert (counter.status, new["replaces"], new["limit_price"], new["qty"]) == (200, old["id"], "91", "7")
    assert (await counter.ask("GET", f"/v2/orders/{old['id']}"))["replaced_by"] == new["id"]


async def test_a_list_is_of_open_orders_newest_first_unless_asked_otherwise(counter: Any) -> None:
    ids = []
    for n in range(4):
        ids.append((await counter.order(type="limit", limit_price=str(90 + n)))["id"])
        await counter.pass_quotes(2)
    await counter.ask("DELETE", f"/v2/orders/{ids[0]}")

    async def listed(**query: object) -> list[str]:
        return [order["id"] for order in await counter.ask("GET", "/v2/orders", **query)]

    assert await listed() == ids[:0:-1]
    assert await listed(status="closed") == ids[:1]
    assert await listed(status="all", direction="asc") == ids
    assert await listed(status="all", limit=2) == ids[:1:-1]
    assert await listed(status="all", after_order_id=ids[1]) == ids[:1:-1]
    assert await listed(status="all", before_order_id=ids[1]) == ids[:1]
    third = (await counter.ask("GET", f"/v2/orders/{ids[2]}"))["submitted_at"]
    assert await listed(status="all", after=third) == ids[3:]
    assert await listed(status="all", until=third) == ids[1::-1]
    assert await listed(side="sell") == await listed(symbols="BTCUSD") == await listed(asset_class="crypto") == []


async def test_legs_are_rolled_up_when_asked_and_a_held_one_is_not_open(counter: Any) -> None:
    exits = {"take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "80"}}
    waiting = await counter.order(order_class="bracket", type="limit", limit_price="90", **exits)
    assert [leg["status"] for leg in waiting["legs"]] == ["held", "held"]
    assert [order["id"] for order in await counter.ask("GET", "/v2/orders")] == [waiting["id"]]
    await counter.ask("DELETE", f"/v2/orders/{waiting['id']}")
    entry = await counter.order(order_class="bracket", **exits)
    (nested, _) = await counter.ask("GET", "/v2/orders", status="all", nested="true")
    assert (nested["id"], [leg["type"] for leg in nested["legs"]]) == (entry["id"], ["limit", "stop"])
    flat = await counter.ask("GET", "/v2/orders", status="all")
    assert len(flat) == 6
    assert all(order["legs"] is None for order in flat)
    assert [order["type"] for order in await counter.ask("GET", "/v2/orders")] == ["limit"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "maybe"},
        {"limit": "501"},
        {"direction": "up"},
        {"after": "soon"},
        {"before_order_id": UNKNOWN},
        {"before_order_id": UNKNOWN, "after_order_id": UNKNOWN},
        {"after": "2026-03-01", "after_order_id": UNKNOWN},
        {"nested": "perhaps"},
    ],
)
async def test_a_wrong_parameter_is_a_400(counter: Any, query: dict[str, str]) -> None:
    told = await counter.ask("GET", "/v2/orders", **query)
    assert (counter.status, told["code"]) == (400, 40010000)


async def test_a_snapshot_can_be_empty_and_reads_can_be_stale(counter: Any) -> None:
    first = await counter.order()
    counter.stand("empty_snapshot", uses=1)
    assert await counter.ask("GET", "/v2/orders", status="all") == []
    assert len(await counter.ask("GET", "/v2/orders", status="all")) == 1
    counter.stand("stale_reads", lag_s=60.0)
    second = await counter.order()
    await counter.ask("GET", f"/v2/orders/{second['id']}")
    assert counter.status == 404
    assert [order["id"] for order in await counter.ask("GET", "/v2/orders", status="all")] == [first["id"]]
    assert (await counter.ask("GET", "/v2/positions/AAPL"))["qty"] == "10"
    counter.plan.clear()
    assert (await counter.ask("GET", "/v2/positions/AAPL"))["qty"] == "20"
