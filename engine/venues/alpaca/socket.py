"""One WebSocket connection: connect, keep alive, close, and every way to fail told as one of our errors.

trio-websocket's own time-outs do not cover a silent peer, its `aclose` and `ping` wait for ever on a dead one, and
its reader raises what h11, wsproto and ssl raise. So the connection lives in one task of ours (`LineSocket.serve`)
with a nursery of its own: whatever ends there becomes `Inbox.failure`, and whoever reads the inbox meets it after the
last message before it. Nothing else ever raises out of here, and no exception group does.
"""

import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeAlias, cast

import trio
from attrs import frozen
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
)

from engine.errors import GaplessError, HandshakeFailed, LineLost, PongLate
from engine.venues.alpaca.endpoints import Address
from engine.venues.alpaca.reactions import Where, error_of_upgrade
from engine.venues.alpaca.tap import READ_BYTES, FrameTap, Inbox, Message

# A request is at most a few kilobytes: if it does not fit into the socket's buffer for so long, nobody reads there.
SEND_S: Final = 5.0
# The close code that stands for "no close frame came" (RFC 6455, 7.1.5).
ABNORMAL_CLOSURE: Final = 1006
# Close reasons have at most 123 bytes by the standard.
_REASON_MAX: Final = 123


@frozen(kw_only=True)
class LineSettings:
    """The bounds of one line; all times in seconds of Trio's clock."""

    handshake_s: float = 10.0
    """Connect, TLS, upgrade, welcome and login together; the venue gives a client 10 s to log in."""
    ack_s: float = 10.0
    """From a subscription to its acknowledgement; Alpaca's Go client gives 3 s, a large set takes longer."""
    ping_every_s: float = 10.0
    """As every SDK of the venue does."""
    pong_s: float = 5.0
    """A pong has to come within this on a silent line."""
    pong_behind_data_s: float = 30.0
    """The same while data arrives: under load the pong queues behind it (alpaca-trade-api-python#591)."""
    close_s: float = 1.0
    """For a polite close, so that the venue keeps no ghost session; then the socket is dropped."""
    patience_s: float = 2.0
    """How long a full inbox may hold up the reader: well under the 5 s and more that servers give a pong."""
    inbox_bytes_max: int = 64 * 1024 * 1024
    """About half a million messages, over ten seconds of the whole US market at the open."""
    message_bytes_max: int = 16 * 1024 * 1024
    """News carries whole articles; the venue sets no limit, so this only bounds what a broken peer can make us hold."""


Refusal: TypeAlias = Callable[[int, Iterable[tuple[bytes, bytes]], Where], GaplessError]
"""The error that an HTTP status and headers in answer to the upgrade are."""


