"""The account's updates once more, by server-sent events: the road that can go back to where it was left.

``GET /v2/events/trades?since_id=`` tells what happened behind an event and then what happens, for ever, so an end of
it is a drop whatever it looks like (Alpaca's Go client takes it for the end, and its ``since`` loses what shares an
instant). Whether every plan has it is not known: a venue that says no is believed, once, and done without.

It is h11 on a connection of its own. httpx reads a body through five nested generators, which only a cancellation from
inside closes all (see ``http``); here somebody stops reading in the middle for a living. Nothing is read ahead:
while the user of a message is busy, the venue's next bytes wait in the socket.
"""

import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

import h11
import trio
from attrs import define, field, frozen

from engine.codec.parse_orders import Unreadable, read_json
from engine.errors import GaplessError, KeysRefused, LineLost, SlowClient, VenueBusy
from engine.model.instant import NS_PER_S, render_instant
from engine.ports import AccountMessage
from engine.venues.alpaca.account_protocol import doubt_of, quoted, read_update
from engine.venues.alpaca.endpoints import Address, Keys, environment_of
from engine.venues.alpaca.rate import Throttle
from engine.venues.alpaca.reactions import Where, wrong_place
from engine.venues.alpaca.socket import dial, encrypt

PATH: Final = "/v2/events/trades"
ANSWER_MAX_S: Final = 15.0
"""From dialling to the head of the reply, which needs no work of the venue."""
SILENT_MAX_S: Final = 60.0
"""Without a line, not even a comment: the connection is taken for dead. The embedded exchange comments every 15 s; a
venue that does not is asked again once a minute, which loses nothing."""
LINE_BYTES_MAX: Final = 1024 * 1024
"""An update of a multi-leg order has some 10 kB. What is longer is skipped, with a doubt."""
EARLIER_NS: Final = 10 * NS_PER_S
"""How far before the first connection a replay without a mark begins, for clocks that disagree."""
READ_BYTES: Final = 64 * 1024
HEAD_BYTES_MAX: Final = 64 * 1024
"""Of a reply; gateways have been seen to send some kilobytes."""
OMINOUS: Final = (b"slow", b"dropped", b"error")
"""What a comment says that is more than a sign of life: Alpaca's examples are a slow reader and an internal error."""


@define(eq=False)
class EventLines:
    """Bytes into lines, however they are cut; a line of more than ``bytes_max`` is told as ``None``, at its end."""

    bytes_max: int = LINE_BYTES_MAX
    _rest: bytearray = field(init=False, factory=bytearray)
    _skipping: bool = field(init=False, default=False)

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """The lines that end in this piece, without their ends."""
        lines: list[bytes | None] = []
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            whole = bytes(self._rest) + part
            lines.append(None if self._skipping or len(whole) > self.bytes_max else whole.removesuffix(b"\r"))
            self._rest.clear()
            self._skipping = False
        self._rest += rest
        if len(self._rest) > self.bytes_max:
            self._skipping = True
        if self._skipping:
            self._rest.clear()
        return lines


@frozen
class Connection:
    """One connection and what HTTP makes of its bytes."""

    stream: trio.abc.Stream
    http: h11.Connection

    async def next_event(self) -> object:
        """The next of h11's events; raises what h11 and Trio raise over a connection that broke."""
        await trio.lowlevel.checkpoint()
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(bytes(await self.stream.receive_some(READ_BYTES)))
        return event


