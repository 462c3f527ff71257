"""Every message of every stream becomes its event, with all its fields; what is none is named, and nothing raises."""

import json
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it publishes no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.decode import Control, Malformed, MarketDecoder
from engine.codec.wire import Encoding, Family
from engine.model.instant import parse_instant
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
from engine.model.stream import Stream

RX = 1772461868000000001
AT = "2026-03-02T14:31:07.123456789Z"
NS = 1772461867123456789
R = "2026-03-02T14:31:07.2Z"
R_NS = 1772461867200000000

CATALOGUE: list[tuple[Family, str, MarketEvent]] = [
    (
        Family.STOCKS,
        f'{{"T":"t","S":"AAPL","i":4021,"x":"V","p":201.125,"s":40,"c":["@","I"],"t":"{AT}","z":"C","r":"{R}"}}',
        Trade("AAPL", NS, 201.125, 40.0, 4021, "V", ("@", "I"), "C", venue_ns=R_NS, received_ns=RX),
    ),
    (
        Family.STOCKS,
        f'{{"T":"q","S":"AAPL","bx":"V","bp":201.11,"bs":300,"ax":"Q","ap":201.13,"as":1,"c":["R"],"z":"C","t":"{AT}"}}',
        Quote("AAPL", NS, 201.11, 300.0, 201.13, 1.0, "V", "Q", ("R",), "C", received_ns=RX),
    ),
    (
        Family.STOCKS,
        f'{{"T":"b","S":"AAPL","o":201.1,"h":201.4,"l":201.02,"c":201.37,"v":48211,"n":611,"vw":201.22,"t":"{AT}"}}',
        Bar("AAPL", NS, 201.1, 201.4, 201.02, 201.37, 48211.0, 611, 201.22, RX),
    ),
    (
        Family.STOCKS,
        f'{{"T":"u","S":"AAPL","o":1,"h":2,"l":0.5,"c":1.5,"v":7,"n":3,"vw":1.25,"t":"{AT}"}}',
        UpdatedBar("AAPL", NS, 1.0, 2.0, 0.5, 1.5, 7.0, 3, 1.25, RX),
    ),
    (
        Family.STOCKS,
        f'{{"T":"d","S":"AAPL","o":1,"h":2,"l":0.5,"c":1.5,"v":7,"t":"{AT}"}}',
        DailyBar("AAPL", NS, 1.0, 2.0, 0.5, 1.5, 7.0, 0, 0.0, RX),
    ),
    (
        Family.STOCKS,
        f'{{"T":"s","S":"XYZ","sc":"H","sm":"Trading Halt","rc":"T1","rm":"Halt News Pending","t":"{AT}","z":"C"}}',
        Status("XYZ", NS, "H", "Trading Halt", "T1", "Halt News Pending", "C", RX),
    ),
    (
        Family.STOCKS,
        f'{{"T":"l","S":"XYZ","u":11.05,"d":9.99,"i":"B","t":"{AT}","z":"C"}}',
        Luld("XYZ", NS, 11.05, 9.99, "B", "C", RX),
    ),
    (
        Family.STOCKS,
        (
            '{"T":"c","S":"XYZ","x":"D","oi":77,"op":10.0,"os":100,"oc":["@"],"ci":78,"cp":10.01,"cs":90,"cc":["@","T"],'
            f'"z":"C","t":"{AT}"}}'
        ),
        Correction("XYZ", NS, "D", 77, 10.0, 100.0, 78, 10.01, 90.0, ("@",), ("@", "T"), "C", RX),
    ),
    (
        Family.STOCKS,
        f'{{"T":"x","S":"XYZ","i":79,"x":"D","p":10.4,"s":900,"a":"C","z":"C","t":"{AT}"}}',
        Cancel("XYZ", NS, "D", 79, 10.4, 900.0, "C", "C", RX),
    ),
    (
        Family.STOCKS,
        f'{{"T":"i","S":"XYZ","p":10.2,"z":"C","t":"{AT}"}}',
        Imbalance("XYZ", NS, 10.2, "C", RX),
    ),
    (
        Family.CRYPTO,
        f'{{"T":"t","S":"BTC/USD","p":64000.1,"s":0.0004,"t":"{AT}","i":3412345678901234567,"tks":"B","r":"{R}"}}',
        Trade("BTC/USD", NS, 64000.1, 0.0004, 3412345678901234567, taker_side="B", venue_ns=R_NS, received_ns=RX),
    ),
    (
        Family.CRYPTO,
        f'{{"T":"t","S":"BTC/USD","p":1,"s":2,"t":"{AT}","i":1,"tks":"-","x":"CBSE","c":[],"z":""}}',
        Trade("BTC/USD", NS, 1.0, 2.0, 1, received_ns=RX),
    ),
    (
        Family.CRYPTO,
        f'{{"T":"q","S":"BTC/USD","bp":64000.1,"bs":0.25,"ap":64001.9,"as":0.5,"t":"{AT}","x":"CBSE"}}',
        Quote("BTC/USD", NS, 64000.1, 0.25, 64001.9, 0.5, received_ns=RX),
    ),
    (
        Family.CRYPTO,
        f'{{"T":"b","S":"BTC/USD","o":1,"h":2,"l":0.5,"c":1.5,"v":0.25,"n":0,"vw":0,"t":"{AT}"}}',
        Bar("BTC/USD", NS, 1.0, 2.0, 0.5, 1.5, 0.25, 0, 0.0, RX),
    ),
    (
        Family.CRYPTO,
        f'{{"T":"o","S":"BTC/USD","t":"{AT}","b":[{{"p":64000.1,"s":0.4}}],"a":[{{"p":64001.9,"s":0}}],"r":true}}',
        Book("BTC/USD", NS, ((64000.1, 0.4),), ((64001.9, 0.0),), True, RX),
    ),
    (
        Family.CRYPTO,
        f'{{"T":"o","S":"BTC/USD","t":"{AT}","b":[],"a":null}}',
        Book("BTC/USD", NS, (), (), False, RX),
    ),
    (
        Family.CRYPTO,
        f'{{"T":"p","S":"BTC-PERP","x":"G","t":"{AT}","ip":1.5,"mp":1.6,"fr":0.0001,"oi":12.5,"ft":"{R}"}}',
        Pricing("BTC-PERP", NS, 1.5, 1.6, 0.0001, 12.5, R_NS, "G", RX),
    ),
    (
        Family.OPTIONS,
        f'{{"T":"t","S":"SPY260320C00600000","t":"{AT}","p":1.23,"s":5,"x":"C","c":"I"}}',
        Trade("SPY260320C00600000", NS, 1.23, 5.0, None, "C", ("I",), received_ns=RX),
    ),
    (
        Family.OPTIONS,
        f'{{"T":"q","S":"SPY260320C00600000","t":"{AT}","bx":"C","bp":1.2,"bs":5,"ax":"A","ap":1.3,"as":6,"c":""}}',
        Quote("SPY260320C00600000", NS, 1.2, 5.0, 1.3, 6.0, "C", "A", received_ns=RX),
    ),
    (
        Family.NEWS,
        (
            f'{{"T":"n","id":24918784,"headline":"H","summary":"S","author":"A","created_at":"{R}","updated_at":"{AT}",'
            '"url":null,"content":"<p>","symbols":["CRSR","SPY"],"source":"benzinga"}'
        ),
        News("", NS, 24918784, "H", "S", "A", "<p>", "", R_NS, ("CRSR", "SPY"), "benzinga", RX),
    ),
]


