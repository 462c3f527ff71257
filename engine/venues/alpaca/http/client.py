"""The client that the engine holds: requests in, replies or `LineLost` out, whoever is cancelled meanwhile."""

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import httpx
import trio
from attrs import define, field

from engine.errors import LineLost, Misconfigured, OrderRefused
from engine.venues.alpaca.endpoints import KEY_HINT_LENGTH, environment_of
from engine.venues.alpaca.http.pool import BODY_BYTES_MAX, CLOSE_MAX_S, Pool, Stale, TooLarge, build_pool
from engine.venues.alpaca.http.request import NO_PARAMS, Lane, Params, Reply, Request
from engine.venues.alpaca.reactions import Where

REQUESTS_MAX: Final = 8
"""Questions at a time, and as many orders: history is read a page at a time by each feed, and there are a handful."""
URGENT_MAX: Final = 8
"""Cancels and exits at a time, beside the others. Three would be more than the venue's limit lets through at 50 ms
each; where some are not answered, the way out must not wait for those."""
SECRET_CHARS_MIN: Final = 6
"""Anything shorter is no secret, and blanking it would only make sentences unreadable."""


@define(eq=False)
class _Call:
    """One request on its way; its outcome is read by the caller, if the caller is still there."""

    request: Request
    deadline_s: float
    done: trio.Event = field(factory=trio.Event)
    reply: Reply | None = None
    error: LineLost | OrderRefused | None = None


class GuardedClient:
    """Requests to one base URL. Made by `open_client`."""

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
        self._tls: ssl.SSLContext | bool = httpx.create_ssl_context() if url.scheme == "https" else False
        self._nursery = request_nursery
        self._slots: dict[Lane, trio.CapacityLimiter] = {
            "question": trio.CapacityLimiter(REQUESTS_MAX),
            "change": trio.CapacityLimiter(REQUESTS_MAX),
            "urgent": trio.CapacityLimiter(URGENT_MAX),
        }
        self._pool = build_pool(base_url, self._headers, self._tls)
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
        """Ask for ``path``; see `send`."""
        return await self.send(Request(path=path, params=params or NO_PARAMS))

    async def send(self, request: Request) -> Reply:
        """Send a request; any status is a `Reply`. Raises `LineLost` when no complete reply came, and the
        `OrderRefused` that withheld it.

        After `LineLost` nobody knows whether the server carried it out. Returns within ``request.within_s``.
        Cancelling returns at once; a request that had its turn runs on, and ends by its own deadline.
        """
        call = _Call(request, trio.current_time() + request.within_s)
        with trio.move_on_at(call.deadline_s) as waiting:
            await self._slots[request.lane].acquire_on_behalf_of(call)
        if waiting.cancelled_caught:
            raise LineLost(
                f"{request.said} at {self._host} was not sent: no earlier request ended within {request.within_s:g} s."
            )
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
        call.error = LineLost(f"{call.request.said} at {self._host}: the client was closed meanwhile.")
        try:
            call.reply = await self._attempt(call)
            call.error = None
        except (LineLost, OrderRefused) as error:
            call.error = error
        finally:
            self._slots[call.request.lane].release_on_behalf_of(call)
            call.done.set()

    async def _attempt(self, call: _Call) -> Reply:
        """Try on the current pool and, where a new pool would mend it, once more on a new one."""
        pool = self._pool
        with trio.move_on_at(call.deadline_s):
            try:
                return await self._use(pool, call.request)
            except Stale:
                self._retire(pool)
            pool = self._pool
            try:
                return await self._use(pool, call.request)
            except Stale as stale:
                raise self._lost(call.request, stale.__cause__ or stale) from stale
        # The deadline cancelled httpx inside a request, which is what makes its pool lose slots.
        self._retire(pool)
        raise LineLost(
            f"{call.request.said} at {self._host}: no complete reply within {call.request.within_s:g} s. "
            "Is the network up and the URL right?"
        )

    async def _use(self, pool: Pool, request: Request) -> Reply:
        """One request on one pool; its errors become `LineLost`, but for what a new pool would mend."""
        try:
            return await pool.send(request)
        except TooLarge:
            raise LineLost(
                f"{request.said} at {self._host}: the reply is larger than {BODY_BYTES_MAX} bytes. "
                "Ask for less at a time."
            ) from None
        except httpx.RequestError as error:
            raise self._lost(request, error) from error
        finally:
            if pool.idle:
                self._nursery.start_soon(pool.close)

    def _lost(self, request: Request, error: BaseException) -> LineLost:
        why = self.without_secrets(str(error)) or "no reason was given"
        return LineLost(f"{request.said} at {self._host} failed: {type(error).__name__}: {why}.")

    def _retire(self, pool: Pool) -> None:
        """Stop using ``pool``; whoever comes next gets a new one."""
        if pool is not self._pool:
            return
        self._pool = build_pool(self._base_url, self._headers, self._tls)
        self.pools_made += 1
        pool.retired = True
        if pool.idle:
            self._nursery.start_soon(pool.close)

    async def close(self) -> None:
        """Close the sockets; part of leaving `open_client`."""
        await self._pool.close()


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
