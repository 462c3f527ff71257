"""What can be traded is listed with the venue's rules, found by symbol or id, and filtered as asked."""

from typing import Any

import pytest


async def test_an_asset_is_found_by_symbol_and_by_id(counter: Any) -> None:
    stock = await counter.ask("GET", "/v2/assets/AAPL")
    assert (stock["class"], stock["status"], stock["borrow_status"]) == ("us_equity", "active", "easy_to_borrow")
    assert stock["attributes"] == ["fractional_eh_enabled", "has_options"]
    assert await counter.ask("GET", f"/v2/assets/{stock['id']}") == stock
    coin = await counter.ask("GET", "/v2/assets/BTC%2FUSD")
    assert (coin["class"], coin["min_trade_increment"], coin["marginable"]) == ("crypto", "0.000000001", False)
    assert await counter.ask("GET", "/v2/assets/BTCUSD") == coin
    assert (await counter.ask("GET", "/v2/assets/NONE"))["code"] == 40410000
    assert counter.status == 404


async def test_assets_are_stocks_unless_asked_otherwise(counter: Any) -> None:
    async def listed(**query: str) -> set[str]:
        return {asset["symbol"] for asset in await counter.ask("GET", "/v2/assets", **query)}

    stocks = await listed()
    assert {"AAPL", "SPY"} <= stocks
    assert "BTC/USD" not in stocks
    assert "BTC/USD" in await listed(asset_class="crypto")
    inactive = await listed(status="inactive")
    assert inactive
    assert inactive == stocks - await listed(status="active")
    assert await listed(attributes="has_options") == {"AAPL"}
    assert await listed(exchange="ARCA") < stocks
    await counter.ask("GET", "/v2/assets", asset_class="bonds")
    assert counter.status == 400


async def test_contracts_are_paged_filtered_and_found(counter: Any) -> None:
    path = "/v2/options/contracts"
    everything = await counter.ask("GET", path, underlying_symbols="AAPL,SPY", limit=10_000)
    contracts = everything["option_contracts"]
    assert everything["next_page_token"] is None
    paged: list[Any] = []
    token = ""
    while token is not None:
        page = await counter.ask("GET", path, underlying_symbols="AAPL", limit=25, page_token=token)
        paged += page["option_contracts"]
        token = page["next_page_token"]
    assert paged == contracts
    one = contracts[0]
    assert (one["style"], one["size"], one["underlying_symbol"]) == ("american", "100", "AAPL")
    assert await counter.ask("GET", f"{path}/{one['symbol']}") == await counter.ask("GET", f"{path}/{one['id']}") == one

    async def listed(**query: str) -> list[Any]:
        return list((await counter.ask("GET", path, limit="10000", **query))["option_contracts"])

    assert {each["type"] for each in await listed(type="put")} == {"put"}
    assert {each["expiration_date"] for each in await listed(expiration_date=one["expiration_date"])} == {
        one["expiration_date"]
    }
    strike = one["strike_price"]
    assert {each["strike_price"] for each in await listed(strike_price_gte=strike, strike_price_lte=strike)} == {strike}
    assert await listed(expiration_date_gte="2027-01-01") == await listed(status="inactive") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": "0"}, 400),
        ({"page_token": "?"}, 400),
        ({"page_token": "QUFQTA=="}, 400),
        ({"strike_price_gte": "x"}, 422),
        ({"type": "both"}, 400),
    ],
)
async def test_a_wrong_question_about_contracts_is_refused(counter: Any, query: dict[str, str], status: int) -> None:
    await counter.ask("GET", "/v2/options/contracts", **query)
    assert counter.status == status


async def test_what_is_no_contract_is_a_404_and_there_are_no_announcements(counter: Any) -> None:
    told = await counter.ask("GET", "/v2/options/contracts/AAPL")
    assert (counter.status, told["message"]) == (404, "option contract AAPL not found")
    assert await counter.ask("GET", "/v2/corporate_actions/announcements") == []
    await counter.ask("GET", "/v2/corporate_actions/announcements/1")
    assert counter.status == 404


async def test_a_watchlist_is_made_changed_and_dropped(counter: Any) -> None:
    made = await counter.ask("POST", "/v2/watchlists", {"name": "mine", "symbols": ["AAPL", "BTC/USD"]})
    path = f"/v2/watchlists/{made['id']}"
    assert [asset["symbol"] for asset in made["assets"]] == ["AAPL", "BTC/USD"]
    (listed,) = await counter.ask("GET", "/v2/watchlists")
    assert "assets" not in listed
    assert (await counter.ask("POST", path, {"symbol": "SPY"}))["assets"][-1]["symbol"] == "SPY"
    left = await counter.ask("DELETE", f"{path}/BTCUSD")
    assert [asset["symbol"] for asset in left["assets"]] == ["AAPL", "SPY"]
    assert (await counter.ask("PUT", path, {"name": "yours"}))["name"] == "yours"
    assert (await counter.ask("GET", "/v2/watchlists:by_name", name="yours"))["assets"] == left["assets"]
    await counter.ask("DELETE", path)
    assert counter.status == 204
    await counter.ask("GET", path)
    assert counter.status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"name": "x" * 65}, 422), ({"name": "y", "symbols": ["NONE"]}, 422), ({"name": 7}, 400), (b"{", 400)],
)
async def test_a_watchlist_that_is_none_is_refused(counter: Any, body: object, status: int) -> None:
    await counter.ask("POST", "/v2/watchlists", body)
    assert counter.status == status
    assert await counter.ask("GET", "/v2/watchlists") == []