@define(eq=False, kw_only=True)
class AlpacaEvents:
    """The replay of one account's updates at ``trading_url``, such as ``https://paper-api.alpaca.markets``.

    ``throttle`` is the account's: a connection is one request of its budget. ``now_ns`` gives market time, ``report``
    takes a sentence for a person.
    """

    trading_url: str
    keys: Keys
    throttle: Throttle
    now_ns: Callable[[], int]
    report: Callable[[str], None]
    tls_context: ssl.SSLContext | None = None
    _address: Address = field(init=False)
    _where: Where = field(init=False)
    offered: bool = field(init=False, default=True)
    """Whether the venue has not yet said that there is no replay."""
    _began_ns: int | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        url = urlsplit(self.trading_url)
        tls = url.scheme == "https"
        self._address = Address(url.hostname or "", url.port or (443 if tls else 80), url.path.rstrip("/") + PATH, tls)
        environment = environment_of(self.trading_url)
        host = f"{self._address.host}:{self._address.port}"
        self._where = Where("account events", host, environment, self.keys.hint)

    def replay(self, since_id: str) -> "Replay | None":
        """What happened behind ``since_id``, then what happens; empty: what happens from the first such call on.

        ``None`` once the venue has said that it offers no replay; until then that only ends the iteration, after a
        sentence to ``report``. The iteration raises a `Retryable` or `KeysRefused`, after everything before it.
        """
        return Replay(self, self._params(since_id)) if self.offered else None

    def _params(self, since_id: str) -> dict[str, str]:
        """Where to go on; without a mark from the first time on, so that the first drop makes no hole either."""
        if since_id:
            return {"since_id": since_id}
        if self._began_ns is None:
            self._began_ns = self.now_ns() - EARLIER_NS
        return {"since": render_instant(self._began_ns)}

    # -- the connection

    async def dial(self) -> trio.abc.Stream:
        """Take a turn of the budget, and connect; the caller closes it."""
        await self.throttle.turn()
        with trio.move_on_after(ANSWER_MAX_S):
            stream = await dial(self._address, self._where)
            if not self._address.tls:
                return stream
            try:
                return await encrypt(stream, self._address, self._where, self.tls_context)
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
        raise self._lost(f"no connection within {ANSWER_MAX_S:g} s")

    async def ask(self, connection: Connection, params: Mapping[str, str]) -> h11.Response:
        """Send the request; the head of its reply."""
        request = h11.Request(
            method="GET",
            target=f"{self._address.resource}?{urlencode(params)}",
            headers=[
                ("Host", self._address.host_header),
                ("User-Agent", "gapless"),
                ("Accept", "text/event-stream"),
                ("APCA-API-KEY-ID", self.keys.key_id),
                ("APCA-API-SECRET-KEY", self.keys.secret),
            ],
        )
        asked = (connection.http.send(request) or b"") + (connection.http.send(h11.EndOfMessage()) or b"")
        try:
            with trio.move_on_after(ANSWER_MAX_S):
                await connection.stream.send_all(asked)
                while True:
                    event = await connection.next_event()
                    if isinstance(event, h11.Response):
                        return event
                    if not isinstance(event, h11.InformationalResponse):
                        raise self._lost("the connection ended before an answer came")
        except (trio.BrokenResourceError, h11.ProtocolError) as error:
            raise self._broke(error) from error
        raise self._lost(f"no answer within {ANSWER_MAX_S:g} s")

    def refusal(self, response: h11.Response) -> GaplessError | None:
        """The error of a status that is none of success. One that says that there is no replay is told, and is none."""
        status = response.status_code
        headers = {name.decode(): value.decode("latin-1") for name, value in response.headers}
        quota = self.throttle.learn(headers, refused=status == 429)
        what = f"{self._where}: GET {PATH} was answered with HTTP {status}"
        if status == 200:
            return None
        if status == 401:
            return KeysRefused(
                f"{what}: check APCA_API_KEY_ID and APCA_API_SECRET_KEY for this endpoint{wrong_place(self._where)}."
            )
        if status in (408, 425, 429) or status >= 500:
            return VenueBusy(f"{what}: asking again later.", retry_after_s=quota.wait_s)
        self.offered = False
        self.report(
            f"{what}: events cannot be replayed here; what the stream misses is found by comparing orders and fills."
        )
        return None

    async def receive(self, connection: Connection, lines: EventLines) -> list[bytes | None]:
        """At least one line. Bytes that never make a line are silence too."""
        try:
            with trio.move_on_after(SILENT_MAX_S):
                while True:
                    event = await connection.next_event()
                    if not isinstance(event, h11.Data):
                        raise self._lost("the venue ended the stream of events")
                    if found := lines.feed(bytes(event.data)):
                        return found
        except (trio.BrokenResourceError, h11.ProtocolError) as error:
            raise self._broke(error) from error
        raise self._lost(f"nothing was said for {SILENT_MAX_S:g} s")

    # -- what is said

    def read_lines(self, lines: list[bytes | None]) -> tuple[list[AccountMessage], GaplessError | None]:
        """The messages in some lines, up to one that says that some were left out: that one ends the connection.

        What was left out lies behind the last message before the notice, so it is had by asking again from there.
        Each event is one line of ``data`` (Alpaca's Go client reads it so); other fields say nothing of interest.
        """
        messages: list[AccountMessage] = []
        for line in lines:
            if line is None:
                doubt = f"{self._where}: an event of more than {LINE_BYTES_MAX} bytes was left out."
                messages.append(AccountMessage(update=None, doubt=doubt))
            elif line.startswith(b"data:"):
                messages.append(self._read_event(line[5:].strip()))
            elif line.startswith(b":") and any(word in line.lower() for word in OMINOUS):
                comment = line[1:].strip()
                messages.append(
                    AccountMessage(update=None, doubt=doubt_of(f"{self._where}: a remark", comment, self.keys))
                )
                return messages, SlowClient(
                    f"{self._where}: the venue says: {quoted(comment, self.keys)}; going on behind the last event."
                )
        return messages, None

    def _read_event(self, body: bytes) -> AccountMessage:
        try:
            data = read_json(body)
        except Unreadable as error:
            doubt = doubt_of(f"{self._where}: an event that cannot be read", body, self.keys, error)
            return AccountMessage(update=None, doubt=doubt)
        return read_update(data, body, self.keys, self._where)

    def _broke(self, error: Exception) -> LineLost:
        return self._lost(f"the connection broke ({self.keys.redact(str(error.__cause__ or error))})")

    def _lost(self, why: str) -> LineLost:
        return LineLost(f"{self._where}: {why}; going on behind the last event that was heard.")


@define(eq=False)
class Replay:
    """One connection of the replay, opened when the first message is asked for. Iterated by one task; close it."""

    _events: AlpacaEvents
    _params: Mapping[str, str]
    _lines: EventLines = field(init=False, factory=EventLines)
    _connection: Connection | None = field(init=False, default=None)
    _ready: deque[AccountMessage] = field(init=False, factory=deque)
    _failure: GaplessError | None = field(init=False, default=None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AccountMessage:
        await trio.lowlevel.checkpoint()
        while not self._ready:
            if self._failure is not None:
                raise self._failure
            connection = self._connection or await self._open()
            if not self._events.offered:
                raise StopAsyncIteration
            if self._failure is None:
                lines = await self._events.receive(connection, self._lines)
                messages, self._failure = self._events.read_lines(lines)
                self._ready += messages
        return self._ready.popleft()

    async def aclose(self) -> None:
        """Drop the connection: there is nothing to say goodbye to."""
        if self._connection is not None:
            await trio.aclose_forcefully(self._connection.stream)
        await trio.lowlevel.checkpoint()

    async def _open(self) -> Connection:
        stream = await self._events.dial()
        connection = Connection(stream, h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES_MAX))
        self._connection = connection  # from here on `aclose` sees to it
        self._failure = self._events.refusal(await self._events.ask(connection, self._params))
        return connection
