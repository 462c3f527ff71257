"""The HTTP server answers what is HTTP, refuses what is not, waits for nobody for ever, and outlives every client."""

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from engine.exchange.rest.http import (
    CONNECTIONS_MAX,
    IDLE_MAX_S,
    REQUEST_MAX_S,
    WRITE_MAX_S,
    HttpServer,
    Request,
    Response,
    Send,
)

GET = b"GET /v2/clock?a=1&b=%2F&a=2 HTTP/1.1\r\nHost: x\r\nX-Key: k\r\n\r\n"


class Noted:
    """A responder that notes requests and gives what it was told to."""

    def __init__(self, response: Response | None = None) -> None:
        self.requests: list[Request] = []
        self.response = response or Response(200, b'{"ok":true}', (("X-A", "b"),))

    async def respond(self, request: Request) -> Response:
        await trio.lowlevel.checkpoint()
        self.requests.append(request)
        return self.response


async def talk(noted: Noted, *parts: bytes, eof: bool = True) -> bytes:
    """Everything that the server says to these bytes, until it or we close."""
    ours, theirs = trio.testing.memory_stream_pair()
    server = HttpServer(noted.respond)
    heard = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_connection, theirs)
        try:
            for part in parts:
                await ours.send_all(part)
                await trio.testing.wait_all_tasks_blocked()
        except trio.BrokenResourceError:
            pass
        if eof:
            await ours.send_eof()
        async for chunk in ours:
            heard += chunk
    return bytes(heard)


async def test_a_request_arrives_taken_apart_and_is_answered() -> None:
    noted = Noted()
    heard = await talk(noted, GET)
    assert noted.requests == [
        Request("GET", "/v2/clock", {"a": "2", "b": "/"}, {"host": "x", "x-key": "k"}),
    ]
    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert heard.endswith(b'X-A: b\r\n\r\n{"ok":true}')


async def test_a_connection_is_kept_and_requests_in_one_piece_or_in_pieces_are_all_answered() -> None:
    noted = Noted()
    heard = await talk(noted, GET + GET + GET[:20], GET[20:], GET)
    assert heard.count(b"HTTP/1.1 200 OK") == len(noted.requests) == 4


async def test_head_has_no_body() -> None:
    heard = await talk(Noted(), b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    assert heard.count(b'{"ok":true}') == 1
    assert heard.count(b"content-length: 11") == 2


async def test_a_body_is_read_and_a_huge_one_refused() -> None:
    noted = Noted()
    await talk(noted, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab", b"cd")
    assert noted.requests[0].body == b"abcd"
    heard = await talk(noted, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_100_000)
    assert heard.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello there\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET http://[bad HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 100_000,
    ],
)
async def test_garbage_is_refused_and_the_connection_closed(garbage: bytes) -> None:
    noted = Noted()
    heard = await talk(noted, garbage + b"\r\n\r\n", eof=False)
    assert heard.startswith(b"HTTP/1.1 4")
    assert noted.requests == []


@given(st.lists(st.one_of(st.binary(max_size=50), st.sampled_from([GET, GET[:30], b"\r\n\r\n"])), max_size=5))
def test_no_bytes_of_a_client_bring_it_down(parts: list[bytes]) -> None:
    async def main() -> None:
        with trio.fail_after(600):
            await talk(Noted(), *parts)

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_a_request_that_does_not_end_is_not_waited_for(autojump_clock: MockClock) -> None:
    started_s = trio.current_time()
    assert await talk(Noted(), GET[:-2], eof=False) == b""
    assert trio.current_time() - started_s == pytest.approx(REQUEST_MAX_S)


async def test_a_silent_connection_is_closed_after_a_while(autojump_clock: MockClock) -> None:
    started_s = trio.current_time()
    assert (await talk(Noted(), GET, eof=False)).endswith(b'{"ok":true}')
    assert trio.current_time() - started_s == pytest.approx(IDLE_MAX_S)


async def test_a_client_that_does_not_read_is_let_go(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    server = HttpServer(Noted(Response(200, b"x" * 1000)).respond)
    with trio.fail_after(100):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve_connection, theirs)
            await ours.send_all(GET)


async def test_a_reply_can_be_late_or_cut(autojump_clock: MockClock) -> None:
    started_s = trio.current_time()
    heard = await talk(Noted(Response(200, b"0123456789", delay_s=3, cut=True)), GET, eof=False)
    assert trio.current_time() - started_s == pytest.approx(3)
    assert b"content-length: 10" in heard
    assert heard.endswith(b"\r\n\r\n01234")


async def test_a_reply_without_content_has_no_headers_about_one() -> None:
    heard = await talk(Noted(Response(204)), GET, GET)
    assert heard.count(b"HTTP/1.1 204 No Content\r\n\r\n") == 2


async def test_a_reply_can_be_withheld(autojump_clock: MockClock) -> None:
    assert await talk(Noted(Response(200, b"x", reset=True)), GET, eof=False) == b""
    assert await talk(Noted(Response(200, b"x", silent=True)), GET) == b""
    half = await talk(Noted(Response(200, b"0123456789", silent=True, cut=True)), GET)
    assert half.endswith(b"\r\n\r\n01234")


async def test_a_body_is_told_as_it_happens_and_ends_its_connection() -> None:
    async def count(send: Send) -> None:
        for number in range(3):
            await send(f"data: {number}\n\n".encode())

    heard = await talk(Noted(Response(200, stream=count)), GET, eof=False)
    assert b"content-type: text/event-stream\r\n" in heard
    assert b"transfer-encoding: chunked\r\n" in heard.lower()
    assert heard.count(b"data: ") == 3
    assert heard.endswith(b"0\r\n\r\n")


async def test_a_body_ends_when_its_reader_leaves_or_does_not_read(autojump_clock: MockClock) -> None:
    async def forever(send: Send) -> None:
        while True:
            await send(b"x" * 1000)
            await trio.sleep(1)

    noted = Noted(Response(200, stream=forever))
    assert b"x" * 1000 in await talk(noted, GET)
    ours, theirs = trio.testing.lockstep_stream_pair()
    with trio.fail_after(WRITE_MAX_S + 1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(HttpServer(noted.respond).serve_connection, theirs)
            await ours.send_all(GET)


async def test_a_client_that_goes_away_ends_only_its_connection() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    server = HttpServer(Noted(Response(200, b"x", delay_s=0.01)).respond)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_connection, theirs)
        await ours.send_all(GET)
        await trio.testing.wait_all_tasks_blocked()
        await trio.aclose_forcefully(ours)
    assert nursery.cancel_scope.cancelled_caught is False


async def test_connections_are_bounded() -> None:
    server = HttpServer(Noted().respond)
    async with trio.open_nursery() as nursery:
        pairs = [trio.testing.memory_stream_pair() for _ in range(CONNECTIONS_MAX + 1)]
        for _, theirs in pairs:
            nursery.start_soon(server.serve_connection, theirs)
            await trio.testing.wait_all_tasks_blocked()
        assert await pairs[-1][0].receive_some() == b""
        await pairs[0][0].send_all(GET)
        assert b"200 OK" in await pairs[0][0].receive_some(4096)
        nursery.cancel_scope.cancel()


async def test_a_body_that_is_told_can_fall_silent_behind_its_head() -> None:
    async def tell(send: Send) -> None:
        await send(b": told\n\n")

    for silent, told in ((False, True), (True, False)):
        heard = await talk(Noted(Response(200, stream=tell, cut=silent, silent=silent)), GET)
        assert heard.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        assert (b": told" in heard) is told
