"""The trading days of a made stock, from four in the morning to eight in the evening in New York.

    pre-market   few trades (``T``), wide quotes; the price has jumped overnight
    the open     an opening auction (``O``), the official price (``Q``), a rush that calms down, spreads that narrow
    the day      slack at noon, busier towards the close; a price band every half minute
    now and then a burst of news; a pause (``LUDP``, imbalances) or a halt (``T1``), then a reopening auction (``5``)
    the close    a closing auction (``6``) just after it, the official price (``M``), at 13:00 on half days
    post-market  as before the open; then nothing until the next trading day

Within regular hours every trade is inside the price band that was told last, and whatever interrupts the day, a quote
comes before the first trade after it.
"""

from collections import deque
from operator import itemgetter
from random import Random
from typing import Final

from attrs import define, field

from engine.core.calendar import TradingDay, day_at, new_york, next_trading_day
from engine.exchange.made.late import LateTrades
from engine.exchange.made.moments import INTERRUPTED, NEWS_PER_S, Moment, Span, State, cut_day, draw_moments
from engine.exchange.made.rhythm import POST_MARKET, PRE_MARKET, Mood, Rhythm, day_moods
from engine.exchange.market import Row
from engine.exchange.symbol_market import EXTENDED, REGULAR, TICKS, StockSymbol
from engine.model.instant import NS_PER_S
from engine.model.market import Imbalance, Luld, MarketEvent, Status, Trade

MINUTE_NS: Final = 60 * NS_PER_S
LULD_EVERY_NS: Final = 30 * NS_PER_S
LULD_BAND: Final = 0.05
IMBALANCE_EVERY_NS: Final = 10 * NS_PER_S
NEWS_JUMP: Final = (0.003, 0.012)
NEWS_LEAN: Final = 0.2
"""Added to the chance of a step one way: over the seconds of a burst about two hundredths of the price."""
NEWS_WIDE: Final = 4
HALT_JUMP: Final = (0.01, 0.04)
NIGHT_JUMP: Final = (0.0, 0.012)
BAD_NIGHT: Final = (0.03, 0.08)
BAD_NIGHT_SHARE: Final = 0.1
"""One night in ten the price opens far from where it closed."""
OPEN_LOTS: Final = 500
REOPEN_LOTS: Final = 100
CLOSE_LOTS: Final = 2000
"""Round lots of an auction at least: 50,000, 10,000 and 200,000 shares."""
CLOSE_AFTER_NS: Final = 200_000_000
OFFICIAL_AFTER_NS: Final = 5_000_000
"""The closing auction prints this long after the close, the official price this long after the auction."""
LEVEL_MIN: Final = 0.5
"""However much of the day news takes, the rest keeps this share of the mean rate."""


