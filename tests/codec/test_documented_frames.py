"""Every frame that Alpaca's documentation shows is read whole in both encodings: nothing malformed or unknown."""

import json
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it publishes no types
import pytest

from engine.codec.decode import Control, MarketDecoder
from engine.codec.wire import Encoding, Family
from engine.model.instant import parse_instant
from engine.model.market import Bar, DailyBar, Kind, MarketEvent, News, Quote, Status, Trade
from engine.model.stream import Stream

RECEIVED_NS = 5


@pytest.fixture(scope="module")
def documented(root: Path) -> list[dict[str, Any]]:
    path = root.parent / "shared" / "data" / "alpaca_doc_frames.jsonl"
    if not path.exists():
        pytest.skip(f"the documented frames are not at {path}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def family_of(record: dict[str, Any]) -> Family:
    path = record.get("path", "")
    return Family.CRYPTO if "crypto" in path else Family.NEWS if "news" in path else Family.STOCKS


def packed(frame: list[dict[str, Any]]) -> bytes:
    """The frame as MessagePack would carry it: the same but for the instants."""
    binary: bytes = msgpack.packb(
        [
            {
                key: msgpack.Timestamp(*divmod(parse_instant(value), 10**9))
                if key in {"t", "created_at", "updated_at"}
                else value
                for key, value in message.items()
            }
            for message in frame
        ]
    )
    return binary


def frame_at(documented: list[dict[str, Any]], area: str, line: int) -> tuple[list[MarketEvent], list[Any]]:
    [record] = [each for each in documented if each.get("line") == line and area in each.get("path", "")]
    return MarketDecoder(family_of(record), Encoding.JSON).decode(json.dumps(record["frame"]), RECEIVED_NS)


def test_no_documented_frame_surprises_the_decoder(documented: list[dict[str, Any]]) -> None:
    assert len(documented) > 20
    for record in documented:
        family = family_of(record)
        decoder = MarketDecoder(family, Encoding.JSON)
        events, others = decoder.decode(json.dumps(record["frame"]), RECEIVED_NS)
        assert len(events) + len(others) == decoder.counts.messages == len(record["frame"])
        assert all(isinstance(other, Control) for other in others)
        assert not decoder.counts.unknown_types
        assert not decoder.counts.unknown_fields
        in_msgpack = MarketDecoder(family, Encoding.MSGPACK).decode(packed(record["frame"]), RECEIVED_NS)
        assert in_msgpack == (events, others)


def test_the_documented_trade_is_read_whole(documented: list[dict[str, Any]]) -> None:
    assert frame_at(documented, "stock", 489) == (
        [
            Trade(
                "AAPL", parse_instant("2021-02-22T15:51:44.208Z"), 126.55, 1.0, 96921, "D", ("@", "I"), "C",
                received_ns=RECEIVED_NS,
            )
        ],
        [],
    )  # fmt: skip


def test_the_documented_frame_of_three_quotes_is_read_whole(documented: list[dict[str, Any]]) -> None:
    expected = [
        Quote("AMD", parse_instant(at), 87.66, 1.0, ask, size, "U", exchange, ("R",), "C", received_ns=RECEIVED_NS)
        for at, ask, size, exchange in [
            ("2021-02-22T15:51:45.3355677Z", 87.67, 1.0, "X"),
            ("2021-02-22T15:51:45.335689322Z", 87.68, 4.0, "Q"),
            ("2021-02-22T15:51:45.335806018Z", 87.67, 1.0, "X"),
        ]
    ]
    assert frame_at(documented, "stock", 490) == (expected, [])


def test_the_documented_bars_are_read_whole_though_they_lack_count_and_vwap(documented: list[dict[str, Any]]) -> None:
    minute, day = parse_instant("2021-02-22T19:15:00Z"), parse_instant("2021-02-16T04:00:00Z")
    ohlc = (388.985, 389.13, 388.975, 389.12)
    assert frame_at(documented, "stock", 313)[0] == [Bar("SPY", minute, *ohlc, 49378.0, 0, 0.0, RECEIVED_NS)]
    assert frame_at(documented, "stock", 343)[0] == [DailyBar("SPY", day, *ohlc, 749378.0, 0, 0.0, RECEIVED_NS)]


def test_the_documented_halt_is_read_whole(documented: list[dict[str, Any]]) -> None:
    message = "Trading Halted; For information requested by NASDAQ"
    at = parse_instant("2021-02-22T19:15:00Z")
    assert frame_at(documented, "stock", 374)[0] == [
        Status("AAPL", at, "H", "Trading Halt", "T12", message, "C", RECEIVED_NS)
    ]


def test_the_documented_article_belongs_to_its_symbols(documented: list[dict[str, Any]]) -> None:
    [article] = frame_at(documented, "news", 45)[0]
    assert isinstance(article, News)
    assert (article.id, article.symbol, article.symbols, article.source) == (24918784, "", ("CRSR",), "benzinga")
    assert article.created_ns == parse_instant("2022-01-05T22:00:37Z")
    assert article.ts_ns == article.created_ns + 10**9


def test_the_documented_acknowledgements_list_the_whole_set(documented: list[dict[str, Any]]) -> None:
    assert frame_at(documented, "stock", 225)[1] == [
        Control(
            "subscription",
            subscribed=frozenset(
                {Stream(Kind.TRADES, "AAPL"), Stream(Kind.QUOTES, "AMD"), Stream(Kind.QUOTES, "CLDR")}
            ),
        )
    ]
    assert frame_at(documented, "crypto", 244)[1] == [
        Control(
            "subscription",
            subscribed=frozenset(
                {
                    Stream(Kind.TRADES, "BTC/USD"),
                    Stream(Kind.QUOTES, "BTC/USD"),
                    Stream(Kind.QUOTES, "LTC/USD"),
                    Stream(Kind.BARS, "*"),
                    Stream(Kind.BOOKS, "ETH/BTC"),
                }
            ),
        )
    ]
