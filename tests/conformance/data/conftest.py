"""For tests about market data: one vocabulary for events of ours and objects of the SDK, and a market in the quick."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import alpaca.data.models as sdk
import pytest

from engine.model.market import Bar, Book, Cancel, Correction, MarketEvent, News, Quote, Status, Trade
from engine.testing.exchange import Exchange
from engine.testing.live import open_live
from engine.testing.options import build_options

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
SEED = 3
"""Monday noon in New York, and a seed with which nothing interrupts AAPL for the rest of that day."""


def moment(ts_ns: int) -> datetime:
    """As the SDK has it: to the microsecond."""
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC) + timedelta(microseconds=ts_ns // 1000 % 1_000_000)


def told(event: MarketEvent) -> tuple[Any, ...]:
    """An event of ours in the terms in which it is compared."""
    at = (event.symbol, moment(event.ts_ns))
    match event:
        case Trade():
            return (*at, event.price, event.size, event.id, event.exchange or None, list(event.conditions))
        case Quote():
            return (*at, event.bid_price, event.bid_size, event.ask_price, event.ask_size)
        case Bar():
            return (*at, event.open, event.high, event.low, event.close, event.volume, event.trade_count, event.vwap)
        case Book():
            return (*at, list(event.bids), list(event.asks))
        case Status():
            return (*at, event.status_code, event.status_message, event.reason_code, event.reason_message, event.tape)
        case Correction():
            return (
                *at, event.exchange, event.original_id, event.original_price, event.original_size,
                event.corrected_id, event.corrected_price, event.corrected_size, event.tape,
            )  # fmt: skip
        case Cancel():
            return (*at, event.exchange, event.id, event.price, event.size, event.action, event.tape)
        case News():
            return (moment(event.ts_ns), event.id, event.headline, event.summary, event.content, list(event.symbols))
    raise AssertionError(f"nobody compares {event}")


def heard(row: Any) -> tuple[Any, ...]:
    """The same of an object of the SDK."""
    at = (getattr(row, "symbol", None), getattr(row, "timestamp", None))
    match row:
        case sdk.Trade():
            conditions = [row.conditions] if isinstance(row.conditions, str) else list(row.conditions or [])
            return (*at, row.price, row.size, row.id, code(row.exchange), conditions)
        case sdk.Quote():
            return (*at, row.bid_price, row.bid_size, row.ask_price, row.ask_size)
        case sdk.Bar():
            return (*at, row.open, row.high, row.low, row.close, row.volume, row.trade_count, row.vwap)
        case sdk.Orderbook():
            bids, asks = ([(level.price, level.size) for level in side] for side in (row.bids, row.asks))
            return (*at, bids, asks)
        case sdk.TradingStatus():
            return (*at, row.status_code, row.status_message, row.reason_code, row.reason_message, row.tape)
        case sdk.TradeCorrection():
            return (
                *at, code(row.exchange), row.original_id, row.original_price, row.original_size,
                row.corrected_id, row.corrected_price, row.corrected_size, row.tape,
            )  # fmt: skip
        case sdk.TradeCancel():
            return (*at, code(row.exchange), row.id, row.price, row.size, row.action, row.tape)
        case sdk.News():
            return (row.updated_at, row.id, row.headline, row.summary, row.content, sorted(row.symbols))
    raise AssertionError(f"nobody compares {row!r}")


def code(exchange: Any) -> Any:
    return getattr(exchange, "value", exchange)


@pytest.fixture(scope="session")
def terms() -> Any:
    """``told``, ``heard`` and ``moment``."""
    return SimpleNamespace(told=told, heard=heard, moment=moment)


@pytest.fixture(scope="module")
def market() -> Iterator[Exchange]:
    """A minute of market time in a second, so that bars, contracts and articles come soon."""
    symbols = ("AAPL", "BTC/USD", *(f"S{number:02d}" for number in range(30)))  # many have news every minute or two
    words: dict[str, Any] = {"symbols": symbols, "events_per_s": 50, "speed": 60, "start": NOON, "seed": SEED}
    with open_live(build_options(words)) as exchange:
        yield exchange
