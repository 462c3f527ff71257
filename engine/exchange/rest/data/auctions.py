"""Opening and closing auctions of stocks, as history shows them: the prints of a day, picked out of its trades."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from engine.exchange.clock import new_york
from engine.model.instant import render_instant
from engine.model.market import MarketEvent, Trade

OPENING: Final = frozenset("OQ")
"""Opening print, official open."""
CLOSING: Final = frozenset("6M")
"""Closing print, official close."""


def auction_prints(rows: Iterable[MarketEvent]) -> list[MarketEvent]:
    """The trades among these that are prints of an auction and were not taken back."""
    return [row for row in rows if isinstance(row, Trade) and not row.revision and _mark(row)]


def _mark(trade: Trade) -> str:
    """The condition that makes it a print; empty for other trades."""
    return next((mark for mark in trade.conditions if mark in OPENING or mark in CLOSING), "")


def render_auctions(prints: Iterable[MarketEvent], token: str | None, single: str | None) -> bytes:
    """A page of prints, by symbol and day; ``o`` and ``c`` are the openings and closings of the day."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in prints:
        assert isinstance(row, Trade)  # for the type checker: `auction_prints` gives nothing else
        mark = _mark(row)
        date = new_york(row.ts_ns).date().isoformat()
        day = found.setdefault(row.symbol, {}).setdefault(date, {"d": date, "o": [], "c": []})
        told = {"t": render_instant(row.ts_ns), "x": row.exchange, "p": row.price, "s": int(row.size), "c": mark}
        day["o" if mark in OPENING else "c"].append(told)
    listed = {symbol: list(days.values()) for symbol, days in found.items()}
    if single is None:
        return msgspec.json.encode({"auctions": listed, "next_page_token": token})
    return msgspec.json.encode({"auctions": listed.get(single, []), "symbol": single, "next_page_token": token})
