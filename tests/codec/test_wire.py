"""The wire's names map one to one to the model's kinds, and the first byte of a frame tells its encoding."""

import json

import msgpack  # type: ignore[import-untyped]  # it publishes no types
import pytest

from engine.codec.wire import KIND_NAMES, KINDS_BY_NAME, Encoding, encoding_of, is_map
from engine.model.market import Kind


def test_every_kind_has_one_channel_name() -> None:
    assert set(KIND_NAMES) == set(Kind)
    assert {KINDS_BY_NAME[name] for name in KIND_NAMES.values()} == set(Kind)


def test_the_names_are_those_of_the_protocol() -> None:
    assert KIND_NAMES[Kind.UPDATED_BARS] == "updatedBars"
    assert KIND_NAMES[Kind.DAILY_BARS] == "dailyBars"
    assert KIND_NAMES[Kind.CANCELS] == "cancelErrors"
    assert KIND_NAMES[Kind.BOOKS] == "orderbooks"


@pytest.mark.parametrize(
    "message", [{}, [], {"T": "t"}, [{"T": "t"}], [1] * 20, [1] * 70_000, {str(n): n for n in range(99)}]
)
def test_the_first_byte_tells_the_encoding_and_whether_it_is_one_map(message: object) -> None:
    text, packed = json.dumps(message), msgpack.packb(message)
    assert encoding_of(text) is encoding_of(text.encode()) is encoding_of(b" \n" + text.encode()) is Encoding.JSON
    assert encoding_of(packed) is Encoding.MSGPACK
    assert is_map(b" " + text.encode(), Encoding.JSON) is is_map(packed, Encoding.MSGPACK) is isinstance(message, dict)


def test_an_empty_frame_counts_as_json() -> None:
    assert encoding_of(b"") is encoding_of("") is Encoding.JSON
