"""Frames written by hand are what a WebSocket library reads, and an oddity spoils nothing beside itself."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage

from engine.codec.wire import Encoding
from engine.exchange.line.websocket import NONSENSE, UNKNOWN, add_field, add_message, build_frame


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("kind", [str, bytes])
def test_a_frame_of_any_length_is_read_back(length: int, kind: type) -> None:
    payload: Any = "x" * length if kind is str else b"x" * length
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(build_frame(payload))
    parts = [event for event in client.events() if isinstance(event, TextMessage | BytesMessage)]
    assert all(isinstance(part, TextMessage) == (kind is str) for part in parts)
    assert parts[-1].message_finished
    assert type(payload)().join(part.data for part in parts) == payload


@given(st.integers(1, 40))
def test_a_message_is_added_behind_the_others(count: int) -> None:
    messages = [{"T": "t", "i": number} for number in range(count)]
    text = add_message(json.dumps(messages), UNKNOWN, Encoding.JSON)
    packed = add_message(msgspec.msgpack.encode(messages), NONSENSE, Encoding.MSGPACK)
    assert json.loads(text) == [*messages, UNKNOWN]
    assert isinstance(packed, bytes) and msgspec.msgpack.decode(packed) == [*messages, NONSENSE]


@given(st.integers(1, 20))
def test_a_field_is_added_behind_the_others(count: int) -> None:
    message = {f"f{number}": number for number in range(count)}
    text = add_field(json.dumps([message]), Encoding.JSON)
    packed = add_field(msgspec.msgpack.encode([message]), Encoding.MSGPACK)
    assert json.loads(text) == [{**message, "zz": "later"}]
    assert isinstance(packed, bytes) and msgspec.msgpack.decode(packed) == [{**message, "zz": "later"}]
