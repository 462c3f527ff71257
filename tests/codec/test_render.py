"""What the exchange sends is what the protocol prescribes, as readers that are not ours see it."""

import json
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it publishes no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.render import parse_request, render_control, render_frame, render_request
from engine.codec.wire import Encoding, Family
from engine.model.market import Bar, Book, MarketEvent, News, Quote, Status, Trade

NS = 1772461867123456789
MIDNIGHT = 1772461860 * 10**9

SENT: list[tuple[Family, MarketEvent, str]] = [
    (
        Family.STOCKS,
        Trade("AAPL", NS, 201.125, 40.0, 4021, "V", ("@", "I"), "C", venue_ns=NS + 11, received_ns=1, seq=3),
        (
            '{"T":"t","S":"AAPL","i":4021,"x":"V","p":201.125,"s":40,"c":["@","I"],"z":"C",'
            '"t":"2026-03-02T14:31:07.123456789Z","r":"2026-03-02T14:31:07.1234568Z"}'
        ),
    ),
    (
        Family.STOCKS,
        Trade("AAPL", MIDNIGHT, 201.0, 0.25),
        '{"T":"t","S":"AAPL","x":"","p":201.0,"s":0.25,"c":[],"z":"","t":"2026-03-02T14:31:00Z"}',
    ),
    (
        Family.STOCKS,
        Bar("AAPL", MIDNIGHT, 1.0, 2.0, 0.5, 1.5, 700.0, 3, 1.25),
        '{"T":"b","S":"AAPL","o":1.0,"h":2.0,"l":0.5,"c":1.5,"v":700,"t":"2026-03-02T14:31:00Z","n":3,"vw":1.25}',
    ),
    (
        Family.CRYPTO,
        Quote("BTC/USD", MIDNIGHT, 64000.1, 3.0, 64001.9, 0.5),
        '{"T":"q","S":"BTC/USD","bp":64000.1,"bs":3.0,"ap":64001.9,"as":0.5,"t":"2026-03-02T14:31:00Z"}',
    ),
    (
        Family.CRYPTO,
        Book("BTC/USD", MIDNIGHT, ((1.0, 2.0),), (), reset=True),
        '{"T":"o","S":"BTC/USD","t":"2026-03-02T14:31:00Z","b":[{"p":1.0,"s":2.0}],"a":[],"r":true}',
    ),
    (
        Family.CRYPTO,
        Book("BTC/USD", MIDNIGHT, (), ()),
        '{"T":"o","S":"BTC/USD","t":"2026-03-02T14:31:00Z","b":[],"a":[]}',
    ),
    (
        Family.OPTIONS,
        Quote("SPY260320C00600000", MIDNIGHT, 1.2, 5.0, 1.3, 6.0, "C", "A", ("I",)),
        (
            '{"T":"q","S":"SPY260320C00600000","t":"2026-03-02T14:31:00Z","bx":"C","bp":1.2,"bs":5,"ax":"A","ap":1.3,'
            '"as":6,"c":"I"}'
        ),
    ),
    (
        Family.NEWS,
        News("", NS, 7, "H", symbols=("A",), created_ns=MIDNIGHT),
        (
            '{"T":"n","id":7,"headline":"H","summary":"","author":"","created_at":"2026-03-02T14:31:00Z",'
            '"updated_at":"2026-03-02T14:31:07.123456789Z","url":"","content":"","symbols":["A"],"source":""}'
        ),
    ),
]


def as_json(value: Any) -> Any:
    """What msgpack's own reader found, with instants as text."""
    if isinstance(value, msgpack.Timestamp):
        fraction = f".{value.nanoseconds:09d}".rstrip("0").rstrip(".")
        return f"{value.to_datetime():%Y-%m-%dT%H:%M:%S}{fraction}Z"
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return {key: as_json(each) for key, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(("family", "event", "sent"), SENT)
def test_an_event_is_sent_as_documented(family: Family, event: MarketEvent, sent: str) -> None:
    assert render_frame([event], Encoding.JSON, family) == f"[{sent}]"


@pytest.mark.parametrize(("family", "event", "sent"), SENT)
def test_both_encodings_say_the_same_to_other_libraries(family: Family, event: MarketEvent, sent: str) -> None:
    frame = render_frame([event, event], Encoding.MSGPACK, family)
    assert isinstance(frame, bytes)
    theirs = as_json(msgpack.unpackb(frame))
    assert theirs == [json.loads(sent)] * 2
    assert repr(theirs[0]) == repr(json.loads(sent))  # the order of keys, and which numbers are integers


@pytest.mark.parametrize("encoding", Encoding)
def test_an_empty_frame_is_an_empty_array(encoding: Encoding) -> None:
    assert render_frame([], encoding, Family.STOCKS) == ("[]" if encoding is Encoding.JSON else b"\x90")


@pytest.mark.parametrize("size", [2.0**53, 2.0**70, 1e300, float("inf")])
def test_a_size_too_large_to_be_an_exact_integer_is_still_sent(size: float) -> None:
    [sent] = msgpack.unpackb(render_frame([Trade("X", 0, 1.0, size)], Encoding.MSGPACK, Family.STOCKS))
    assert sent["s"] == size


def test_an_event_that_a_family_cannot_say_is_refused() -> None:
    status = Status("X", 0, "H")
    with pytest.raises(ValueError, match="the crypto streams have no message for a Status"):
        render_frame([Trade("X", 0, 1.0, 1.0), status], Encoding.JSON, Family.CRYPTO)


def test_a_control_frame_is_an_array_of_one_with_its_type_first() -> None:
    control = {"code": 406, "msg": "connection limit exceeded", "T": "error"}
    text = render_control(control, Encoding.JSON)
    assert text == '[{"T":"error","code":406,"msg":"connection limit exceeded"}]'
    packed = render_control(control, Encoding.MSGPACK)
    assert isinstance(packed, bytes)
    [theirs] = msgpack.unpackb(packed)
    assert list(theirs.items()) == [("T", "error"), ("code", 406), ("msg", "connection limit exceeded")]


requests = st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.lists(st.text(max_size=8)) | st.none())


@given(requests, st.sampled_from(Encoding))
def test_a_request_is_read_back_whatever_its_opcode(request: dict[str, Any], encoding: Encoding) -> None:
    frame = render_request(request, encoding)
    assert isinstance(frame, str if encoding is Encoding.JSON else bytes)
    assert parse_request(frame) == request
    if isinstance(frame, str):
        assert json.loads(frame) == request
        assert parse_request(frame.encode()) == request


@pytest.mark.parametrize(
    "frame",
    ["", b"", "[]", b"\x90", "{", b"\x81", '"auth"', b"\x81\x01\x01", "[" * 99_999, b'{"k":"\xff"}', '{"k":"\ud800"}'],
)
def test_what_is_no_request_is_refused_in_one_sentence(frame: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"^a request is one JSON or MessagePack map"):
        parse_request(frame)


def test_a_refusal_never_quotes_the_keys_in_a_request() -> None:
    with pytest.raises(ValueError) as caught:
        parse_request('[{"action":"auth","key":"PKEXAMPLE","secret":"s3cr3t"}]')
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None
