"""News is each article once, in its latest version, newest first."""

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from engine.exchange.market import Row
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import MarketEvent, News

Served = Callable[..., AbstractAsyncContextManager[Any]]
T0 = parse_instant("2026-03-02T14:30:00Z")


def rows_of(*events: MarketEvent) -> list[Row]:
    return [(event.ts_ns, event) for event in events]


async def test_news_is_the_latest_version_of_each_article_newest_first(served: Served) -> None:
    def article(number: int, at_s: int, *symbols: str, text: str = "x") -> News:
        return News("", T0 + at_s * NS_PER_S, number, f"{number}/{at_s}", content=text, created_ns=T0, symbols=symbols)

    rows = rows_of(
        article(1, 1, "AAPL"), article(2, 2, "BTCUSD"), article(3, 3, "MSFT", text=""), article(1, 4, "AAPL"),
        *(article(10 + number, 10 + number, "SPY") for number in range(12)),
    )  # fmt: skip
    async with served(rows) as site:
        page = await site.get("/v1beta1/news")
        assert [row["id"] for row in page["news"]] == list(range(21, 11, -1))
        key = base64.b64decode(page["next_page_token"]).decode()
        assert key == f"{T0 + 12 * NS_PER_S}|12"
        rest = await site.get("/v1beta1/news", page_token=page["next_page_token"])
        assert [row["headline"] for row in rest["news"]] == ["11/11", "10/10", "1/4", "3/3", "2/2"]
        assert rest["next_page_token"] is None
        assert {row["content"] for row in rest["news"]} == {""} and rest["news"][0]["images"] == []
        upwards = await site.get("/v1beta1/news", sort="asc", symbols="AAPL,BTC/USD,MSFT", include_content="true")
        assert [(row["id"], row["content"]) for row in upwards["news"]] == [(2, "x"), (3, ""), (1, "x")]
        full = await site.get("/v1beta1/news", symbols="MSFT", exclude_contentless="true")
        assert full["news"] == []
        late = await site.get("/v1beta1/news", start="2026-03-02T14:30:04Z", end="2026-03-02T14:30:10Z")
        assert [row["id"] for row in late["news"]] == [10, 1]
