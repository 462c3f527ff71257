"""What one side renders the other decodes to the same event, in both encodings: every type, every nanosecond, every id."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.decode import MarketDecoder
from engine.codec.pages import PAGE_KEYS, parse_page, render_page
from engine.codec.render import render_frame
from engine.codec.wire import Encoding, Family
from engine.model.market import (
    Bar,
    Book,
    Cancel,
    Correction,
    DailyBar,
    Imbalance,
    Kind,
    Luld,
    MarketEvent,
    News,
    Pricing,
    Quote,
    Status,
    Trade,
    UpdatedBar,
)

RECEIVED_NS = 1772461868000000001

# Zero means "not told" in optional instants, so those start at one.
instants = st.integers(min_value=-2_208_988_800 * 10**9, max_value=7_258_118_399 * 10**9)
told = st.integers(min_value=0, max_value=7_258_118_399 * 10**9)
ids = st.integers(min_value=0, max_value=2**64 - 1) | st.sampled_from([2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1])
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
symbols = st.sampled_from(["AAPL", "BRK.B", "BTC/USD", "SPY260320C00600000"]) | text
prices = st.floats(allow_nan=False, allow_infinity=False)
sizes = st.integers(min_value=0, max_value=2**40).map(float) | st.floats(min_value=0, max_value=1e12)
conditions = st.lists(text, max_size=3).map(tuple)
condition = st.just(()) | text.filter(bool).map(lambda only: (only,))
levels = st.lists(st.tuples(prices, sizes), max_size=3).map(tuple)
rx = st.just(RECEIVED_NS)
none = st.just("")


def trades(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[MarketEvent]:
    return st.builds(Trade, symbols, instants, prices, sizes, venue_ns=told, received_ns=rx, **fields)


def quotes(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[MarketEvent]:
    return st.builds(Quote, symbols, instants, prices, sizes, prices, sizes, venue_ns=told, received_ns=rx, **fields)


def bars(cls: type[Bar]) -> st.SearchStrategy[MarketEvent]:
    return st.builds(cls, symbols, instants, prices, prices, prices, prices, sizes, ids, prices, rx)


all_bars = bars(Bar) | bars(UpdatedBar) | bars(DailyBar)
EVENTS: dict[Family, st.SearchStrategy[MarketEvent]] = {
    Family.STOCKS: st.one_of(
        trades(id=st.none() | ids, exchange=text, conditions=conditions, tape=text),
        quotes(bid_exchange=text, ask_exchange=text, conditions=conditions, tape=text),
        all_bars,
        st.builds(Status, symbols, instants, text, text, text, text, text, rx),
        st.builds(Luld, symbols, instants, prices, prices, text, text, rx),
        st.builds(
            Correction, symbols, instants, text, ids, prices, sizes, ids, prices, sizes, conditions, conditions, text, rx
        ),
        st.builds(Cancel, symbols, instants, text, ids, prices, sizes, text, text, rx),
        st.builds(Imbalance, symbols, instants, prices, text, rx),
    ),
    Family.CRYPTO: st.one_of(
        trades(id=st.none() | ids, taker_side=st.sampled_from(["B", "S", ""])),
        quotes(),
        all_bars,
        st.builds(Book, symbols, instants, levels, levels, st.booleans(), rx),
        st.builds(Pricing, symbols, instants, prices, prices, prices, prices, told, text, rx),
    ),
    Family.OPTIONS: st.one_of(
        trades(exchange=text, conditions=condition),
        quotes(bid_exchange=text, ask_exchange=text, conditions=condition),
    ),
    Family.NEWS: st.builds(
        News, none, instants, ids, text, text, text, text, text, told, conditions, text, rx
    ),
}  # fmt: skip
frames = st.sampled_from(Family).flatmap(
    lambda family: st.tuples(st.just(family), st.lists(EVENTS[family], max_size=5))
)


@pytest.mark.parametrize("encoding", Encoding)
@given(frames)
def test_a_frame_of_any_mix_of_events_comes_back_equal(encoding: Encoding, frame: tuple[Family, list[MarketEvent]]) -> None:
    family, events = frame
    decoder = MarketDecoder(family, encoding)
    assert decoder.decode(render_frame(events, encoding, family), RECEIVED_NS) == (events, [])
    assert decoder.counts.messages == len(events)
    assert not decoder.counts.unknown_fields
    assert not decoder.counts.unknown_types


@given(frames)
def test_a_decoder_asked_for_one_encoding_reads_the_other(frame: tuple[Family, list[MarketEvent]]) -> None:
    family, events = frame
    for asked, sent in ((Encoding.JSON, Encoding.MSGPACK), (Encoding.MSGPACK, Encoding.JSON)):
        decoder = MarketDecoder(family, asked)
        for _ in range(2):
            assert decoder.decode(render_frame(events, sent, family), RECEIVED_NS) == (events, [])


@given(frames)
def test_json_means_the_same_as_text_and_as_bytes(frame: tuple[Family, list[MarketEvent]]) -> None:
    family, events = frame
    rendered = render_frame(events, Encoding.JSON, family)
    assert isinstance(rendered, str)
    assert MarketDecoder(family, Encoding.JSON).decode(rendered.encode(), RECEIVED_NS) == (events, [])


@given(st.lists(frames.map(lambda frame: frame[1]), max_size=4).map(lambda lists: [e for each in lists for e in each]))
def test_events_of_each_history_come_back_from_a_page(events: list[MarketEvent]) -> None:
    for kind in PAGE_KEYS:
        for family in Family:
            rows = [_kept_by_history(event, family) for event in events if event.kind is kind and _sayable(event, family)]
            page = render_page(kind, family, rows, "next")
            by_symbol = {event.symbol: None for event in rows}
            expected = [event for symbol in by_symbol for event in rows if event.symbol == symbol]
            assert parse_page(family, kind, page, RECEIVED_NS) == (expected, "next")


def _sayable(event: MarketEvent, family: Family) -> bool:
    if family is Family.NEWS or isinstance(event, News):
        return family is Family.NEWS and isinstance(event, News)
    if isinstance(event, Trade | Quote):
        return math.isfinite(event.ts_ns)
    return family is not Family.OPTIONS


def _kept_by_history(event: MarketEvent, family: Family) -> MarketEvent:
    """The event as its family's history can say it."""
    import msgspec

    changes: dict[str, object] = {"origin": "backfill"}
    if isinstance(event, Trade | Quote):
        changes["venue_ns"] = 0
    return msgspec.structs.replace(event, **changes)
