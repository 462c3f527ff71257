"""Pages put together are the whole, whatever ties and twins there are and wherever a page ends."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.rest.tokens import Keyset, encode_token, parse_token
from engine.model.instant import parse_instant
from engine.model.market import Bar, MarketEvent, Quote, Trade

AT = parse_instant("2026-03-02T14:31:07.123456789Z")


@pytest.mark.parametrize(
    ("row", "descending", "text"),
    [
        (Trade("AAPL", AT, 1.0, 1.0, 4021, "V"), False, "AAPL|2026-03-02T14:31:07.123456789Z|V|09223372036854779829"),
        (Trade("BTC/USD", AT, 1.0, 1.0, 7), False, "BTC/USD|2026-03-02T14:31:07.123456789Z|09223372036854775815"),
        (
            Quote("AAPL", 5, 1.5, 100.0, 2.5, 200.0, "V", "Q", ("R",)),
            False,
            "AAPL|5|V|1.5|100.0|Q|2.5|200.0|R",
        ),
        (Quote("BTC/USD", 5, 1.5, 0.1, 2.5, 0.2), True, "BTC/USD|9223372036854775802|1.5|0.1|2.5|0.2"),
        (Bar("AAPL", 1772461860000000000, 1, 1, 1, 1, 1), False, "AAPL|M|1772461860000000000"),
        (Bar("AAPL", 1772461860000000000, 1, 1, 1, 1, 1), True, "AAPL|M|7450910176854775807"),
        (Trade("AAPL260320C00200000", 5, 1.0, 1.0, None, "C"), False, "AAPL260320C00200000|5|C"),
        (Trade("AAPL260320C00200000", 5, 1.0, 1.0, None, "C"), True, "AAPL260320C00200000|5|C"),
    ],
)
def test_tokens_have_the_venues_shape(row: MarketEvent, descending: bool, text: str) -> None:
    token = Keyset(descending).render(row)
    assert base64.b64decode(token).decode() == text
    assert parse_token(token) == tuple(text.split("|", 1))


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "####",
        "QUFQTA",
        encode_token("AAPL"),
        encode_token("|x"),
        encode_token("AAPL|"),
        "/////w==",
        "A" * 600,
        "٣",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="invalid page_token"):
        parse_token(token)


@pytest.mark.parametrize("key", ["yesterday", "M|", "", "1e5", "-5|", "٣"])
def test_a_key_of_something_else_is_refused(key: str) -> None:
    for row in (Quote("A", 1, 1, 1, 1, 1), Bar("A", 1, 1, 1, 1, 1, 1), Trade("A", 1, 1.0, 1.0)):
        with pytest.raises(ValueError, match=r"invalid page_token|RFC 3339"):
            Keyset().resume([row], key)


few = st.integers(0, 3)
ones = st.just(1.0)
prices = st.sampled_from([1.0, 2.0])
rows_of: dict[str, st.SearchStrategy[Any]] = {
    "trades": st.lists(st.builds(Trade, st.just("A"), few, ones, ones, st.integers(1, 2), st.sampled_from("VD"))),
    "quotes": st.lists(st.builds(Quote, st.just("A"), few, prices, ones, st.just(3.0), ones)),
    "crypto": st.lists(st.builds(Quote, st.just("A/B"), few, prices, ones, st.just(3.0), ones)),
    "options": st.lists(
        st.builds(Trade, st.just("A260320C00200000"), few, prices, ones, st.none(), st.sampled_from("CX"))
    ),
    "bars": st.lists(st.builds(Bar, st.just("A"), st.integers(0, 9), *[ones] * 5), unique_by=lambda bar: bar.ts_ns),
}


@given(st.data(), st.sampled_from(sorted(rows_of)), st.integers(1, 7), st.booleans())
def test_pages_put_together_are_the_whole(data: st.DataObject, kind: str, limit: int, descending: bool) -> None:
    drawn: list[MarketEvent] = data.draw(rows_of[kind])
    rows = sorted(drawn, key=lambda row: row.ts_ns, reverse=descending)
    pages: list[list[MarketEvent]] = []
    keyset = Keyset(descending)
    first = 0
    while first < len(rows):
        behind = keyset.cut_page(rows, first, limit)
        assert behind > first
        pages.append(rows[first:behind])
        if behind < len(rows):
            first = keyset.resume(rows, parse_token(keyset.render(rows[behind - 1]))[1])
            assert first == behind
        else:
            first = behind
    assert [row for page in pages for row in page] == rows


def test_a_page_is_longer_only_where_it_would_be_empty() -> None:
    twin = Quote("A", 1, 1.0, 1.0, 2.0, 1.0)
    rows = [Quote("A", 0, 1.0, 1.0, 2.0, 1.0), *[twin] * 5, Quote("A", 2, 1.0, 1.0, 2.0, 1.0)]
    assert Keyset().cut_page(rows, 0, 3) == 1
    assert Keyset().cut_page(rows, 1, 3) == 6
    assert Keyset().cut_page(rows, 1, 6) == 7


def test_a_row_that_is_gone_resumes_at_its_instant() -> None:
    rows = [Trade("A", ts_ns, 1.0, 1.0, ts_ns, "V") for ts_ns in (1, 2, 2, 3)]
    gone = parse_token(Keyset().render(Trade("A", 2, 1.0, 1.0, 99, "V")))[1]
    assert Keyset().resume(rows, gone) == 1
    assert Keyset(descending=True).resume(rows[::-1], gone) == 1
    assert Keyset().resume([], gone) == 0
