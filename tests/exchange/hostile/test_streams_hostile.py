"""Whatever a stream is told, in whatever frames, the exchange answers or closes that one connection, and goes on."""

import struct
from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec
import pytest
import trio
from attrs import define, field

SHARE: Final = 0.2

PATHS: Final = (
    "/v2/sip",
    "/v2/iex",
    "/v2/test",
    "/v1beta3/crypto/us",
    "/v1beta1/opra",
    "/v1beta1/news",
    "/stream",
    "/",
)
OPENING: Final = (
    "GET {} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{}"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MSGPACK: Final = "Content-Type: application/msgpack\r\n"
KEYED: Final = "APCA-API-KEY-ID: k\r\nAPCA-API-SECRET-KEY: s\r\n"
LOGIN: Final[dict[str, Any]] = {"action": "auth", "key": "k", "secret": "s"}
OLD_LOGIN: Final[dict[str, Any]] = {"action": "authenticate", "data": {"key_id": "k", "secret_key": "s"}}
LISTEN: Final[dict[str, Any]] = {"action": "listen", "data": {"streams": ["trade_updates"]}}
SUBSCRIBES: Final[dict[str, dict[str, Any]]] = {
    "/v2/sip": {"trades": ["SPY"], "quotes": ["*"], "bars": ["SPY"], "statuses": ["*"]},
    "/v2/iex": {"trades": [f"S{number}" for number in range(2000)]},
    "/v2/test": {"trades": ["FAKEPACA"], "quotes": ["FAKEPACA"]},
    "/v1beta3/crypto/us": {"trades": ["BTC/USD"], "quotes": ["*"], "orderbooks": ["BTC/USD"]},
    "/v1beta1/opra": {"trades": ["*"], "quotes": ["SPY260320C00600000"]},
    "/v1beta1/news": {"news": ["*"]},
}
PATHS: Final = (*SUBSCRIBES, "/stream", "/")
ODD: Final[tuple[dict[str, Any], ...]] = (
    {"action": "subscribe"},
    {"action": "subscribe", "quotes": ["BTC/USD"], "orderbooks": ["BTC/USD"], "trades": ["A" * 5000]},
    {"action": "listen", "data": {"streams": [["trade_updates"], {}, None, 5, "trade_updates"]}},
    {"action": "listen", "data": ["trade_updates"]},
    {"action": "authenticate", "data": {"oauth_token": {"a": []}}},
    {"action": {"auth": 1}},
)
BOMBS: Final = (
    b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01",
    b"\x91" * 100_000, b"\x81\xa1a" * 50_000, b"\x81\xa6action\xc7\x0c\xff" + bytes(12),
    b"\x81\xa6action\xd6\xff\xff\xff\xff\xff", b"\x81\xc0\xc0", b"\x81\xa1\xff\xc0", b"\xc1", b"", b"\x80",
    b"\x81\x90\xc0", b"[" * 200_000, b'{"a":' * 100_000, b"{}", b"[]", b"null", b'"\\ud800"',
    b'{"action":"auth","action":"listen"}', b'{"action":1e999999999}', b"\x00", b"\xef\xbb\xbf{}",
)  # fmt: skip
"""MessagePack that promises gigabytes or goes too deep, and JSON of that kind."""
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(
    opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0, mask: bytes | None = b"mask", says: int = -1
) -> bytes:
    """A frame of a client's; ``says`` is the length that it claims, ``mask`` ``None`` leaves it unmasked."""
    length = len(payload) if says < 0 else says
    bit = 0 if mask is None else 0x80
    first = bytes(((0x80 if fin else 0) | reserved << 4 | opcode,))
    if length < 126:
        head = first + bytes((bit | length,))
    elif length < 65_536:
        head = first + bytes((bit | 126,)) + struct.pack(">H", length)
    else:
        head = first + bytes((bit | 127,)) + struct.pack(">Q", length)
    if mask is None:
        return head + payload
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return head + mask + masked.to_bytes(len(payload), "big")


def fitting(path: str) -> tuple[dict[str, Any], ...]:
    """Requests that belong to a path, in their order."""
    if path not in SUBSCRIBES:
        return OLD_LOGIN, LISTEN, LOGIN
    wanted = SUBSCRIBES[path]
    return LOGIN, {"action": "subscribe", **wanted}, {"action": "unsubscribe", **wanted}


@define
class Streams:
    """One hostile client of a stream after another."""

    storm: Any
    oddities: Any
    ended: int = 0
    """Connections that the exchange has ended."""
    closed: dict[int, int] = field(factory=dict)
    said: dict[bytes, int] = field(factory=dict)

    async def case(self, dice: Random) -> None:
        """One connection: a handshake, some requests that may be good, some frames that may not, and an end."""
        odd = self.oddities(dice)
        path, extra = dice.choice(PATHS), dice.choice(("", "", MSGPACK, KEYED, MSGPACK + KEYED))
        encode = msgspec.msgpack.encode if MSGPACK in extra else msgspec.json.encode
        good = fitting(path)[: dice.randrange(4)]
        wire = b"".join(frame(BINARY, encode(each)) for each in good)
        wire += b"".join(self.frame(dice, odd, path) for _ in range(dice.randint(1, 6)))
        stream = await self.storm.caller.open()
        try:
            with trio.fail_after(1000):
                self.check(await self.talk(dice, stream, OPENING.format(path, extra).encode(), wire))
        finally:
            await trio.aclose_forcefully(stream)

    def frame(self, dice: Random, odd: Any, path: str) -> bytes:
        """A request in a good frame, or a frame with something wrong with it."""
        if dice.random() < 0.5:
            return frame(dice.choice((TEXT, BINARY)), self.request(dice, odd, path))
        payload = odd.noise(200)
        kinds: tuple[Callable[[], bytes], ...] = (
            lambda: frame(dice.randrange(16), payload),
            lambda: frame(TEXT, payload, reserved=dice.randrange(8)),
            lambda: frame(TEXT, payload, mask=None),
            lambda: frame(BINARY, payload, says=dice.choice((0, 10, 70_000, 2**31, 2**63 - 1, 2**64 - 1))),
            lambda: frame(dice.choice((PING, CLOSE)), bytes(dice.choice((126, 5000)))),
            lambda: frame(PING, payload[:125], fin=False) + frame(CONTINUATION, b""),
            lambda: frame(CONTINUATION, payload, fin=dice.random() < 0.5),
            lambda: frame(TEXT, b'{"act', fin=False) + frame(PING, b"x") + frame(CONTINUATION, b'ion":1}'),
            lambda: frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"),
            lambda: frame(TEXT, b"", fin=False) * dice.choice((3, 300)) + frame(CONTINUATION, b"") * 300,
            lambda: frame(
                CLOSE, struct.pack(">H", dice.choice((0, 999, 1000, 1005, 1006, 1015, 5000, 65535))) + payload[:9]
            ),
            lambda: frame(CLOSE, b"\x03") + frame(TEXT, b"after"),
            lambda: frame(PONG, payload[:125]) * 50 + frame(PING, payload[:125]) * 200,
            lambda: odd.mangled(frame(TEXT, msgspec.json.encode(LOGIN))),
            lambda: frame(TEXT, b"[" * dice.choice((1_048_570, 1_100_000))),
            lambda: payload,
        )
        return dice.choice(kinds)()

    def request(self, dice: Random, odd: Any, path: str) -> bytes:
        """What should be one request."""
        good = dice.choice((*fitting(path), *ODD))
        asked = good if dice.random() < 0.4 else odd.spoiled(good)
        if dice.random() < 0.2:
            return dice.choice(BOMBS)
        if dice.random() < 0.7:
            return odd.json(asked if dice.random() < 0.9 else odd.value())
        try:
            return odd.mangled(msgspec.msgpack.encode(asked))
        except (OverflowError, ValueError, UnicodeError):
            return b"\x81\xa6action\xa4auth"  # MessagePack has no word for some of what JSON can say

    async def talk(self, dice: Random, stream: trio.SocketStream, *wires: bytes) -> bytes:
        """Say it all, in some pieces, and listen for a while or until it is over."""
        heard = bytearray()
        pieces = list(wires)
        if dice.random() < 0.3:
            cut = dice.randrange(len(wires[-1]) + 1)
            pieces[-1:] = [wires[-1][:cut], wires[-1][cut:]]
        if dice.random() < 0.1:
            pieces = [b"".join(pieces)]  # frames before the handshake has been answered

        async def listen(over: trio.CancelScope) -> None:
            try:
                while chunk := await stream.receive_some(65_536):
                    heard.extend(chunk)
            except trio.BrokenResourceError:
                await trio.lowlevel.checkpoint()  # reset: one of its ways to hang up
            self.ended += 1
            over.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen, nursery.cancel_scope)
            try:
                for piece in pieces:
                    await stream.send_all(piece)
                    await trio.sleep(dice.choice((0.01, 0.01, 0.01, 12.0)))
                if dice.random() < 0.2:
                    await stream.send_eof()
            except trio.BrokenResourceError:
                await trio.sleep(0.1)  # it has hung up meanwhile
            await trio.sleep(dice.choice((0.01, 1.0, 30.0)))
            nursery.cancel_scope.cancel()
        return bytes(heard)

    def check(self, heard: bytes) -> None:
        """Everything behind the handshake is whole frames of a server's, and a close says why."""
        head, _, rest = heard.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 101", b"HTTP/1.1 4", b"HTTP/1.1 200")) or not head, head
        while len(rest) >= 2 and head.startswith(b"HTTP/1.1 101"):
            opcode, size = rest[0] & 15, rest[1]
            assert rest[0] & 0x70 == 0
            assert size < 128, "a server does not mask"
            wide = {126: 2, 127: 8}.get(size, 0)
            size = int.from_bytes(rest[2 : 2 + wide], "big") if wide else size
            payload, rest = rest[2 + wide : 2 + wide + size], rest[2 + wide + size :]
            assert opcode in (TEXT, BINARY, CLOSE, PING, PONG)
            if opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big")
                self.closed[code] = self.closed.get(code, 0) + 1
                assert code not in (1011, 1006, 1005), payload
            elif opcode in (TEXT, BINARY):
                self.said[payload[:60]] = self.said.get(payload[:60], 0) + 1


