"""The socket, and anycorn behind it: every write has a deadline, and no connection can end or hold up the engine.

anycorn shields its writes from being cancelled. A browser that opens a page and never reads would so keep the session
from ending, and its task for ever. So each connection is wrapped: a write that takes longer than `WRITE_S` closes it.
"""

import logging
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import anyio
import anyio.abc
from loguru import logger

from engine.errors import Misconfigured
from engine.web.guard.door import App

WRITE_S: Final = 2.0
"""How long a browser may leave what it was sent unread once its buffers are full."""
SEND_BUFFER: Final = 32_768
"""Bytes that the system keeps for a browser: a few beats, so that one that does not read is found out soon."""
CONNECTIONS_MAX: Final = 128
"""Open at once; further ones are closed. Twice as many as may watch, since browsers keep some in reserve."""
BACKLOG: Final = 64
KEEP_ALIVE_S: Final = 30


def open_socket(host: str, port: int) -> socket.socket:
    """Listen; raises `Misconfigured` where that is not possible."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        why = error.strerror or str(error)
        raise Misconfigured(
            f"The dashboard cannot listen on {host}, port {port}: {why}. Choose another with --dashboard PORT, "
            "or 0 for a free one."
        ) from None
    listener.setblocking(False)
    return listener


class Bounded(anyio.abc.ByteStream):
    """A connection whose writes have a deadline."""

    def __init__(self, stream: anyio.abc.SocketStream) -> None:
        self._stream = stream

    async def send(self, item: bytes) -> None:
        """As the stream does; raises ``TimeoutError`` after `WRITE_S`, and then the connection is gone."""
        with anyio.move_on_after(WRITE_S) as patience:
            await self._stream.send(item)
        if patience.cancelled_caught:
            await anyio.aclose_forcefully(self._stream)
            raise TimeoutError

    async def receive(self, max_bytes: int = 65_536) -> bytes:
        """As the stream does."""
        return await self._stream.receive(max_bytes)

    async def send_eof(self) -> None:
        """As the stream does."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """As the stream does."""
        await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """As the stream has them."""
        return self._stream.extra_attributes


async def serve(app: App, listener: socket.socket) -> None:
    """Answer whoever connects, until cancelled."""
    from anycorn.config import Config
    from anycorn.tcp_server import TCPServer
    from anycorn.typing import ConnectionState
    from anycorn.utils import wrap_app
    from anycorn.worker_context import WorkerContext

    config = Config()
    config.errorlog = logging.getLogger("anycorn.error")  # goes where all logs go, without secrets
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE_S
    context = WorkerContext(None)
    wrapped = wrap_app(cast(Any, app), config.wsgi_max_body_size, "asgi")
    open_now = 0

    async def answer(stream: anyio.abc.SocketStream) -> None:
        nonlocal open_now
        if open_now >= CONNECTIONS_MAX:
            await anyio.aclose_forcefully(stream)
            return
        open_now += 1
        try:
            await TCPServer(
                wrapped, config, context, ConnectionState({}), cast(anyio.abc.SocketStream, Bounded(stream))
            ).run()
        except (Exception, BaseExceptionGroup) as error:  # one connection's trouble is not another's
            if isinstance(error, BaseExceptionGroup) and error.split(anyio.get_cancelled_exc_class())[0] is not None:
                raise
            logger.debug("dashboard: a connection ended badly: {!r}", error)
        finally:
            open_now -= 1

    async with await anyio.abc.SocketListener.from_socket(listener) as accepting:
        await accepting.serve(answer)
