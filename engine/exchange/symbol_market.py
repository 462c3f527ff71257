"""The made-up market of one symbol: prices that walk, quotes around trades, and what goes wrong at a venue.

Not a model of anything: it has to look like the venue's data where software notices, in its shapes, rates, ties of
identity and untidiness, and it has to be cheap, since a test may ask for thousands of events a second.
"""

import heapq
from abc import ABC, abstractmethod
from random import Random
from typing import Final

from attrs import define, field

from engine.exchange.bars import day_start_ns, is_crypto
from engine.exchange.clock import MarketClock
from engine.exchange.market import Row
from engine.model.instant import NS_PER_S
from engine.model.market import Book, Cancel, Correction, Luld, MarketEvent, Quote, Status, Trade

PRICES: Final = {
    "AAPL": 230.0, "MSFT": 420.0, "SPY": 580.0, "TSLA": 340.0, "BTC/USD": 64_000.0, "ETH/USD": 3_100.0,
}  # fmt: skip
ON_TAPE: Final = {"SPY": "B"}
EXCHANGES: Final = "VVQQQPPKZDDDNJ"
"""As often as they come: Q Nasdaq, P Arca, K and Z Cboe, V IEX, D off exchange."""
TICKS: Final = 100
"""Prices move in hundredths."""
CRYPTO_ID_FIRST: Final = 3_000_000_000_000_000_001
"""Crypto trade ids are this large at the venue: beyond what a double holds."""

REGIMES: Final = ((0.3, 15.0), (0.05, 4.0), (10.5, 1.0))
"""Calm, quiet, burst: how many times the mean rate, and mean length in seconds.

They change at whole seconds, so 15.5, 4.5 and 1.6 is what they last; weighted by that the rates make 1.
"""
BURST: Final = REGIMES[2]
TRADE_SHARE: Final = 0.3
BOOK_SHARE: Final = 0.2
"""Of crypto events: changes of the book."""
BOOK_DEPTH: Final = 10
LATE_SHARE: Final = 1 / 2000
LATE_MAX_S: Final = 8.0
"""Participants may report up to ten seconds late."""
REVISED_SHARE: Final = 1 / 4000
HALT_SHARE: Final = 1 / 1800
"""Per second: a symbol halts about twice an hour, so that a short session has a chance to see it."""
HALT_S: Final = (5.0, 20.0)
LULD_EVERY_NS: Final = 30 * NS_PER_S
LULD_BAND: Final = 0.05


