"""Law: every delivered event is one JSON line with all its fields, exactly as it was delivered."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import (
    Bar,
    Book,
    Cancel,
    Correction,
    DailyBar,
    Gap,
    Imbalance,
    Kind,
    Luld,
    MarketEvent,
    Misconfigured,
    News,
    Pricing,
    Quote,
    Status,
    Stream,
    Trade,
    UpdatedBar,
)  # fmt: skip
from strategies._channels import streams_of
from strategies.audit import render_lines

EVENTS: list[MarketEvent] = [
    Trade("SPY", 1, 2.5, 3.0, id=4, exchange="V", conditions=("@", "I"), seq=7),
    Quote("SPY", 1, 2.0, 3.0, 4.0, 5.0),
    Bar("SPY", 1, 1.0, 2.0, 0.5, 1.5, 10.0),
    UpdatedBar("SPY", 1, 1.0, 2.0, 0.5, 1.5, 10.0),
    DailyBar("SPY", 1, 1.0, 2.0, 0.5, 1.5, 10.0),
    Status("SPY", 1, "H"),
    Luld("SPY", 1, 2.0, 1.0),
    Correction("SPY", 1, "V", 1, 2.0, 3.0, 4, 5.0, 6.0),
    Cancel("SPY", 1, "V", 1, 2.0, 3.0),
    Imbalance("SPY", 1, 2.0),
    Book("BTC/USD", 1, ((1.0, 2.0),), ((3.0, 4.0),)),
    Pricing("BTC-PERP", 1, 1.0, 2.0, 3.0, 4.0),
    News("", 1, 5, 'a "headline"\nof two lines'),
]
NAMES = [
    "trade", "quote", "bar", "updated_bar", "daily_bar", "status", "luld", "correction", "cancel", "imbalance",
    "book", "pricing", "news",
]  # fmt: skip


def test_every_kind_of_event_has_its_type_and_all_its_fields() -> None:
    lines = [json.loads(line) for line in render_lines(EVENTS, 99).splitlines()]
    assert [line["type"] for line in lines] == NAMES
    for line, event in zip(lines, EVENTS, strict=True):
        assert set(line) == {"type", "delivered_ns", *event.__struct_fields__}
        assert line["delivered_ns"] == 99


def test_a_gap_is_a_line_with_its_span_and_cause() -> None:
    gap = Gap("iex", Stream(Kind.QUOTES, "SPY"), 5, 9, "history_refused", 11, recovered=3)
    (line,) = (json.loads(text) for text in render_lines([gap], 12).splitlines())
    assert (line["type"], line["channel"], line["symbol"], line["start_ns"], line["end_ns"]) == (
        "gap",
        "quotes",
        "SPY",
        5,
        9,
    )
    assert line["count"] is None


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**63 - 1), st.text())
def test_numbers_and_text_come_back_exactly(price: float, number: int, text: str) -> None:
    trade = Trade(text, number, price, 1.0, id=number, conditions=(text,))
    (line,) = render_lines([trade], 1).splitlines() if "\n" not in text else [render_lines([trade], 1)]
    told = msgspec.json.decode(line)
    assert (told["price"], told["id"], told["ts_ns"], told["symbol"]) == (price, number, number, text)


def test_channels_are_known_by_the_names_of_the_venue_too() -> None:
    streams = streams_of(["SPY"], ["updatedBars", "daily_bars", "cancelErrors", "orderbooks", "trades", "TRADES"])
    assert [stream.kind for stream in streams] == [
        Kind.UPDATED_BARS, Kind.DAILY_BARS, Kind.CANCELS, Kind.BOOKS, Kind.TRADES,
    ]  # fmt: skip


@pytest.mark.parametrize(("symbols", "channels"), [([], ["trades"]), (["SPY"], []), (["SPY"], ["tradez"])])
def test_what_names_no_stream_is_refused(symbols: list[str], channels: list[str]) -> None:
    with pytest.raises(Misconfigured):
        streams_of(symbols, channels)
