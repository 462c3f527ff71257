"""Articles of a made-up newsroom: rare, about the symbols of the market, and now and then told again, corrected.

News is the one stream that is not about a price, and the one where the same ``id`` comes twice: a client that files
articles by id alone loses the correction, one that files them by arrival has them double. So a third of the articles
are revised within minutes. The dice are the newsroom's own (``Random(f"{seed}/news")``), so that it neither moves the
prices nor is moved by them.
"""

import heapq
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from engine.exchange.market import Row
from engine.model.instant import NS_PER_S
from engine.model.market import News

EVERY_S: Final = 3600.0
"""Mean time between articles about one symbol."""
RATE_MAX: Final = 0.1
"""Articles a second over all symbols: a market of two thousand of them has no more news than one of 360."""
FIRST_WITHIN_S: Final = 60.0
"""The first article comes within a minute, so that a short session sees one."""
REVISED_SHARE: Final = 1 / 3
REVISED_AFTER_S: Final = (20.0, 300.0)
SECOND_SYMBOL_SHARE: Final = 0.25
BARE_SHARE: Final = 0.2
"""Headlines without a text: what ``exclude_contentless`` is about."""
ID_FIRST: Final = 41_000_001
AUTHORS: Final = ("Ada Quill", "Ben Ledger", "Cleo Wire", "Newsdesk")
STORIES: Final = (
    ("{} Shares Trade Higher As Volume Picks Up", "Buyers were in the majority from the first minutes of the session."),
    ("{} Shares Slip; Here Is What Traders Watch", "The price left the range that it had kept since the day before."),
    ("Analyst Reiterates Neutral Rating On {}", "The price target stays where it was, the note says."),
    (
        "{} Announces Date Of Its Quarterly Report",
        "The report is due after the close, a call follows the next morning.",
    ),
    ("Unusual Options Activity In {}", "Contracts changed hands at several times their usual number."),
    ("{} Among The Most Active Symbols Today", "It leads the list by the number of trades."),
)


def news_rows(seed: int, start_ns: int, symbols: Sequence[str]) -> Iterator[Row]:
    """Articles for ever, in the order of publication; none where there are no symbols.

    Crypto pairs are named without their slash, as in ``BTCUSD``.
    """
    if not symbols:
        return
    rng = Random(f"{seed}/news")
    names = [symbol.replace("/", "") for symbol in symbols]
    mean_s = max(EVERY_S / len(names), 1 / RATE_MAX)
    due_ns = start_ns + round(rng.uniform(1.0, FIRST_WITHIN_S) * NS_PER_S)
    later: list[tuple[int, int, News]] = []
    number = 0
    while True:
        article = _article(rng, ID_FIRST + number, due_ns, names)
        number += 1
        if rng.random() < REVISED_SHARE:
            heapq.heappush(later, _revision(rng, article))
        yield due_ns, article
        due_ns += round(rng.expovariate(1 / mean_s) * NS_PER_S) + 1
        while later and later[0][0] < due_ns:
            revised_ns, _, revised = heapq.heappop(later)
            yield revised_ns, revised


def _article(rng: Random, number: int, now_ns: int, names: Sequence[str]) -> News:
    about = [rng.choice(names)]
    if len(names) > 1 and rng.random() < SECOND_SYMBOL_SHARE:
        about.append(rng.choice([name for name in names if name != about[0]]))
    headline, text = rng.choice(STORIES)
    return News(
        symbol="",
        ts_ns=now_ns,
        id=number,
        headline=headline.format(" and ".join(about)),
        summary=text,
        author=rng.choice(AUTHORS),
        content="" if rng.random() < BARE_SHARE else f"<p>{text}</p>",
        url=f"https://example.invalid/news/{number}",
        created_ns=now_ns,
        symbols=tuple(sorted(about)),
        source="benzinga",
    )


def _revision(rng: Random, article: News) -> tuple[int, int, News]:
    """When the article is told again, its id to set two of one instant apart, and what it then says."""
    due_ns = article.ts_ns + round(rng.uniform(*REVISED_AFTER_S) * NS_PER_S)
    revised = News(
        symbol="",
        ts_ns=due_ns,
        id=article.id,
        headline=f"{article.headline} (Updated)",
        summary=article.summary,
        author=article.author,
        content=f"<p>{article.summary}</p><p>This article was updated.</p>",
        url=article.url,
        created_ns=article.created_ns,
        symbols=article.symbols,
        source=article.source,
    )
    return due_ns, article.id, revised
