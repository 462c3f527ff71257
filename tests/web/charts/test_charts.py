"""Which charts are followed where more are looked at than may be."""

import trio

from engine.web.charts.charts import CHARTS_MAX, WATCHED_S
from tests.web.conftest import OpenWeb
from tests.web.players import watcher

SYMBOLS = [f"S{number}" for number in range(CHARTS_MAX)]


async def test_a_chart_that_somebody_looks_at_is_not_ended_for_another(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        await trio.sleep(0.1)  # until they run
        charts = web.site.charts
        followed = [charts.look(symbol) for symbol in SYMBOLS]
        for _ in range(10):  # beats of pages that are all open
            await trio.sleep(0.4)
            assert charts.look("MORE") is None
            assert [charts.look(symbol) for symbol in SYMBOLS] == followed
        await trio.sleep(WATCHED_S / 2)
        for symbol in SYMBOLS[1:]:
            charts.look(symbol)
        await trio.sleep(WATCHED_S / 2 + 0.1)
        assert charts.look("MORE") is not None  # in the place of the first, whose page was closed
        await trio.sleep(0.1)
        assert charts.look(SYMBOLS[0]) is None
        assert [charts.look(symbol) for symbol in SYMBOLS[1:]] == followed[1:]
