"""Whatever bytes come to the one port, they are answered as HTTP allows or not at all, and hold nothing for ever."""

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
import trio
from attrs import define, evolve, field

from engine.exchange.line.limits import LineOptions
from engine.exchange.tiers import PLUS

SHARE: Final = 0.2
LIVE_SHARE: Final = 0.05
TRIES_MAX: Final = 200
"""Replies to one connection: more than any case here has requests."""

PATIENT: Final = evolve(PLUS, trading_per_minute=1_000_000)
"""In real time all cases come in a minute."""
KEYS: Final = b"APCA-API-KEY-ID: k\r\nAPCA-API-SECRET-KEY: s\r\n"
GOOD: Final = b"GET /v2/clock HTTP/1.1\r\nHost: x\r\n" + KEYS + b"\r\n"
POST: Final = b"POST /v2/orders HTTP/1.1\r\nHost: x\r\n" + KEYS
UPGRADE: Final = (
    b"GET /v2/sip HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TLS_HELLO: Final = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
HTTP_2: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100)
LINES: Final = (
    b"GET /v2/clock HTTP/1.0\r\n\r\n", b"GET /v2/clock\r\n\r\n", b"GET  /v2/clock  HTTP/1.1\r\n\r\n", b"\r\n" * 50,
    b"\n\n\n", b"get /v2/clock http/1.1\r\n\r\n", b"GET http://evil.example/v2/clock HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT evil:443 HTTP/1.1\r\n\r\n", b"GET //[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v2/clock HTTP/9.9\r\nHost: x\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v2/clock HTTP/1.1\r\n\r\n", TLS_HELLO, HTTP_2, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"A" * 200_000, b"*1\r\n$4\r\nPING\r\n", b"\x00" * 5000,
)  # fmt: skip
HEADERS: Final = (
    b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: -1\r\n", b"Content-Length: +5\r\n",
    b"Content-Length: 5, 5\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: 0x5\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding:\x0bchunked\r\n",
    b"X: a\r\n folded\r\n", b"X\x00: y\r\n", b": empty\r\n", b"no colon\r\n", b"Host: x\r\nHost: y\r\n",
    b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"Expect: 200-ok\r\n", b"Connection: close, keep-alive\r\n",
    b"X: " + b"a" * 70_000 + b"\r\n", b"X: y\r\n" * 3000, b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
    b"Content-Length: \xb2\r\n", b"X: \xff\xfe\r\n",
)  # fmt: skip
BODIES: Final = (
    b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFF\r\nhello",
    b"5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", b"5\r\nhelloGET /v2/clock HTTP/1.1\r\n\r\n", b"0\r\n\r\n" + GOOD,
    b"zz\r\n", b"1" * 5000, GOOD * 20, UPGRADE,
)  # fmt: skip


def wire_of(dice: Random, odd: Any) -> bytes:
    """What one connection says."""
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: odd.noise(2000),
        lambda: dice.choice(LINES),
        lambda: POST + dice.choice(HEADERS) + b"\r\n" + dice.choice(BODIES),
        lambda: POST + dice.choice(HEADERS) + dice.choice(HEADERS) + b"\r\n" + dice.choice(BODIES),
        lambda: odd.mangled(dice.choice((GOOD, UPGRADE, POST + b"Content-Length: 2\r\n\r\n{}"))),
        lambda: UPGRADE.replace(b"\r\n", b"\r\n" + dice.choice(HEADERS), 1) + odd.noise(),
        lambda: dice.choice((GOOD, UPGRADE))[: dice.randrange(1, 60)],
        lambda: POST + b"Content-Length: 3000000\r\n\r\n" + b"x" * dice.choice((10, 100_000, 1_500_000)),
        lambda: GOOD * dice.randint(2, 40) + dice.choice(LINES),
        lambda: UPGRADE + UPGRADE,
    )
    return dice.choice(kinds)()


