"""REST asks for keys, keeps its budget, says what is wrong, and fails as told; nothing that is asked brings it down."""

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.clock import MarketClock
from engine.exchange.faults import FaultPlan
from engine.exchange.generator import Generator
from engine.exchange.market import Market, Row
from engine.exchange.rest import RestServer
from engine.exchange.rest.http import Request
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Trade

Served = Callable[..., AbstractAsyncContextManager[Any]]
T0 = parse_instant("2026-03-02T14:30:00Z")
KEYS = {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "hidden"}


def trade(at_s: float, number: int, symbol: str = "AAPL") -> Row:
    ts_ns = T0 + round(at_s * NS_PER_S)
    return ts_ns, Trade(symbol, ts_ns, 10.0 + number, 100.0, number, "V", ("@",), "C")


async def test_crypto_needs_no_keys_and_stocks_do(served: Served) -> None:
    async with served([trade(0, 0), trade(1, 1, "BTC/USD")], keys={"PKTEST": "hidden"}) as site:
        assert len((await site.get("/v2/stocks/trades", symbols="AAPL"))["trades"]) == 1
        for keys, status in [({}, 401), ({"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "wrong"}, 403)]:
            async with httpx.AsyncClient(base_url=site.url, headers=keys, trust_env=False) as client:
                refused = await client.get("/v2/stocks/trades", params={"symbols": "AAPL"})
                assert (refused.status_code, refused.json()) == (status, {"message": "forbidden."})
                assert (await client.get("/v2/clock")).status_code == status
                crypto = await client.get("/v1beta3/crypto/us/trades", params={"symbols": "BTC/USD"})
                assert crypto.status_code == 200


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("trades", {}),
        ("trades", {"symbols": "*"}),
        ("trades", {"symbols": "AAPL", "limit": "0"}),
        ("trades", {"symbols": "AAPL", "limit": "10001"}),
        ("trades", {"symbols": "AAPL", "limit": "ten"}),
        ("trades", {"symbols": "AAPL", "start": "yesterday"}),
        ("trades", {"symbols": "AAPL", "end": "2026-13-01T00:00:00Z"}),
        ("trades", {"symbols": "AAPL", "start": "2026-03-03", "end": "2026-03-01"}),
        ("trades", {"symbols": "AAPL", "sort": "up"}),
        ("trades", {"symbols": "AAPL", "feed": "carrier-pigeon"}),
        ("trades", {"symbols": "AAPL", "page_token": "x"}),
        ("trades", {"symbols": "AAPL", "page_token": base64.b64encode(b"AAPL|nonsense").decode()}),
        ("bars", {"symbols": "AAPL"}),
        ("bars", {"symbols": "AAPL", "timeframe": "7Years"}),
    ],
)
async def test_a_wrong_parameter_is_a_400_that_says_which(served: Served, path: str, params: dict[str, str]) -> None:
    async with served([trade(0, 0)]) as site:
        told = await site.get(f"/v2/stocks/{path}", **params)
        assert site.last is not None
        assert site.last.status_code == 400
        assert told["code"] == 40010000
        assert told["message"]


edges = st.sampled_from(
    [
        "0001-01-01",
        "9999-12-31",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "2026-03-02",
        "",
        "1",
        "-1",
        "\x00",
    ]
)
names = st.sampled_from(["symbols", "start", "end", "limit", "page_token", "sort", "feed", "timeframe"])
steps = st.sampled_from(["v2", "stocks", "AAPL", "trades", "bars", "latest", "snapshots", "calendar", "%00", "", ".."])


@given(st.lists(steps, max_size=5), st.dictionaries(names, edges | st.text() | st.sampled_from(["AAPL", "1D", "desc"])))
def test_no_request_brings_it_down(path: list[str], query: dict[str, str]) -> None:
    async def main() -> None:
        market = Market(Generator(1, T0), MarketClock(T0, 0))
        await market.swallow(100)
        rest = RestServer(market, FaultPlan())
        headers = {name.lower(): value for name, value in KEYS.items()}
        for each in ("/v2/stocks/bars", "/v2/calendar", "/" + "/".join(path)):
            response = await rest.respond(
                Request("GET", each, {"symbols": "AAPL", "timeframe": "1Week"} | query, headers)
            )
            assert response.status in (200, 400, 404)

    trio.run(main)


async def test_what_is_not_there_is_a_404_and_what_cannot_be_done_a_405(served: Served) -> None:
    async with served([]) as site:
        for path in (
            "/",
            "/v2",
            "/v2/orders",
            "/v2/stocks",
            "/v1beta1/options/quotes",
            "/v1beta3/crypto/us",
            "/v9/x/y/z",
        ):
            told = await site.get(path)
            assert site.last is not None
            assert (site.last.status_code, told["code"]) == (404, 40410000)
        for path in ("/v2/clock", "/v2/stocks/trades"):
            assert (await site.client.post(path, json={})).status_code == 405


async def test_the_budget_is_told_and_then_enforced_until_its_minute_is_over(served: Served) -> None:
    async with served([trade(0, 0)], rate_per_minute=3, trading_per_minute=4, wall_s=lambda: 1000.5) as site:
        for left in ("2", "1", "0"):
            await site.get("/v2/stocks/snapshots", symbols="AAPL")
            assert site.last is not None
            headers = site.last.headers
            assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("3", left)
            assert headers["x-ratelimit-reset"] in ("1060", "1061")
        await site.get("/v2/stocks/snapshots", symbols="AAPL")
        assert site.last is not None
        assert site.last.status_code == 429
        ids = {(await site.client.get("/v2/clock")).headers["x-request-id"] for _ in range(4)}
        assert len(ids) == 4
        assert (await site.client.get("/v2/clock")).status_code == 429


async def test_whoever_is_turned_away_spends_nothing_and_is_told_of_no_budget(served: Served) -> None:
    async with (
        served([trade(0, 0)], keys={"PKTEST": "hidden"}, rate_per_minute=1) as site,
        httpx.AsyncClient(base_url=site.url, trust_env=False) as stranger,
    ):
        for _ in range(3):
            refused = await stranger.get("/v2/stocks/trades", params={"symbols": "AAPL"})
            assert refused.status_code == 401
            assert "x-request-id" in refused.headers
            assert not [name for name in refused.headers if name.startswith("x-ratelimit")]
        await site.get("/v2/stocks/trades", symbols="AAPL")
        assert site.last is not None
        assert (site.last.status_code, site.last.headers["x-ratelimit-remaining"]) == (200, "0")


async def test_a_status_that_was_ordered_tells_of_the_budget_as_a_true_one_would(served: Served) -> None:
    async with served([trade(0, 0)]) as site:
        for status, left in ((429, "0"), (400, "9998"), (401, None), (500, None), (504, None)):
            site.plan.status = (status, {})
            await site.get("/v2/stocks/trades", symbols="AAPL")
            assert site.last is not None
            assert (site.last.status_code, site.last.headers.get("x-ratelimit-remaining")) == (status, left)


async def test_a_status_can_be_told_with_its_headers(served: Served) -> None:
    async with served([trade(0, 0)]) as site:
        site.plan.status = (429, {"Retry-After": "3", "X-RateLimit-Remaining": "0"})
        await site.get("/v2/stocks/trades", symbols="AAPL")
        assert site.last is not None
        assert (site.last.status_code, site.last.headers["retry-after"]) == (429, "3")
        assert site.last.headers.get_list("x-ratelimit-remaining") == ["0"]


async def test_a_body_can_be_cut(served: Served) -> None:
    async with served([trade(0, 0)]) as site:
        site.plan.cut = True
        with pytest.raises(httpx.RemoteProtocolError):
            await site.get("/v2/stocks/trades", symbols="AAPL")
        assert (await site.get("/v2/clock"))["speed"] == 0


async def test_the_clock_tells_market_time_in_new_york_and_how_it_moves(served: Served) -> None:
    async with served([(T0, trade(0, 0)[1]), (T0 + 5, trade(0, 1)[1])]) as site:
        told = await site.get("/v2/clock")
        assert told == {
            "timestamp": "2026-03-02T09:30:00.000000005-05:00",
            "is_open": True,
            "next_open": "2026-03-03T09:30:00-05:00",
            "next_close": "2026-03-02T16:00:00-05:00",
            "speed": 0,
            "tape_ended": False,
            "moving": False,
        }
        assert parse_instant(told["timestamp"]) == site.market.clock.now_ns()


async def test_without_an_account_there_is_still_a_calendar(served: Served) -> None:
    async with served([]) as site:
        assert (await site.get("/v2/account"))["code"] == 40410000
        days = await site.get("/v2/calendar", start="2026-03-06", end="2026-03-10")
        assert [day["date"] for day in days] == ["2026-03-06", "2026-03-09", "2026-03-10"]


async def test_the_trading_side_says_with_a_code_that_keys_are_missing(served: Served) -> None:
    async with (
        served([], keys={"PKTEST": "hidden"}) as site,
        httpx.AsyncClient(base_url=site.url, trust_env=False) as stranger,
    ):
        refused = await stranger.get("/v2/clock")
        assert (refused.status_code, refused.json()["code"]) == (401, 40110000)
        token = await stranger.get("/v2/clock", headers={"Authorization": "Bearer hidden"})
        assert token.status_code == 200
