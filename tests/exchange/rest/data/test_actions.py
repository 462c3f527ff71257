"""Corporate actions are the split and the dividend of the year before a made market."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

Served = Callable[..., AbstractAsyncContextManager[Any]]
YEAR = {"start": "2025-01-01"}


async def test_corporate_actions_are_listed_by_type_and_in_pages(served: Served, made: Any) -> None:
    async with served(made.rows, before=made.before) as site:
        path = "/v1/corporate-actions"
        whole = (await site.get(path, **YEAR))["corporate_actions"]
        (split,), (dividend,) = whole["forward_splits"], whole["cash_dividends"]
        assert (split["symbol"], split["new_rate"], split["old_rate"]) == ("AAPL", 2, 1)
        assert dividend["rate"] > 0 and dividend["ex_date"] < dividend["payable_date"]
        assert (await site.get(path))["corporate_actions"] == {}
        assert (await site.get(path, symbols="MSFT", **YEAR))["corporate_actions"] == {}
        assert set((await site.get(path, types="cash_dividend", **YEAR))["corporate_actions"]) == {"cash_dividends"}
        assert (await site.get(path, ids=split["id"]))["corporate_actions"] == {"forward_splits": [split]}
        for sort in ("asc", "desc"):
            pages = await site.pages(path, "corporate_actions", limit=1, sort=sort, **YEAR)
            names = [name for page in pages for name in page]
            assert names == (
                ["forward_splits", "cash_dividends"] if sort == "asc" else ["cash_dividends", "forward_splits"]
            )
