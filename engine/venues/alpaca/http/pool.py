"""One httpx client and the requests inside it: what a `GuardedClient` uses until it retires it."""

import socket
import ssl
import struct
import sys
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final

import httpx
import trio
from attrs import define, field

from engine.ports.broker import Go
from engine.venues.alpaca.http.request import REQUEST_MAX_S, Params, Reply, Request

CONNECTIONS_MAX: Final = 25
"""Sockets to one host: eight questions, eight orders and eight urgent requests at a time, and one to spare, so that
none waits inside."""
CONNECT_MAX_S: Final = 10.0
"""TCP and TLS; three times what a lost first SYN costs."""
POOL_MAX_S: Final = 1.0
"""The pool always has a free slot: if it has none within a second, it has lost them."""
CLOSE_MAX_S: Final = 2.0
"""Closing sockets is local work; a peer that does not answer a TLS goodbye is not waited for longer."""
KEEP_ALIVE_S: Final = 20.0
"""Shorter than the minute after which load balancers drop idle connections."""
URLS_MAX: Final = 64
"""Questions whose whole URL is kept: there are some twenty, and one for each order that is asked for by its id."""
BODY_BYTES_MAX: Final = 64 * 1024 * 1024
"""The largest body read: 10,000 rows are 2 MB, a page of news with its texts below 10 MB."""
ABORT: Final = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0))
"""Closing throws away what has not left yet. Without it the system goes on sending for minutes what was given up: an
order that a dead path held back would reach the venue behind its time, when its strategy was told that it never did."""

SENDING: Final = "http11.send_request_headers.started"
"""What httpcore calls the last step before a request's first byte."""


class TooLarge(Exception):
    """The reply has more than `BODY_BYTES_MAX` bytes."""


class Stale(Exception):
    """The request failed in a way that a new pool mends, and may be sent again: to one that is not retired."""


@define(eq=False)
class Pool:
    """One httpx client and how many requests are inside it; a retired one closes with the last of them."""

    client: httpx.AsyncClient
    transport: httpx.AsyncBaseTransport
    """Of the client. It is asked directly: what the client has around it (redirects, cookies, hooks, its own merging of
    URLs and headers) is not wanted here, and costs as much as a third of a request."""
    requests: int = 0
    retired: bool = False
    _urls: dict[tuple[object, ...], httpx.URL] = field(factory=dict)

    @property
    def idle(self) -> bool:
        """Retired, and its last request is through."""
        return self.retired and not self.requests

    async def send(self, request: Request) -> Reply:
        """One request and its whole reply. Raises `Stale`, `TooLarge`, httpx's ``RequestError``, and what withholds
        the request (`Request.go`)."""
        seen = _Seen(request.go)
        self.requests += 1
        try:
            return await self._read(request, seen)
        except httpx.PoolTimeout as error:
            raise Stale from error  # it waited inside the pool: no connection, not one byte
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            if request.reads and seen.reused:
                raise Stale from error
            raise
        finally:
            self.requests -= 1

    async def close(self) -> None:
        """Close its sockets, within `CLOSE_MAX_S`."""
        with trio.CancelScope(deadline=trio.current_time() + CLOSE_MAX_S, shield=True):
            await self.client.aclose()

    async def _read(self, request: Request, seen: "_Seen") -> Reply:
        started_s = trio.current_time()
        headers = self.client.headers
        if request.body:
            headers = headers.copy()
            headers["Content-Type"] = "application/json"
        asking = httpx.Request(
            request.method,
            self._url(request.path, request.params),
            headers=headers,
            content=request.body or None,
            extensions={"trace": seen.note, "timeout": self.client.timeout.as_dict()},
        )
        response = await self.transport.handle_async_request(asking)
        body = bytearray()
        with trio.CancelScope() as reading:
            async with aclosing(response):
                async for chunk in response.aiter_bytes():
                    if len(body) + len(chunk) > BODY_BYTES_MAX:
                        # Raising here would leave httpx's nested generators to the garbage collector; a
                        # cancellation comes from inside the innermost and closes each on its way out.
                        reading.cancel()
                    else:
                        body += chunk
        if reading.cancel_called:
            raise TooLarge
        told = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, told, bytes(body), trio.current_time() - started_s)

    def _url(self, path: str, params: Params) -> httpx.URL:
        """The whole URL of a question, parsed once: parsing costs as much as all that httpx does before it sends."""
        asked = (path, *params.items())
        url = self._urls.get(asked)
        if url is None:
            if len(self._urls) >= URLS_MAX:
                self._urls.clear()
            url = self._urls[asked] = self.client.build_request("GET", path, params=params or None).url
        return url


def build_pool(base_url: str, headers: Mapping[str, str], tls: ssl.SSLContext | bool) -> Pool:
    """A new pool; ``tls`` is made once, because reading the root certificates takes longer than many a request."""
    timeout = httpx.Timeout(REQUEST_MAX_S, connect=CONNECT_MAX_S, pool=POOL_MAX_S)
    limits = httpx.Limits(
        max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX, keepalive_expiry=KEEP_ALIVE_S
    )
    transport = httpx.AsyncHTTPTransport(verify=tls, limits=limits, trust_env=False, socket_options=[ABORT])
    client = httpx.AsyncClient(
        base_url=base_url,
        headers={"User-Agent": "gapless", **headers},
        transport=transport,
        timeout=timeout,
        follow_redirects=False,
        # A proxy would carry requests but not the WebSocket, and a .netrc could send other keys.
        trust_env=False,
    )
    return Pool(client, transport)


@define(eq=False)
class _Seen:
    """What httpcore's trace told of one request: whether it went out on a connection that was already there.

    The trace is also where ``go`` is awaited: httpcore awaits it, and then writes without waiting. If that raises,
    httpcore closes the connection, on which nothing was written.
    """

    go: Go
    reused: bool = True

    # httpcore awaits it between the steps of a request, many times: a checkpoint each would only slow that down.
    async def note(self, event: str, _details: Mapping[str, Any]) -> None:  # noqa: ASYNC910 - see above
        if event.startswith("connection.connect_"):
            self.reused = False
        elif event == SENDING:
            await self.go()
