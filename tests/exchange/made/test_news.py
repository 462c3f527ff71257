"""News is rare, in order, the same for a seed, and now and then tells an article again with its id and a later time."""

from itertools import islice, pairwise

import pytest

from engine.exchange.made.news import EVERY_S, FIRST_WITHIN_S, ID_FIRST, RATE_MAX, news_rows
from engine.exchange.market import Row
from engine.model.instant import NS_PER_S
from engine.model.market import News

START = 1_772_461_800 * NS_PER_S
SYMBOLS = ("AAPL", "BTC/USD", "MSFT")


def first(count: int, seed: int = 1, symbols: tuple[str, ...] = SYMBOLS) -> list[Row]:
    return list(islice(news_rows(seed, START, symbols), count))


@pytest.mark.parametrize("seed", range(20))
def test_the_first_article_comes_within_a_minute_and_all_are_in_order(seed: int) -> None:
    rows = first(50, seed)
    assert START < rows[0][0] <= START + FIRST_WITHIN_S * NS_PER_S
    assert all(one[0] <= two[0] for one, two in pairwise(rows))
    assert all(due_ns == event.ts_ns for due_ns, event in rows)


def test_a_seed_gives_the_same_news_and_another_one_others() -> None:
    assert first(30) == first(30) != first(30, seed=2)


def test_articles_are_about_symbols_of_the_market_and_pairs_have_no_slash() -> None:
    articles = [event for _, event in first(200) if isinstance(event, News)]
    assert {name for article in articles for name in article.symbols} == {"AAPL", "BTCUSD", "MSFT"}
    assert all(article.symbol == "" and article.source and article.headline for article in articles)
    assert {1, 2} == {len(article.symbols) for article in articles}
    assert {bool(article.content) for article in articles} == {True, False}


def test_some_articles_are_revised_under_their_id() -> None:
    articles = [event for _, event in first(200) if isinstance(event, News)]
    versions: dict[int, list[News]] = {}
    for article in articles:
        versions.setdefault(article.id, []).append(article)
    assert min(versions) == ID_FIRST
    revised = [told for told in versions.values() if len(told) > 1]
    assert 0.2 * len(versions) < len(revised) < 0.5 * len(versions)
    for original, update in revised:
        assert update.created_ns == original.created_ns == original.ts_ns < update.ts_ns
        assert update.headline != original.headline and update.symbols == original.symbols


@pytest.mark.parametrize("count", [1, 3, 2000])
def test_there_is_about_one_an_hour_for_each_symbol_and_never_a_flood(count: int) -> None:
    rows = first(400, symbols=tuple(f"S{number}" for number in range(count)))
    per_s = len({event.id for _, event in rows if isinstance(event, News)}) / ((rows[-1][0] - START) / NS_PER_S)
    assert per_s == pytest.approx(min(count / EVERY_S, RATE_MAX), rel=0.25)


def test_a_market_without_symbols_has_no_news() -> None:
    assert first(5, symbols=()) == []
