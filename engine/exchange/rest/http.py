"""A small HTTP/1.1 server for the exchange's REST side: h11 on a Trio stream.

Small on purpose: what it serves is ours, but its faults have to be exact. A full ASGI server hides the connection, and
here a body must be cut at a byte, a reply held back or a connection dropped, on demand. It lives through whatever a
client sends or omits: every read and write has a deadline, every size a limit, and a client's fault ends that client's
connection only.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import h11
import trio
from attrs import field, frozen

from engine.exchange.line.stream import LineStream

HEAD_BYTES_MAX: Final = 65_536
"""Request line and headers: a page's query may name over a thousand symbols (ISINs), about 20 kB when quoted."""
BODY_BYTES_MAX: Final = 1_048_576
"""Requests with a body are not for market data; one this large is no mistake of a client of ours."""
READ_BYTES: Final = 65_536
REQUEST_MAX_S: Final = 10.0
"""From the first byte of a request to its last: a loopback client needs milliseconds."""
IDLE_MAX_S: Final = 120.0
"""A kept-alive connection without a request; longer than the idle limit of the usual clients, so that they close."""
WRITE_MAX_S: Final = 30.0
"""A reply of some megabytes to a client that reads slowly; one that does not read at all is let go. Of a stream, one
chunk."""
CONNECTIONS_MAX: Final = 256
"""Each holds a task and two buffers; a client's pool has some ten."""

NO_CONTENT: Final = 204
"""The status that has neither a body nor headers about one."""

REASONS: Final[Mapping[int, bytes]] = {
    200: b"OK", 204: b"No Content", 207: b"Multi-Status", 400: b"Bad Request", 401: b"Unauthorized",
    403: b"Forbidden", 404: b"Not Found", 405: b"Method Not Allowed", 413: b"Content Too Large",
    422: b"Unprocessable Entity", 429: b"Too Many Requests",
    500: b"Internal Server Error", 502: b"Bad Gateway", 503: b"Service Unavailable", 504: b"Gateway Timeout",
}  # fmt: skip


@frozen
class Request:
    """One request. ``path`` is as sent (still quoted), header names are lower case; of twin values the last wins.

    ``peer`` is the client's address, empty where it is not known.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""
    peer: str = field(default="", eq=False)


Send: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Sends one chunk of a body and returns when the socket has it."""