@define
class Bytes:
    """Makes and sends one connection's worth of bytes after another."""

    storm: Any
    oddities: Any
    answered: dict[int, int] = field(factory=dict)

    async def case(self, dice: Random) -> None:
        """One connection, and every way to end it."""
        wire = wire_of(dice, self.oddities(dice))
        stream = await self.storm.caller.open()
        try:
            with trio.fail_after(1000):
                self.check(await self.talk(dice, stream, wire))
        finally:
            await trio.aclose_forcefully(stream)

    async def talk(self, dice: Random, stream: trio.SocketStream, wire: bytes) -> bytes:
        """Send, and take what comes back until the exchange hangs up, or until it is our turn to."""
        heard = bytearray()

        async def listen() -> None:
            try:
                while chunk := await stream.receive_some(65_536):
                    heard.extend(chunk)
            except trio.BrokenResourceError:
                await trio.lowlevel.checkpoint()  # reset: one of its ways to hang up

        way = dice.random()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            try:
                for piece in self.pieces(dice, wire):
                    await stream.send_all(piece)
                    if way < 0.1:
                        await trio.sleep(dice.choice((0.01, 1.0)))
                if way < 0.5:
                    await stream.send_eof()
            except trio.BrokenResourceError:
                await trio.sleep(0.1)  # it has hung up meanwhile
            if way > 0.6:
                await trio.sleep(dice.choice((0.0, 0.5)))
                nursery.cancel_scope.cancel()  # a client that leaves without a word
        return bytes(heard)

    def pieces(self, dice: Random, wire: bytes) -> list[bytes]:
        """All at once, or the way slow and nasty clients do it."""
        if dice.random() < 0.8:
            return [wire]
        cuts = sorted(dice.randrange(len(wire) + 1) for _ in range(dice.randint(1, 30)))
        return [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True) if start < end]

    def check(self, heard: bytes) -> None:
        """Every answer is HTTP, and none of them is a failure of the exchange's."""
        for _ in range(TRIES_MAX):
            at = heard.find(b"HTTP/1.1 ")
            if at < 0:
                return
            status = int(heard[at + 9 : at + 12])
            self.answered[status] = self.answered.get(status, 0) + 1
            assert status < 500 or status in (501, 505), heard[at : at + 300]
            heard = heard[at + 9 :]


@pytest.mark.slow
async def test_any_bytes_at_all_leave_the_exchange_alive(storm: Any, oddities: Any) -> None:
    noise = Bytes(storm, oddities)
    await storm.rage("bytes", SHARE, noise.case)
    assert {101, 200, 400, 413} <= set(noise.answered)


async def drip(stream: trio.SocketStream, wire: bytes) -> None:
    """Send as slowly as a client can that is not quite dead."""
    with trio.fail_after(300):
        await trio.sleep(1)
        for byte in wire:
            await stream.send_all(bytes((byte,)))
            await trio.sleep(1)


async def test_a_client_that_sends_a_byte_a_second_is_let_go(storm: Any) -> None:
    for wire in (GOOD, UPGRADE, POST + b"Content-Length: 500\r\n\r\n" + b"x" * 500):
        stream, began_s = await storm.caller.open(), trio.current_time()
        with pytest.raises(trio.BrokenResourceError):
            await drip(stream, wire)
        assert 5 < trio.current_time() - began_s < 30
        await trio.aclose_forcefully(stream)
    await storm.look()


async def test_a_client_that_says_nothing_is_let_go(storm: Any) -> None:
    stream, began_s = await storm.caller.open(), trio.current_time()
    with trio.fail_after(1000):
        assert await stream.receive_some() == b""
    assert 60 < trio.current_time() - began_s < 300
    await trio.aclose_forcefully(stream)
    await storm.look()


async def test_a_crowd_is_turned_away_and_nobody_is_forgotten_by_it(storm: Any) -> None:
    crowd = [await storm.caller.open() for _ in range(1100)]
    for stream in crowd[:600]:
        await stream.send_all(GOOD[:20])
    await trio.sleep(1)
    for stream in crowd:
        await trio.aclose_forcefully(stream)
    await storm.look()


@pytest.mark.slow
@pytest.mark.exchange(symbols=("SPY", "BTC/USD"), events_per_s=50, line=LineOptions(tier=PATIENT))
def test_the_same_over_real_sockets(live_exchange: Any, oddities: Any, cases: Any) -> None:
    address = urlsplit(live_exchange.trading_url)
    for dice in cases("sockets", LIVE_SHARE):
        with socket.create_connection((address.hostname, address.port), timeout=5) as client, suppress(OSError):
            if dice.random() < 0.3:  # leave with a reset
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(wire_of(dice, oddities(dice)))
            if dice.random() < 0.5:
                client.shutdown(socket.SHUT_WR)
                client.settimeout(0.05)
                client.recv(65_536)
    with httpx.Client(base_url=live_exchange.trading_url, headers=live_exchange.headers) as good:
        order = {"symbol": "BTC/USD", "qty": "0.01", "side": "buy", "type": "market", "time_in_force": "gtc"}
        assert good.post("/v2/orders", json=order).status_code == 200
        assert [each["symbol"] for each in good.get("/v2/positions").json()] == ["BTCUSD"]
    assert live_exchange.summary()["orders"]["filled"] == 1