@pytest.mark.slow
async def test_any_frame_and_any_request_leave_the_exchange_alive(storm: Any, oddities: Any) -> None:
    streams = Streams(storm, oddities)
    await storm.rage("streams", SHARE, streams.case)
    told = b"".join(streams.said)
    for word in (b"connected", b"authenticated", b"authorized", b"subscription", b"listening", b"invalid syntax"):
        assert word in told
    assert {1000, 1009} <= set(streams.closed)


@pytest.mark.parametrize("path", ["/v2/sip", "/stream"])
@pytest.mark.parametrize(
    ("wrong", "frames", "code"),
    [
        ("no mask", frame(TEXT, b"x", mask=None), None),
        ("a reserved bit", frame(TEXT, b"x", reserved=4), None),
        ("a reserved opcode", frame(3, b"x"), None),
        ("a ping in parts", frame(PING, b"x", fin=False), None),
        ("a long ping", frame(PING, bytes(126)), None),
        ("a continuation of nothing", frame(CONTINUATION, b"x"), None),
        ("two beginnings", frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"), None),
        ("text that is none", frame(TEXT, b"\xff\xfe"), None),
        ("a message too large", frame(TEXT, b"x" * 1_048_577), 1009),
        ("too large in parts", frame(BINARY, b"x" * 1_048_576, fin=False) + frame(CONTINUATION, b"x"), 1009),
        ("nothing: a goodbye", frame(CLOSE, b"\x03\xe8"), 1000),
    ],
)
async def test_a_frame_that_breaks_the_rules_ends_its_connection_at_once(
    storm: Any, oddities: Any, path: str, wrong: str, frames: bytes, code: int | None
) -> None:
    """Where ``code`` is ``None`` there is no goodbye: trio-websocket hangs up on who does not speak its protocol."""
    streams = Streams(storm, oddities)
    stream = await storm.caller.open()
    await stream.send_all(OPENING.format(path, "").encode())
    await trio.sleep(1)
    with trio.fail_after(5):
        await stream.send_all(frames)
        heard = bytearray()
        while chunk := await stream.receive_some(65_536):
            heard += chunk
    streams.check(bytes(heard))
    assert streams.closed == ({} if code is None else {code: 1})
    await trio.aclose_forcefully(stream)
    await storm.look()