@frozen
class Response:
    """One reply. ``stream`` is a body that is told as it happens, in place of ``body``; its connection ends with it.

    The rest is what faults do: ``delay_s`` is waited before it, ``cut`` sends half of the body and then closes the
    connection, ``reset`` closes it in place of a reply, ``silent`` keeps it open and says nothing (more) on it.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    stream: Callable[[Send], Awaitable[None]] | None = None
    delay_s: float = 0.0
    cut: bool = False
    reset: bool = False
    silent: bool = False


Respond: TypeAlias = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Answers connections with ``respond``, each until it closes, breaks a rule or falls silent."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._limit = trio.CapacityLimiter(CONNECTIONS_MAX)

    async def serve_connection(self, stream: trio.abc.Stream) -> None:
        """Serve one connection and close it; raises nothing of the client's making."""
        try:
            self._limit.acquire_nowait()
        except trio.WouldBlock:
            await trio.aclose_forcefully(stream)
            return
        try:
            await _Connection(stream, self._respond).run()
        except* (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
            pass  # the client went away, or no longer speaks HTTP: its connection is all there is to end
        finally:
            self._limit.release()
            await trio.aclose_forcefully(stream)


class _Connection:
    """One connection: requests one after the other."""

    def __init__(self, stream: trio.abc.Stream, respond: Respond) -> None:
        self._stream = stream
        self._respond = respond
        self._peer = stream.peer if isinstance(stream, LineStream) else ""
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)

    async def run(self) -> None:
        while True:
            try:
                request = await self._read_request()
            except h11.RemoteProtocolError as error:
                await self._refuse(error)
                return
            if request is None:
                return
            response = await self._respond(request)
            if not await self._reply(response, head_only=request.method == "HEAD"):
                return
            self._http.start_next_cycle()

    async def _reply(self, response: Response, *, head_only: bool) -> bool:
        """Send a reply, or what a fault makes of it; whether the connection can be used again."""
        if response.delay_s > 0:
            await trio.sleep(response.delay_s)
        if response.reset:
            return False
        if response.silent and not response.cut:
            await self._wait_gone()
            return False
        if response.stream is not None and not head_only:
            await self._tell(response, response.stream)
            return False
        with trio.move_on_after(WRITE_MAX_S) as deadline:
            await self._write(response, head_only=head_only)
        if response.cut and response.silent:
            await self._wait_gone()
        if deadline.cancelled_caught or response.cut or self._http.our_state is not h11.DONE:
            return False
        return self._http.their_state is h11.DONE

    async def _wait_gone(self) -> None:
        """Wait until the client has left; what it says meanwhile is not heard."""
        while await self._stream.receive_some(READ_BYTES):
            pass

    async def _read_request(self) -> Request | None:
        """The next request; ``None`` when the client is done, or took too long."""
        with trio.move_on_after(IDLE_MAX_S) as patience:
            pipelined = self._http.trailing_data[0]
            if pipelined:
                await trio.lowlevel.checkpoint()
            elif not await self._feed():
                return None
            patience.deadline = trio.current_time() + REQUEST_MAX_S
            return await self._read_rest()
        return None

    async def _read_rest(self) -> Request | None:
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
            if len(body) > BODY_BYTES_MAX:
                raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
        return _parse_head(head, bytes(body), self._peer) if isinstance(event, h11.EndOfMessage) else None

    async def _event(self) -> object:  # noqa: ASYNC910 - what is here already needs no wait, and it is bounded
        """The next event of h11, reading as needed; `ConnectionClosed` when the client is done."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            await self._feed()
        return h11.ConnectionClosed() if event is h11.PAUSED else event

    async def _feed(self) -> bool:
        """Read once; whether the client is still there."""
        if self._http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            await self._stream.send_all(self._http.send(go_on) or b"")
        chunk = bytes(await self._stream.receive_some(READ_BYTES))
        self._http.receive_data(chunk)
        return bool(chunk)

    async def _tell(self, response: Response, stream: Callable[[Send], Awaitable[None]]) -> None:
        """Send a body as it happens, until it ends, the client leaves or takes too long for a chunk."""
        head = (("content-type", "text/event-stream"), ("cache-control", "no-cache"), ("connection", "close"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_gone, nursery.cancel_scope)
            await self._send(self._head(response, head))
            if response.silent:
                await trio.sleep_forever()  # until the client has left
            await stream(self._send_chunk)
            await self._send(self._http.send(h11.EndOfMessage()) or b"")
            nursery.cancel_scope.cancel()

    async def _watch_gone(self, told: trio.CancelScope) -> None:
        await self._wait_gone()
        told.cancel()

    async def _send_chunk(self, chunk: bytes) -> None:
        await self._send(self._http.send(h11.Data(data=chunk)) or b"")

    async def _send(self, wire: bytes) -> None:
        with trio.move_on_after(WRITE_MAX_S) as deadline:
            await self._stream.send_all(wire)
        if deadline.cancelled_caught:
            raise trio.BrokenResourceError("the client does not read")

    def _head(self, response: Response, ours: tuple[tuple[str, str], ...]) -> bytes:
        """Status line and headers; ``ours`` first."""
        return (
            self._http.send(
                h11.Response(
                    status_code=response.status,
                    headers=[*ours, *response.headers],
                    reason=REASONS.get(response.status, b""),
                )
            )
            or b""
        )

    async def _write(self, response: Response, *, head_only: bool = False) -> None:
        ours: tuple[tuple[str, str], ...] = ()
        if response.status != NO_CONTENT:
            ours = (
                ("content-type", "application/json; charset=UTF-8"),
                ("content-length", str(len(response.body))),
            )
        wire = self._head(response, ours)
        if response.cut:
            await self._stream.send_all(wire + response.body[: len(response.body) // 2])
            return
        if response.body and not head_only:
            wire += self._http.send(h11.Data(data=response.body)) or b""
        wire += self._http.send(h11.EndOfMessage()) or b""
        await self._stream.send_all(wire)

    async def _refuse(self, error: h11.RemoteProtocolError) -> None:
        """Answer garbage with a 4xx where HTTP still allows it."""
        await trio.lowlevel.checkpoint()
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        refusal = Response(error.error_status_hint, b'{"message":"bad request"}', (("connection", "close"),))
        with trio.move_on_after(WRITE_MAX_S):
            await self._write(refusal)


def _parse_head(head: h11.Request, body: bytes, peer: str) -> Request:
    """Our request of h11's; raises ``RemoteProtocolError`` where its target is no path."""
    try:
        target = urlsplit(head.target.decode("ascii"))
        query = dict(parse_qsl(target.query, keep_blank_values=True, max_num_fields=100))
    except ValueError as error:
        raise h11.RemoteProtocolError(f"the target cannot be read: {error}") from None
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
    return Request(head.method.decode("ascii"), target.path, query, headers, body, peer)