class LineSocket:
    """A connection that is being served; messages come through ``inbox``, requests go through `send_nowait`.

    ``refusal`` says what a status other than 101 means: the endpoints use the same numbers differently.
    """

    def __init__(
        self,
        address: Address,
        headers: Sequence[tuple[str, str]],
        where: Where,
        settings: LineSettings,
        tls_context: ssl.SSLContext | None = None,
        refusal: Refusal = error_of_upgrade,
    ) -> None:
        self._address = address
        self._headers = [(name.encode(), value.encode()) for name, value in headers]
        self._where = where
        self._settings = settings
        self._tls_context = tls_context
        self._refusal = refusal
        self._outbox: deque[Message] = deque()  # bounded by its user: one change at a time, three logins
        self._to_send = trio.Event()
        self._leave = trio.Event()
        self.inbox = Inbox(settings.inbox_bytes_max)
        self.phase = "the TCP connection"
        """What the handshake is waiting for."""

    def send_nowait(self, request: Message) -> None:
        """Send this as soon as the socket takes it; a failure to do so ends the line."""
        self._outbox.append(request)
        self._to_send.set()

    def leave(self) -> None:
        """Close politely within the deadline; `serve` returns when that is done."""
        self.inbox.fail(LineLost(f"{self._where}: this side closed the line."))
        self._leave.set()

    @asynccontextmanager
    async def open(self, log_in: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Connect and ``log_in`` within the handshake deadline, and serve the connection while the block runs.

        Leaving closes it within ``close_s``. What the block raises comes out as it is, not in a group.
        """
        failure: BaseException | None = None
        try:
            async with trio.open_nursery() as line_nursery:
                try:
                    await self._shake_hands(line_nursery, log_in)
                    yield
                finally:
                    self.leave()
        except BaseExceptionGroup as group:
            # `serve` raises nothing once it has started: this is the caller's own exception, wrapped.
            if len(group.exceptions) != 1:
                raise
            failure = group.exceptions[0]
        if failure is not None:
            raise failure  # out here, so that its cause and context stay as they were

    async def _shake_hands(self, line_nursery: trio.Nursery, log_in: Callable[[], Awaitable[None]]) -> None:
        limit_s = self._settings.handshake_s
        try:
            with trio.fail_after(limit_s):
                await line_nursery.start(self.serve)
                self.phase = "the login"
                await log_in()
        except trio.TooSlowError:
            raise HandshakeFailed(
                f"{self._where}: {self.phase} was not done when the {limit_s:g} s of the handshake were over; "
                "connecting again."
            ) from None

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Connect and keep the connection until `leave`; returns at most ``close_s`` after it, whatever the peer does.

        Started when the upgrade is done; until then it raises one of our errors, from then on the inbox tells it.
        """
        started = False
        try:
            with trio.CancelScope() as life:
                async with self._open_tap() as tap, trio.open_nursery() as socket_nursery:
                    ws = await self._upgrade(tap, socket_nursery)
                    for task in (self._pump, self._send):
                        socket_nursery.start_soon(task, ws)
                    socket_nursery.start_soon(self._keep_alive, ws, tap)
                    started = True
                    task_status.started()
                    await trio.lowlevel.checkpoint()  # a caller that was cancelled meanwhile is met here, unshielded
                    life.shield = True  # the polite close outlives the cancellation of what used the line
                    await self._leave.wait()
                    with trio.move_on_after(self._settings.close_s):
                        await ws.aclose()
                    socket_nursery.cancel_scope.cancel()
        except (Exception, BaseExceptionGroup) as exc:  # what trio-websocket, wsproto, h11, ssl and sockets raise
            leaves = list(_leaves(exc))
            only_cancelled = all(isinstance(leaf, trio.Cancelled) for leaf in leaves)
            if only_cancelled or any(not isinstance(leaf, Exception | trio.Cancelled) for leaf in leaves):
                raise  # nothing failed; or Ctrl-C and its like
            failure = self._as_ours(exc)
            if not started:
                raise failure from exc
            self.inbox.fail(failure)
            await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def _open_tap(self) -> AsyncIterator[FrameTap]:
        """The TCP (and TLS) connection with the tap on it, dropped on the way out."""
        stream = await dial(self._address, self._where)
        try:
            if self._address.tls:
                self.phase = "the TLS handshake"
                stream = await encrypt(stream, self._address, self._where, self._tls_context)
            yield FrameTap(
                stream,
                self.inbox,
                str(self._where),
                message_bytes_max=self._settings.message_bytes_max,
                patience_s=self._settings.patience_s,
            )
        finally:
            await trio.aclose_forcefully(stream)

    async def _upgrade(self, tap: FrameTap, socket_nursery: trio.Nursery) -> WebSocketConnection:
        """Make it a WebSocket; trio-websocket's reader runs in the nursery from here on."""
        self.phase = "the WebSocket upgrade"
        return await wrap_client_stream(
            socket_nursery,
            cast("trio.SocketStream", tap),  # its annotation is narrower than its documentation: "a Trio stream"
            self._address.host_header,
            self._address.resource,
            extra_headers=self._headers,
            max_message_size=self._settings.message_bytes_max,
            receive_buffer_size=READ_BYTES,
        )

    async def _pump(self, ws: WebSocketConnection) -> None:
        """Bring what trio-websocket reassembled to the inbox, and notice the end of the connection."""
        try:
            while True:
                self.inbox.put_reassembled(await ws.get_message())
        except ConnectionClosed as exc:
            self.inbox.fail(LineLost(f"{self._where}: {_why_closed(exc)}."))
            await trio.lowlevel.checkpoint()

    async def _send(self, ws: WebSocketConnection) -> None:
        """Send requests one after the other; a task of its own, so that receiving is never held up by sending."""
        try:
            while True:
                await self._to_send.wait()
                self._to_send = trio.Event()
                while self._outbox:
                    with trio.fail_after(SEND_S):
                        await ws.send_message(self._outbox.popleft())
        except trio.TooSlowError:
            self.inbox.fail(LineLost(f"{self._where}: the venue took no request for {SEND_S:g} s."))
            await trio.lowlevel.checkpoint()
        except ConnectionClosed:
            await trio.lowlevel.checkpoint()  # `_pump` says why

    async def _keep_alive(self, ws: WebSocketConnection, tap: FrameTap) -> None:
        """Ping, and end the line when no pong comes in time."""
        alive = True
        while alive:
            await trio.sleep(self._settings.ping_every_s)
            try:
                alive = await self._answers(ws, tap)
            except ConnectionClosed:
                await trio.lowlevel.checkpoint()  # `_pump` says why
                return
        dead = "no pong came back; the venue or the path to it is dead, connecting again"
        self.inbox.fail(PongLate(f"{self._where}: {dead}."))
        await trio.lowlevel.checkpoint()

    async def _answers(self, ws: WebSocketConnection, tap: FrameTap) -> bool:
        """Whether a ping is answered, by any pong; a pong may queue behind data, so a busy line is given longer."""
        settings = self._settings
        pongs, reads = tap.pongs, tap.reads
        give_up_at = trio.current_time() + settings.pong_behind_data_s
        with trio.move_on_after(settings.pong_s):
            await ws.ping()
            return True
        while tap.pongs == pongs:
            if tap.reads == reads or trio.current_time() >= give_up_at:
                return False
            reads = tap.reads
            await trio.sleep(settings.pong_s)
        return True

    def _as_ours(self, exc: BaseException) -> GaplessError:
        """One of our errors for whatever ended the connection; one that is ours already wins."""
        leaves = list(_leaves(exc))
        for leaf in leaves:
            if isinstance(leaf, GaplessError):
                return leaf
        for leaf in leaves:
            if isinstance(leaf, ConnectionRejected):
                return self._refusal(leaf.status_code, leaf.headers, self._where)
        cause = next((leaf for leaf in leaves if isinstance(leaf, Exception)), exc)
        return LineLost(f"{self._where}: the connection broke ({type(cause).__name__}: {cause}).")


async def dial(address: Address, where: Where) -> trio.abc.Stream:
    """A TCP connection; raises `LineLost`. The caller sets the deadline, and closes it."""
    try:
        return await trio.open_tcp_stream(address.host, address.port)
    except OSError as exc:
        raise LineLost(
            f"{where}: no connection to {address.host}:{address.port} ({exc}); check the network and the URL."
        ) from exc


async def encrypt(
    stream: trio.abc.Stream, address: Address, where: Where, tls_context: ssl.SSLContext | None
) -> trio.abc.Stream:
    """TLS on that connection; raises `LineLost`."""
    # A context of our own: one that an HTTP client has set up for HTTP/2 breaks the upgrade.
    context = tls_context or ssl.create_default_context()
    tls = trio.SSLStream(stream, context, server_hostname=address.host, https_compatible=True)
    try:
        await tls.do_handshake()
    except trio.BrokenResourceError as exc:
        raise LineLost(
            f"{where}: the TLS handshake failed ({exc.__cause__ or exc}); check the URL, the clock of this machine and "
            "its CA certificates."
        ) from exc
    return tls


def _leaves(exc: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group, of its groups and so on."""
    if isinstance(exc, BaseExceptionGroup):
        for inner in exc.exceptions:
            yield from _leaves(inner)
    else:
        yield exc


def _why_closed(exc: ConnectionClosed) -> str:
    reason = exc.reason
    if reason is None or reason.code == ABNORMAL_CLOSURE:
        return "the connection ended without a close frame"
    said = f": {reason.reason[:_REASON_MAX]}" if reason.reason else ""
    return f"the venue closed the connection with {reason.code} {reason.name}{said}"
