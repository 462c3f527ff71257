"""What one client can make the exchange keep for it has a bound, whatever it asks and however little it reads."""

from typing import Any, Final

import msgspec
import pytest
import trio
from trio_websocket import open_websocket_url

from engine.exchange.line.limits import SEND_WITHIN_S
from engine.exchange.line.session import SUBSCRIPTIONS_MAX, SYMBOL_CHARS_MAX
from engine.testing.network import WINDOW_BYTES

ALL_OF_IT: Final = 10_000_000
"""Bytes of requests: many times what a connection and the queue behind it hold."""


OPENING: Final = (
    b"GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(request: dict[str, Any]) -> bytes:
    """A short request of a client's, masked with nothing."""
    payload = msgspec.json.encode(request)
    return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload


@pytest.mark.slow
@pytest.mark.parametrize("path", [b"/v1beta3/crypto/us", b"/stream"])
async def test_who_asks_and_never_listens_is_not_heard_for_ever(storm: Any, path: bytes) -> None:
    login = frame({"action": "auth", "key": "k", "secret": "s"})
    stream, sent = await storm.caller.open(), 0
    await stream.send_all(OPENING % path)
    with trio.move_on_after(SEND_WITHIN_S + 10):
        await trio.sleep(1)
        try:
            while sent < ALL_OF_IT:
                await stream.send_all(login)
                sent += len(login)
        except trio.BrokenResourceError:
            await trio.lowlevel.checkpoint()  # it was dropped
    assert WINDOW_BYTES < sent < ALL_OF_IT
    await trio.aclose_forcefully(stream)
    await storm.look()


@pytest.mark.slow
async def test_subscriptions_have_an_end(storm: Any) -> None:
    step, refused = 20_000, 0
    url = f"{storm.exchange.data_stream_url}/v2/sip"
    login = {"action": "auth", "key": "k", "secret": "s"}
    async with open_websocket_url(url, max_message_size=16 * 1024 * 1024) as ws:
        await ws.send_message(msgspec.json.encode(login).decode())
        for said in ("connected", "authenticated"):
            assert said in str(await ws.get_message())
        for start in range(0, SUBSCRIPTIONS_MAX, step):
            symbols = [f"X{number}" for number in range(start, start + step)]
            await ws.send_message(msgspec.json.encode({"action": "subscribe", "trades": symbols}).decode())
            answer = msgspec.json.decode(await ws.get_message())[0]
            refused += answer.get("code") == 405
            if not refused:
                assert len(answer["trades"]) == start + step
        assert refused > 5  # trades bring corrections and cancels with them, so a third of the number is reached first
        long = {"action": "subscribe", "trades": ["X" * (SYMBOL_CHARS_MAX + 1)]}
        await ws.send_message(msgspec.json.encode(long).decode())
        assert msgspec.json.decode(await ws.get_message())[0]["code"] == 400
    await storm.look()
