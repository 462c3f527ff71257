"""Law: whatever a server sends and however it is cut up, messages come out whole in order, the rest untouched."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from engine.venues.alpaca.frames import FrameSplitter

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
LIMIT = 70_000


class Peer:
    """A server that writes frames with wsproto and remembers its messages, and a client that reads what is left."""

    def __init__(self) -> None:
        self._server = Connection(ConnectionType.SERVER)
        self.wire = b""
        self.messages: list[bytes] = []

    def send(self, event: Event) -> None:
        self.wire += self._server.send(event)

    def message(self, payload: bytes, text: bool, cuts: tuple[int, ...] = ()) -> None:
        bounds = [0, *sorted(min(c, len(payload)) for c in cuts), len(payload)]
        pieces = [payload[begin:end] for begin, end in itertools.pairwise(bounds)]
        for number, piece in enumerate(pieces, 1):
            finished = number == len(pieces)
            self.send(
                TextMessage(piece.decode(), message_finished=finished)
                if text
                else BytesMessage(piece, message_finished=finished)
            )
            if not finished:
                self.send(Ping(b"between"))
        self.messages.append(payload)


def reassembled(left: bytes) -> tuple[list[bytes], list[Event]]:
    """What trio-websocket's engine makes of the bytes left to it."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(left)
    messages: list[bytes] = []
    controls: list[Event] = []
    parts = b""
    for event in client.events():
        if isinstance(event, TextMessage | BytesMessage):
            parts += event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
            if event.message_finished:
                messages.append(parts)
                parts = b""
        else:
            controls.append(event)
    return messages, controls


payloads = st.one_of(
    st.text("aé€", max_size=200).map(str.encode),
    st.sampled_from([b"", b"x" * 125, b"x" * 126, b"x" * 65_535, b"x" * 65_536, b"x" * LIMIT, b"x" * (LIMIT + 1)]),
)
sendings = st.one_of(
    st.tuples(st.just("message"), payloads, st.booleans(), st.just(())),
    st.tuples(
        st.just("fragments"),
        st.binary(max_size=50).map(bytes.hex).map(str.encode),
        st.booleans(),
        st.lists(st.integers(0, 100), min_size=1, max_size=3).map(tuple),
    ),
    st.tuples(st.sampled_from(["ping", "pong"]), st.binary(max_size=125), st.just(False), st.just(())),
)


@given(st.lists(sendings, max_size=12), st.lists(st.integers(1, 3000), max_size=8), st.integers(1, 5))
def test_messages_come_out_in_order_and_the_rest_is_left_untouched(script, sizes, tail):
    peer = Peer()
    pings = 0
    for what, payload, text, cuts in script:
        if what in ("message", "fragments"):
            peer.message(payload, text, cuts)
            pings += len(cuts)
        else:
            peer.send(Ping(payload) if what == "ping" else Pong(payload))
            pings += 1
    peer.send(CloseConnection(1000, "bye"))
    splitter = FrameSplitter(LIMIT)
    taken: list[bytes | None] = []
    left = b""
    rest = HEAD + peer.wire
    sizes_then_a_tail = itertools.chain(sizes, itertools.repeat(max(tail, len(rest) // 50)))
    for size in sizes_then_a_tail:
        left += splitter.split(rest[:size], taken)
        rest = rest[size:]
        if not rest:
            break
    assert left.startswith(HEAD)
    plain, controls = reassembled(left[len(HEAD) :])
    plain_in_order = iter(plain)
    assert [next(plain_in_order) if m is None else m for m in taken] == peer.messages
    assert next(plain_in_order, None) is None
    assert len(plain) == splitter.left
    assert isinstance(controls[-1], CloseConnection)
    assert len(controls) == pings + 1
    assert splitter.pongs == sum(what == "pong" for what, *_ in script)
    assert not splitter.off


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=20))
def test_no_bytes_are_lost_or_made_up_whatever_comes(garbage, sizes):
    splitter = FrameSplitter(LIMIT)
    taken: list[bytes | None] = []
    left = b""
    rest = HEAD + garbage
    for size in [*sizes, len(rest) + 1]:
        left += splitter.split(rest[:size], taken)
        rest = rest[size:]
    assert sum(len(m or b"") for m in taken) + len(left) <= len(HEAD) + len(garbage)
    if splitter.off and not taken:
        assert left == HEAD + garbage


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("a masked frame", b"\x82\x81abcdX"),
        ("a reserved data opcode", b"\x83\x01x"),
        ("a reserved control opcode", b"\x8b\x01x"),
        ("a continuation of nothing", b"\x80\x01x"),
        ("a fragmented ping", b"\x09\x01x"),
        ("a message inside a fragmented one", b"\x02\x01x\x82\x01y"),
    ],
)
def test_a_frame_that_it_would_not_swear_on_turns_it_off(name, frame):
    splitter = FrameSplitter(LIMIT)
    taken: list[bytes | None] = []
    left = splitter.split(HEAD + b"\x82\x02ok" + frame + b"\x82\x02no", taken)
    assert taken == [b"ok"], name
    assert splitter.off
    assert left == HEAD + frame + b"\x82\x02no"
    assert splitter.split(b"\x82\x02more", taken) == b"\x82\x02more"


def test_a_compressed_frame_is_left_with_its_place_kept():
    splitter = FrameSplitter(LIMIT)
    taken: list[bytes | None] = []
    left = splitter.split(HEAD + b"\x82\x01a" + b"\xc2\x03zip" + b"\x82\x01b", taken)
    assert taken == [b"a", None, b"b"]
    assert left == HEAD + b"\xc2\x03zip"


def test_a_refused_upgrade_is_left_alone_and_its_status_and_headers_are_known():
    splitter = FrameSplitter(LIMIT)
    taken: list[bytes | None] = []
    answer = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\r\n\x82\x01a"
    assert b"".join(splitter.split(answer[i : i + 1], taken) for i in range(len(answer))) == answer
    assert taken == []
    assert splitter.status == 429
    assert (b"retry-after", b"7") in splitter.headers


def test_a_large_frame_in_small_reads_takes_time_in_proportion_to_its_size():
    splitter = FrameSplitter(16 << 20)
    taken: list[bytes | None] = []
    payload = b"y" * (8 << 20)
    wire = HEAD + b"\x82\x7f" + len(payload).to_bytes(8, "big") + payload
    for at in range(0, len(wire), 4096):
        splitter.split(wire[at : at + 4096], taken)
    assert taken == [payload]
