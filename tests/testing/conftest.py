"""Two connected streams of a virtual network, as programs get them: one accepted, one opened."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
import trio

from engine.testing.network import Network

Pair: TypeAlias = tuple[trio.SocketStream, trio.SocketStream]


@pytest.fixture
def network() -> Network:
    """A network that a test has to take into use itself, in its own run of Trio."""
    return Network()


@pytest.fixture
def connect() -> Callable[..., Awaitable[Pair]]:
    """Two ends of a new connection with a window of its own, on whichever network is in use."""

    async def make(window_bytes: int = 65_536) -> Pair:
        with Network(window_bytes=window_bytes).use():
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            async with listener:
                host, port = listener.socket.getsockname()
                opened = await trio.open_tcp_stream(host, port)
                return await listener.accept(), opened

    return make
