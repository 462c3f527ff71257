"""The Context of a running strategy: opens channels at the fan-out, reads history and time, hands orders on."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import trio
from attrs import define, field

from engine.core.histogram import Histogram
from engine.core.overflow import Full, Overflow, Queued
from engine.errors import Misconfigured
from engine.flow.channel import Channel
from engine.flow.markets import Markets
from engine.flow.merge import Merge
from engine.flow.notices import Notices
from engine.flow.trading import Trading
from engine.model.account import StrategyPosition
from engine.model.control import Gap
from engine.model.instant import NS_PER_S
from engine.model.journal import writable
from engine.model.market import Kind, MarketEvent, Quote, Trade
from engine.model.order import Side
from engine.model.stream import Stream
from engine.ports import HistoryQuery, LiveOrder, SavedState

# What a subscription may have waiting unless it says otherwise: about a minute at 4,000 events a second, some 80 MB.
CAPACITY = 262_144
# A day of events on the lifecycle of a session that is cut every minute.
NOTICES_MAX = 4096
# The most rows that one call of ``ctx.history`` reads into memory: about 300 MB of quotes.
HISTORY_ROWS_MAX = 1_000_000
_MINUTE_NS = 60 * NS_PER_S
# A warm-up looks back further and further, at most this far: two weeks hold the longest closure of US exchanges.
_WARMUP_SPAN_MAX_NS = 14 * 24 * 60 * _MINUTE_NS


@define(eq=False)
class StrategyContext:
    """`engine.ports.Context` for one run of one strategy. ``trading`` is ``None`` where there is no account."""

    name: str
    market: Markets
    trading: Trading | None = None
    lag: Histogram = field(factory=Histogram)
    queue_lag: Histogram = field(factory=Histogram)
    random: Random = field(init=False)
    """Goes on where it was when the strategy is started again: one session, one sequence."""
    _left_ns: dict[Stream, int] = field(factory=dict)
    _missed_ns: dict[Stream, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.random = Random(f"{self.market.seed}/random/{self.name}")

    def now_ns(self) -> int:
        return self.market.clock.now_ns()

    def log(self, message: str) -> None:
        self.market.say(self.name, writable(str(message)))

    # -- subscriptions

    def trades(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.TRADES, symbols, **how)

    def quotes(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.QUOTES, symbols, **how)

    def bars(self, *symbols: str, warmup: int = 0, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.BARS, symbols, warmup=warmup, **how)

    def updated_bars(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.UPDATED_BARS, symbols, **how)

    def daily_bars(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.DAILY_BARS, symbols, **how)

    def books(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.BOOKS, symbols, **how)

    def statuses(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.STATUSES, symbols, **how)

    def lulds(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.LULDS, symbols, **how)

    def corrections(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.CORRECTIONS, symbols, **how)

    def cancels(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.CANCELS, symbols, **how)

    def imbalances(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.IMBALANCES, symbols, **how)

    def news(self, *symbols: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._kind(Kind.NEWS, symbols, **how)

    def _kind(self, kind: Kind, symbols: Sequence[str], **how: Any) -> AbstractAsyncContextManager[Any]:
        return self.streams(*(Stream(kind, symbol) for symbol in symbols), **how)

    @asynccontextmanager
    async def streams(
        self, *streams: Stream, full: Full = "block", capacity: int = CAPACITY, gaps: bool = False, warmup: int = 0
    ) -> AsyncIterator[Channel]:
        channel = self._channel(streams, full, capacity, gaps)
        self.market.attach(channel)
        for stream in streams:
            if stream in self._missed_ns:
                self.market.tell_restarted(channel, stream, self._missed_ns.pop(stream))
        try:
            if warmup:
                await self._warm_up(channel, warmup)
            await trio.lowlevel.checkpoint()
            yield channel
        finally:
            self._leave(channel)

    def _channel(self, streams: Sequence[Stream], full: Full, capacity: int, gaps: bool) -> Channel:
        if not streams or not all(stream.symbol for stream in streams):
            raise Misconfigured(f"{self.name}: a subscription needs at least one symbol, and no symbol may be empty")
        if full not in ("block", "drop_oldest", "latest", "fail"):
            raise Misconfigured(f"{self.name}: full={full!r} is none of 'block', 'drop_oldest', 'latest', 'fail'")
        if capacity < 1:
            raise Misconfigured(f"{self.name}: capacity={capacity} must be at least 1")
        return self.market.channel_class(
            strategy=self.name,
            name=", ".join(map(str, streams)),
            streams=frozenset(streams),
            feeds=frozenset(self.market.feed_of(stream) for stream in streams),
            queue=Overflow(full, capacity, feed=self.market.feed_of(streams[0])),
            gaps=gaps,
            on_handed=self._on_handed,
            on_gap=self.market.on_channel_gap,
        )

    def restart(self) -> None:
        """The strategy failed and begins anew: what it was subscribed to has a hole until it subscribes again."""
        self._missed_ns, self._left_ns = self._left_ns, {}

    def _leave(self, channel: Channel) -> None:
        unread_ns = {stream: channel.first_unread_ns(stream) for stream in channel.streams}
        for stream, ts_ns in unread_ns.items():
            self._left_ns[stream] = ts_ns or self.now_ns()
        self.market.leave(channel)

    def _on_handed(self, items: Sequence[Queued]) -> None:
        oldest = items[0]
        if isinstance(oldest, Gap) or oldest.origin != "live" or not self.market.clock.speed:
            return
        now_ns = self.market.clock.now_ns()
        self.queue_lag.record(max(0, now_ns - oldest.received_ns), len(items))
        if isinstance(oldest, Trade | Quote):
            self.lag.record(max(0, now_ns - oldest.ts_ns), len(items))

    async def _warm_up(self, channel: Channel, count: int) -> None:  # noqa: ASYNC910 - reading history is one
        for stream in sorted(channel.streams):
            now_ns = self.now_ns()
            span_ns = 2 * count * _MINUTE_NS
            rows: Sequence[MarketEvent] = ()
            while True:
                rows = await self.history(stream.kind, stream.symbol, now_ns - span_ns)
                if len(rows) >= count or span_ns >= _WARMUP_SPAN_MAX_NS:
                    break
                span_ns = min(8 * span_ns, max(_WARMUP_SPAN_MAX_NS, span_ns))
            self.market.prefill(channel, stream, rows[-count:])

    @asynccontextmanager
    async def lifecycle(self) -> AsyncIterator[Notices]:
        notices = Notices(NOTICES_MAX)
        self.market.listen(notices)
        try:
            await trio.lowlevel.checkpoint()
            yield notices
        finally:
            self.market.unlisten(notices)

    @asynccontextmanager
    async def merge(self, *subscriptions: Any) -> AsyncIterator[Merge]:
        await trio.lowlevel.checkpoint()
        yield Merge(subscriptions)

    # -- time and the past

    @asynccontextmanager
    async def every(self, seconds: float) -> AsyncIterator[Notices]:
        if seconds <= 0:
            raise Misconfigured(f"{self.name}: ctx.every({seconds}) needs more than 0 seconds")
        step_ns = int(seconds * NS_PER_S)
        ticks = Notices(1)

        async def tick() -> None:
            due_ns = (self.now_ns() // step_ns + 1) * step_ns
            while True:
                await self.market.clock.sleep_until(due_ns)
                ticks.put(due_ns)
                due_ns = max(due_ns + step_ns, (self.now_ns() // step_ns) * step_ns)

        self.market.end_with_session(ticks)
        failure: Exception | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(tick)
                try:
                    yield ticks
                except Exception as error:  # noqa: BLE001 - the body's own, carried around the nursery's group
                    failure = error
                nursery.cancel_scope.cancel()
        finally:
            self.market.end_timer(ticks)
        if failure is not None:
            raise failure

    async def at(self, ts_ns: int) -> None:
        await self.market.clock.sleep_until(ts_ns)

    async def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int | None = None) -> Sequence[MarketEvent]:
        await trio.lowlevel.checkpoint()
        now_ns = self.now_ns()
        past = self.market.history_of(Stream(kind, symbol))
        if past is None or not past.keeps(kind):
            raise Misconfigured(f"{self.name}: the venue keeps no history of {kind} for {symbol}")
        query = HistoryQuery(kind, (symbol,), start_ns, min(end_ns or now_ns, now_ns))
        rows: list[MarketEvent] = []
        token: str | None = None
        while query.start_ns <= query.end_ns:
            page = await past.page(query, token)
            rows.extend(page.rows)
            token = page.next_token
            if token is None:
                break
            if len(rows) > HISTORY_ROWS_MAX:
                raise Misconfigured(
                    f"{self.name}: history of {kind} {symbol} holds more than {HISTORY_ROWS_MAX} rows; ask for less"
                )
        return rows

    # -- orders

    async def buy(self, symbol: str, qty: Any = None, **how: Any) -> LiveOrder:
        return await self._trading("buy").order(Side.BUY, symbol, qty, **how)

    async def sell(self, symbol: str, qty: Any = None, **how: Any) -> LiveOrder:
        return await self._trading("sell").order(Side.SELL, symbol, qty, **how)

    async def target(self, symbol: str, qty: Any, *, within: float | None = None) -> None:
        await self._trading("target").target(symbol, qty, within=within)

    async def close(self, symbol: str) -> None:
        await self._trading("close").target(symbol, 0)

    async def cancel(self, symbol: str | None = None) -> None:
        await self._trading("cancel").cancel(symbol)

    def orders(self, **how: Any) -> AbstractAsyncContextManager[Any]:
        return self._trading("orders").orders(**how)

    def open_orders(self, symbol: str | None = None) -> tuple[LiveOrder, ...]:
        return self._trading("open_orders").open_orders(symbol)

    def fills(self) -> AbstractAsyncContextManager[Any]:
        return self._trading("fills").fills()

    def position(self, symbol: str) -> Decimal:
        return self._trading("position").position(symbol)

    @property
    def positions(self) -> Mapping[str, StrategyPosition]:
        return self._trading("positions").positions

    def profit(self) -> Decimal | None:
        return self._trading("profit").profit()

    @property
    def state(self) -> SavedState:
        return self._trading("state").state

    def _trading(self, what: str) -> Trading:
        if self.trading is None:
            raise Misconfigured(
                f"{self.name}: ctx.{what} needs an account, and this session only reads market data, because the "
                "strategy's code does not show that it trades: say @strategy(trades=True)"
            )
        return self.trading
