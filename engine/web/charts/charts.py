"""The charts that somebody looks at: one for each symbol, made while it is looked at, and for a while after.

A dashboard that nobody looks at costs the engine nothing, so a chart begins when it is opened: from then on it hears
what the strategies' own streams tell of its symbol (the venue is asked for no further stream), and what was before is
read from history once, and again for the minute in which it began to listen.
"""

from collections.abc import Sequence
from typing import Final

import trio
from attrs import define, field

from engine.core.bars.making import MINUTE_NS
from engine.core.overflow import Overflow
from engine.errors import GaplessError, HistoryRefused
from engine.flow.channel import Channel
from engine.flow.markets import NOBODY, Markets
from engine.model.market import Bar, Kind, Trade
from engine.model.stream import Stream
from engine.ports import History, HistoryQuery
from engine.web.charts.candles import CANDLES_MAX, Candles

CHARTS_MAX: Final = 12
"""Symbols that are followed at once; one more, and the one that nobody looks at for longest ends."""
WATCHED_S: Final = 5.0
"""A page looks at its chart with every beat. One that was looked at within this is not ended for another: where more
pages are open than charts are followed, each would end another's, and read its history again with every beat."""
KEPT_S: Final = 300.0
"""How long a chart is kept up after the last look, so that going back and forth between pages reads nothing again."""
QUEUE_MAX: Final = 50_000
"""Events that wait for a chart: half a second of the fastest market. What does not fit is not in its candles."""
KINDS: Final = (Kind.TRADES, Kind.BARS, Kind.UPDATED_BARS)
LOOK_BACKS_NS: Final = (26 * 60 * MINUTE_NS, 5 * 24 * 60 * MINUTE_NS)
"""How far history is read: a day and its evening before; if that was a weekend, back to the last session."""
ENOUGH: Final = 30
"""Bars; with fewer it is looked further back."""
PAGES_MAX: Final = 3
"""Of history for a chart: five days of minutes fit one page at Alpaca."""
SETTLED_NS: Final = 5 * 1_000_000_000
"""How long after its minute a bar is read again: history trails the stream by seconds."""
MEND_EVERY_S: Final = 5.0
COUNTED_MAX: Final = 200
"""Trades that are counted one for one of what one wake-up brings. Where a single symbol has more, which is tens of
thousands a second, looking at all of them would be felt by the strategies: then it is every n-th of them, and the
minute is read from history when it is over."""