def packed(message: Any) -> bytes:
    """MessagePack by the library that the official SDK uses."""
    binary: bytes = msgpack.packb(_stamped(message))
    return binary


def _stamped(value: Any) -> Any:
    if isinstance(value, list):
        return [_stamped(each) for each in value]
    if isinstance(value, dict):
        return {key: _stamped(each) for key, each in value.items()}
    if isinstance(value, str) and value.startswith("2026-"):
        return msgpack.Timestamp(*divmod(parse_instant(value), 10**9))
    return value


@pytest.mark.parametrize(("family", "message", "event"), CATALOGUE)
def test_each_message_of_the_catalogue_becomes_its_event(family: Family, message: str, event: MarketEvent) -> None:
    binary = packed(json.loads(message))
    for encoding in Encoding:
        decoder = MarketDecoder(family, encoding)
        for frame in (f"[{message}]", f"[{message}]".encode(), message, b"\x91" + binary, binary):
            assert decoder.decode(frame, RX) == ([event], [])
        assert decoder.counts.messages == 5
        assert not decoder.counts.unknown_fields


@pytest.mark.parametrize("family", Family)
def test_mixed_types_in_one_frame_keep_their_order(family: Family) -> None:
    messages = [message for of, message, _ in CATALOGUE if of is family] * 2
    events = [event for of, _, event in CATALOGUE if of is family] * 2
    text = f"[{','.join(messages)}]"
    assert MarketDecoder(family, Encoding.JSON).decode(text, RX) == (events, [])
    assert MarketDecoder(family, Encoding.MSGPACK).decode(packed(json.loads(text)), RX) == (events, [])


