"""`AlpacaAccountFeed`: the account's own events at Alpaca, and `AlpacaAccountLine`: one live connection of them.

The socket below is that of the market data (`socket.LineSocket`): its reader takes every frame at once and answers
pings, whatever its user does. Here what arrived is read by the protocol, and waiting is all in `receive`, which takes
nothing before its last checkpoint, so that a cancellation loses nothing.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio
from attrs import define, field

from engine.codec.render import render_request
from engine.codec.wire import Encoding
from engine.errors import GaplessError
from engine.ports import AccountMessage
from engine.venues.alpaca.account_events import AlpacaEvents, Replay
from engine.venues.alpaca.account_protocol import (
    AccountProtocol,
    Request,
    State,
    error_of_account_upgrade,
)
from engine.venues.alpaca.endpoints import Address, Environment, Keys
from engine.venues.alpaca.reactions import Where
from engine.venues.alpaca.socket import LineSettings, LineSocket

# A busy account has some updates a second, about 1.5 kB each: this bounds how long one wake-up holds the loop.
DRAIN_BYTES_MAX: Final = 64 * 1024


@define(kw_only=True, eq=False)
class AlpacaAccountFeed:
    """The trading stream at ``url``, such as ``wss://paper-api.alpaca.markets/stream``; one line at a time.

    ``events`` is the other road to the same events; ``None``: there is none.
    """

    url: str
    keys: Keys
    events: AlpacaEvents | None = None
    name: str = "account"
    encoding: Encoding = Encoding.JSON
    environment: Environment = ""
    settings: LineSettings = field(factory=LineSettings)
    tls_context: ssl.SSLContext | None = None

    @asynccontextmanager
    async def open_line(self) -> AsyncIterator["AlpacaAccountLine"]:
        """Connect, log in and listen within the handshake deadline; leaving closes the socket within ``close_s``.

        Raises `SessionHeld` while another session, or our own ghost, holds the account's one connection.
        """
        address = Address.parse(self.url)
        where = Where(self.name, f"{address.host}:{address.port}", self.environment, self.keys.hint)
        codec = [("Content-Type", f"application/{self.encoding}")]
        socket = LineSocket(address, codec, where, self.settings, self.tls_context, error_of_account_upgrade)
        line = AlpacaAccountLine(socket, AccountProtocol(self.keys, where), self.encoding)
        async with socket.open(line.log_in):
            yield line

    def replay(self, since_id: str) -> Replay | None:
        """The same events by server-sent events; ``None`` where the venue has said that it offers none."""
        return None if self.events is None else self.events.replay(since_id)


class AlpacaAccountLine:
    """A line that is logged in and listening. One task receives."""

    def __init__(self, socket: LineSocket, protocol: AccountProtocol, encoding: Encoding) -> None:
        self._socket = socket
        self._protocol = protocol
        self._encoding = encoding
        self._early: list[AccountMessage] = []  # what came before the acknowledgement
        self._failure: GaplessError | None = None

    async def log_in(self) -> None:
        """Log in and listen; raises what the venue answers. The caller sets the deadline."""
        self._send(self._protocol.begin())
        early: list[AccountMessage] = []
        while self._protocol.state is not State.LISTENING:
            self._socket.phase = f"the login ({self._protocol.state.value})"
            if self._failure is not None:
                raise self._failure
            await self._socket.inbox.wait()
            early += self._take()
        self._early = early
        self._socket.inbox.nudge()
        await trio.lowlevel.checkpoint()

    async def receive(self) -> tuple[AccountMessage, ...]:
        """Wait, and return all that has arrived, in order (about 64 KiB of it at a time).

        Raises a `Retryable` or an `AskHuman` once everything before it has been returned. Safe to cancel.
        """
        while True:
            if self._failure is None:
                await self._socket.inbox.wait()
            else:
                await trio.lowlevel.checkpoint()
                raise self._failure
            if messages := self._take():
                return tuple(messages)

    def _take(self) -> list[AccountMessage]:
        """All that is ready, read and answered; when there is nothing, why nothing more will come, if so."""
        messages, self._early = self._early, []
        frames = self._socket.inbox.take(DRAIN_BYTES_MAX) if self._failure is None else []
        for frame in frames:
            told = self._protocol.received(frame)
            messages += told.messages
            if told.request is not None:
                self._send(told.request)
            if told.failure is not None:
                self._failure = told.failure
                break
        if not frames and self._failure is None:
            self._failure = self._socket.inbox.failure
        return messages

    def _send(self, request: Request) -> None:
        self._socket.send_nowait(render_request(request, self._encoding))
