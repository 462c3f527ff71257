"""A page of history is read whole or refused; its rows are events of the same shape as live ones."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.pages import parse_page, render_page, render_rows
from engine.codec.wire import Family
from engine.model.market import Bar, DailyBar, Kind, News, Quote, Status, Trade

RX = 9
NS = 1772461867123456789
MINUTE = 1772461860 * 10**9
AT = "2026-03-02T14:31:07.123456789Z"
TRADE = {"t": AT, "x": "V", "p": 201.125, "s": 40, "c": ["@", "I"], "i": 4021, "z": "C"}


def page(**parts: Any) -> bytes:
    return json.dumps(parts).encode()


def trade(symbol: str = "AAPL", **changes: Any) -> Trade:
    told: dict[str, Any] = {"id": 4021, "exchange": "V", "conditions": ("@", "I"), "tape": "C"} | changes
    return Trade(symbol, NS, 201.125, 40.0, received_ns=RX, origin="backfill", **told)


def test_a_page_of_several_symbols_is_read_in_its_order() -> None:
    body = page(trades={"AAPL": [TRADE, TRADE | {"u": "canceled"}], "SPY": [TRADE]}, next_page_token="QUFQTA==")
    rows = [trade(), trade(revision="canceled"), trade("SPY")]
    assert parse_page(Family.STOCKS, Kind.TRADES, body, RX) == (rows, "QUFQTA==")


def test_a_page_of_a_single_symbol_path_is_read() -> None:
    body = page(trades=[TRADE], symbol="AAPL", next_page_token=None)
    assert parse_page(Family.STOCKS, Kind.TRADES, body, RX) == ([trade()], None)


@pytest.mark.parametrize(
    "parts",
    [
        {"trades": {}, "next_page_token": None},
        {"trades": None, "next_page_token": None},
        {"trades": [], "symbol": "AAPL", "next_page_token": None},
        {"trades": None, "symbol": "AAPL", "next_page_token": None},
        {"trades": {"AAPL": None, "SPY": []}, "next_page_token": None},
        {"trades": {}},
        {"next_page_token": None},
        {"trades": {}, "next_page_token": "", "currency": "USD"},
    ],
)
def test_a_page_without_rows_is_empty(parts: dict[str, Any]) -> None:
    assert parse_page(Family.STOCKS, Kind.TRADES, page(**parts), RX) == ([], None)


def test_rows_of_every_family_are_read() -> None:
    quote = {"t": AT, "bx": "V", "bp": 1, "bs": 2, "ax": "Q", "ap": 3, "as": 4, "c": ["R"]}
    stocks = Quote("A", NS, 1.0, 2.0, 3.0, 4.0, "V", "Q", ("R",), "", 0, RX, "backfill")
    body = page(quotes={"A": [quote]}, next_page_token=None)
    assert parse_page(Family.STOCKS, Kind.QUOTES, body, RX) == ([stocks], None)
    crypto = {"t": AT, "p": 1.5, "s": 0.25, "i": 2**63 - 1, "tks": "S", "x": "CBSE"}
    expected = Trade("BTC/USD", NS, 1.5, 0.25, 2**63 - 1, taker_side="S", received_ns=RX, origin="backfill")
    body = page(trades={"BTC/USD": [crypto]}, next_page_token=None)
    assert parse_page(Family.CRYPTO, Kind.TRADES, body, RX) == ([expected], None)
    option = {"t": AT, "p": 1.5, "s": 2, "x": "C", "c": "I"}
    contract = Trade("SPY260320C00600000", NS, 1.5, 2.0, None, "C", ("I",), received_ns=RX, origin="backfill")
    body = page(trades={"SPY260320C00600000": [option]}, next_page_token=None)
    assert parse_page(Family.OPTIONS, Kind.TRADES, body, RX) == ([contract], None)


def test_bars_become_the_sort_of_bar_that_was_asked_for() -> None:
    body = page(bars={"A": [{"t": AT, "o": 1, "h": 2, "l": 0.5, "c": 1.5, "v": 7}]}, next_page_token=None)
    values: Any = ("A", NS, 1.0, 2.0, 0.5, 1.5, 7.0, 0, 0.0, RX, "backfill")
    assert parse_page(Family.STOCKS, Kind.BARS, body, RX)[0] == [Bar(*values)]
    assert parse_page(Family.CRYPTO, Kind.DAILY_BARS, body, RX)[0] == [DailyBar(*values)]


def test_a_list_of_news_is_read_and_its_images_are_ignored() -> None:
    row = {"id": 7, "headline": "H", "updated_at": AT, "symbols": ["A"], "url": None, "images": [{"size": "large"}]}
    body = page(news=[row | {"surprise": 1}], next_page_token="MTc3")
    expected = News("", NS, 7, "H", symbols=("A",), received_ns=RX, origin="backfill")
    assert parse_page(Family.NEWS, Kind.NEWS, body, RX) == ([expected], "MTc3")


def test_a_field_that_is_new_in_history_is_ignored() -> None:
    body = page(trades={"AAPL": [TRADE | {"surprise": {"deep": 1}}]}, next_page_token=None)
    assert parse_page(Family.STOCKS, Kind.TRADES, body, RX) == ([trade()], None)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            page(trades={"AAPL": [TRADE, TRADE | {"p": "x"}]}, next_page_token=None),
            r"Expected `float`, got `str`.*\[1\]\.p",
        ),
        (page(trades={"AAPL": [TRADE | {"t": "yesterday"}]}, next_page_token=None), "'yesterday'"),
        (page(trades=[TRADE], next_page_token=None), "no 'symbol' says whose"),
        (page(message="forbidden."), "neither 'trades' nor 'next_page_token' is in it"),
        (page(trades={"AAPL": [TRADE]}, next_page_token=None)[:-9], "truncated"),
        (b"<html>", "malformed"),
        (b"[]", "Expected `object`, got `array`"),
        (b"", "truncated"),
        (b"[" * 99_999, "this is not a page of trades of stocks"),
    ],
)
def test_a_page_that_cannot_be_read_whole_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        parse_page(Family.STOCKS, Kind.TRADES, body, RX)
    assert str(caught.value).startswith("this is not a page of trades of stocks: ")


@given(st.binary(max_size=100))
def test_arbitrary_bodies_are_read_or_refused_and_nothing_else(body: bytes) -> None:
    for kind in (Kind.TRADES, Kind.NEWS):
        with contextlib.suppress(ValueError):
            parse_page(Family.STOCKS, kind, body, RX)


@pytest.mark.parametrize("kind", [Kind.STATUSES, Kind.BOOKS])
def test_a_kind_without_history_is_refused(kind: Kind) -> None:
    with pytest.raises(ValueError, match=f"no history of {kind} is kept"):
        parse_page(Family.STOCKS, kind, b"{}", RX)
    with pytest.raises(ValueError, match=f"no history of {kind} is kept"):
        render_page(kind, Family.STOCKS, [], None)
    with pytest.raises(ValueError, match=f"no history of {kind} is kept"):
        render_rows(kind, Family.STOCKS, [Status("X", 0, "H")])


def test_rows_are_stream_messages_without_type_symbol_and_receive_time() -> None:
    event = trade(revision="corrected", venue_ns=NS)
    [row] = render_rows(Kind.TRADES, Family.STOCKS, [event])
    assert json.loads(json.dumps(row)) == TRADE | {"u": "corrected"}
    assert isinstance(row["s"], int)


def test_pages_have_the_shape_of_the_path_that_was_asked() -> None:
    several = json.loads(render_page(Kind.TRADES, Family.STOCKS, [trade("B"), trade("A"), trade("B")], "next"))
    assert several == {"trades": {"B": [TRADE, TRADE], "A": [TRADE]}, "next_page_token": "next"}
    single = json.loads(render_page(Kind.TRADES, Family.STOCKS, [], None, single_symbol="AAPL"))
    assert single == {"trades": [], "symbol": "AAPL", "next_page_token": None}
    bar = Bar("A", MINUTE, 1.0, 2.0, 0.5, 1.5, 7.0, 3, 1.25)
    bars = json.loads(render_page(Kind.BARS, Family.STOCKS, [bar], None))
    row = {"t": "2026-03-02T14:31:00Z", "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 7, "n": 3, "vw": 1.25}
    assert bars == {"bars": {"A": [row]}, "next_page_token": None}
    news = json.loads(render_page(Kind.NEWS, Family.NEWS, [News("", MINUTE, 7, "H")], None))
    assert [article["id"] for article in news["news"]] == [7]