@pytest.mark.parametrize("number", [0, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("family", [Family.STOCKS, Family.CRYPTO])
def test_ids_of_64_bits_are_exact(family: Family, number: int) -> None:
    message = {"T": "t", "S": "X", "p": 1, "s": 1, "i": number, "t": AT}
    for encoding, frame in ((Encoding.JSON, json.dumps([message])), (Encoding.MSGPACK, packed([message]))):
        [trade] = MarketDecoder(family, encoding).decode(frame, RX)[0]
        assert isinstance(trade, Trade)
        assert trade.id == number


def test_a_fractional_stock_size_is_accepted() -> None:
    frame = json.dumps([{"T": "t", "S": "X", "p": 1, "s": 0.5, "i": 1, "t": AT}])
    assert MarketDecoder(Family.STOCKS, Encoding.JSON).decode(frame, RX)[0] == [
        Trade("X", NS, 1.0, 0.5, 1, received_ns=RX)
    ]


def test_the_order_of_keys_means_nothing() -> None:
    for family, message, event in CATALOGUE:
        backwards = dict(reversed(json.loads(message).items()))
        assert MarketDecoder(family, Encoding.JSON).decode(json.dumps([backwards]), RX) == ([event], [])
        assert MarketDecoder(family, Encoding.MSGPACK).decode(packed([backwards]), RX) == ([event], [])


def test_null_reads_as_absent() -> None:
    message = {"T": "t", "S": "X", "p": 1, "s": 1, "i": None, "x": None, "c": None, "z": None, "r": None, "t": AT}
    for encoding, frame in ((Encoding.JSON, json.dumps([message])), (Encoding.MSGPACK, packed([message]))):
        assert MarketDecoder(Family.STOCKS, encoding).decode(frame, RX) == (
            [Trade("X", NS, 1.0, 1.0, received_ns=RX)],
            [],
        )


def test_instants_with_an_offset_or_without_a_fraction_are_read() -> None:
    message = {"T": "i", "S": "X", "p": 1}
    texts = [AT, "2026-03-02T14:31:07Z", "2026-03-02T10:31:07.5-04:00"]
    frame = json.dumps([{**message, "t": text} for text in texts])
    events, others = MarketDecoder(Family.STOCKS, Encoding.JSON).decode(frame, RX)
    assert [event.ts_ns for event in events] == [NS, 1772461867 * 10**9, 1772461867500000000]
    assert not others


CONTROLS: list[tuple[dict[str, Any], Control]] = [
    ({"T": "success", "msg": "connected"}, Control("success", "connected")),
    (
        {"T": "error", "code": 406, "msg": "connection limit exceeded"},
        Control("error", "connection limit exceeded", 406),
    ),
    ({"T": "error"}, Control("error")),
    ({"T": "subscription"}, Control("subscription", subscribed=frozenset())),
    (
        {
            "T": "subscription",
            "trades": ["AAPL"],
            "quotes": None,
            "bars": ["*"],
            "updatedBars": [],
            "dailyBars": ["SPY"],
            "corrections": ["AAPL"],
            "cancelErrors": ["AAPL"],
            "orderbooks": ["BTC/USD"],
            "news": ["*"],
        },
        Control(
            "subscription",
            subscribed=frozenset(
                {
                    Stream(Kind.TRADES, "AAPL"),
                    Stream(Kind.BARS, "*"),
                    Stream(Kind.DAILY_BARS, "SPY"),
                    Stream(Kind.CORRECTIONS, "AAPL"),
                    Stream(Kind.CANCELS, "AAPL"),
                    Stream(Kind.BOOKS, "BTC/USD"),
                    Stream(Kind.NEWS, "*"),
                }
            ),
        ),
    ),
]


@pytest.mark.parametrize(("message", "control"), CONTROLS)
@pytest.mark.parametrize("family", Family)
def test_control_messages_are_read_on_every_stream(family: Family, message: dict[str, Any], control: Control) -> None:
    for encoding in Encoding:
        for frame in (json.dumps([message]), json.dumps([message]).encode(), packed([message]), packed(message)):
            decoder = MarketDecoder(family, encoding)
            assert decoder.decode(frame, RX) == ([], [control])
            assert not decoder.counts.unknown_fields


def test_an_unknown_channel_in_an_acknowledgement_is_counted() -> None:
    decoder = MarketDecoder(Family.STOCKS, Encoding.JSON)
    _, others = decoder.decode('[{"T":"subscription","trades":["A"],"whispers":["A"]}]', RX)
    assert others == [Control("subscription", subscribed=frozenset({Stream(Kind.TRADES, "A")}))]
    assert decoder.counts.unknown_fields == {"subscription.whispers": 1}


def test_a_control_message_among_data_leaves_the_data_alone() -> None:
    [trade], messages = [CATALOGUE[0][2]], [CATALOGUE[0][1], '{"T":"success","msg":"hi"}', CATALOGUE[0][1]]
    frame = f"[{','.join(messages)}]"
    assert MarketDecoder(Family.STOCKS, Encoding.JSON).decode(frame, RX) == ([trade, trade], [Control("success", "hi")])


def test_several_frames_at_once_read_as_one_after_the_other() -> None:
    trade, quote = CATALOGUE[0], CATALOGUE[1]
    plain = [f"[{trade[1]}]", f"[{quote[1]},{trade[1]}]", "[]"]
    odd = [*plain, '[{"T":"error","code":407,"msg":"slow client"}]', "oops", plain[0]]
    for frames in (plain, odd, []):
        alone, together = (MarketDecoder(Family.STOCKS, Encoding.JSON) for _ in range(2))
        answers = [alone.decode(frame, RX) for frame in frames]
        expected = ([e for events, _ in answers for e in events], [o for _, others in answers for o in others])
        assert together.decode_all(frames, RX) == expected
        assert together.counts == alone.counts


GARBAGE = st.binary(max_size=200) | st.text(max_size=200)
MUTATED = st.tuples(
    st.sampled_from([packed([json.loads(m) for f, m, _ in CATALOGUE if f is Family.STOCKS])]
                    + [f"[{m}]".encode() for _, m, _ in CATALOGUE]),
    st.lists(st.tuples(st.integers(min_value=0, max_value=2000), st.integers(min_value=0, max_value=255)), max_size=4),
    st.integers(min_value=0, max_value=2000),
)  # fmt: skip


@given(st.sampled_from(Family), st.sampled_from(Encoding), GARBAGE)
def test_arbitrary_frames_never_raise(family: Family, encoding: Encoding, frame: bytes | str) -> None:
    decoder = MarketDecoder(family, encoding)
    decoder.decode(frame, RX)
    decoder.decode_all([frame, frame], RX)


@given(st.sampled_from(Family), st.sampled_from(Encoding), MUTATED)
def test_damaged_frames_never_raise(
    family: Family, encoding: Encoding, mutated: tuple[bytes, list[tuple[int, int]], int]
) -> None:
    frame, changes, cut = mutated
    damaged = bytearray(frame)
    for at, byte in changes:
        damaged[at % len(damaged)] = byte
    decoder = MarketDecoder(family, encoding)
    for part in (bytes(damaged), bytes(damaged[: cut % len(damaged)])):
        _, others = decoder.decode(part, RX)
        assert all(len(other.excerpt) <= 200 for other in others if isinstance(other, Malformed))


@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 100_000,
        b"\x91" * 100_000,
        b'{"T":' * 50_000,
        b'[{"T":"t","x":' + b"[" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x91\xc1",
        '["\ud800"]',
        b'["\xff"]',
        b"[" + b"9" * 10_000 + b"]",
        b"",
        "",
        b"null",
        b"\xc0",
    ],
)
def test_hostile_frames_are_malformed_and_never_raise(frame: bytes | str) -> None:
    for encoding in Encoding:
        decoder = MarketDecoder(Family.STOCKS, encoding)
        events, others = decoder.decode(frame, RX)
        assert not events
        assert all(isinstance(other, Malformed) for other in others)
        assert len(others) == 1