@define
class SymbolMarket(ABC):
    """One symbol, a second at a time. ``rate`` is its mean number of trades, quotes and books per second."""

    symbol: str
    rng: Random
    now_ns: int
    rate: float
    crypto: bool = field(init=False)
    tape: str = field(init=False)
    _mid: int = field(init=False)
    _step: int = field(init=False)
    _ids: dict[str, int] = field(factory=dict, init=False)
    _ids_day_ns: int = field(default=-1, init=False)
    _levels: tuple[dict[float, float], dict[float, float]] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.crypto = is_crypto(self.symbol)
        self.tape = "" if self.crypto else ON_TAPE.get(self.symbol, "C")
        price = PRICES.get(self.symbol) or self.rng.uniform(20, 400)
        self._mid = int(price * TICKS)
        # A step is about a fifth of a basis point, so that a day of them looks like a day.
        self._step = max(self._mid // 50_000, 1)

    @abstractmethod
    def next_second(self) -> list[Row]:
        """The rows of the next second in the order of publication."""

    def _event(self, ts_ns: int) -> MarketEvent:
        """A trade, a quote or a change of the book, after the price took a step or not."""
        chance = self.rng.random()
        if chance < TRADE_SHARE:
            return self._trade(ts_ns)
        if self.rng.random() < 0.4:
            self._mid += self._step if self.rng.random() < 0.5 else -self._step
            self._mid = max(self._mid, 100 * self._step)
        if self.crypto and chance > 1 - BOOK_SHARE:
            return self._book(ts_ns)
        return self._quote(ts_ns)

    def _quote(self, ts_ns: int) -> Quote:
        draw = self.rng.random
        half = self._step * (1 + int(draw() * draw() * 4))
        bid, ask = (self._mid - half) / TICKS, (self._mid + half) / TICKS
        if self.crypto:
            return Quote(self.symbol, ts_ns, bid, round(draw() * 2 + 1e-4, 6), ask, round(draw() * 2 + 1e-4, 6))
        bid_at, ask_at = EXCHANGES[int(len(EXCHANGES) * draw())], EXCHANGES[int(len(EXCHANGES) * draw())]
        bid_size, ask_size = 100.0 * (1 + int(draw() * 9)), 100.0 * (1 + int(draw() * 9))
        return Quote(self.symbol, ts_ns, bid, bid_size, ask, ask_size, bid_at, ask_at, ("R",), self.tape)

    def _trade(self, ts_ns: int, conditions: tuple[str, ...] = ("@",)) -> Trade:
        draw = self.rng.random
        buys = draw() < 0.5
        price = (self._mid + (self._step if buys else -self._step)) / TICKS
        if self.crypto:
            made = self._next_id("", ts_ns)
            size = round(draw() * draw() * 0.5 + 1e-5, 6)
            return Trade(self.symbol, ts_ns, price, size, made, taker_side="B" if buys else "S")
        exchange = EXCHANGES[int(len(EXCHANGES) * draw())]
        made = self._next_id(exchange, ts_ns)
        if draw() < 0.3:
            return Trade(
                self.symbol, ts_ns, price, float(1 + int(draw() * 99)), made, exchange, (*conditions, "I"), self.tape
            )
        size = 100.0 * (1 + int(draw() * draw() * 10))
        return Trade(self.symbol, ts_ns, price, size, made, exchange, conditions, self.tape)

    def _next_id(self, exchange: str, ts_ns: int) -> int:
        """One sequence per exchange and trading date; one for good where there is no exchange (crypto)."""
        day_ns = 0 if self.crypto else day_start_ns(self.symbol, ts_ns)
        if day_ns > self._ids_day_ns:  # a trade that was late over midnight does not begin its day again
            self._ids_day_ns = day_ns
            self._ids.clear()
        made = self._ids.get(exchange, CRYPTO_ID_FIRST if self.crypto else 1)
        self._ids[exchange] = made + 1
        return made

    def _book(self, ts_ns: int) -> Book:
        """The whole book the first time, then what changed: one level set, and levels gone that the price has left."""
        step, mid = self._step, self._mid
        if self._levels is None:
            bids = {(mid - step * n) / TICKS: self._size() for n in range(1, BOOK_DEPTH + 1)}
            asks = {(mid + step * n) / TICKS: self._size() for n in range(1, BOOK_DEPTH + 1)}
            self._levels = (bids, asks)
            return Book(self.symbol, ts_ns, tuple(bids.items()), tuple(asks.items()), reset=True)
        changes: list[dict[float, float]] = []
        for side, sign in zip(self._levels, (-1, 1), strict=True):
            far = sign * (mid + sign * step * BOOK_DEPTH * 2) / TICKS
            change = {price: 0.0 for price in side if not sign * mid / TICKS < sign * price <= far}
            change[(mid + sign * step * (1 + int(self.rng.random() * BOOK_DEPTH))) / TICKS] = self._size()
            for price, size in change.items():
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
            changes.append(change)
        return Book(self.symbol, ts_ns, tuple(changes[0].items()), tuple(changes[1].items()))

    def _size(self) -> float:
        return round(self.rng.random() * 3 + 1e-4, 6)


@define
class EvenMarket(SymbolMarket):
    """Trades and quotes at equal distances and nothing else; ``offset_s`` interleaves it with other symbols."""

    offset_s: float = 0.0
    _start_ns: int = field(default=0, init=False)
    _number: int = field(default=0, init=False)
    _next_ns: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._start_ns = self.now_ns
        self._next_ns = self._due_ns()

    def _due_ns(self) -> int:
        return self._start_ns + round((self._number / self.rate + self.offset_s) * NS_PER_S)

    def next_second(self) -> list[Row]:
        """The rows of the next second."""
        self.now_ns += NS_PER_S
        rows: list[Row] = []
        while self._next_ns < self.now_ns:
            rows.append((self._next_ns, self._event(self._next_ns)))
            self._number += 1
            self._next_ns = self._due_ns()
        return rows


@define
class BurstyMarket(SymbolMarket):
    """All of it: regimes, opens, halts, price bands, late trades, corrections and cancels."""

    _regime: tuple[float, float] = field(default=BURST, init=False)
    _regime_until_ns: int = field(default=0, init=False)
    _owed: float = field(default=0.0, init=False)
    _halted_until_ns: int = field(default=0, init=False)
    _luld_ns: int = field(default=0, init=False)
    _next_open_ns: int = field(default=0, init=False)
    _later: list[tuple[int, int, MarketEvent]] = field(factory=list, init=False)
    """What will be told later than it happened, by when: late trades, corrections, cancels. A few at a time."""
    _told_later: int = field(default=0, init=False)

    def next_second(self) -> list[Row]:
        """The rows of the next second in the order of publication."""
        start_ns = self.now_ns
        self.now_ns = end_ns = start_ns + NS_PER_S
        rows: list[Row] = []
        if start_ns >= self._next_open_ns:
            rows += self._open(start_ns)
        if not self.crypto:
            self._look_after_halts(start_ns, rows)
        if start_ns >= self._halted_until_ns:
            for ts_ns in self._times(start_ns):
                self._add(rows, ts_ns, self._event(ts_ns))
        while self._later and self._later[0][0] < end_ns:
            due_ns, _, event = heapq.heappop(self._later)
            rows.append((due_ns, event))
        rows.sort(key=lambda row: row[0])
        return rows

    def _times(self, start_ns: int) -> list[int]:
        """When something happens in this second: as often as the regime has it, at random moments."""
        rng = self.rng
        if start_ns >= self._regime_until_ns:
            self._regime = REGIMES[int(rng.random() * len(REGIMES))]
            self._regime_until_ns = start_ns + round(rng.expovariate(1 / self._regime[1]) * NS_PER_S)
        self._owed += self.rate * self._regime[0] * (0.5 + rng.random())
        events = int(self._owed)
        self._owed -= events
        return sorted(start_ns + int(rng.random() * NS_PER_S) for _ in range(events))

    def _open(self, now_ns: int) -> list[Row]:
        """The first second of a day, or of the session: a cross, and many at once."""
        clock = MarketClock(now_ns, 0)
        self._next_open_ns = clock.next_open_ns()
        self._regime, self._regime_until_ns = BURST, now_ns + NS_PER_S
        if self.crypto:
            return [(now_ns, self._book(now_ns))] if self._levels is None else []
        cross = self._trade(now_ns, ("@", "O"))
        return [(now_ns, self._status(now_ns, resumes=True)), (now_ns, self._luld(now_ns)), (now_ns, cross)]

    def _look_after_halts(self, now_ns: int, rows: list[Row]) -> None:
        if self._halted_until_ns == now_ns:
            rows += [(now_ns, self._status(now_ns, resumes=True)), (now_ns, self._luld(now_ns))]
            self._regime, self._regime_until_ns = BURST, now_ns + NS_PER_S
        elif now_ns > self._halted_until_ns and self.rng.random() < HALT_SHARE:
            rows += [(now_ns, self._luld(now_ns)), (now_ns, self._status(now_ns, resumes=False))]
            self._halted_until_ns = now_ns + int(self.rng.uniform(*HALT_S)) * NS_PER_S
        elif now_ns >= self._luld_ns and now_ns >= self._halted_until_ns:
            rows.append((now_ns, self._luld(now_ns)))

    def _add(self, rows: list[Row], ts_ns: int, event: MarketEvent) -> None:
        """Publish now; a few trades come late, and a few are taken back seconds later."""
        due_ns = ts_ns
        if isinstance(event, Trade) and not self.crypto:
            chance = self.rng.random()
            if chance < LATE_SHARE:
                due_ns += int(self.rng.uniform(0.2, LATE_MAX_S) * NS_PER_S)
                self._tell_later(due_ns, event)
                return
            if chance > 1 - REVISED_SHARE:
                told_ns = ts_ns + int(self.rng.uniform(1, 10) * NS_PER_S)
                self._tell_later(told_ns, self._revision(event, told_ns))
        rows.append((due_ns, event))

    def _tell_later(self, due_ns: int, event: MarketEvent) -> None:
        self._told_later += 1  # sets two of one instant apart, so that events are never compared
        heapq.heappush(self._later, (due_ns, self._told_later, event))

    def _revision(self, trade: Trade, told_ns: int) -> MarketEvent:
        if self.rng.random() < 0.5:
            return Cancel(
                trade.symbol, told_ns, trade.exchange, trade.id or 0, trade.price, trade.size, "C", tape=trade.tape
            )
        return Correction(
            symbol=trade.symbol,
            ts_ns=told_ns,
            exchange=trade.exchange,
            original_id=trade.id or 0,
            original_price=trade.price,
            original_size=trade.size,
            corrected_id=self._next_id(trade.exchange, trade.ts_ns),
            corrected_price=round(trade.price + self._step / TICKS, 2),
            corrected_size=trade.size,
            original_conditions=trade.conditions,
            corrected_conditions=trade.conditions,
            tape=trade.tape,
        )

    def _status(self, now_ns: int, *, resumes: bool) -> Status:
        if resumes:
            code, text = ("T", "Trading Resumption") if self.tape == "C" else ("3", "Resume")
            return Status(self.symbol, now_ns, code, text, tape=self.tape)
        code, text = ("H", "Trading Halt") if self.tape == "C" else ("2", "Trading Halt")
        reason = ("LUDP", "Volatility Trading Pause") if self.tape == "C" else ("M", "LULD Trading Pause")
        return Status(self.symbol, now_ns, code, text, *reason, tape=self.tape)

    def _luld(self, now_ns: int) -> Luld:
        self._luld_ns = now_ns + LULD_EVERY_NS
        up, down = round(self._mid * (1 + LULD_BAND)) / TICKS, round(self._mid * (1 - LULD_BAND)) / TICKS
        return Luld(self.symbol, now_ns, up, down, "B", tape=self.tape)
