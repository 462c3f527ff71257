"""Law: what arrives is handed on in order, once, bounded; and the end of the stream is told, never waited for."""

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionRejected

from engine.errors import LineLost, Overrun
from engine.venues.alpaca.tap import FrameTap, Inbox

HEAD = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def make_tap(bytes_max=1 << 20, patience_s=2.0):
    ours, theirs = trio.testing.memory_stream_pair()
    inbox = Inbox(bytes_max)
    return FrameTap(ours, inbox, "iex (host:1)", message_bytes_max=1000, patience_s=patience_s), inbox, theirs


def test_a_reassembled_message_is_told_in_its_place():
    inbox = Inbox(100)
    inbox.put([b"a"], 1)
    inbox.put_place()
    inbox.put([b"c"], 1)
    assert inbox.take(100) == [b"a"]
    assert not inbox.ready
    inbox.put_reassembled("b")
    assert inbox.ready
    assert inbox.take(100) == ["b", b"c"]
    assert inbox.bytes == 0


def test_a_take_is_bounded_and_goes_on_where_it_stopped():
    inbox = Inbox(100)
    for letter in (b"a", b"b", b"c"):
        inbox.put([letter * 10], 10)
    assert inbox.take(15) == [b"a" * 10, b"b" * 10]
    assert inbox.take(15) == [b"c" * 10]
    assert inbox.take(15) == []


def test_the_first_failure_stands_and_nothing_is_added_after_it():
    inbox = Inbox(10)
    inbox.put([b"a"], 1)
    inbox.fail(LineLost("first"))
    inbox.fail(LineLost("second"))
    inbox.put([b"b"], 1)
    inbox.put_reassembled(b"c")
    assert inbox.take(10) == [b"a"]
    assert str(inbox.failure) == "first"


async def test_data_goes_to_the_inbox_and_the_rest_to_the_caller():
    tap, inbox, peer = make_tap()
    await peer.send_all(HEAD + b"\x82\x01a\x89\x01p\x81\x01b\x8a\x01q")
    left = b""
    while len(left) < len(HEAD) + 6:
        left += await tap.receive_some()
    assert left == HEAD + b"\x89\x01p\x8a\x01q"
    assert inbox.take(100) == [b"a", b"b"]
    assert tap.pongs == 1


async def test_nothing_for_the_caller_means_reading_on_not_the_end():
    tap, inbox, peer = make_tap()
    await peer.send_all(HEAD)
    assert await tap.receive_some() == HEAD
    async with trio.open_nursery() as nursery:

        async def sends():
            await peer.send_all(b"\x82\x01a")
            await inbox.wait()
            await peer.send_all(b"\x82\x01b")
            await peer.send_eof()

        nursery.start_soon(sends)
        assert await tap.receive_some() == b""
    assert inbox.take(100) == [b"a", b"b"]


async def test_an_end_before_the_upgrade_is_an_error():
    tap, _, peer = make_tap()
    await peer.send_eof()
    with pytest.raises(LineLost, match="before the venue answered"):
        await tap.receive_some()


async def test_a_refusal_without_an_end_of_body_is_a_refusal():
    tap, _, peer = make_tap()
    await peer.send_all(b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\n\r\nsorry")
    await peer.send_eof()
    await tap.receive_some()
    with pytest.raises(ConnectionRejected) as caught:
        await tap.receive_some()
    assert caught.value.status_code == 503
    assert (b"retry-after", b"3") in caught.value.headers


async def test_a_full_inbox_holds_up_the_reader_until_there_is_room(autojump_clock):
    tap, inbox, peer = make_tap(bytes_max=10)
    await peer.send_all(HEAD + b"\x82\x10" + b"x" * 16)
    await tap.receive_some()
    await peer.send_all(b"\x82\x01a\x89\x01p")
    async with trio.open_nursery() as nursery:

        async def takes():
            await trio.sleep(1.5)
            assert inbox.take(100) == [b"x" * 16]

        nursery.start_soon(takes)
        assert await tap.receive_some() == b"\x89\x01p"
    assert trio.current_time() == pytest.approx(1.5)
    assert inbox.failure is None
    assert inbox.take(100) == [b"a"]


async def test_a_reader_held_up_for_too_long_says_so_and_still_reads_what_closing_needs(autojump_clock):
    tap, inbox, peer = make_tap(bytes_max=10)
    await peer.send_all(HEAD + b"\x82\x10" + b"x" * 16)
    await tap.receive_some()
    await peer.send_all(b"\x82\x01a\x88\x00")
    assert await tap.receive_some() == b"\x88\x00"
    assert trio.current_time() == pytest.approx(2.0)
    assert isinstance(inbox.failure, Overrun)
    assert inbox.take(100) == [b"x" * 16]
