"""A bad message is named with its path and its neighbours survive; what is merely new is counted and lived with."""

import json
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it publishes no types
import pytest

from engine.codec.decode import SAMPLE_EVERY, SURPRISES_MAX, Malformed, MarketDecoder
from engine.codec.wire import Encoding, Family
from engine.model.market import MarketEvent, Trade

RX = 7
AT = "2026-03-02T14:31:07.123456789Z"
NS = 1772461867123456789
STAMP = msgpack.Timestamp(1772461867, 123456789)


def trade(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "T": "t",
        "S": "AAPL",
        "i": number,
        "x": "V",
        "p": 201.125,
        "s": 40,
        "c": ["@"],
        "t": AT,
        "z": "C",
    } | changes


def event(number: int) -> Trade:
    return Trade("AAPL", NS, 201.125, 40.0, number, "V", ("@",), "C", received_ns=RX)


def both(messages: Any) -> list[tuple[MarketDecoder, bytes | str]]:
    """The same frame in each encoding with a decoder for it."""
    stamped = [
        {key: STAMP if value == AT else value for key, value in each.items()} if isinstance(each, dict) else each
        for each in messages
    ]
    return [
        (MarketDecoder(Family.STOCKS, Encoding.JSON), json.dumps(messages)),
        (MarketDecoder(Family.STOCKS, Encoding.MSGPACK), msgpack.packb(stamped)),
    ]


@pytest.mark.parametrize(
    ("bad", "path", "reason"),
    [
        (trade(3, p="201"), "$[3].p", "Expected `float`, got `str`"),
        (trade(3, i=1.5), "$[3].i", "Expected `int | null`, got `float`"),
        (trade(3, c=["@", 5]), "$[3].c[1]", "Expected `str`, got `int`"),
        (trade(3, p=None), "$[3].p", "Object missing required field `p`"),
        ({"T": "t", "S": "AAPL", "p": 1, "s": 1}, "$[3].t", "Object missing required field `t`"),
        (trade(3, T=5), "$[3].T", "Expected `str`, got `int`"),
        ({"S": "AAPL"}, "$[3]", "has no T, so its type is not known"),
        (5, "$[3]", "Expected `object`, got `int`"),
        ([1], "$[3]", "Expected `object`, got `array`"),
        ({"T": "error", "code": "406"}, "$[3].code", "Expected `int | null`, got `str`"),
        ({"T": "subscription", "trades": ["A", 5]}, "$[3].trades[1]", "Expected `str`, got `int`"),
        (trade(3, new=1, p="201"), "$[3].p", "Expected `float`, got `str`"),
    ],
)
def test_a_malformed_message_has_its_path_and_its_neighbours_survive(bad: Any, path: str, reason: str) -> None:
    for decoder, frame in both([trade(0), trade(1), trade(2), bad, trade(4)]):
        events, others = decoder.decode(frame, RX)
        assert events == [event(0), event(1), event(2), event(4)]
        [malformed] = others
        assert isinstance(malformed, Malformed)
        assert (malformed.path, malformed.reason) == (path, reason)
        assert (decoder.counts.messages, decoder.counts.malformed) == (5, 1)


@pytest.mark.parametrize("text", ["yesterday", "", "2026-02-30T00:00:00.5Z", "2026-03-02T14:31:07.1_2Z"])
def test_a_bad_instant_has_its_path(text: str) -> None:
    decoder = MarketDecoder(Family.STOCKS, Encoding.JSON)
    events, [malformed] = decoder.decode(json.dumps([trade(0), trade(1, t=text), trade(2)]), RX)
    assert events == [event(0), event(2)]
    assert isinstance(malformed, Malformed)
    assert malformed.path == "$[1].t"


@pytest.mark.parametrize("ext", [msgpack.ExtType(5, b"12345678"), msgpack.ExtType(127, b"1"), 1772461867, AT])
def test_an_instant_that_is_no_timestamp_extension_has_its_path(ext: Any) -> None:
    frame = msgpack.packb([trade(0, t=STAMP), trade(1, t=ext), trade(2, t=STAMP)])
    events, [malformed] = MarketDecoder(Family.STOCKS, Encoding.MSGPACK).decode(frame, RX)
    assert events == [event(0), event(2)]
    assert isinstance(malformed, Malformed)
    assert malformed.path == "$[1].t"


def test_a_bad_receive_time_is_malformed_too() -> None:
    frame = json.dumps([trade(0), trade(1, r="yesterday")])
    events, [malformed] = MarketDecoder(Family.STOCKS, Encoding.JSON).decode(frame, RX)
    assert events == [event(0)]
    assert isinstance(malformed, Malformed)
    assert malformed.path == "$[1]"
    assert "'yesterday'" in malformed.reason


def test_a_bare_message_is_at_the_root_of_its_frame() -> None:
    [malformed] = MarketDecoder(Family.STOCKS, Encoding.JSON).decode(json.dumps(trade(0, p="x")), RX)[1]
    assert isinstance(malformed, Malformed)
    assert malformed.path == "$.p"


def test_a_truncated_frame_is_one_malformed_frame() -> None:
    for encoding_at, (decoder, frame) in enumerate(both([trade(0), trade(1)])):
        whole = frame.encode() if isinstance(frame, str) else frame
        for length in range(1, len(whole)):
            part: bytes | str = whole[:length].decode() if encoding_at == 0 else whole[:length]
            events, [malformed] = decoder.decode(part, RX)
            assert not events
            assert isinstance(malformed, Malformed)
            assert malformed.path == "$"
        assert decoder.counts.malformed == len(whole) - 1
        assert decoder.counts.messages == 0


