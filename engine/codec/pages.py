"""Pages of REST history, both ways: rows are stream messages without ``T``, ``S`` and ``r``.

A page is a map of symbols to rows, or for a single-symbol path one list beside ``"symbol"``; news is one list. Symbols
without rows are absent and an empty list may be ``null``. A trade row may carry ``u``, what became of the trade.

A page that cannot be read raises: half a page taken for a whole one would be a hole that nobody knows of. So does a
JSON object that is no page at all (an error body served with status 200 must not look like "nothing happened").
"""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Struct, UnsetType, field

from engine.codec.instants import parse_text, parse_texts, render_text
from engine.codec.render import wire_of
from engine.codec.wire import ABSENT, Family
from engine.codec.wire_crypto import taker_side
from engine.codec.wire_news import WireNews, news_events
from engine.model.market import Bar, DailyBar, Kind, MarketEvent, Quote, Trade, UpdatedBar

PAGE_KEYS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.TRADES: "trades",
        Kind.QUOTES: "quotes",
        Kind.BARS: "bars",
        Kind.UPDATED_BARS: "bars",
        Kind.DAILY_BARS: "bars",
        Kind.NEWS: "news",
    }
)
"""Under which key a page holds the rows of a kind; kinds that are not here have no history."""

_BARS: Final[Mapping[Kind, type[Bar]]] = {
    Kind.BARS: Bar,
    Kind.UPDATED_BARS: UpdatedBar,
    Kind.DAILY_BARS: DailyBar,
}
_ORIGIN: Final = "backfill"


class TradeRow(Struct, gc=False):
    """A trade of any family; on options ``c`` is one string."""

    stamp: str = field(name="t")
    price: float = field(name="p")
    size: float = field(name="s")
    id: int | None = field(name="i", default=None)
    exchange: str | None = field(name="x", default="")
    conditions: tuple[str, ...] | str | None = field(name="c", default=())
    tape: str | None = field(name="z", default="")
    taker_side: str | None = field(name="tks", default="")
    revision: str | None = field(name="u", default="")


class QuoteRow(Struct, gc=False):
    """A quote of any family; on options ``c`` is one string."""

    stamp: str = field(name="t")
    bid_price: float = field(name="bp")
    bid_size: float = field(name="bs")
    ask_price: float = field(name="ap")
    ask_size: float = field(name="as")
    bid_exchange: str | None = field(name="bx", default="")
    ask_exchange: str | None = field(name="ax", default="")
    conditions: tuple[str, ...] | str | None = field(name="c", default=())
    tape: str | None = field(name="z", default="")


class BarRow(Struct, gc=False):
    """A bar of any family."""

    stamp: str = field(name="t")
    open: float = field(name="o")
    high: float = field(name="h")
    low: float = field(name="l")
    close: float = field(name="c")
    volume: float = field(name="v")
    count: int | None = field(name="n", default=None)
    vwap: float | None = field(name="vw", default=None)


class NewsRow(WireNews[str], tag=False, forbid_unknown_fields=False):
    """An article as REST has it: the stream's message without ``T``."""


def parse_page(family: Family, kind: Kind, body: bytes, received_ns: int) -> tuple[list[MarketEvent], str | None]:
    """The rows of a page in its order, each with ``origin="backfill"``, and the token of the next page if there is one.

    Raises ``ValueError`` with a path if the page or any row of it cannot be read, or if this kind has no pages.
    """
    try:
        page = _page_decoder(kind).decode(body)
        if page.rows is ABSENT and page.next_page_token is ABSENT:
            raise ValueError(f"neither {PAGE_KEYS[kind]!r} nor 'next_page_token' is in it")
        events: list[MarketEvent] = []
        for symbol, rows in _rows_by_symbol(kind, page):
            events += _events(family, kind, symbol, rows, received_ns)
    except (ValueError, RecursionError, OverflowError) as error:
        raise ValueError(f"this is not a page of {kind} of {family}: {error}") from error
    return events, page.next_page_token or None


def _rows_by_symbol(kind: Kind, page: Any) -> Iterable[tuple[str, list[Any]]]:
    rows = page.rows or []
    if isinstance(rows, dict):
        return [(symbol, listed) for symbol, listed in rows.items() if listed]
    if kind is not Kind.NEWS and rows and not page.symbol:
        raise ValueError("its rows are one list, and no 'symbol' says whose")
    return [(page.symbol or "", rows)]


