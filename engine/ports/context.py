"""What a strategy is given: subscriptions, the market's clock, history.

Subscriptions are ``async with`` blocks around a bounded channel rather than call-backs or bare async generators: their
life is the block, the overflow policy is declared at the door, and leaving by any way unsubscribes.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from random import Random
from typing import Any, Protocol, TypeAlias, TypeVar

from engine.core.overflow import Full
from engine.model.account import StrategyPosition
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
from engine.model.order import Fill, TimeInForce
from engine.model.stream import Stream
from engine.ports.orders import LiveOrder, OnExit, OrderScope, SavedState

Event: TypeAlias = MarketEvent | ControlEvent
Number: TypeAlias = Decimal | int | float | str
"""A price or quantity as people write them; text and `Decimal` are exact, a float means its shortest decimal."""

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

    @property
    def random(self) -> Random:
        """Dice of this strategy's own, seeded from the session's seed and its name: a replay rolls the same."""
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

    def news(self, *symbols: str, full: Full = ..., capacity: int = ..., gaps: bool = ...) -> "Opening[News]":
        """The articles of any of these symbols, each once; ``"*"`` for all of them.

        News is one sequence whoever asks for what of it: a gap in it has the stream `ARTICLES`, ``full="latest"``
        keeps the newest article, and Alpaca keeps no history of it that a hole could be filled from.
        """
        ...

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

    # -- orders

    async def buy(
        self,
        symbol: str,
        qty: Number | None = None,
        *,
        notional: Number | None = None,
        limit: Number | None = None,
        stop: Number | None = None,
        trail: Number | None = None,
        trail_percent: Number | None = None,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        stop_loss_limit: Number | None = None,
        tif: TimeInForce | str = ...,
        extended_hours: bool = ...,
        within: float | None = ...,
        late_ok: bool = ...,
    ) -> LiveOrder:
        """Buy ``qty`` shares, coins or contracts, or for ``notional`` dollars; returns once the venue has the order.

        The type follows from the prices: none is a market order, ``limit``, ``stop``, both, or a ``trail`` in dollars
        or ``trail_percent``. With ``take_profit`` and/or ``stop_loss`` the order brings its exits along (a bracket,
        or one-triggers-other). An order that adds risk waits until account and data are ready, at most ``within``
        seconds (10 by default), and is refused after that; ``late_ok`` lets it pass while market data is not live.

        Raises `OrderRefused` or one of its kinds: a rule of the venue, a limit of yours, not ready, the kill switch.
        Prices and quantities are taken exactly as written: a float means its shortest decimal.
        """
        ...

    async def sell(
        self,
        symbol: str,
        qty: Number | None = None,
        *,
        notional: Number | None = None,
        limit: Number | None = None,
        stop: Number | None = None,
        trail: Number | None = None,
        trail_percent: Number | None = None,
        take_profit: Number | None = None,
        stop_loss: Number | None = None,
        stop_loss_limit: Number | None = None,
        tif: TimeInForce | str = ...,
        extended_hours: bool = ...,
        within: float | None = ...,
        late_ok: bool = ...,
    ) -> LiveOrder:
        """Sell, as `buy`. Selling what this strategy holds is an exit and does not wait for readiness."""
        ...

    async def target(self, symbol: str, qty: Number, *, within: float | None = ...) -> None:
        """Make this strategy's position in a symbol ``qty`` (negative: short) with market orders.

        Its own open orders on the symbol are canceled first. A position never crosses zero in one order: it is closed,
        and the rest opened. Returns when the position is there; raises what an order raises.
        """
        ...

    async def close(self, symbol: str) -> None:
        """`target` zero."""
        ...

    async def cancel(self, symbol: str | None = None) -> None:
        """Cancel this strategy's open orders, on one symbol or all, and wait until they have ended."""
        ...

    def orders(self, *, on_exit: OnExit = ..., within: float = ...) -> AbstractAsyncContextManager[OrderScope]:
        """Bind orders to a block: when it is left, by whatever way, ``on_exit`` is done within ``within`` seconds.

        On entering, what a former run of this strategy left open belongs to the block too.
        """
        ...

    def open_orders(self, symbol: str | None = None) -> tuple[LiveOrder, ...]:
        """This strategy's open orders, also those of a former run, oldest first."""
        ...

    def fills(self) -> "Opening[Fill]":
        """The executions of this strategy's orders as they are learnt of, each once; none is ever dropped."""
        ...

    def position(self, symbol: str) -> Decimal:
        """What this strategy holds of a symbol, by its own fills; negative when short."""
        ...

    @property
    def positions(self) -> Mapping[str, StrategyPosition]:
        """What this strategy holds, by symbol; flat ones are left out."""
        ...

    def profit(self) -> Decimal | None:
        """What this strategy made today, in dollars: realized and unrealized, less fees that are known.

        A day begins at midnight in New York. ``None`` when a price is missing that it takes.
        """
        ...

    @property
    def state(self) -> SavedState:
        """What this strategy wants to remember over a restart."""
        ...


class Opening(AbstractAsyncContextManager[Subscription[T_co]], Protocol[T_co]):
    """A subscription that opens in ``async with`` and is then iterated."""
