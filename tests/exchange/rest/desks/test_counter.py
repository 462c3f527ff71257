"""Every path of the trading API has its methods and no others, and nothing that is asked brings it down."""

import json
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.clock import MarketClock
from engine.exchange.faults import FaultPlan
from engine.exchange.generator import Generator
from engine.exchange.market import Market
from engine.exchange.rest import RestServer
from engine.exchange.rest.http import Request
from engine.exchange.trading import Brokerage
from engine.model.instant import parse_instant

T0 = parse_instant("2026-03-02T14:30:00Z")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v2/account"),
        ("PUT", "/v2/orders"),
        ("POST", "/v2/positions"),
        ("POST", "/v2/clock"),
        ("GET", "/v2/positions/AAPL/exercise"),
    ],
)
async def test_a_method_that_a_path_has_not_is_a_405(counter: Any, method: str, path: str) -> None:
    assert await counter.ask(method, path) == {"message": "method not allowed."}
    assert counter.status == 405


@pytest.mark.parametrize("path", ["/v2", "/v2/order", "/v3/orders", "/v2/orders/1/2", "/v2beta1/events/trades"])
async def test_a_path_that_is_none_is_a_404(counter: Any, path: str) -> None:
    told = await counter.ask("GET", path)
    assert (counter.status, told["code"]) == (404, 40410000)


async def test_every_reply_tells_the_budget_and_its_id(counter: Any) -> None:
    ids = set()
    for path in ("/v2/account", "/v2/nothing"):
        await counter.ask("GET", path)
        assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= counter.headers.keys()
        ids.add(counter.headers["X-Request-ID"])
    assert len(ids) == 2


async def test_a_call_can_be_carried_out_and_its_reply_lost(counter: Any) -> None:
    counter.stand("lost_reply", uses=1)
    reply = await counter.reply("POST", "/v2/orders", order("a"))
    assert reply.reset
    counter.stand("late_status", uses=1, status=504)
    assert (await counter.reply("POST", "/v2/orders", order("b"))).status == 504
    counter.stand("black_hole", uses=1, stage="body")
    reply = await counter.reply("POST", "/v2/orders", order("c"))
    assert reply.cut
    assert reply.silent
    told = await counter.ask("GET", "/v2/orders", status="all", direction="asc")
    assert [each["client_order_id"] for each in told] == ["a", "b", "c"]


async def test_a_call_can_fail_without_being_carried_out(counter: Any) -> None:
    counter.stand("http_status", uses=1, status=500, bare=True)
    reply = await counter.reply("POST", "/v2/orders", order("a"))
    assert reply.status == 500
    assert [name for name, _ in reply.headers] == ["X-Request-ID", "Date"]
    counter.stand("black_hole", uses=1, stage="request")
    assert (await counter.reply("POST", "/v2/orders", order("a"))).silent
    assert await counter.ask("GET", "/v2/orders", status="all") == []


def order(client_order_id: str) -> dict[str, str]:
    return {
        "symbol": "AAPL",
        "qty": "1",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "client_order_id": client_order_id,
    }


words = st.sampled_from(["", "AAPL", "BTC/USD", "buy", "day", "gtc", "market", "limit", "-1", "1e9", "NaN", "0.5", "x"])
values = words | st.none() | st.booleans() | st.integers() | st.floats() | st.lists(words, max_size=2)
fields = st.sampled_from(
    (
        "symbol qty notional side type time_in_force limit_price stop_price order_class legs take_profit "
        "stop_loss trail_percent extended_hours client_order_id name symbols"
    ).split()
)
bodies = st.binary(max_size=40) | st.builds(
    lambda told: json.dumps(told).encode(), st.dictionaries(fields, values) | st.lists(values, max_size=2)
)
whole = st.fixed_dictionaries(
    {"symbol": words, "qty": words, "side": words, "type": words, "time_in_force": words},
    optional={"limit_price": values, "notional": values, "order_class": words},
).map(lambda told: json.dumps(told).encode())
paths = st.sampled_from(
    (
        "/v2/orders /v2/orders/x /v2/orders:by_client_order_id /v2/positions /v2/positions/AAPL "
        "/v2/account /v2/account/configurations /v2/account/activities /v2/account/portfolio/history "
        "/v2/assets /v2/options/contracts /v2/watchlists /v3/clock /v3/calendar/NYSE /%00/%2F /v2"
    ).split()
)
names = st.sampled_from(
    (
        "status limit after until nested symbols qty percentage period timeframe start end date "
        "page_token page_size expiration_date strike_price_gte time cancel_orders"
    ).split()
)
texts = st.text(max_size=8) | st.sampled_from(
    ["all", "true", "1", "500", "2026-03-02", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "1D", "9999A", "1Min"]
)
calls = st.tuples(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
    paths,
    st.dictionaries(names, texts, max_size=3),
    bodies | whole,
)


@given(st.lists(calls, max_size=12))
def test_no_request_brings_it_down_and_the_books_balance(asked: list[tuple[str, str, dict[str, str], bytes]]) -> None:
    async def main() -> None:
        market = Market(Generator(1, T0, ("AAPL", "BTC/USD")), MarketClock(T0, 0))
        brokerage = Brokerage(market, FaultPlan())
        market.attach(brokerage)
        await market.swallow(50)
        rest = RestServer(market, FaultPlan(), brokerage=brokerage)
        keys = {"apca-api-key-id": "K", "apca-api-secret-key": "S"}
        for method, path, query, body in asked:
            response = await rest.respond(Request(method, path, query, keys, body))
            assert response.status in (200, 204, 207, 400, 403, 404, 405, 422)
            assert brokerage.ledger.imbalance() == 0

    trio.run(main)
