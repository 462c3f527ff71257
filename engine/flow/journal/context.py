"""The context of a strategy whose session is recorded: as `StrategyContext`, and every use of it is noted.

Subscriptions are the raw channels. What is taken out of them costs nothing here: see `engine.flow.journal.taps`.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from decimal import Decimal
from random import Random
from types import TracebackType
from typing import Any

import trio
from attrs import define, field

from engine.flow.channel import Channel
from engine.flow.context import StrategyContext
from engine.flow.journal.line import Line
from engine.flow.journal.orders import Crossing, JournaledScope, Turns
from engine.flow.journal.state import JournaledState
from engine.flow.journal.taps import LOSSY, Tap, TappedMerge, TappedSource, tap_channel, tap_notices
from engine.flow.journal.track import Track
from engine.flow.journal.words import render_words
from engine.model.account import StrategyPosition
from engine.model.journal import DECISIVE, writable
from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream
from engine.ports import LiveOrder, SavedState


@define(eq=False)
class JournaledContext:
    """`engine.ports.Context` around a `StrategyContext`. ``turns`` are what its decisions wait for: a replay lets one
    through at a time."""

    inner: StrategyContext
    line: Line
    turns: Turns | None = None
    track: Track = field(init=False)
    _crossing: Crossing = field(init=False)
    _numbers: dict[int, tuple[int, Any]] = field(factory=dict, init=False)
    """By identity, the open subscriptions: the number of the call that opened each, and itself."""
    _state: JournaledState | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.track = self.line.track(self.inner.name)
        self._crossing = Crossing(self.track, self.turns, DECISIVE)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Note that a run begins, and how it ended."""
        self._state = None
        self._numbers.clear()
        self.track.begin()
        try:
            with nullcontext() if self.turns is None else self.turns.own_steps():
                yield
        except trio.Cancelled:
            self.track.end("stopped")
            raise
        except BaseExceptionGroup as group:
            stopped = group.subgroup(trio.Cancelled) is not None
            self.track.end("stopped" if stopped else "failed", None if stopped else group)
            raise
        except Exception as error:
            self.track.end("failed", error)
            raise
        except BaseException:  # Ctrl-C: the session ends
            self.track.end("stopped")
            raise
        self.track.end("finished")

    async def watch(self) -> None:
        """Note that the session cancels the strategy: runs beside it, and is cancelled with it."""
        if self.line.watch is not None:
            self.line.watch.post(self.track)
        try:
            await trio.sleep_forever()
        finally:
            if self.line.watch is not None:
                self.line.watch.dismiss()

    # -- what is looked at

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def random(self) -> Random:
        """Dice of this strategy's own: the seed is in the manifest of the session."""
        return self.inner.random

    def now_ns(self) -> int:
        """Market time in nanoseconds since the epoch."""
        now_ns = self.inner.now_ns()
        if self.line.watch is not None:  # in a replay time is that of every record: to note it would tell nothing
            self.track.read("now", now_ns)
        return now_ns

    def log(self, message: str) -> None:
        """Say something to the person who runs this."""
        said = writable(str(message))
        self.track.said(said)
        self.inner.log(said)

    def open_orders(self, symbol: str | None = None) -> tuple[LiveOrder, ...]:
        """This strategy's open orders."""
        orders = self._look(f"open_orders:{symbol or ''}", lambda: self.inner.open_orders(symbol))
        return tuple(self._crossing.wrap(order) for order in orders)

    def position(self, symbol: str) -> Decimal:
        """What this strategy holds of a symbol."""
        held: Decimal = self._look(f"position:{symbol}", lambda: self.inner.position(symbol))
        return held

    @property
    def positions(self) -> Mapping[str, StrategyPosition]:
        """What this strategy holds, by symbol."""
        held: Mapping[str, StrategyPosition] = self._look("positions", lambda: self.inner.positions)
        return held

    def profit(self) -> Decimal | None:
        """What this strategy made today."""
        made: Decimal | None = self._look("profit", self.inner.profit)
        return made

    @property
    def state(self) -> SavedState:
        """What this strategy wants to remember: noted whole when a run looks at it first, since nobody else sets it."""
        if self._state is None:
            inner = self.inner.state
            self.track.read("state", inner.snapshot())
            self._state = JournaledState(inner, self._crossing)
        return self._state

    def _look(self, what: str, look: Callable[[], Any]) -> Any:
        try:
            value = look()
        except Exception as error:
            self.track.failed(what, error)
            raise
        self.track.read(what, value)
        return value

    # -- subscriptions

    def trades(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.TRADES, symbols, how)

    def quotes(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.QUOTES, symbols, how)

    def bars(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.BARS, symbols, how)

    def updated_bars(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.UPDATED_BARS, symbols, how)

    def daily_bars(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.DAILY_BARS, symbols, how)

    def books(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.BOOKS, symbols, how)

    def statuses(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.STATUSES, symbols, how)

    def lulds(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.LULDS, symbols, how)

    def corrections(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.CORRECTIONS, symbols, how)

    def cancels(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.CANCELS, symbols, how)

    def imbalances(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.IMBALANCES, symbols, how)

    def news(self, *symbols: str, **how: Any) -> "Door":
        return self._kind(Kind.NEWS, symbols, how)

    def _kind(self, kind: Kind, symbols: Sequence[str], how: Mapping[str, Any]) -> "Door":
        return self.streams(*(Stream(kind, symbol) for symbol in symbols), **how)

    def streams(self, *streams: Stream, **how: Any) -> "Door":
        """Any kinds and symbols through one channel."""
        words = {"streams": [f"{stream[0]}:{stream[1]}" for stream in streams], **how}
        return Door(self, "streams", words, lambda: self.inner.streams(*streams, **how), self._tap_channel)

    def lifecycle(self) -> "Door":
        """What happens to the lines and the strategies of this session."""
        return Door(self, "lifecycle", {}, self.inner.lifecycle, self._tap_notices)

    def fills(self) -> "Door":
        """The executions of this strategy's orders."""
        return Door(self, "fills", {}, self.inner.fills, self._tap_notices)

    def every(self, seconds: float) -> "Door":
        """Market time, each ``seconds`` of market time."""
        return Door(
            self, "every", {"seconds": seconds}, lambda: self.inner.every(seconds), self._tap_notices, waits=True
        )

    def orders(self, **how: Any) -> "Door":
        """Bind orders to a block."""

        def wrap(scope: Any, number: int) -> JournaledScope:
            return JournaledScope(scope, number, self._crossing)

        return Door(self, "orders", how, lambda: self.inner.orders(**how), wrap, waits=True)

    def merge(self, *subscriptions: Any) -> "Door":
        """One iteration over several open subscriptions."""
        numbers = [self._number(each) for each in subscriptions]
        sources: list[TappedSource] = []

        def tap(merge: Any, number: int) -> Any:
            tap = Tap(number, self.track, lambda: 0)
            for source in sources:
                self.track.tap(source.number).mute()
                source.tap = tap
            merge.tap = tap
            self.track.listen(tap)
            return merge

        def open_merge() -> AbstractAsyncContextManager[Any]:
            self.track.flush()
            for each, number in zip(subscriptions, numbers, strict=True):
                lossy = isinstance(each, Channel) and each.queue.full in LOSSY
                sources.append(TappedSource(each, number, lossy, self.track.tap(number)))
            return _Ready(TappedMerge(sources))

        return Door(self, "merge", {"of": numbers}, open_merge, tap)

    def _number(self, subscription: Any) -> int:
        number, _ = self._numbers.get(id(subscription), (0, None))
        return number

    def _tap_channel(self, channel: Channel, number: int) -> Channel:
        self.track.listen(tap_channel(channel, number, self.track))
        return channel

    def _tap_notices(self, notices: Any, number: int) -> Any:
        self.track.listen(tap_notices(notices, number, self.track))
        return notices

    def opened(self, subscription: Any, number: int) -> None:
        """A subscription is open from here on."""
        self._numbers[id(subscription)] = (number, subscription)

    def left(self, subscription: Any) -> None:
        """It is left."""
        self._numbers.pop(id(subscription), None)

    # -- what is asked and waited for

    async def at(self, ts_ns: int) -> None:
        """Wait until market time is ``ts_ns``."""
        await self._crossing.ask("at", {"ts_ns": ts_ns}, lambda: self.inner.at(ts_ns))

    async def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int | None = None) -> Sequence[MarketEvent]:
        """Read the past, oldest first, never beyond now."""
        words = {"kind": kind, "symbol": symbol, "start_ns": start_ns, "end_ns": end_ns}
        rows: Sequence[MarketEvent] = await self._crossing.ask(
            "history", words, lambda: self.inner.history(kind, symbol, start_ns, end_ns)
        )
        return rows

    async def buy(self, symbol: str, qty: Any = None, **how: Any) -> LiveOrder:
        """Buy; returns once the venue has the order."""
        return await self._order("buy", symbol, qty, how, lambda: self.inner.buy(symbol, qty, **how))

    async def sell(self, symbol: str, qty: Any = None, **how: Any) -> LiveOrder:
        """Sell; returns once the venue has the order."""
        return await self._order("sell", symbol, qty, how, lambda: self.inner.sell(symbol, qty, **how))

    async def _order(
        self, verb: str, symbol: str, qty: Any, how: Mapping[str, Any], act: Callable[[], Awaitable[LiveOrder]]
    ) -> LiveOrder:
        order: LiveOrder = self._crossing.wrap(
            await self._crossing.ask(verb, {"symbol": symbol, "qty": qty, **how}, act)
        )
        return order

    async def target(self, symbol: str, qty: Any, *, within: float | None = None) -> None:
        """Make this strategy's position in a symbol ``qty``."""
        words = {"symbol": symbol, "qty": qty, "within": within}
        await self._crossing.ask("target", words, lambda: self.inner.target(symbol, qty, within=within))

    async def close(self, symbol: str) -> None:
        """`target` zero."""
        await self._crossing.ask("close", {"symbol": symbol}, lambda: self.inner.close(symbol))

    async def cancel(self, symbol: str | None = None) -> None:
        """Cancel this strategy's open orders, and wait until they have ended."""
        await self._crossing.ask("cancel", {"symbol": symbol}, lambda: self.inner.cancel(symbol))

    @property
    def crossing(self) -> Crossing:
        """How calls are carried out."""
        return self._crossing


