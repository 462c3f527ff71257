"""Auctions are the opening and closing prints of each day."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from engine.exchange.market import Row
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import MarketEvent, Trade

Served = Callable[..., AbstractAsyncContextManager[Any]]
T0 = parse_instant("2026-03-02T14:30:00Z")


def rows_of(*events: MarketEvent) -> list[Row]:
    return [(event.ts_ns, event) for event in events]


async def test_auctions_are_the_prints_of_the_day(served: Served) -> None:
    def print_(at_s: int, price: float, mark: str, symbol: str = "AAPL") -> Trade:
        return Trade(symbol, T0 + at_s * NS_PER_S, price, 5000.0, at_s, "Q", ("@", mark), "C")

    day = 86_400
    rows = rows_of(
        print_(0, 10.0, "O"), print_(1, 10.0, "Q"), Trade("AAPL", T0 + 2 * NS_PER_S, 1.0, 1.0, 9),
        print_(23_401, 11.0, "6"), print_(day, 12.0, "O"), print_(day + 5, 7.0, "O", "MSFT"),
    )  # fmt: skip
    async with served(rows) as site:
        span = {"symbols": "MSFT,AAPL", "start": "2026-03-02"}
        told = (await site.get("/v2/stocks/auctions", **span))["auctions"]
        first, second = told["AAPL"]
        assert [(row["c"], row["p"]) for row in first["o"] + first["c"]] == [("O", 10.0), ("Q", 10.0), ("6", 11.0)]
        assert (first["d"], second["d"], second["c"], list(told)) == ("2026-03-02", "2026-03-03", [], ["AAPL", "MSFT"])
        pages = await site.pages("/v2/stocks/auctions", "auctions", limit=2, **span)
        assert sum(len(day["o"]) + len(day["c"]) for page in pages for days in page.values() for day in days) == 5
        single = await site.get("/v2/stocks/MSFT/auctions", start="2026-03-02")
        assert (single["symbol"], len(single["auctions"])) == ("MSFT", 1)