def test_an_excerpt_shows_the_message_and_is_short() -> None:
    for decoder, frame in both([trade(0, p="wrong" * 1000)]):
        [malformed] = decoder.decode(frame, RX)[1]
        assert isinstance(malformed, Malformed)
        assert "AAPL" in malformed.excerpt
        assert len(malformed.excerpt) == 200


def test_an_unknown_type_is_counted_and_skipped() -> None:
    for decoder, frame in both([trade(0), {"T": "zz", "S": "AAPL"}, trade(1), {"T": "zz"}]):
        assert decoder.decode(frame, RX) == ([event(0), event(1)], [])
        assert decoder.counts.unknown_types == {"zz": 2}
        assert decoder.counts.messages == 4


def test_an_unknown_field_is_counted_and_its_message_is_read() -> None:
    for decoder, frame in both([trade(0, new={"deep": [1]}), trade(1), {"T": "i", "S": "X", "p": 1, "t": AT, "o": 2}]):
        events, others = decoder.decode(frame, RX)
        assert events[:2] == [event(0), event(1)]
        assert len(events) == 3
        assert not others
        assert decoder.counts.unknown_fields == {"t.new": 1, "i.o": 1}


def test_a_type_of_another_family_is_unknown() -> None:
    decoder = MarketDecoder(Family.OPTIONS, Encoding.JSON)
    assert decoder.decode('[{"T":"b","S":"X"}]', RX) == ([], [])
    assert decoder.counts.unknown_types == {"b": 1}


def test_a_peer_that_invents_names_does_not_fill_memory() -> None:
    decoder = MarketDecoder(Family.STOCKS, Encoding.JSON)
    for number in range(3000):
        decoder.decode(json.dumps([{"T": f"{number}" * 50}]), RX)
    assert len(decoder.counts.unknown_types) <= 501
    assert decoder.counts.unknown_types.total() == 3000
    assert max(map(len, decoder.counts.unknown_types)) <= 40


def test_a_field_that_is_there_to_stay_is_tolerated_and_sampled() -> None:
    for decoder, frame in both([trade(0, new=1), trade(1)]):
        for _ in range(SURPRISES_MAX):
            assert decoder.decode(frame, RX) == ([event(0), event(1)], [])
        assert decoder.counts.unknown_fields == {"t.new": SURPRISES_MAX}
        for _ in range(10 * SAMPLE_EVERY):
            assert decoder.decode(frame, RX) == ([event(0), event(1)], [])
        assert decoder.counts.unknown_fields == {"t.new": SURPRISES_MAX + 10}
        assert decoder.counts.messages == 2 * (SURPRISES_MAX + 10 * SAMPLE_EVERY)


@pytest.mark.parametrize("family", Family)
def test_a_tolerant_decoder_reads_every_type_as_a_strict_one_does(family: Family) -> None:
    messages: dict[Family, list[dict[str, Any]]] = {
        Family.STOCKS: [
            trade(0),
            {"T": "q", "S": "X", "bp": 1, "bs": 2, "ap": 3, "as": 4, "t": AT},
            *({"T": T, "S": "X", "o": 1, "h": 2, "l": 1, "c": 2, "v": 5, "t": AT} for T in "bud"),
            {"T": "s", "S": "X", "sc": "H", "t": AT},
            {"T": "l", "S": "X", "u": 1, "d": 2, "t": AT},
            {"T": "c", "S": "X", "oi": 1, "op": 1, "os": 1, "ci": 2, "cp": 1, "cs": 1, "t": AT},
            {"T": "x", "S": "X", "i": 1, "p": 1, "s": 1, "t": AT},
            {"T": "i", "S": "X", "p": 1, "t": AT},
        ],
        Family.CRYPTO: [
            {"T": "t", "S": "X", "p": 1, "s": 2, "t": AT},
            {"T": "q", "S": "X", "bp": 1, "bs": 2, "ap": 3, "as": 4, "t": AT},
            {"T": "b", "S": "X", "o": 1, "h": 2, "l": 1, "c": 2, "v": 5, "t": AT},
            {"T": "o", "S": "X", "b": [{"p": 1, "s": 2}], "t": AT},
            {"T": "p", "S": "X", "ip": 1, "mp": 1, "fr": 1, "oi": 1, "t": AT},
        ],
        Family.OPTIONS: [
            {"T": "t", "S": "X", "p": 1, "s": 2, "t": AT},
            {"T": "q", "S": "X", "bp": 1, "bs": 2, "ap": 3, "as": 4, "c": "A", "t": AT},
        ],
        Family.NEWS: [{"T": "n", "id": 1, "headline": "H", "updated_at": AT}],
    }
    plain = json.dumps(messages[family])
    surprising = json.dumps([{**message, "brand_new": 1} for message in messages[family]])
    expected: list[MarketEvent] = MarketDecoder(family, Encoding.JSON).decode(plain, RX)[0]
    assert len(expected) == len(messages[family])
    decoder = MarketDecoder(family, Encoding.JSON)
    for _ in range(SURPRISES_MAX + 3):
        assert decoder.decode(surprising, RX) == (expected, [])
        assert decoder.decode(plain, RX) == (expected, [])


def test_a_tolerant_decoder_still_names_what_is_malformed() -> None:
    for decoder, frame in both([trade(0, new=1)]):
        for _ in range(SURPRISES_MAX + 1):
            decoder.decode(frame, RX)
        _, bad = next(each for each in both([trade(0), trade(1, p="x")]) if type(each[1]) is type(frame))
        events, [malformed] = decoder.decode(bad, RX)
        assert events == [event(0)]
        assert isinstance(malformed, Malformed)
        assert malformed.path == "$[1].p"
