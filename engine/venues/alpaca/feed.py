"""`AlpacaFeed`: one endpoint of Alpaca that carries streams, and `AlpacaLine`: one live connection to it.

This is where the pure parts meet the socket: bytes from the inbox are decoded, what the venue says about the line goes
to the protocol, and its next request goes out. All waiting is in `AlpacaLine.receive`, and it takes nothing out of the
inbox before its last checkpoint, so that a cancellation loses nothing.
"""

import math
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import trio
from attrs import Factory, define, field, frozen

from engine.codec.decode import Control, Malformed, MarketDecoder
from engine.codec.render import render_request
from engine.codec.wire import Encoding, Family
from engine.errors import GaplessError, HandshakeFailed
from engine.model.market import MarketEvent
from engine.model.stream import Stream
from engine.ports import Arrival, History
from engine.venues.alpaca.endpoints import Address, Environment, Keys
from engine.venues.alpaca.protocol import MarketProtocol, State, Step
from engine.venues.alpaca.reactions import Where
from engine.venues.alpaca.socket import LineSettings, LineSocket

# One read of the socket, about 900 messages: what is decoded is told while it is still in the processor's cache (1 MiB
# at a time measured 1.5 times the cost a message), and the loop is held for about a millisecond.
DRAIN_BYTES_MAX: Final = 32 * 1024
# Kinds of malformed messages that are reported one by one; the rest is only counted.
KINDS_REPORTED_MAX: Final = 64
OnFrames: TypeAlias = Callable[[str, int, Sequence[bytes | str]], None]
"""Told the feed's name, market time of reading, and the frames."""


@frozen
class FeedCounts:
    """What a feed has brought since it was made, over all its lines."""

    frames: int
    bytes: int
    messages: int
    malformed: int
    unknown_types: Mapping[str, int]
    unknown_fields: Mapping[str, int]


def _to_nobody(sentence: str) -> None:
    """The default report: malformed messages are counted all the same."""


@define(kw_only=True, eq=False)
class AlpacaFeed:
    """A feed at ``url``, such as ``wss://stream.data.alpaca.markets/v2/iex``; at most one line may be open at a time.

    ``now_ns`` gives market time for ``received_ns``. ``report`` is told a sentence for each new kind of malformed
    message. ``environment`` says which keys the venue takes, so that keys of the other kind can be recognised.
    ``on_frames`` is given every frame as it came, with this feed's name and when it was read, before it is decoded.
    """

    name: str
    url: str
    family: Family
    encoding: Encoding
    keys: Keys
    now_ns: Callable[[], int]
    history: History | None = None
    report: Callable[[str], None] = _to_nobody
    environment: Environment = ""
    headers: Sequence[tuple[str, str]] = ()
    settings: LineSettings = field(factory=LineSettings)
    tls_context: ssl.SSLContext | None = None
    on_frames: OnFrames | None = None
    _decoder: MarketDecoder = field(
        init=False, default=Factory(lambda self: MarketDecoder(self.family, self.encoding), takes_self=True)
    )
    _reported: set[str] = field(init=False, factory=set)
    _frames: int = field(init=False, default=0)
    _bytes: int = field(init=False, default=0)

    @property
    def counts(self) -> FeedCounts:
        """How much came and how much of it could not be read."""
        told = self._decoder.counts
        return FeedCounts(
            self._frames,
            self._bytes,
            told.messages,
            told.malformed,
            dict(told.unknown_types),
            dict(told.unknown_fields),
        )

    @asynccontextmanager
    async def open_line(self) -> AsyncIterator["AlpacaLine"]:
        """Connect and log in within the handshake deadline; leaving closes the socket within ``close_s``."""
        address = Address.parse(self.url)
        where = Where(self.name, f"{address.host}:{address.port}", self.environment, self.keys.hint)
        codec = [("Content-Type", f"application/{self.encoding}"), *self.headers]
        socket = LineSocket(address, codec, where, self.settings, self.tls_context)
        line = AlpacaLine(self, socket, MarketProtocol(self.family, self.keys, where), where)
        async with socket.open(line.log_in):
            yield line

    def decode(self, frames: Sequence[bytes | str]) -> tuple[list[MarketEvent], list[Control]]:
        """Read the frames of one drain, all received now, and count."""
        received_ns = self.now_ns()
        if self.on_frames is not None:
            self.on_frames(self.name, received_ns, frames)
        events, others = self._decoder.decode_all(frames, received_ns)
        self._frames += len(frames)
        self._bytes += sum(map(len, frames))
        controls: list[Control] = []
        for other in others:
            if isinstance(other, Malformed):
                self._report(other)
            else:
                controls.append(other)
        return events, controls

    def _report(self, malformed: Malformed) -> None:
        """Say each kind of damage once: a venue that breaks one field breaks it in every message."""
        kind = re.sub(r"\d+", "N", f"{malformed.path} {malformed.reason}")
        if kind in self._reported or len(self._reported) >= KINDS_REPORTED_MAX:
            return
        self._reported.add(kind)
        excerpt = self.keys.redact(malformed.excerpt)
        self.report(
            f"{self.name}: a malformed message was left out: {malformed.path}: {malformed.reason}, in {excerpt!r}; "
            "more of this kind are only counted."
        )


