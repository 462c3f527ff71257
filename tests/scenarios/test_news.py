"""Law: an article reaches whoever asked for one of its symbols, once; silence is no fault; a loss is a gap, once."""

import pytest
from attrs import field, frozen

from engine import Context, Gap, News, strategy
from engine.model.stream import ARTICLES
from engine.testing.session import SessionResult
from engine.testing.simulated import SimulatedExchange

SYMBOLS = ("SPY", "AAPL", "BTC/USD", *(f"X{letter}" for letter in "ABCDEFGHIJKLMNOPQ"))
"""Each has an article an hour or so; with this seed some are about SPY, BTCUSD, and one about SPY and AAPL."""

pytestmark = pytest.mark.exchange(symbols=SYMBOLS, events_per_s=0.01, seed=176)


@frozen
class Params:
    """What is asked for, and what came."""

    symbols: tuple[str, ...]
    items: list[News | Gap] = field(factory=list)

    @property
    def ids(self) -> list[tuple[int, int]]:
        return [(item.ts_ns, item.id) for item in self.items if isinstance(item, News)]


@strategy(params=Params)
async def reader(ctx: Context, p: Params) -> None:
    """Keep every article."""
    async with ctx.news(*p.symbols, gaps=True) as articles:
        async for article in articles:
            p.items.append(article)


def owed(exchange: SimulatedExchange, *names: str) -> list[tuple[int, int]]:
    """The articles of these names that were published."""
    articles = [each for each in exchange.published("news", "") if isinstance(each, News)]
    return [(each.ts_ns, each.id) for each in articles if not names or not {*names}.isdisjoint(each.symbols)]


async def read(exchange: SimulatedExchange, *symbols: str, for_s: float) -> tuple[Params, SessionResult]:
    params = Params(symbols)
    result = await exchange.run(reader, params, for_s=for_s)
    assert result.report.conservation.holds
    return params, result


@pytest.mark.parametrize(
    ("symbols", "names"),
    [
        (("SPY",), ("SPY",)),
        (("SPY", "AAPL"), ("SPY", "AAPL")),
        (("BTC/USD",), ("BTCUSD",)),
        (("*",), ()),
        (("*", "SPY"), ()),
    ],
    ids=str,
)
async def test_every_article_of_the_symbols_asked_for_comes_once(
    exchange: SimulatedExchange, symbols: tuple[str, ...], names: tuple[str, ...]
) -> None:
    params, result = await read(exchange, *symbols, for_s=3600)
    assert params.ids == owed(exchange, *names) != []
    assert not result.reconnects  # minutes without an article are no fault of the line
    assert not result.alarms
    assert result.stream("news", "").delivered == len(params.ids)


@pytest.mark.exchange(faults=[{"kind": "cut_without_close", "every": "10m"}])
async def test_after_a_loss_the_news_are_live_again_and_the_hole_is_declared_once(exchange: SimulatedExchange) -> None:
    params, result = await read(exchange, "SPY", "AAPL", for_s=3540)
    gaps = [item for item in params.items if isinstance(item, Gap)]
    assert len(gaps) == result.reconnects > 3
    assert {gap.stream for gap in gaps} == {ARTICLES}
    assert {gap.cause for gap in gaps} == {"no_history"}
    missing = set(owed(exchange, "SPY", "AAPL")) - set(params.ids)
    assert all(any(gap.start_ns <= ts_ns <= gap.end_ns for gap in gaps) for ts_ns, _ in missing)
    assert len(params.ids) == len(set(params.ids)) > 0
    assert [feed.state for feed in result.report.feeds] == ["stopped"]
    resumed = [type(notice).__name__ for notice in result.notices].count("Resumed")
    assert resumed == result.reconnects


async def test_two_strategies_get_what_each_asked_for(exchange: SimulatedExchange) -> None:
    one, both = Params(("AAPL",)), Params(("SPY", "AAPL"))

    @strategy()
    async def two(ctx: Context) -> None:
        async with ctx.news(*one.symbols) as few, ctx.news(*both.symbols) as more, ctx.merge(few, more) as merged:
            async for article in merged:
                both.items.append(article)

    await exchange.run(two, for_s=3600)
    assert sorted(both.ids) == sorted([*owed(exchange, "AAPL"), *owed(exchange, "SPY", "AAPL")])