def _page_key(kind: Kind) -> str:
    if kind not in PAGE_KEYS:
        raise ValueError(f"no history of {kind} is kept")
    return PAGE_KEYS[kind]


@cache  # one for each of the few kinds that have pages
def _page_decoder(kind: Kind) -> Any:
    key = _page_key(kind)
    rows: Any
    if kind is Kind.NEWS:
        rows = list[NewsRow] | None | UnsetType
    elif kind in _BARS:
        rows = dict[str, list[BarRow] | None] | list[BarRow] | None | UnsetType
    elif kind is Kind.TRADES:
        rows = dict[str, list[TradeRow] | None] | list[TradeRow] | None | UnsetType
    else:
        rows = dict[str, list[QuoteRow] | None] | list[QuoteRow] | None | UnsetType
    page = msgspec.defstruct(
        "Page",
        [
            ("rows", rows, field(name=key, default=ABSENT)),
            ("symbol", str | None, None),
            ("next_page_token", str | None | UnsetType, ABSENT),
        ],
    )
    return msgspec.json.Decoder(page)


def _events(family: Family, kind: Kind, symbol: str, rows: list[Any], received_ns: int) -> Iterable[MarketEvent]:
    instants = parse_texts(rows)
    if kind is Kind.NEWS:
        return [_backfilled(event) for event in news_events(rows, instants, parse_text, received_ns)]
    if kind in _BARS:
        bar = _BARS[kind]
        return [
            bar(symbol, ns, r.open, r.high, r.low, r.close, r.volume, r.count or 0, r.vwap or 0.0, received_ns, _ORIGIN)
            for r, ns in zip(rows, instants, strict=True)
        ]
    crypto = family is Family.CRYPTO  # its x, c and z are relics: what the stream drops, history drops too
    if kind is Kind.TRADES:
        return [
            Trade(
                symbol, ns, r.price, r.size, r.id, "" if crypto else r.exchange or "",
                () if crypto else _conditions(r.conditions), "" if crypto else r.tape or "",
                taker_side(r.taker_side), r.revision or "", 0, received_ns, _ORIGIN,
            )
            for r, ns in zip(rows, instants, strict=True)
        ]  # fmt: skip
    return [
        Quote(
            symbol, ns, r.bid_price, r.bid_size, r.ask_price, r.ask_size, "" if crypto else r.bid_exchange or "",
            "" if crypto else r.ask_exchange or "", () if crypto else _conditions(r.conditions),
            "" if crypto else r.tape or "", 0, received_ns, _ORIGIN,
        )
        for r, ns in zip(rows, instants, strict=True)
    ]  # fmt: skip


def _conditions(told: tuple[str, ...] | str | None) -> tuple[str, ...]:
    if not told:
        return ()
    return (told,) if isinstance(told, str) else told


def _backfilled(event: MarketEvent) -> MarketEvent:
    return msgspec.structs.replace(event, origin=_ORIGIN)


def render_rows(kind: Kind, family: Family, events: Iterable[MarketEvent]) -> list[dict[str, Any]]:
    """Rows as REST shows them; raises ``ValueError`` where the family has no such message or the kind no history."""
    _page_key(kind)
    return [_row(event, family) for event in events]


def _row(event: MarketEvent, family: Family) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(wire_of(event, family, render_text))
    for key in ("T", "S", "r"):
        row.pop(key, None)
    if isinstance(event, Trade) and event.revision:
        row["u"] = event.revision
    return row


def render_page(
    kind: Kind,
    family: Family,
    events: Iterable[MarketEvent],
    next_token: str | None,
    *,
    single_symbol: str | None = None,
) -> bytes:
    """A page in the shape of a multi-symbol path, of a single-symbol path if ``single_symbol`` names it, or of news.

    Events keep their order; those of one symbol are gathered, symbols in the order of their first event.
    """
    key = _page_key(kind)
    if kind is Kind.NEWS or single_symbol is not None:
        page: dict[str, Any] = {key: render_rows(kind, family, events)}
        if single_symbol is not None:
            page["symbol"] = single_symbol
    else:
        by_symbol: dict[str, list[MarketEvent]] = {}
        for event in events:
            by_symbol.setdefault(event.symbol, []).append(event)
        page = {key: {symbol: render_rows(kind, family, rows) for symbol, rows in by_symbol.items()}}
    page["next_page_token"] = next_token
    return msgspec.json.encode(page)
