"""The one module that talks HTTP: a guard around httpx that a cancelled strategy cannot poison.

httpx (0.28, httpcore 1.0) loses a slot of its connection pool for good when Trio cancels a request that waits for
a connection, or is opening one; after enough of those every request fails with ``PoolTimeout`` on a healthy server
(encode/httpcore#1093; ``tests/venues/alpaca/test_http.py`` shows it). Cancelling is how Trio programs live, so:

- callers queue at a ``trio.CapacityLimiter`` below the pool's size: nothing ever waits inside the pool;
- each request runs in a task of the client's own nursery, under its own deadline. A cancelled caller leaves at once
  and its request finishes without it;
- a pool that might still have lost a slot (a request that hit its deadline, a ``PoolTimeout``) is retired: new
  requests get a new pool, the old one is closed when its last request ends.

A kept-alive connection that the server dropped meanwhile costs one quiet second try, on a new pool. Only GET lives
here, so a second try is always allowed. HTTP/1.1 only: HTTP/2 of httpx breaks its own semaphore when cancelled.
"""

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, TypeAlias

import httpx
import trio
from attrs import define, field, frozen

from engine.errors import LineLost, Misconfigured
from engine.venues.alpaca.endpoints import KEY_HINT_LENGTH, environment_of
from engine.venues.alpaca.reactions import Where

CONNECTIONS_MAX: Final = 10
"""Sockets to one host: history is read a page at a time by each feed, and there are a handful of feeds."""
REQUESTS_MAX: Final = 8
"""Below `CONNECTIONS_MAX`, so that the pool always has a slot to spare and no request waits inside it."""
REQUEST_MAX_S: Final = 30.0
"""One request, from connecting to the last byte: a full page of 10,000 rows takes a second or two."""
CONNECT_MAX_S: Final = 10.0
"""TCP and TLS; three times what a lost first SYN costs."""
POOL_MAX_S: Final = 1.0
"""The pool always has a free slot: if it has none within a second, it has lost them."""
CLOSE_MAX_S: Final = 2.0
"""Closing sockets is local work; a peer that does not answer a TLS goodbye is not waited for longer."""
KEEP_ALIVE_S: Final = 20.0
"""Shorter than the minute after which load balancers drop idle connections."""
BODY_BYTES_MAX: Final = 64 * 1024 * 1024
"""The largest body read: 10,000 rows are 2 MB, a page of news with its texts below 10 MB."""
SECRET_CHARS_MIN: Final = 6
"""Anything shorter is no secret, and blanking it would only make sentences unreadable."""

Params: TypeAlias = Mapping[str, str]