class AlpacaLine:
    """A line that is logged in. One task receives; `want` may be called from any."""

    def __init__(self, feed: AlpacaFeed, socket: LineSocket, protocol: MarketProtocol, where: Where) -> None:
        self._feed = feed
        self._socket = socket
        self._protocol = protocol
        self._failure: GaplessError | None = None
        self._acknowledge_by = math.inf
        self._untold = Step()  # refusals and alarms that no frame brought
        self._early: list[MarketEvent] = []  # events that came before the login was answered
        self.where = where

    @property
    def acknowledged(self) -> frozenset[Stream]:
        """What the venue says it sends."""
        return self._protocol.acknowledged

    async def log_in(self) -> None:
        """Wait for the welcome, log in; raises what the venue answers. The caller sets the deadline."""
        early: list[MarketEvent] = []
        while True:
            self._socket.phase = f"the login ({self._protocol.state.value})"
            early += (await self.receive()).events
            if self._protocol.state is State.READY:
                break
        if early:
            self._early = early
            self._socket.inbox.nudge()

    async def receive(self) -> Arrival:
        """Wait for frames and return all that has arrived (about 64 KiB of it at a time).

        Raises a `Retryable` or an `AskHuman` once everything before it has been returned. Safe to cancel.
        """
        while True:  # noqa: ASYNC913 - one checkpoint a round, here or in the wait: the last thing before it takes
            if self._failure is not None or self._socket.inbox.ready:
                await trio.lowlevel.checkpoint()
            if self._failure is not None:
                raise self._failure
            deadline = self._acknowledge_by if self._protocol.awaiting else math.inf
            if not self._socket.inbox.ready:
                if deadline == math.inf:
                    await self._socket.inbox.wait()
                else:
                    with trio.move_on_at(deadline):
                        await self._socket.inbox.wait()
            arrival = self._take()
            if arrival is not None:
                return arrival  # noqa: ASYNC910 - as above
            self._notice_end(deadline)

    async def want(self, streams: Set[Stream]) -> None:
        """Make these the subscribed streams; what differs is sent one change at a time as `receive` goes on."""
        self._follow(self._protocol.want(streams))
        self._socket.inbox.nudge()
        await trio.lowlevel.checkpoint()

    def _notice_end(self, acknowledge_by: float) -> None:
        """Nothing is left to tell: remember why nothing more will come, if so."""
        if self._failure is None:
            self._failure = self._socket.inbox.failure
        if self._failure is None and trio.current_time() >= acknowledge_by:
            self._failure = HandshakeFailed(
                f"{self.where}: a subscription was not acknowledged within {self._feed.settings.ack_s:g} s; "
                "connecting again."
            )

    def _take(self) -> Arrival | None:
        """All that is ready, decoded and answered; ``None`` when there is nothing to tell."""
        frames = self._socket.inbox.take(DRAIN_BYTES_MAX)
        events, controls = self._feed.decode(frames) if frames else ([], [])
        if controls:
            self._follow(self._protocol.received(controls))
        if self._early:
            events, self._early = self._early + events, []
        told, self._untold = self._untold, Step()
        if not (frames or events or told.refused or told.alarms):
            return None
        return Arrival(events, told.acknowledged, told.refused, told.alarms)

    def _follow(self, step: Step) -> None:
        """Do what the protocol asks for; what it tells waits for the next arrival."""
        for request in step.requests:
            self._socket.send_nowait(render_request(request, self._feed.encoding))
            self._acknowledge_by = trio.current_time() + self._feed.settings.ack_s
        self._failure = self._failure or step.failure
        untold = self._untold
        self._untold = Step(
            acknowledged=untold.acknowledged if step.acknowledged is None else step.acknowledged,
            refused=untold.refused + step.refused,
            alarms=untold.alarms + step.alarms,
        )
