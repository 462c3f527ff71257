"""What can be traded and when, as the SDK shows it, is what the exchange holds; and the lists that its user keeps."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import AssetClass, AssetStatus, ContractType, CorporateActionType
from alpaca.trading.requests import (
    CreateWatchlistRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetCorporateAnnouncementsRequest,
    GetOptionContractsRequest,
    UpdateWatchlistRequest,
)

pytestmark = pytest.mark.slow

CONTRACT = "AAPL260306C00230000"
NOBODY = "7c1e2a10-0000-4000-8000-00000000dead"


def test_the_clock_is_the_markets(desk: Any) -> None:
    before = desk.exchange.now_ns()
    clock = desk.trading.get_clock()
    assert before <= clock.timestamp.timestamp() * 1e9 + 1000 <= desk.exchange.now_ns() + 2000
    assert clock.is_open
    assert clock.next_close.astimezone(UTC) == datetime(2026, 3, 2, 21, tzinfo=UTC)
    assert clock.next_open.astimezone(UTC) == datetime(2026, 3, 3, 14, 30, tzinfo=UTC)


def test_the_calendar_knows_holidays_and_half_days(desk: Any) -> None:
    days = desk.trading.get_calendar(GetCalendarRequest(start=date(2026, 11, 25), end=date(2026, 11, 30)))
    assert [(day.date.day, day.open.hour, day.close.hour) for day in days] == [(25, 9, 16), (27, 9, 13), (30, 9, 16)]
    every = desk.trading.get_calendar()
    assert (every[0].date.year, every[-1].date.year) == (1970, 2029)


def test_assets_are_those_of_the_catalogue(desk: Any) -> None:
    held = desk.held(lambda brokerage: dict(brokerage.assets))
    asked = GetAssetsRequest(asset_class=AssetClass.US_EQUITY, status=AssetStatus.ACTIVE)
    shown = desk.trading.get_all_assets(asked)
    stocks = [asset for asset in held.values() if asset.asset_class == "us_equity" and asset.active]
    assert [(asset.symbol, str(asset.id), asset.fractionable) for asset in shown] == [
        (asset.symbol, asset.id, asset.fractionable) for asset in stocks
    ]
    pairs = desk.trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert {asset.symbol for asset in pairs} >= {"BTC/USD", "ETH/USD"}
    assert all(asset.min_trade_increment for asset in pairs)
    assert {asset.symbol for asset in desk.trading.get_all_assets(GetAssetsRequest(attributes="has_options"))} == {
        "AAPL", "MSFT", "SPY",
    }  # fmt: skip
    apple = desk.trading.get_asset("AAPL")
    assert desk.trading.get_asset(apple.id) == apple
    assert desk.trading.get_asset("BTCUSD").symbol == "BTC/USD"
    with pytest.raises(APIError) as unknown:
        desk.trading.get_asset("NOSUCH")
    assert (unknown.value.status_code, unknown.value.code) == (404, 40410000)


def test_contracts_are_found_by_what_they_are(desk: Any) -> None:
    held = desk.held(lambda brokerage: [asset for asset in brokerage.assets.values() if asset.underlying == "AAPL"])
    asked: dict[str, Any] = {"underlying_symbols": ["AAPL"], "limit": 20}
    shown: list[Any] = []
    token = None
    while token is not None or not shown:
        page = desk.trading.get_option_contracts(GetOptionContractsRequest(**asked, page_token=token))
        shown += page.option_contracts
        token = page.next_page_token
    assert [each.symbol for each in shown] == [asset.symbol for asset in held]
    puts = GetOptionContractsRequest(
        underlying_symbols=["AAPL"],
        type=ContractType.PUT,
        expiration_date=date(2026, 3, 6),
        strike_price_gte="225",
        strike_price_lte="235",
    )
    found = desk.trading.get_option_contracts(puts).option_contracts
    assert [(each.strike_price, each.type) for each in found] == [(strike, "put") for strike in (225, 230, 235)]
    one = desk.trading.get_option_contract(CONTRACT)
    assert (one.underlying_symbol, one.expiration_date, one.size) == ("AAPL", date(2026, 3, 6), "100")
    assert desk.trading.get_option_contract(one.id) == one
    with pytest.raises(APIError) as unknown:
        desk.trading.get_option_contract("AAPL260306C99999000")
    assert unknown.value.status_code == 404


def test_watchlists_are_made_changed_and_dropped(desk: Any) -> None:
    made = desk.trading.create_watchlist(CreateWatchlistRequest(name="mine", symbols=["AAPL", "SPY"]))
    assert [asset.symbol for asset in made.assets] == ["AAPL", "SPY"]
    assert [each.id for each in desk.trading.get_watchlists()] == [made.id]
    added = desk.trading.add_asset_to_watchlist_by_id(made.id, "MSFT")
    assert [asset.symbol for asset in added.assets] == ["AAPL", "SPY", "MSFT"]
    left = desk.trading.remove_asset_from_watchlist_by_id(made.id, "SPY")
    assert [asset.symbol for asset in left.assets] == ["AAPL", "MSFT"]
    changed = desk.trading.update_watchlist_by_id(made.id, UpdateWatchlistRequest(name="ours", symbols=["BTC/USD"]))
    assert desk.trading.get_watchlist_by_id(made.id) == changed
    assert (changed.name, [asset.symbol for asset in changed.assets]) == ("ours", ["BTC/USD"])
    assert desk.trading.delete_watchlist_by_id(made.id) is None
    assert desk.trading.get_watchlists() == []
    with pytest.raises(APIError) as gone:
        desk.trading.get_watchlist_by_id(made.id)
    assert (gone.value.status_code, gone.value.code) == (404, 40410000)


def test_announcements_are_the_actions_of_the_year_before(desk: Any) -> None:
    until = date(2026, 3, 1)
    asked = GetCorporateAnnouncementsRequest(
        ca_types=[CorporateActionType.DIVIDEND, CorporateActionType.SPLIT],
        since=until - timedelta(days=89),
        until=until,
    )
    with pytest.warns(DeprecationWarning, match="get_corporate_announcements"):
        (dividend,) = desk.trading.get_corporate_announcements(asked)
    assert (dividend.initiating_symbol, dividend.ca_type, dividend.ca_sub_type) == ("AAPL", "dividend", "cash")
    assert dividend.cash > 0
    assert desk.trading.get_corporate_announcement_by_id(dividend.id) == dividend
    with pytest.raises(APIError) as unknown:
        desk.trading.get_corporate_announcement_by_id(NOBODY)
    assert (unknown.value.status_code, unknown.value.code) == (404, 40410000)


def test_the_verbs_beneath_the_methods_reach_every_path(desk: Any) -> None:
    made = desk.trading.post("/watchlists", {"name": "by hand", "symbols": []})
    path = f"/watchlists/{made['id']}"
    assert desk.trading.put(path, {"name": "again"})["name"] == "again"
    assert desk.trading.get(path)["name"] == "again"
    assert desk.trading.delete(path) is None
    settings = desk.trading.get("/account/configurations")
    assert desk.trading.patch("/account/configurations", {}) == settings
