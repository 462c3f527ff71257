"""News by REST: each article once, in its latest version, newest first unless asked otherwise."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from engine.codec.pages import render_rows
from engine.codec.wire import Family
from engine.exchange.market import Market
from engine.exchange.rest.data.asking import BadRequest, read_descending, read_flag, read_limit, read_moment
from engine.exchange.rest.tokens import decode_token, encode_token
from engine.model.market import Kind, News

LIMIT_DEFAULT: Final = 10
LIMIT_MAX: Final = 50


def render_news(market: Market, asked: Mapping[str, str]) -> bytes:
    """``GET /v1beta1/news``; raises `BadRequest`."""
    now_ns = market.clock.now_ns()
    start_ns = read_moment(asked, "start", 0)
    end_ns = read_moment(asked, "end", now_ns)
    if end_ns < start_ns:
        raise BadRequest("end should not be before start")
    limit = read_limit(asked, LIMIT_DEFAULT, LIMIT_MAX)
    descending = read_descending(asked, "desc")
    names = {name.strip().replace("/", "") for name in asked.get("symbols", "").split(",") if name.strip()}
    bare, full = read_flag(asked, "exclude_contentless"), read_flag(asked, "include_content")
    behind = _read_token(asked)
    rows = [
        article
        for article in _articles(market, now_ns)
        if start_ns <= article.ts_ns <= end_ns
        and (not names or not names.isdisjoint(article.symbols))
        and (article.content or not bare)
    ]
    rows.sort(key=_key, reverse=descending)
    if behind is not None:
        rows = [row for row in rows if (_key(row) < behind if descending else _key(row) > behind)]
    page = rows[:limit]
    token = encode_token("|".join(map(str, _key(page[-1])))) if len(rows) > limit else None
    return msgspec.json.encode({"news": [_render(article, full=full) for article in page], "next_page_token": token})


def _articles(market: Market, now_ns: int) -> list[News]:
    """The latest version of each article."""
    versions: dict[int, News] = {}
    for row in market.past.between(Kind.NEWS, "", 0, now_ns):
        if isinstance(row, News):
            versions[row.id] = row
    return list(versions.values())


def _key(article: News) -> tuple[int, int]:
    return article.ts_ns, article.id


def _render(article: News, *, full: bool) -> dict[str, Any]:
    row = render_rows(Kind.NEWS, Family.NEWS, [article])[0]
    return {**row, "content": article.content if full else "", "images": []}


def _read_token(asked: Mapping[str, str]) -> tuple[int, int] | None:
    if not asked.get("page_token"):
        return None
    try:
        ts_ns, _, number = decode_token(asked["page_token"]).partition("|")
        return int(ts_ns), int(number)
    except ValueError:
        raise BadRequest("invalid page_token") from None
