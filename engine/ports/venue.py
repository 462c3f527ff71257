"""What a venue must offer: a clock, feeds that carry streams, and their history.

The flow is written against these Protocols, so the same session runs on Alpaca, on the embedded exchange and, later,
from a tape.
"""

from collections.abc import Set
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import frozen

from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream


class Clock(Protocol):
    """The market's clock: the wall clock at a live venue, the venue's own on a tape or in simulation."""

    @property
    def speed(self) -> float:
        """Market seconds per second of Trio's clock; 0 when the market moves as fast as it is read."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the venue has said that its tape is over. Never true at a live venue."""
        ...

    @property
    def is_open(self) -> bool | None:
        """Whether the regular session of US stocks is on; ``None`` when the venue has not said."""
        ...

    def now_ns(self) -> int:
        """Market time, nanoseconds since the epoch. Never goes backwards."""
        ...

    def advance(self, ts_ns: int) -> None:
        """An event of this instant was told: a market that moves as it is read is at least there."""
        ...

    async def refresh(self) -> int:
        """Ask the venue how far its market is; returns an instant that no event it has told is newer than.

        Never raises for a venue that is away: then it is ``now_ns``.
        """
        ...

    async def sleep_until(self, ts_ns: int) -> None:
        """Wait until market time is at least ``ts_ns``."""
        ...


@frozen
class Arrival:
    """What one wake-up of a line brought: every event of every frame that had already arrived."""

    events: list[MarketEvent]
    acknowledged: frozenset[Stream] | None = None
    """The whole acknowledged set, where this arrival held an acknowledgement."""
    refused: tuple[tuple[Stream, str], ...] = ()
    """Streams the venue refused, each with a sentence."""
    alarms: tuple[str, ...] = ()


class Line(Protocol):
    """One connected, logged-in connection of a feed."""

    async def receive(self) -> Arrival:
        """Wait for frames and return all that has arrived; raises a `Retryable` or an `AskHuman`.

        Safe to cancel: nothing that arrived is lost.
        """
        ...

    async def want(self, streams: Set[Stream]) -> None:
        """Make these the subscribed streams: sends what differs from what was asked for before."""
        ...


class Feed(Protocol):
    """One endpoint that carries streams, such as Alpaca's IEX stock stream."""

    @property
    def name(self) -> str: ...

    @property
    def history(self) -> "History | None": ...

    def open_line(self) -> AbstractAsyncContextManager[Line]:
        """Connect and log in within the handshake deadline; leaving closes the socket, also on a dead peer."""
        ...


QUERY_SYMBOLS_MAX = 100
"""The most symbols of one query: Alpaca's limit for option contracts, and about what a URL carries."""


@frozen
class HistoryQuery:
    """Events of one kind and some symbols, both bounds inclusive, oldest first."""

    kind: Kind
    symbols: tuple[str, ...]
    start_ns: int
    end_ns: int


@frozen
class HistoryPage:
    """One page: rows ordered by symbol, then time; ``next_token`` is ``None`` on the last one."""

    rows: list[MarketEvent]
    next_token: str | None


class History(Protocol):
    """Where the past of a feed can be read."""

    def keeps(self, kind: Kind) -> bool:
        """Whether the venue keeps history of this kind."""
        ...

    async def page(self, query: HistoryQuery, token: str | None = None) -> HistoryPage:
        """Read one page, with its own deadline, rate limit and retries; ``token`` goes on after the page that gave it.

        Raises `HistoryRefused` (this plan, this span), `HistoryUnavailable` (retries spent), `KeysRefused`.
        Rows have ``origin="backfill"``.
        """
        ...
