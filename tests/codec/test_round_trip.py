"""What one side renders the other decodes to the same event, in both encodings: every type, nanosecond and id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from engine.codec.decode import MarketDecoder
from engine.codec.pages import parse_page, render_page
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

instants = st.integers(min_value=-2_208_988_800 * 10**9, max_value=7_258_118_399 * 10**9)
told = st.just(0) | st.integers(min_value=0, max_value=7_258_118_399 * 10**9)
ids = st.integers(min_value=0, max_value=2**64 - 1) | st.sampled_from([2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1])
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
symbols = st.sampled_from(["AAPL", "BRK.B", "BTC/USD", "SPY260320C00600000"]) | text
prices = st.floats(allow_nan=False, allow_infinity=False)
sizes = st.integers(min_value=0, max_value=2**40).map(float) | st.floats(min_value=0, allow_infinity=False)
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


def from_history(events: st.SearchStrategy[MarketEvent]) -> st.SearchStrategy[MarketEvent]:
    """The same events as history tells them: without the venue's receive time."""
    return events.map(
        lambda event: structs.replace(
            event, origin="backfill", **({"venue_ns": 0} if isinstance(event, Trade | Quote) else {})
        )
    )


all_bars = bars(Bar) | bars(UpdatedBar) | bars(DailyBar)
stock_trades = trades(id=st.none() | ids, exchange=text, conditions=conditions, tape=text)
stock_quotes = quotes(bid_exchange=text, ask_exchange=text, conditions=conditions, tape=text)
crypto_trades = trades(id=st.none() | ids, taker_side=st.sampled_from(["B", "S", ""]))
crypto_quotes = quotes()
option_trades = trades(exchange=text, conditions=condition)
option_quotes = quotes(bid_exchange=text, ask_exchange=text, conditions=condition)
articles = st.builds(News, none, instants, ids, text, text, text, text, text, told, conditions, text, rx)
EVENTS: dict[Family, st.SearchStrategy[MarketEvent]] = {
    Family.STOCKS: st.one_of(
        stock_trades,
        stock_quotes,
        all_bars,
        st.builds(Status, symbols, instants, text, text, text, text, text, rx),
        st.builds(Luld, symbols, instants, prices, prices, text, text, rx),
        st.builds(
            Correction,
            *(symbols, instants, text, ids, prices, sizes, ids, prices, sizes, conditions, conditions, text, rx),
        ),
        st.builds(Cancel, symbols, instants, text, ids, prices, sizes, text, text, rx),
        st.builds(Imbalance, symbols, instants, prices, text, rx),
    ),
    Family.CRYPTO: st.one_of(
        crypto_trades,
        crypto_quotes,
        all_bars,
        st.builds(Book, symbols, instants, levels, levels, st.booleans(), rx),
        st.builds(Pricing, symbols, instants, prices, prices, prices, prices, told, text, rx),
    ),
    Family.OPTIONS: option_trades | option_quotes,
    Family.NEWS: articles,
}
revisions = st.sampled_from(["", "canceled", "incorrect", "corrected"])
HISTORY: dict[tuple[Family, Kind], st.SearchStrategy[MarketEvent]] = {
    (Family.STOCKS, Kind.TRADES): st.builds(
        structs.replace, stock_trades, revision=revisions, origin=st.just("backfill"), venue_ns=st.just(0)
    ),
    (Family.STOCKS, Kind.QUOTES): from_history(stock_quotes),
    (Family.STOCKS, Kind.BARS): from_history(bars(Bar)),
    (Family.STOCKS, Kind.DAILY_BARS): from_history(bars(DailyBar)),
    (Family.STOCKS, Kind.UPDATED_BARS): from_history(bars(UpdatedBar)),
    (Family.CRYPTO, Kind.TRADES): from_history(crypto_trades),
    (Family.CRYPTO, Kind.QUOTES): from_history(crypto_quotes),
    (Family.CRYPTO, Kind.BARS): from_history(bars(Bar)),
    (Family.OPTIONS, Kind.TRADES): from_history(option_trades),
    (Family.OPTIONS, Kind.QUOTES): from_history(option_quotes),
    (Family.NEWS, Kind.NEWS): from_history(articles),
}
frames = st.sampled_from(Family).flatmap(
    lambda family: st.tuples(st.just(family), st.lists(EVENTS[family], max_size=5))
)


@pytest.mark.parametrize("encoding", Encoding)
@given(frames)
def test_a_frame_of_any_mix_of_events_comes_back_equal(
    encoding: Encoding, frame: tuple[Family, list[MarketEvent]]
) -> None:
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


@pytest.mark.parametrize(("family", "kind"), HISTORY)
@given(st.data(), st.none() | st.just("QUFQTHwx"))
def test_rows_of_history_come_back_equal_from_a_page(
    family: Family, kind: Kind, data: st.DataObject, token: str | None
) -> None:
    rows = data.draw(st.lists(HISTORY[family, kind], max_size=5))
    gathered = [row for symbol in dict.fromkeys(row.symbol for row in rows) for row in rows if row.symbol == symbol]
    assert parse_page(family, kind, render_page(kind, family, rows, token), RECEIVED_NS) == (gathered, token)


@pytest.mark.parametrize(("family", "kind"), HISTORY)
@given(st.data())
def test_rows_of_one_symbol_come_back_equal_from_its_own_page(family: Family, kind: Kind, data: st.DataObject) -> None:
    symbol = "" if kind is Kind.NEWS else "BTC/USD"
    rows = [structs.replace(row, symbol=symbol) for row in data.draw(st.lists(HISTORY[family, kind], max_size=5))]
    page = render_page(kind, family, rows, None, single_symbol="BTC/USD")
    assert parse_page(family, kind, page, RECEIVED_NS) == (rows, None)
