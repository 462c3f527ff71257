"""A connection of the virtual network can be ended, cut, frozen and slowed from its middle, and neither end did it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from engine.testing.link import Link
from engine.testing.network import OWNER, Network

PORT = 7


async def open_link(network: Network, near: str = "10.0.0.9") -> tuple[trio.SocketStream, trio.SocketStream, Link]:
    """Both ends of a connection, the one that connected first, and its middle."""
    (listener,) = await trio.open_tcp_listeners(PORT, host="0.0.0.0")
    client = await trio.open_tcp_stream(near, PORT)
    server = await listener.accept()
    await listener.aclose()
    (link,) = network.links.values()
    return client, server, link


@pytest.fixture
async def used() -> AsyncIterator[Network]:
    made = Network()
    with made.use():
        yield made


async def test_a_fin_from_the_middle_ends_both_sides(used: Network) -> None:
    client, server, link = await open_link(used)
    link.finish()
    assert await client.receive_some() == b""
    assert await server.receive_some() == b""
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(b"x")


async def test_a_reset_breaks_both_sides(used: Network) -> None:
    client, server, link = await open_link(used)
    link.reset()
    for end in (client, server):
        with pytest.raises(trio.BrokenResourceError):
            await end.receive_some()


@pytest.mark.parametrize("resets", [False, True])
async def test_a_fuse_lets_exactly_its_bytes_through(used: Network, resets: bool) -> None:
    client, server, link = await open_link(used)
    link.burn("down", 5, resets=resets)
    await server.send_all(b"12")
    await server.send_all(b"3456789")
    assert await client.receive_some() == b"12345"
    if resets:
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some()
    else:
        assert await client.receive_some() == b""


async def test_a_fuse_tells_when_it_burns_and_not_when_it_is_laid(used: Network) -> None:
    client, server, link = await open_link(used)
    told: list[str] = []
    link.burn("up", 5, resets=False, told=lambda: told.append("burnt"))
    await client.send_all(b"12345")
    assert not told
    await client.send_all(b"6")
    assert told == ["burnt"]
    assert await server.receive_some() == b"12345"


async def test_frozen_bytes_and_ends_arrive_with_the_thaw_and_not_before(autojump_clock: Any, used: Network) -> None:
    client, server, link = await open_link(used)
    link.freeze(("down",))
    await server.send_all(b"late")
    await server.aclose()
    with trio.move_on_after(1000) as patience:
        await client.receive_some()
    assert patience.cancelled_caught
    link.thaw()
    assert await client.receive_some() == b"late"
    assert await client.receive_some() == b""


async def test_what_a_sender_who_resets_has_not_got_through_never_arrives(used: Network) -> None:
    """As a system with ``SO_LINGER`` of no seconds, or whose process was killed."""
    client, server, link = await open_link(used)
    link.freeze()
    await client.send_all(b"late")
    link.orphan()
    link.thaw()
    with pytest.raises(trio.BrokenResourceError):
        await server.receive_some()


async def test_a_frozen_connection_fills_its_window_and_then_makes_the_sender_wait(autojump_clock: Any) -> None:
    network = Network(window_bytes=10)
    with network.use():
        client, _, link = await open_link(network)
        link.freeze()
        with trio.move_on_after(1) as patience:
            await client.send_all(b"x" * 11)
        assert patience.cancelled_caught
        assert len(link.up) == 10


async def test_a_trickle_arrives_in_order(used: Network) -> None:
    client, server, link = await open_link(used)
    link.freeze()
    await server.send_all(b"abcdef")
    link.down.let(2)
    assert await client.receive_some() == b"ab"
    link.down.let(3)
    assert await client.receive_some() == b"cde"
    link.thaw()
    assert await client.receive_some() == b"f"


async def test_the_network_knows_who_connected_and_forgets_what_was_closed(used: Network) -> None:
    OWNER.set(7)
    client, server, link = await open_link(used)
    assert (link.owner, link.host) == (7, "10.0.0.9")
    link.orphan()
    assert not used.links
    with pytest.raises(trio.BrokenResourceError):
        await server.receive_some()
    with pytest.raises(trio.ClosedResourceError):
        await client.receive_some()


async def test_bytes_that_nobody_sent_arrive(used: Network) -> None:
    client, _, link = await open_link(used)
    link.slip("down", b"\xff\xff")
    assert await client.receive_some() == b"\xff\xff"
