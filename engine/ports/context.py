"""What a strategy is given: subscriptions, the market's clock, history.

Subscriptions are ``async with`` blocks around a bounded channel rather than call-backs or bare async generators: their
life is the block, the overflow policy is declared at the door, and leaving by any way unsubscribes.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias, TypeVar

from engine.core.overflow import Full
from engine.model.control import ControlEvent, Gap
from engine.model.market import (
    Bar,
    Book,
    Cancel,
    Correction,
    DailyBar,
    Imbalance,
    Kind,
    Luld,
    MarketEvent,
    News,
    Quote,
    Status,
    Trade,
    UpdatedBar,
)
from engine.model.stream import Stream

Event: TypeAlias = MarketEvent | ControlEvent

T_co = TypeVar("T_co", covariant=True)


class Subscription(Protocol[T_co]):
    """A strategy's end of a bounded channel: ``async for event in subscription``."""

    def __aiter__(self) -> AsyncIterator[T_co]: ...

    async def __anext__(self) -> T_co: ...

    async def batch(self) -> Sequence[T_co]:
        """All that is waiting, at least one event; raises ``StopAsyncIteration`` at the end. For fast strategies."""
        ...


class Context(Protocol):
    """What a strategy is given. Subscriptions are ``async with`` blocks: leaving one unsubscribes.

    ``full`` says what happens when this strategy does not keep up and ``capacity`` events wait for it: ``"block"``
    (nothing is lost; the feed waits for this strategy), ``"drop_oldest"`` (the oldest are dropped and counted, a
    `Gap` says so), ``"latest"`` (only the newest event of each stream is kept), ``"fail"`` (this strategy is ended).
    With ``gaps=True`` a `Gap` also comes in line, in its place among the events.
    """

    @property
    def name(self) -> str: ...

    def now_ns(self) -> int:
        """Market time in nanoseconds since the epoch."""
        ...

    def log(self, message: str) -> None:
        """Say something to the person who runs this."""
        ...

    def trades(self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...) -> "Opening[Trade]": ...

    def quotes(self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...) -> "Opening[Quote]": ...

    def bars(
        self, *symbols: str, warmup: int = ..., full: Full = ..., capacity: int = ..., gaps: bool = ...
    ) -> "Opening[Bar]": ...

    def updated_bars(
        self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...
    ) -> "Opening[UpdatedBar]": ...

    def daily_bars(
        self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...
    ) -> "Opening[DailyBar]": ...

    def books(self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...) -> "Opening[Book]": ...

    def statuses(self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...) -> "Opening[Status]": ...

    def lulds(self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...) -> "Opening[Luld]": ...

    def corrections(
        self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...
    ) -> "Opening[Correction]": ...

    def cancels(self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...) -> "Opening[Cancel]": ...

    def imbalances(
        self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...
    ) -> "Opening[Imbalance]": ...

    def news(self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...) -> "Opening[News]": ...

    def streams(
        self, *streams: Stream, full: Full = ..., capacity: int = ..., gaps: bool = ...
    ) -> "Opening[MarketEvent | Gap]":
        """Any kinds and symbols through one channel, in the order in which the journal numbered them."""
        ...

    def lifecycle(self) -> "Opening[ControlEvent]":
        """What happens to the lines and the strategies of this session."""
        ...

    def merge(self, *subscriptions: Subscription[Any]) -> "Opening[Any]":
        """One iteration over several open subscriptions, in journal order."""
        ...

    def every(self, seconds: float) -> "Opening[int]":
        """Market time in nanoseconds, each ``seconds`` of market time; ticks missed by a slow strategy are skipped."""
        ...

    async def at(self, ts_ns: int) -> None:
        """Wait until market time is ``ts_ns``."""
        ...

    async def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int | None = None) -> Sequence[MarketEvent]:
        """Read the past, oldest first, never beyond now."""
        ...


class Opening(AbstractAsyncContextManager[Subscription[T_co]], Protocol[T_co]):
    """A subscription that opens in ``async with`` and is then iterated."""
