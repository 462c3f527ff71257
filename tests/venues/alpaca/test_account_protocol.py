"""Law: whatever the venue says becomes messages, a request or one error of ours; nothing raises, no key is shown."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.wire import Encoding
from engine.errors import GaplessError, HandshakeFailed, KeysRefused, LineLost, PlanRefused, SessionHeld, VenueBusy
from engine.model.order import OrderChange, OrderStatus
from engine.venues.alpaca.account_protocol import (
    QUOTED_CHARS_MAX,
    AccountProtocol,
    State,
    Told,
    error_of_account_upgrade,
)
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.reactions import Where

KEYS = Keys("PKCANARYCANARY", "canary-in-the-coal-mine")
WHERE = Where("account", "api.alpaca.markets:443", "live", "PK")
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}
AUTHORIZED = {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
UNAUTHORIZED = {"stream": "authorization", "data": {"status": "unauthorized", "action": "authenticate"}}
LISTENING = {"stream": "listening", "data": {"streams": ["trade_updates"]}}
# As Alpaca's docs show it ("websocket-streaming"), local offsets and all.
ORDER: dict[str, Any] = {
    "id": "7c1e", "client_order_id": "mine-1", "created_at": "2026-03-02T09:31:07.101-05:00",
    "updated_at": "2026-03-02T14:31:07.300111Z", "submitted_at": "2026-03-02T09:31:07.11-05:00", "filled_at": None,
    "asset_id": "b0b6", "symbol": "AAPL", "asset_class": "us_equity", "notional": None, "qty": "10",
    "filled_qty": "3", "filled_avg_price": "201.12", "order_class": "", "order_type": "limit", "type": "limit",
    "side": "buy", "time_in_force": "day", "limit_price": "201.15", "status": "partially_filled", "legs": None,
}  # fmt: skip
UPDATE: dict[str, Any] = {
    "at": "2026-03-02T14:31:07.301234Z", "event_id": "01HTEXAMPLE", "event": "partial_fill", "execution_id": "0f0e",
    "price": "201.12", "qty": "3", "position_qty": "13", "timestamp": "2026-03-02T14:31:07.298Z", "order": ORDER,
}  # fmt: skip


def listening() -> AccountProtocol:
    return AccountProtocol(KEYS, WHERE, State.LISTENING)


def tell(protocol: AccountProtocol, said: Any, encoding: Encoding = Encoding.JSON) -> Told:
    return protocol.received((msgspec.msgpack if encoding is Encoding.MSGPACK else msgspec.json).encode(said))


def update(**changed: Any) -> dict[str, Any]:
    return {"stream": "trade_updates", "data": {**UPDATE, **changed}}


@pytest.mark.parametrize("encoding", Encoding)
def test_it_logs_in_then_listens_then_tells(encoding: Encoding) -> None:
    protocol = AccountProtocol(KEYS, WHERE)
    assert protocol.begin() == {"action": "auth", "key": KEYS.key_id, "secret": KEYS.secret}
    assert tell(protocol, AUTHORIZED, encoding) == Told(request=LISTEN)
    assert tell(protocol, LISTENING, encoding) == Told()
    assert protocol.state is State.LISTENING
    (message,) = tell(protocol, update(), encoding).messages
    assert (message.doubt, message.event_id) == ("", "01HTEXAMPLE")
    assert message.update is not None
    assert message.update.change is OrderChange.PARTIAL_FILL
    assert message.update.fill is not None
    assert [order.status for order in message.orders] == [OrderStatus.PARTIALLY_FILLED]


def test_text_frames_and_arrays_of_messages_are_read_too() -> None:
    told = listening().received(json.dumps([update(), update(event_id="02")]))
    assert [message.event_id for message in told.messages] == ["01HTEXAMPLE", "02"]


@pytest.mark.parametrize(
    ("said", "orders", "event_id"),
    [
        (update(event="order_reticulated"), 1, "01HTEXAMPLE"),
        (update(execution_id=None), 1, "01HTEXAMPLE"),
        (update(qty="three"), 1, "01HTEXAMPLE"),
        (update(order={**ORDER, "status": "pondered"}), 0, "01HTEXAMPLE"),
        (update(order=None), 0, "01HTEXAMPLE"),
        (update(event_id=7, event="?"), 1, ""),
        ({"stream": "trade_updates", "data": None}, 0, ""),
        ({"stream": "trade_updates"}, 0, ""),
        ({"stream": "account_updates", "data": {}}, 0, ""),
        ({"T": "t", "S": "AAPL"}, 0, ""),
        ("hello", 0, ""),
        (None, 0, ""),
    ],
)
def test_what_is_strange_is_a_doubt_that_keeps_what_it_told(said: Any, orders: int, event_id: str) -> None:
    protocol = listening()
    (message,) = tell(protocol, said).messages
    assert message.update is None
    assert message.doubt.startswith("account (api.alpaca.markets:443): ")
    assert (len(message.orders), message.event_id) == (orders, event_id)
    assert not tell(protocol, update()).messages[0].doubt


@pytest.mark.parametrize(
    "frame",
    [
        b"", "", b"{", b"\xff\xfe", b"not json", "nul\x00", b"[" * 100_000, b"{\"a\":" * 500 + b"1" + b"}" * 500,
        msgspec.msgpack.encode(update())[:-9], b"\x81\xa1", b"\x91" * 5000, b"\xdf\xff\xff\xff\xff",
    ],
)  # fmt: skip
def test_a_frame_that_is_none_is_one_doubt(frame: bytes | str) -> None:
    (message,) = listening().received(frame).messages
    assert message.update is None
    assert message.doubt


def test_a_doubt_quotes_the_beginning_on_one_line_and_no_key() -> None:
    text = "x" * (QUOTED_CHARS_MAX - 5) + KEYS.secret + "\n\x1b[31m" + KEYS.key_id + "y" * 1000
    (message,) = listening().received(text).messages
    assert "canary" not in message.doubt.lower()
    assert message.doubt.isprintable()
    assert message.doubt.endswith("x[reda")


def test_no_nesting_is_too_deep() -> None:
    for depth in range(500, 1100):  # somewhere here is what can be read and not be quoted
        nest = b"[" * depth + b"]" * depth
        for data in (nest, b'{"event":%s}' % nest, b'{"event":"new","order":%s}' % nest):
            (message,) = listening().received(b'{"stream":"trade_updates","data":%s}' % data).messages
            assert message.doubt


@pytest.mark.parametrize(
    ("state", "said", "error", "words"),
    [
        (State.LOGIN, UNAUTHORIZED, KeysRefused, "paper keys .* on a live endpoint"),
        (State.LISTEN, {**LISTENING, "data": {"streams": []}}, PlanRefused, "left it out"),
        (State.LISTEN, {**LISTENING, "data": None}, PlanRefused, "left it out"),
        (State.LISTENING, {**LISTENING, "data": {"streams": []}}, LineLost, "stopped telling"),
        (
            State.LISTENING,
            {**UNAUTHORIZED, "data": {"status": "unauthorized", "action": "listen"}},
            LineLost,
            "lost its login",
        ),
        (
            State.LOGIN,
            {"action": "error", "data": {"error_message": "authentication timeout"}},
            HandshakeFailed,
            "authentication timeout",
        ),
    ],
)
def test_each_refusal_is_the_right_error(state: State, said: Any, error: type[GaplessError], words: str) -> None:
    failure = tell(AccountProtocol(KEYS, WHERE, state), said).failure
    assert type(failure) is error
    assert re.search(words, str(failure))


def test_updates_before_a_refusal_in_the_same_frame_are_told() -> None:
    told = tell(listening(), [update(), {**LISTENING, "data": {"streams": []}}, update()])
    assert len(told.messages) == 1
    assert isinstance(told.failure, LineLost)


def test_a_status_at_the_upgrade_is_a_held_session_or_what_it_always_is() -> None:
    held = error_of_account_upgrade(429, [(b"Retry-After", b"7")], WHERE)
    assert isinstance(held, SessionHeld)
    assert held.retry_after_s == 7
    assert type(error_of_account_upgrade(503, [], WHERE)) is VenueBusy
    assert type(error_of_account_upgrade(401, [], WHERE)) is KeysRefused


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ODD = JSON | st.sampled_from(
    [
        "x" * 30 + KEYS.secret,
        KEYS.key_id,
        "NaN",
        "Infinity",
        "1e999999",
        "-0",
        "",
        "\ud7ff",
        "9" * 5000,
        -1,
        1e308,
        "2026-13-45",
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, bool]:
    """An update, some of its fields replaced or taken away, perhaps also damaged: bytes flipped, its end cut off."""
    order = dict(ORDER)
    data = {**UPDATE, "order": order}
    for target, number in ((data, 2), (order, 3)):
        for name in draw(st.lists(st.sampled_from(sorted(target)), max_size=number)):
            if draw(st.booleans()):
                target[name] = draw(ODD)
            else:
                target.pop(name, None)
    said = {"stream": draw(st.sampled_from(["trade_updates"] * 9 + ["other"])), "data": data}
    form = draw(st.sampled_from([msgspec.json, msgspec.msgpack]))
    try:
        frame = bytearray(form.encode(said))
    except OverflowError:  # MessagePack has no integers of more than 64 bits
        frame = bytearray(msgspec.json.encode(said))
    damaged = draw(st.booleans())
    if damaged:
        for place in draw(st.lists(st.integers(0, len(frame) - 1), max_size=2)):
            frame[place] = draw(st.integers(0, 255))
        del frame[draw(st.integers(0, len(frame))) :]
    return bytes(frame), damaged


@given(st.lists(mutated(), min_size=40, max_size=40))
def test_thousands_of_mutated_messages_and_every_good_one_is_read(frames: list[tuple[bytes, bool]]) -> None:
    protocol = listening()
    for number, (frame, damaged) in enumerate(frames):
        told = protocol.received(frame)
        assert told.failure is None
        assert all(message.doubt or message.update for message in told.messages)
        # A key that was itself damaged on the way is none any more.
        assert damaged or not any("canar" in message.doubt.lower() for message in told.messages)
        (good,) = tell(protocol, update(event_id=str(number))).messages
        assert (good.event_id, good.doubt) == (str(number), "")
        assert good.update is not None


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_no_frame_makes_it_raise(frame: bytes | str) -> None:
    listening().received(frame)
