"""Most active symbols and movers of the day, worked out from what was published when somebody asks."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from engine.core.bars import DAY_NS, day_start_ns, is_crypto
from engine.exchange.contracts import is_contract
from engine.exchange.line.endpoints import TEST_SYMBOL
from engine.exchange.market import Market
from engine.exchange.rest.data.asking import BadRequest, read_choice, read_limit
from engine.exchange.rest.data.latest import DAYS_BACK
from engine.exchange.rest.data.spans import DAY, Spans
from engine.model.instant import render_instant
from engine.model.market import Bar, Kind

TOP_DEFAULT: Final = 10
ACTIVES_MAX: Final = 100
MOVERS_MAX: Final = 50


def render_most_actives(market: Market, spans: Spans, asked: Mapping[str, str]) -> bytes:
    """``GET /v1beta1/screener/stocks/most-actives``: by shares or by number of trades."""
    by = read_choice(asked, "by", frozenset({"volume", "trades"}), "volume")
    top = read_limit(asked, TOP_DEFAULT, ACTIVES_MAX, "top")
    days = [day for _, day in _days(market, spans, crypto=False)]
    days.sort(key=lambda day: day.volume if by == "volume" else day.trade_count, reverse=True)
    rows = [{"symbol": day.symbol, "volume": int(day.volume), "trade_count": day.trade_count} for day in days]
    return msgspec.json.encode({"most_actives": rows[:top], "last_updated": _now(market)})


def render_movers(market: Market, spans: Spans, sort: str, asked: Mapping[str, str]) -> bytes:
    """``GET /v1beta1/screener/{stocks|crypto}/movers``: who rose and fell most since the close of the day before."""
    if sort not in ("stocks", "crypto"):
        raise BadRequest(f"invalid market type: {sort}")
    top = read_limit(asked, TOP_DEFAULT, MOVERS_MAX, "top")
    moved: list[dict[str, Any]] = []
    for before, day in _days(market, spans, crypto=sort == "crypto"):
        if before is not None and before.close:
            change = day.close - before.close
            percent = round(change / before.close * 100, 2)
            price = {"change": round(change, 4), "price": day.close}
            moved.append({"symbol": day.symbol, "percent_change": percent, **price})
    moved.sort(key=lambda row: (row["percent_change"], row["symbol"]))
    gainers = [row for row in reversed(moved) if row["percent_change"] > 0]
    losers = [row for row in moved if row["percent_change"] < 0]
    told = {"gainers": gainers[:top], "losers": losers[:top], "market_type": sort, "last_updated": _now(market)}
    return msgspec.json.encode(told)


def _days(market: Market, spans: Spans, *, crypto: bool) -> list[tuple[Bar | None, Bar]]:
    """The day before (``None`` where nobody knows) and today of each stock or pair that has traded today."""
    now_ns = market.clock.now_ns()
    found: list[tuple[Bar | None, Bar]] = []
    for symbol in market.past.symbols(Kind.BARS):
        if is_crypto(symbol) == crypto and symbol != TEST_SYMBOL and not is_contract(symbol):
            days = spans.bars(symbol, DAY, now_ns - DAYS_BACK * DAY_NS, now_ns)
            if days and days[-1].ts_ns == day_start_ns(symbol, now_ns):
                found.append((days[-2] if len(days) > 1 else None, days[-1]))
    return found


def _now(market: Market) -> str:
    return render_instant(market.clock.now_ns())