@define(eq=False)
class Chart:
    """One symbol. ``note``: why earlier candles are missing, for a person."""

    symbol: str
    channel: Channel
    looked_s: float
    candles: Candles = field(factory=Candles)
    note: str = ""
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    _partial: set[int] = field(factory=set, init=False)
    """Starts of minutes that were not heard whole, in nanoseconds."""

    async def run(self, markets: Markets) -> None:
        """Follow the symbol until cancelled, or until the session's channels close."""
        try:
            with self.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read_past, markets)
                    await self._listen()
        finally:
            markets.leave(self.channel)

    async def _listen(self) -> None:
        while True:
            try:
                events = await self.channel.batch()
            except StopAsyncIteration:
                return
            if {*map(type, events)} == {Trade}:
                self._count(events)
                continue
            self._count([event for event in events if isinstance(event, Trade)])
            self.candles.add_bars(event for event in events if isinstance(event, Bar))

    def _count(self, trades: Sequence[Trade]) -> None:
        if len(trades) <= COUNTED_MAX:
            self.candles.add_trades(trades)
            return
        step = -(-len(trades) // COUNTED_MAX)
        self._partial.update(trade.ts_ns - trade.ts_ns % MINUTE_NS for trade in (trades[0], trades[-1]))
        self.candles.add_trades(trades[::step], times=step)

    async def _read_past(self, markets: Markets) -> None:
        """What was before; and, once they are over, the minutes that were not heard whole."""
        await trio.lowlevel.checkpoint()
        history = markets.history_of(Stream(Kind.BARS, self.symbol))
        if history is None or not history.keeps(Kind.BARS):
            self.note = f"There is no history of {self.symbol} to read: the chart begins now."
            return
        now_ns = markets.clock.now_ns()
        began_ns = now_ns - now_ns % MINUTE_NS
        for look_back_ns in LOOK_BACKS_NS:
            await self._read(history, now_ns - look_back_ns, began_ns - 1)
            if len(self.candles) >= ENOUGH or self.note:
                break
        self._partial.add(began_ns)
        while not self.note:
            await trio.sleep(MEND_EVERY_S)
            over_ns = markets.clock.now_ns() - MINUTE_NS - SETTLED_NS
            ended = {start_ns for start_ns in self._partial if start_ns <= over_ns}
            if ended:
                self._partial -= ended
                await self._read(history, min(ended), max(ended))

    async def _read(self, history: History, start_ns: int, end_ns: int) -> None:
        bars: list[Bar] = []
        token: str | None = None
        query = HistoryQuery(Kind.BARS, (self.symbol,), start_ns, end_ns)
        try:
            for _ in range(PAGES_MAX):
                page = await history.page(query, token)
                bars += [row for row in page.rows if isinstance(row, Bar)]
                token = page.next_token
                if token is None:
                    break
        except HistoryRefused as refused:
            self.note = f"Earlier candles are not for this plan: {refused}"
        except GaplessError as failure:
            self.note = f"Earlier candles could not be read: {failure}"
        self.candles.add_bars(bars[-CANDLES_MAX:])


@define(eq=False)
class Charts:
    """All that are followed. `run` has to run for anything to be drawn."""

    markets: Markets
    _by_symbol: dict[str, Chart] = field(factory=dict, init=False)
    _nursery: trio.Nursery | None = field(default=None, init=False)

    async def run(self) -> None:
        """Run the charts until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                while True:
                    await trio.sleep(KEPT_S / 10)
                    self._end_forgotten()
            finally:
                self._nursery = None
                self._by_symbol.clear()

    def look(self, symbol: str) -> Chart | None:
        """Somebody looks at a symbol: its chart, begun now if it is not there; ``None`` while nothing runs, and where
        `CHARTS_MAX` others are looked at."""
        chart = self._by_symbol.get(symbol)
        if chart is None:
            if self._nursery is None or not self._make_room():
                return None
            chart = self._by_symbol[symbol] = Chart(symbol, self._overhear(symbol), trio.current_time())
            self._nursery.start_soon(self._follow, chart)
        chart.looked_s = trio.current_time()
        return chart

    async def _follow(self, chart: Chart) -> None:
        try:
            await chart.run(self.markets)
        finally:
            if self._by_symbol.get(chart.symbol) is chart:
                del self._by_symbol[chart.symbol]

    def _make_room(self) -> bool:
        """End a chart that nobody looks at where there are as many as may be; whether one more may begin."""
        followed = [chart for chart in self._by_symbol.values() if not chart.scope.cancel_called]
        if len(followed) < CHARTS_MAX:
            return True
        oldest = min(followed, key=lambda chart: chart.looked_s)
        if trio.current_time() - oldest.looked_s <= WATCHED_S:
            return False
        oldest.scope.cancel()
        return True

    def _end_forgotten(self) -> None:
        for chart in self._by_symbol.values():
            if trio.current_time() - chart.looked_s > KEPT_S:
                chart.scope.cancel()

    def _overhear(self, symbol: str) -> Channel:
        channel = Channel(
            strategy=NOBODY,
            name=f"chart of {symbol}",
            streams=frozenset(Stream(kind, symbol) for kind in KINDS),
            feeds=frozenset(),
            queue=Overflow("drop_oldest", QUEUE_MAX),
            gaps=False,
            on_handed=lambda _: None,
            on_gap=lambda _: None,
            asks=False,
        )
        self.markets.fanout.attach(channel)
        return channel