@define
class StockDays:
    """Plays one stock from ``now_ns`` on. ``rate``: events a second, in the mean over regular hours.

    ``plan``: what happens to it; ``None`` leaves that to its dice.
    """

    stock: StockSymbol
    now_ns: int
    rate: float
    plan: tuple[Moment, ...] | None = None
    _rng: Random = field(init=False)
    _rhythm: Rhythm = field(init=False)
    _late: LateTrades = field(init=False)
    _day: TradingDay | None = field(default=None, init=False)
    _moods: tuple[Mood, ...] = field(default=(), init=False)
    _level: float = field(default=0.0, init=False)
    """Events a second in regular hours, besides those of news."""
    _spans: deque[Span] = field(factory=deque, init=False)
    _span: Span = field(default=Span(0, 0, State.POST), init=False)
    _luld_ns: int = field(default=0, init=False)
    _imbalance_ns: int = field(default=0, init=False)
    _reopens_by: float = field(default=0.0, init=False)
    """The share of itself by which the price jumps when an interruption is over."""

    def __attrs_post_init__(self) -> None:
        self._rng = self.stock.rng
        self._rhythm = Rhythm(self._rng)
        self._late = LateTrades(self.stock, self._rng)

    def next_second(self) -> list[Row]:
        """The rows of the next second, or of what is left of a span, in the order of publication."""
        rows: list[Row] = []
        if self.now_ns >= self._span.end_ns:
            last, self._span = self._span.state, self._next_span()
            self.now_ns = max(self.now_ns, self._span.start_ns)  # the night takes no time
            rows += self._late.due(self.now_ns)
            self._enter(last, rows)
        start_ns = self.now_ns
        self.now_ns = end_ns = min(start_ns + NS_PER_S, self._span.end_ns)
        self._play(start_ns, end_ns, rows)
        rows += self._late.due(end_ns)
        rows.sort(key=itemgetter(0))
        return rows

    def _next_span(self) -> Span:
        if not self._spans:
            day = day_at(self.now_ns)
            if day is None or self.now_ns >= day.post_ns:
                day = next_trading_day(new_york(self.now_ns).date())
            self._begin(day)
        return self._spans.popleft()

    def _begin(self, day: TradingDay) -> None:
        """Draw up a day: what happens on it, and how much is left for the rest of it."""
        if self._day is not None:
            span = BAD_NIGHT if self._rng.random() < BAD_NIGHT_SHARE else NIGHT_JUMP
            self.stock.jump(self._either(span))
        self._day = day
        if self.plan is None:
            moments = draw_moments(self._rng, self.stock.symbol, day, self.rate)
        else:
            moments = tuple(each for each in self.plan if new_york(each.start_ns).date() == day.date)
        self._spans.extend(cut_day(day, moments, self.now_ns))
        self._moods = day_moods((day.close_ns - day.open_ns) // MINUTE_NS)
        day_s = (day.close_ns - day.open_ns) / NS_PER_S
        news = sum(each.length_s * NEWS_PER_S for each in moments if each.state is State.NEWS)
        ordinary_s = day_s - sum(each.length_s for each in moments)
        self._level = max((self.rate * day_s - news) / ordinary_s, self.rate * LEVEL_MIN)

    def _enter(self, last: State, rows: list[Row]) -> None:
        """Tell how the span begins. It may move `now_ns`, where nothing happens between."""
        stock, now_ns, state = self.stock, self.now_ns, self._span.state
        stock.lean = 0.5
        if state is State.PRE:
            stock.conditions, stock.wide = EXTENDED, PRE_MARKET.wide
            rows.append((now_ns, stock.quote(now_ns)))
        elif state is State.POST:
            self._close(rows)
        elif state in INTERRUPTED:
            self._interrupt(state, rows)
        else:
            stock.conditions = REGULAR
            self._resume(last, rows)
            if state is State.NEWS:
                stock.wide = NEWS_WIDE
                jump = self._either(NEWS_JUMP)
                stock.jump(jump)
                stock.lean += NEWS_LEAN if jump > 0 else -NEWS_LEAN
                rows.append((now_ns, stock.quote(now_ns)))

    def _resume(self, last: State, rows: list[Row]) -> None:
        """Trading begins, begins again after an interruption, or simply goes on."""
        stock, now_ns = self.stock, self.now_ns
        opens = self._day is not None and now_ns == self._day.open_ns
        if last in (State.CORE, State.NEWS) and not opens:
            return
        if last in INTERRUPTED:
            stock.free()
            stock.jump(self._reopens_by)
        stock.wide = self._mood(now_ns).wide
        rows += [(now_ns, event) for event in (self._status("T"), self._luld(now_ns), stock.quote(now_ns))]
        if opens or last in INTERRUPTED:
            cross = stock.auction(now_ns, "O" if opens else "5", OPEN_LOTS if opens else REOPEN_LOTS)
            rows.append((now_ns, cross))
            if opens:
                rows.append((now_ns, stock.official(now_ns, "Q", cross.price)))
        self._rhythm.burst(now_ns)

    def _interrupt(self, state: State, rows: list[Row]) -> None:
        """Trading stops. A pause is what comes of a price at the edge of its band; it takes some of that back."""
        now_ns = self.now_ns
        self._reopens_by = self._either(HALT_JUMP)
        if state is State.PAUSE:
            beyond = 2 * LULD_BAND
            self.stock.jump(-beyond if self._reopens_by > 0 else beyond)
            rows.append((now_ns, self.stock.quote(now_ns)))
            self._imbalance_ns = now_ns + IMBALANCE_EVERY_NS
        rows.append((now_ns, self._status("LUDP" if state is State.PAUSE else "T1")))

    def _close(self, rows: list[Row]) -> None:
        """The closing auction, if the session saw the close; then bands are off and quotes wide."""
        stock = self.stock
        if self._day is not None and self.now_ns == self._day.close_ns:
            self.now_ns += CLOSE_AFTER_NS
            cross = stock.auction(self.now_ns, "6", CLOSE_LOTS)
            rows.append((self.now_ns, cross))
            self.now_ns += OFFICIAL_AFTER_NS
            rows.append((self.now_ns, stock.official(self.now_ns, "M", cross.price)))
        stock.free()
        stock.conditions, stock.wide = EXTENDED, POST_MARKET.wide
        rows.append((self.now_ns, stock.quote(self.now_ns)))

    def _play(self, start_ns: int, end_ns: int, rows: list[Row]) -> None:
        """What happens in a second of the span."""
        state = self._span.state
        if state in INTERRUPTED:
            if state is State.PAUSE and start_ns >= self._imbalance_ns:
                self._imbalance_ns = start_ns + IMBALANCE_EVERY_NS
                rows.append((start_ns, self._imbalance(start_ns)))
            return
        if state in (State.CORE, State.NEWS) and start_ns >= self._luld_ns:
            rows.append((start_ns, self._luld(start_ns)))
        if state is State.NEWS:
            moments = self._rhythm.even(start_ns, end_ns, NEWS_PER_S)
        else:
            mood = self._mood(start_ns)
            self.stock.wide = mood.wide
            level = self._level if state is State.CORE else self.rate
            moments = self._rhythm.moments(start_ns, end_ns, level * mood.busy)
        for ts_ns in moments:
            event: MarketEvent = self.stock.event(ts_ns)
            if not (isinstance(event, Trade) and self._late.holds(event)):
                rows.append((ts_ns, event))

    def _mood(self, ts_ns: int) -> Mood:
        if self._day is None or ts_ns < self._day.open_ns:
            return PRE_MARKET
        minute = (ts_ns - self._day.open_ns) // MINUTE_NS
        return self._moods[minute] if minute < len(self._moods) else POST_MARKET

    def _either(self, span: tuple[float, float]) -> float:
        """A share between two, up or down."""
        share = self._rng.uniform(*span)
        return share if self._rng.random() < 0.5 else -share

    def _status(self, reason: str) -> Status:
        """``T``: trading resumes; ``LUDP`` or ``T1``: why it stops. Each tape has codes of its own."""
        symbol, tape = self.stock.symbol, self.stock.tape
        code, text, why, why_text = STATUSES[tape, reason]
        return Status(symbol, self.now_ns, code, text, why, why_text, tape=tape)

    def _luld(self, now_ns: int) -> Luld:
        """A band around the price of now, to which all prices keep from here on."""
        stock = self.stock
        self._luld_ns = now_ns + LULD_EVERY_NS
        stock.low, stock.high = round(stock.mid * (1 - LULD_BAND)), round(stock.mid * (1 + LULD_BAND))
        return Luld(stock.symbol, now_ns, stock.high / TICKS, stock.low / TICKS, "B", tape=stock.tape)

    def _imbalance(self, now_ns: int) -> Imbalance:
        stock = self.stock
        price = stock.mid + stock.step * int(self._rng.random() * 20 - 10)
        return Imbalance(stock.symbol, now_ns, price / TICKS, tape=stock.tape)


STATUSES: Final = {
    ("C", "T"): ("T", "Trading Resumption", "", ""),
    ("C", "LUDP"): ("H", "Trading Halt", "LUDP", "Volatility Trading Pause"),
    ("C", "T1"): ("H", "Trading Halt", "T1", "Halt News Pending"),
    ("B", "T"): ("3", "Resume", "", ""),
    ("B", "LUDP"): ("2", "Trading Halt", "M", "LULD Trading Pause"),
    ("B", "T1"): ("2", "Trading Halt", "P", "News Pending"),
}
"""Status and reason, each a code and a text, by tape."""
