"""What things are worth now: the last prices that the strategies' own streams told.

Limits and the profit of a day need prices of whatever is traded or held, and the strategies hear them already. So this
listens to what is told anyway and asks the venue for no further stream: a subscription more could push a strategy off
a plan that allows thirty. It keeps only the newest event of each stream and looks at it when somebody asks; a session
without orders does not even listen.

Where no stream tells a price there are two other sources: what the broker says of the positions it holds, and the
history of the last minutes (`look_up`). What none of them tells stays unknown, and limits that need it then refuse.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, Protocol

import trio
from attrs import define, field, frozen

from engine.core.amounts import exact
from engine.core.overflow import Overflow
from engine.errors import GaplessError
from engine.model.account import HeldPosition
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Kind, MarketEvent, Quote, Trade
from engine.model.order import ZERO
from engine.model.stream import Stream
from engine.ports import Clock, History, HistoryQuery

LOOK_BACK_NS: Final = 30 * 60 * NS_PER_S
"""Market time of history that is read for a price: twice as far as data of Alpaca's free plan is held back."""
LOOK_AGAIN_NS: Final = 10 * NS_PER_S
"""A price that could not be found is not looked for again so soon: each look costs one of 200 requests a minute."""
FRESH_NS: Final = 60 * NS_PER_S
"""A price younger than this is not looked up: bars of a minute would tell nothing newer."""
SYMBOLS_MAX: Final = 20_000
"""Prices kept: more symbols than there are US stocks. Beyond it the oldest are forgotten."""
_BAR_NS: Final = 60 * NS_PER_S


@frozen
class _Mark:
    price: Decimal
    ts_ns: int


@frozen
class _Sides:
    bid: Decimal
    ask: Decimal
    ts_ns: int


class Overheard(Protocol):
    """The newest event of each stream, as far as nobody has taken it yet."""

    def has_events(self) -> bool: ...

    def take_nowait(self) -> Any: ...


class Told(Protocol):
    """Where prices are heard: `engine.flow.markets.Markets`, or the part of it that one strategy hears."""

    @property
    def clock(self) -> Clock: ...

    def overhear(self, name: str, kinds: Iterable[Kind], queue: Overflow) -> Overheard: ...

    def history_of(self, stream: Stream) -> History | None: ...


@define(eq=False)
class Marks:
    """Last prices by symbol. Ages are market seconds, never negative."""

    markets: Told
    _channel: Overheard | None = field(default=None, init=False)
    _prices: dict[str, _Mark] = field(factory=dict, init=False)
    _quotes: dict[str, _Sides] = field(factory=dict, init=False)
    _asked_ns: dict[str, int] = field(factory=dict, init=False)

    def price(self, symbol: str) -> tuple[Decimal, float] | None:
        """The last known price in dollars and its age; ``None`` where none is known.

        The newest of: a trade, the middle of a quote with both sides, the close of a bar, the broker's own.
        """
        self._catch_up()
        mark = self._prices.get(symbol)
        return None if mark is None else (mark.price, self._age_s(mark.ts_ns))

    def quote(self, symbol: str) -> tuple[Decimal, Decimal, float] | None:
        """The last bid and ask (0 where that side has none) and their age; ``None`` where no quote was told."""
        self._catch_up()
        sides = self._quotes.get(symbol)
        return None if sides is None else (sides.bid, sides.ask, self._age_s(sides.ts_ns))

    def prices(self) -> Mapping[str, Decimal]:
        """Every known price, however old."""
        self._catch_up()
        return {symbol: mark.price for symbol, mark in self._prices.items()}

    def take_positions(self, positions: Iterable[HeldPosition], told_ns: int) -> None:
        """The broker's prices of what is held, told at this instant; used where no stream told anything newer."""
        for position in positions:
            self._note(position.symbol, position.price, told_ns)

    async def look_up(self, symbol: str) -> None:
        """Read the last minutes of history for a price, unless a fresh one is known or this was tried just now.

        Never raises for a venue that is away or a plan that does not hold the data: unknown then stays unknown. The
        caller bounds it in time.
        """
        await trio.lowlevel.checkpoint()
        now_ns = self.markets.clock.now_ns()
        self._catch_up()
        mark = self._prices.get(symbol)
        if mark is not None and now_ns - mark.ts_ns < FRESH_NS:
            return
        if now_ns - self._asked_ns.get(symbol, -LOOK_AGAIN_NS) < LOOK_AGAIN_NS:
            return
        self._asked_ns[symbol] = now_ns
        _bound(self._asked_ns)
        history = self.markets.history_of(Stream(Kind.BARS, symbol))
        if history is None or not history.keeps(Kind.BARS):
            return
        try:
            page = await history.page(HistoryQuery(Kind.BARS, (symbol,), now_ns - LOOK_BACK_NS, now_ns))
        except GaplessError:
            return
        for row in page.rows[-1:]:
            self._take(row)

    # -- what the streams tell

    def _catch_up(self) -> None:
        """Take in the newest event of each stream; the first time, begin to listen."""
        if self._channel is None:
            kinds = (Kind.TRADES, Kind.QUOTES, Kind.BARS)
            self._channel = self.markets.overhear("marks", kinds, Overflow("latest", SYMBOLS_MAX))
        while self._channel.has_events():
            self._take(self._channel.take_nowait())

    def _take(self, event: MarketEvent) -> None:
        match event:
            case Trade():
                self._note(event.symbol, _decimal(event.price), event.ts_ns)
            case Quote():
                bid, ask = _decimal(event.bid_price), _decimal(event.ask_price)
                known = self._quotes.get(event.symbol)
                if known is None or known.ts_ns <= event.ts_ns:
                    self._quotes[event.symbol] = _Sides(bid, ask, event.ts_ns)
                    _bound(self._quotes)
                if bid > 0 and ask > 0:
                    self._note(event.symbol, (bid + ask) / 2, event.ts_ns)
            case Bar():
                end_ns = min(event.ts_ns + _BAR_NS, self.markets.clock.now_ns())
                self._note(event.symbol, _decimal(event.close), end_ns)
            case _:
                pass  # nothing else is listened to

    def _note(self, symbol: str, price: Decimal, ts_ns: int) -> None:
        known = self._prices.get(symbol)
        if price > 0 and (known is None or known.ts_ns <= ts_ns):
            self._prices[symbol] = _Mark(price, ts_ns)
            _bound(self._prices)

    def _age_s(self, ts_ns: int) -> float:
        return max(0, self.markets.clock.now_ns() - ts_ns) / NS_PER_S


def _decimal(price: float) -> Decimal:
    """The price as a decimal; 0, which is none, for what is no price: NaN and infinity can come in MessagePack."""
    return exact(price) if math.isfinite(price) and price > 0 else ZERO


def _bound(kept: dict[str, Any]) -> None:
    """Forget the symbol that was met first where there are too many."""
    if len(kept) > SYMBOLS_MAX:
        del kept[next(iter(kept))]