@define(eq=False)
class Door:
    """A block of a strategy's context: entering and, where it ``waits``, leaving are calls."""

    _ctx: JournaledContext
    _verb: str
    _words: Mapping[str, Any]
    _make: Callable[[], AbstractAsyncContextManager[Any]]
    _wrap: Callable[[Any, int], Any]
    _waits: bool = field(default=False, alias="waits")
    _manager: Any = None
    _inner: Any = None
    _number: int = 0

    async def __aenter__(self) -> Any:
        ctx = self._ctx
        self._number = ctx.track.asked(self._verb, render_words(self._words))

        async def enter() -> None:
            self._manager = self._make()
            self._inner = await self._manager.__aenter__()

        await ctx.crossing.answer(self._number, enter)
        opened = self._wrap(self._inner, self._number)
        ctx.opened(opened, self._number)
        return opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        ctx = self._ctx
        ctx.track.unlisten(self._number)
        ctx.left(self._inner)
        swallowed: bool | None = None

        async def leave() -> None:
            nonlocal swallowed
            swallowed = await self._manager.__aexit__(kind, error, trace)

        if self._waits:
            await ctx.crossing.leave(self._number, self._line(), leave)  # noqa: ASYNC102 - it bounds and shields itself
        else:
            with ctx.track.inside():
                await leave()  # noqa: ASYNC102 - as above
        return swallowed

    def _line(self) -> str:
        """What a block of orders is left with; empty for what leaves nothing to decide."""
        if self._verb != "orders":
            return ""
        orders = [order.client_order_id for order in self._inner.open]
        return f"leave {render_words(self._words)} {render_words({'open': orders})}"


@define(eq=False)
class _Ready:
    """Something that is open already, as a block; entering is a checkpoint."""

    _thing: Any

    async def __aenter__(self) -> Any:
        await trio.lowlevel.checkpoint()
        return self._thing

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""
