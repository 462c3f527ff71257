"""The screener ranks what was traded today, and nothing that is not a stock or a pair."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

Served = Callable[..., AbstractAsyncContextManager[Any]]


async def test_the_screener_ranks_what_was_traded_today(served: Served, made: Any) -> None:
    async with served(made.rows, before=made.before) as site:
        for by, key in (("volume", "volume"), ("trades", "trade_count")):
            rows = (await site.get("/v1beta1/screener/stocks/most-actives", by=by))["most_actives"]
            assert {row["symbol"] for row in rows} == {"AAPL", "MSFT"}, (
                "neither the test symbol, nor crypto, nor options"
            )
            assert rows == sorted(rows, key=lambda row: row[key], reverse=True)
        assert len((await site.get("/v1beta1/screener/stocks/most-actives", top=1))["most_actives"]) == 1
        movers = await site.get("/v1beta1/screener/crypto/movers")
        (moved,) = movers["gainers"] + movers["losers"]
        close = made.before.bars("BTC/USD")[-1].close
        assert moved["symbol"] == "BTC/USD" and moved["change"] == pytest.approx(moved["price"] - close, abs=1e-3)
