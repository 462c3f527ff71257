"""The account, its settings and its history: what it is worth is what its cash and positions say."""

from decimal import Decimal
from typing import Any

import pytest


async def test_the_account_moves_with_its_orders(counter: Any) -> None:
    before = await counter.ask("GET", "/v2/account")
    assert (before["status"], before["cash"], before["equity"]) == ("ACTIVE", "100000", "100000")
    assert "pattern_day_trader" not in before
    await counter.order()
    after = await counter.ask("GET", "/v2/account")
    fees = await counter.ask("GET", "/v2/account/activities", category="non_trade_activity")
    paid = 10 * Decimal("100.02") - sum(Decimal(fee["net_amount"]) for fee in fees)
    assert Decimal(after["cash"]) == Decimal(100000) - paid
    assert Decimal(after["equity"]) == Decimal(after["cash"]) + Decimal(after["long_market_value"])


async def test_settings_change_what_is_allowed(counter: Any) -> None:
    told = await counter.ask("GET", "/v2/account/configurations")
    assert (told["suspend_trade"], told["no_shorting"], told["max_margin_multiplier"]) == (False, False, "4")
    changed = await counter.ask("PATCH", "/v2/account/configurations", {"no_shorting": True, "later": None})
    assert changed == told | {"no_shorting": True}
    await counter.order(side="sell")
    assert counter.status == 403
    assert (await counter.ask("GET", "/v2/account"))["shorting_enabled"] is False
    await counter.ask("PATCH", "/v2/account/configurations", {"suspend_trade": True})
    await counter.order()
    assert counter.status == 403
    assert (await counter.ask("GET", "/v2/account"))["trade_suspended_by_user"] is True


@pytest.mark.parametrize("body", [b"{", {"no_shorting": "never"}, {"max_margin_multiplier": "9"}])
async def test_a_setting_that_is_none_is_a_400_and_changes_nothing(counter: Any, body: object) -> None:
    before = await counter.ask("GET", "/v2/account/configurations")
    await counter.ask("PATCH", "/v2/account/configurations", body)
    assert counter.status == 400
    assert await counter.ask("GET", "/v2/account/configurations") == before


async def test_history_is_arrays_of_one_length_and_ends_with_now(counter: Any) -> None:
    await counter.order()
    await counter.pass_quotes(150)
    told = await counter.ask("GET", "/v2/account/portfolio/history", period="1D", timeframe="1Min")
    assert told["timestamp"] == [1772461800, 1772461860]
    equity = float((await counter.ask("GET", "/v2/account"))["equity"])
    assert told["equity"][-1] == equity
    assert told["profit_loss"][-1] == pytest.approx(equity - 100_000)
    assert {len(told[name]) for name in ("timestamp", "equity", "profit_loss", "profit_loss_pct")} == {2}
    assert (told["base_value"], told["timeframe"]) == (100_000, "1Min")
    assert (await counter.ask("GET", "/v2/account/portfolio/history"))["timeframe"] == "1D"


@pytest.mark.parametrize(
    "query",
    [
        {"period": "fortnight"},
        {"timeframe": "2Min"},
        {"period": "3M", "timeframe": "1Min"},
        {"period": "1D", "start": "2026-03-01", "end": "2026-03-02"},
        {"intraday_reporting": "sometimes"},
        {"pnl_reset": "never"},
    ],
)
async def test_a_wrong_question_about_history_is_a_400(counter: Any, query: dict[str, str]) -> None:
    told = await counter.ask("GET", "/v2/account/portfolio/history", **query)
    assert (counter.status, told["code"]) == (400, 40010000)


async def test_activities_are_fills_and_fees_page_by_page(counter: Any) -> None:
    for _ in range(3):
        await counter.order()
        await counter.pass_quotes(2)
    await counter.order(side="sell", qty="4")
    rows = await counter.ask("GET", "/v2/account/activities/FILL")
    assert [(row["side"], row["qty"], row["type"]) for row in rows] == [
        ("sell", "4", "fill"),
        *[("buy", "10", "fill")] * 3,
    ]
    assert rows[0]["id"].startswith("20260302093004000::")
    first = await counter.ask("GET", "/v2/account/activities", activity_types="FILL", page_size=3)
    rest = await counter.ask(
        "GET", "/v2/account/activities", activity_types="FILL", page_size=3, page_token=first[-1]["id"]
    )
    assert first + rest == rows
    assert await counter.ask("GET", "/v2/account/activities/FILL", direction="asc") == rows[::-1]
    fees = await counter.ask("GET", "/v2/account/activities", category="non_trade_activity")
    assert {fee["activity_type"] for fee in fees} == {"FEE"}
    assert len(await counter.ask("GET", "/v2/account/activities", date="2026-03-02")) == len(rows) + len(fees)
    assert await counter.ask("GET", "/v2/account/activities", date="2026-03-03") == []
    assert await counter.ask("GET", "/v2/account/activities", after=rows[0]["transaction_time"]) == []


@pytest.mark.parametrize(
    "query", [{"activity_types": "FILL", "category": "trade_activity"}, {"page_token": "x"}, {"page_size": "101"}]
)
async def test_a_wrong_question_about_activities_is_a_400(counter: Any, query: dict[str, str]) -> None:
    await counter.ask("GET", "/v2/account/activities", **query)
    assert counter.status == 400
