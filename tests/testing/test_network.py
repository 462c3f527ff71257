"""A virtual connection does to a program what TCP on loopback does: order, windows, half-closing, resets, refusals."""

import errno
import socket as numbers
import struct
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import check_half_closeable_stream

from engine.testing.network import Network

ABORT = struct.pack("ii", 1, 0)


async def test_every_rule_that_trio_has_for_streams_holds(autojump_clock: Any, connect: Any) -> None:
    async def clogged() -> Any:
        pair = await connect(window_bytes=1_000)
        for end in pair:
            await end.send_all(b"x" * 1_000)
        return pair

    await check_half_closeable_stream(connect, clogged)


@given(
    sent=st.lists(st.binary(min_size=1, max_size=40), max_size=12),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    window_bytes=st.integers(1, 64),
)
def test_bytes_arrive_in_order_whatever_the_pieces_and_the_window(
    sent: list[bytes], sizes: list[int], window_bytes: int
) -> None:
    received = bytearray()

    async def send(stream: trio.SocketStream) -> None:
        for piece in sent:
            await stream.send_all(piece)
        await stream.send_eof()

    async def main() -> None:
        with Network(window_bytes=window_bytes).use():
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            here = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
            there = await listener.accept()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send, here)
                turn = 0
                while piece := await there.receive_some(sizes[turn % len(sizes)]):
                    assert len(piece) <= sizes[turn % len(sizes)]
                    received.extend(piece)
                    turn += 1

    trio.run(main)
    assert bytes(received) == b"".join(sent)


async def test_a_sender_waits_for_a_reader_once_the_window_is_full(connect: Any, autojump_clock: Any) -> None:
    here, there = await connect(window_bytes=100)
    with trio.move_on_after(60) as patience:
        await here.send_all(b"x" * 150)
    assert patience.cancelled_caught
    assert await there.receive_some() == b"x" * 100
    await here.wait_send_all_might_not_block()
    await here.send_all(b"y" * 100)
    assert await there.receive_some() == b"y" * 100


async def test_one_side_may_end_while_the_other_goes_on(connect: Any) -> None:
    here, there = await connect()
    await here.send_all(b"the last")
    await here.send_eof()
    assert await there.receive_some() == b"the last"
    assert await there.receive_some() == b""
    await there.send_all(b"still here")
    assert await here.receive_some() == b"still here"


async def test_a_reset_lets_what_came_before_be_read_and_then_breaks_both_ways(connect: Any) -> None:
    here, there = await connect()
    await here.send_all(b"before")
    here.socket.setsockopt(numbers.SOL_SOCKET, numbers.SO_LINGER, ABORT)
    await here.aclose()
    assert await there.receive_some() == b"before"
    with pytest.raises(trio.BrokenResourceError):
        await there.receive_some()
    with pytest.raises(trio.BrokenResourceError):
        await there.send_all(b"x")


async def test_leaving_something_unread_resets_the_connection(connect: Any) -> None:
    here, there = await connect()
    await here.send_all(b"unread")
    await there.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await here.receive_some()


async def test_the_first_words_to_somebody_who_left_are_lost_without_a_word(connect: Any) -> None:
    here, there = await connect()
    await there.aclose()
    await here.send_all(b"lost")
    with pytest.raises(trio.BrokenResourceError):
        await here.send_all(b"broken")


async def test_a_reset_wakes_a_sender_that_waits(connect: Any, autojump_clock: Any) -> None:
    here, there = await connect(window_bytes=10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_expect_broken, here)
        await trio.sleep(1)
        await there.aclose()


async def _expect_broken(stream: trio.SocketStream) -> None:
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"x" * 100)


async def test_nothing_listens_nobody_answers(network: Network) -> None:
    with network.use(), pytest.raises(OSError, match="all attempts to connect") as failed:
        await trio.open_tcp_stream("127.0.0.1", 80)
    assert isinstance(failed.value.__cause__, ExceptionGroup)
    (cause,) = failed.value.__cause__.exceptions
    assert isinstance(cause, OSError)
    assert cause.errno == errno.ECONNREFUSED


async def test_a_listener_that_closes_resets_who_waits_and_refuses_who_comes(network: Network) -> None:
    with network.use():
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]
        waiting = await trio.open_tcp_stream("127.0.0.1", port)
        await listener.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await waiting.receive_some()
        with pytest.raises(OSError, match="all attempts to connect"):
            await trio.open_tcp_stream("127.0.0.1", port)
        with pytest.raises(trio.ClosedResourceError):
            await listener.accept()


async def test_a_full_backlog_keeps_the_next_one_waiting(network: Network, autojump_clock: Any) -> None:
    with network.use():
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=1)
        address = listener.socket.getsockname()
        await trio.open_tcp_stream(*address)
        with trio.move_on_after(600) as patience:
            await trio.open_tcp_stream(*address)
        assert patience.cancelled_caught
        await listener.accept()
        await trio.open_tcp_stream(*address)


async def test_only_names_that_were_given_exist() -> None:
    with Network({"localhost": "127.0.0.1", "venue.example": "10.1.2.3"}).use():
        found = await trio.socket.getaddrinfo("venue.example", 443)
        assert {each[4] for each in found} == {("10.1.2.3", 443)}
        assert await trio.socket.getnameinfo(("10.1.2.3", 443), 0) == ("10.1.2.3", "443")
        with pytest.raises(numbers.gaierror):
            await trio.open_tcp_stream("elsewhere.example", 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_addresses_are_told_as_the_system_would(network: Network, host: str) -> None:
    with network.use():
        (listener,) = await trio.open_tcp_listeners(0, host=host)
        address = listener.socket.getsockname()
        stream = await trio.open_tcp_stream(host, address[1])
        accepted = await listener.accept()
    assert address[0] == ("127.0.0.1" if host == "localhost" else host)
    assert len(address) == (4 if host == "::1" else 2)
    assert stream.socket.getpeername() == accepted.socket.getsockname() == address
    assert accepted.socket.getpeername() == stream.socket.getsockname()


async def test_a_port_is_taken_once_and_free_again_when_closed(network: Network) -> None:
    with network.use():
        everywhere = await trio.open_tcp_listeners(8080)
        assert len(everywhere) == 2
        with pytest.raises(OSError, match="in use"):
            await trio.open_tcp_listeners(8080, host="127.0.0.1")
        for listener in everywhere:
            await listener.aclose()
        await trio.open_tcp_listeners(8080, host="127.0.0.1")


@pytest.mark.parametrize("end", ["here", "there"])
async def test_closing_tells_whoever_waits_on_the_same_socket(connect: Any, autojump_clock: Any, end: str) -> None:
    ends = dict(zip(("here", "there"), await connect(), strict=True))

    async def wait() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await ends[end].receive_some()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.sleep(1)
        await ends[end].aclose()
    assert ends[end].socket.fileno() == -1


async def test_other_kinds_of_sockets_are_refused(network: Network) -> None:
    with network.use():
        with pytest.raises(OSError, match="TCP only"):
            trio.socket.socket(type=numbers.SOCK_DGRAM)
        with pytest.raises(OSError, match="IPv4 and IPv6 only"):
            trio.socket.socket(numbers.AF_UNIX)


async def test_the_real_network_is_back_afterwards(network: Network) -> None:
    with network.use():
        assert "VirtualSocket" in repr(trio.socket.socket())
    with trio.socket.socket() as real:
        assert "VirtualSocket" not in repr(real)