@frozen
class Reply:
    """What came back, whatever its status. ``headers`` has lower-case names; ``round_trip_s`` ends with the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    round_trip_s: float


class _Stale(Exception):
    """The request failed in a way that a new pool mends: try once more."""


@define(eq=False)
class _Pool:
    """One httpx client and how many requests are inside it; a retired one closes with the last of them."""

    client: httpx.AsyncClient
    requests: int = 0
    retired: bool = False

    @property
    def idle(self) -> bool:
        """Retired, and its last request is through."""
        return self.retired and not self.requests

    async def close(self) -> None:
        with trio.CancelScope(deadline=trio.current_time() + CLOSE_MAX_S, shield=True):
            await self.client.aclose()


@define(eq=False)
class _Call:
    """One request on its way; its outcome is read by the caller, if the caller is still there."""

    path: str
    params: Params
    done: trio.Event = field(factory=trio.Event)
    reply: Reply | None = None
    error: LineLost | None = None


class GuardedClient:
    """GET requests to one base URL. Made by `open_client`."""

    def __init__(self, base_url: str, headers: Mapping[str, str], request_nursery: trio.Nursery) -> None:
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL:
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise Misconfigured(f"{base_url!r} is not the URL of a REST endpoint: write it like https://host:port.")
        self._base_url = base_url
        self._host = f"{url.host}:{url.port}" if url.port else url.host
        self._headers = dict(headers)
        # Made once: reading the root certificates takes longer than many a request.
        self._tls: ssl.SSLContext | bool = httpx.create_ssl_context() if url.scheme == "https" else False
        self._nursery = request_nursery
        self._limiter = trio.CapacityLimiter(REQUESTS_MAX)
        self._pool = self._new_pool()
        self.pools_made = 1

    @property
    def host(self) -> str:
        """Where requests go, for sentences."""
        return self._host

    @property
    def where(self) -> Where:
        """Host, environment and kind of keys, for sentences about keys that are refused."""
        hint = self._headers.get("APCA-API-KEY-ID", "")[:KEY_HINT_LENGTH]
        return Where("REST", self._host, environment_of(self._base_url), hint)

    async def get(self, path: str, params: Params | None = None) -> Reply:
        """Ask for ``path``; any status is a `Reply`. Raises `LineLost` when no complete reply came.

        Returns within `REQUEST_MAX_S` of getting its turn. Cancelling returns at once; the request itself ends
        by its own deadline.
        """
        call = _Call(path, params or {})
        await self._limiter.acquire_on_behalf_of(call)
        self._nursery.start_soon(self._run, call)
        await call.done.wait()
        if call.error is not None:
            raise call.error
        assert call.reply is not None, "a call that is done has a reply or an error"
        return call.reply

    def without_secrets(self, text: str) -> str:
        """Blank every header value this client sends: a reply may quote the keys it did not like."""
        for value in self._headers.values():
            if len(value) >= SECRET_CHARS_MIN:
                text = text.replace(value, "***")
        return text

    async def _run(self, call: _Call) -> None:  # noqa: ASYNC910 - a task of its own, with no caller to be fair to
        """Make one call in the client's own task, so that nobody else's cancellation reaches httpx."""
        call.error = LineLost(f"GET {call.path} at {self._host}: the client was closed meanwhile.")
        try:
            call.reply = await self._attempt(call)
            call.error = None
        except LineLost as error:
            call.error = error
        finally:
            self._limiter.release_on_behalf_of(call)
            call.done.set()

    async def _attempt(self, call: _Call) -> Reply:
        """Try on the current pool and, where a new pool would mend it, once more on a new one."""
        pool = self._pool
        with trio.move_on_after(REQUEST_MAX_S):
            try:
                return await self._send(pool, call, last=False)
            except _Stale:
                self._retire(pool)
            pool = self._pool
            return await self._send(pool, call, last=True)
        # The deadline cancelled httpx inside a request, which is what makes its pool lose slots.
        self._retire(pool)
        raise LineLost(
            f"GET {call.path} at {self._host}: no complete reply within {REQUEST_MAX_S:g} s. "
            "Is the network up and the URL right?"
        )

    async def _send(self, pool: _Pool, call: _Call, *, last: bool) -> Reply:
        """One request on one pool; its errors become `_Stale` or `LineLost`."""
        seen = _Seen()
        pool.requests += 1
        try:
            return await self._read(pool.client, call, seen)
        except (httpx.PoolTimeout, httpx.NetworkError, httpx.RemoteProtocolError) as error:
            mendable = isinstance(error, httpx.PoolTimeout) or seen.reused
            if mendable and not last:
                raise _Stale from error
            raise self._lost(call, error) from error
        except httpx.RequestError as error:
            raise self._lost(call, error) from error
        finally:
            pool.requests -= 1
            if pool.idle:
                self._nursery.start_soon(pool.close)

    async def _read(self, client: httpx.AsyncClient, call: _Call, seen: "_Seen") -> Reply:
        started_s = trio.current_time()
        request = client.build_request("GET", call.path, params=call.params, extensions={"trace": seen.note})
        response = await client.send(request, stream=True)
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
            raise LineLost(
                f"GET {call.path} at {self._host}: the reply is larger than {BODY_BYTES_MAX} bytes. "
                "Ask for less at a time."
            )
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, bytes(body), trio.current_time() - started_s)

    def _lost(self, call: _Call, error: httpx.RequestError) -> LineLost:
        why = self.without_secrets(str(error)) or "no reason was given"
        return LineLost(f"GET {call.path} at {self._host} failed: {type(error).__name__}: {why}.")

    def _retire(self, pool: _Pool) -> None:
        """Stop using ``pool``; whoever comes next gets a new one."""
        if pool is not self._pool:
            return
        self._pool = self._new_pool()
        self.pools_made += 1
        pool.retired = True
        if pool.idle:
            self._nursery.start_soon(pool.close)

    def _new_pool(self) -> _Pool:
        timeout = httpx.Timeout(REQUEST_MAX_S, connect=CONNECT_MAX_S, pool=POOL_MAX_S)
        limits = httpx.Limits(
            max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX, keepalive_expiry=KEEP_ALIVE_S
        )
        client = httpx.AsyncClient(
            base_url=self._base_url,
            headers={"User-Agent": "gapless", **self._headers},
            verify=self._tls,
            timeout=timeout,
            limits=limits,
            follow_redirects=False,
            # A proxy would carry history but not the WebSocket, and a .netrc could send other keys.
            trust_env=False,
        )
        return _Pool(client)

    async def close(self) -> None:
        """Close the sockets; part of leaving `open_client`."""
        await self._pool.close()


@define(eq=False)
class _Seen:
    """What httpcore's trace told of one request: whether it went out on a connection that was already there."""

    reused: bool = True

    # httpcore awaits it between the steps of a request, many times: a checkpoint each would only slow that down.
    async def note(self, event: str, _details: Mapping[str, Any]) -> None:  # noqa: ASYNC910 - see above
        if event.startswith("connection.connect_"):
            self.reused = False


@asynccontextmanager
async def open_client(base_url: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[GuardedClient]:
    """Open a client for one host. ``headers`` go with every request and are never shown.

    Leaving cancels what is still under way and closes the sockets.
    """
    # httpx logs whole URLs at INFO and httpcore every header at DEBUG, which is where the keys are.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    failure: Exception | None = None
    client: GuardedClient | None = None
    try:
        async with trio.open_nursery() as request_nursery:
            try:
                client = GuardedClient(base_url, headers or {}, request_nursery)
                yield client
            except Exception as error:  # noqa: BLE001 - carried around the nursery, which would wrap it in a group
                failure = error
            request_nursery.cancel_scope.cancel()
    finally:
        if client is not None:
            with trio.CancelScope(deadline=trio.current_time() + CLOSE_MAX_S, shield=True):
                await client.close()
    if failure is not None:
        raise failure
