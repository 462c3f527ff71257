"""Holds some stocks, and lets go of one when its news turn bad, its trading was halted, or it falls to its price band.

Why: a buy-and-hold position loses most on a few days, and those are announced: by a headline, by a halt, by the lower
limit of its price band (LULD). Being out for a while on all of them costs little when it was nothing.

During a halt it sends nothing and cancels what waits, because an order would fill at a reopening price that nobody
knows. When trading goes on, it sells what it holds, stays out for ``cool_down_s``, and buys again. It must not trade
outside of regular hours: a position it wants to be rid of over night is sold at the opening. It buys only on a live
trade, which proves that the symbol does trade.

A gap in statuses (they have no history, so every reconnect leaves one) may hide a halt or its end: nothing is sent for
a symbol until a trade from after the gap shows that it trades. A halt whose end was missed ends in the same way. A gap
in news keeps the position: what was missed cannot be read. Trades are taken newest only.

Over a restart it remembers until when it stays out, and what it still wants to sell (``ctx.state``).
"""

import re
from decimal import Decimal
from enum import Enum, auto
from typing import Final, TypeAlias

import trio

from engine import (
    Context,
    Gap,
    Kind,
    Luld,
    MarketEvent,
    News,
    OrderEnded,
    OrderRefused,
    Status,
    Stream,
    Trade,
    frozen,
    strategy,
)
from strategies._hours import NS_PER_S, closes_in_s, is_crypto

HALTS: Final = frozenset("2HP")
"""Status codes that stop trading: halt on tapes A and B; halt and volatility pause on tape C (Alpaca's docs)."""
RESUMES: Final = frozenset("3T")
"""Status codes after which it trades again. ``Q`` of tape C resumes quotes only; trading follows with ``T``."""
LATE_NS: Final = 10 * NS_PER_S
"""Trades are reported up to ten seconds after the fact (FINRA's rule): only a later one proves that trading goes on."""

FILLS_S: Final = 10.0
"""A market order that takes longer may be standing before a halt: what the market says must be heard again."""
RETRY_NS: Final = 15 * NS_PER_S
"""What was refused is tried again with the first event after this: events may come a thousand times a second."""

WORDS: Final = ("bankruptcy", "delisting", "fraud", "halted", "investigation", "recall", "restatement", "subpoena")

Heard: TypeAlias = MarketEvent | Gap


@frozen
class Params:
    """``qty`` shares of each symbol are held. ``words`` are looked for in headlines and summaries, whole, in any case.

    ``near`` is how close to the lower price band is too close: 0.002 is a fifth of a percent above it.
    """

    symbols: tuple[str, ...] = ("SPY",)
    qty: Decimal = Decimal(10)
    words: tuple[str, ...] = WORDS
    cool_down_s: float = 1800.0
    near: float = 0.002

    def __attrs_post_init__(self) -> None:
        if not self.symbols or not all(self.symbols) or any(map(is_crypto, self.symbols)):
            raise ValueError(f"symbols must be stocks, as only they are halted, and they are {', '.join(self.symbols)}")
        if not all(word.strip() for word in self.words):
            raise ValueError("words must not hold an empty one, which every headline has")
        if not (self.qty > 0 and self.cool_down_s > 0):
            raise ValueError("qty and cool_down_s must be above 0")
        if not 0 <= self.near < 0.1:
            raise ValueError(f"near must be from 0 to 0.1, which is ten percent, and it is {self.near}")


class Stance(Enum):
    """What to do about one symbol."""

    HOLD = auto()
    OUT = auto()
    FROZEN = auto()


class Guard:
    """What is known of one symbol, and what follows from it."""

    def __init__(self, symbol: str, p: Params) -> None:
        self.symbol = symbol
        self._cool_down_ns = int(p.cool_down_s * NS_PER_S)
        self._near = 1 + p.near
        self._bad = re.compile(rf"\b(?:{'|'.join(map(re.escape, p.words))})\b", re.IGNORECASE) if p.words else None
        self._band = 0.0
        self._frozen_ns: int | None = None
        """Since when nothing is known to trade."""
        self._halted = False
        self.out_until_ns = 0
        self.leaving = False
        """Whether what is held is still to be sold."""
        self.rests_until_ns = 0
        """Nothing is sent before, because something was refused."""

    def hear(self, event: Heard) -> str:
        """Take an event in, of whatever symbol; returns why to let go, or nothing."""
        match event:
            case Gap() if event.stream == Stream(Kind.STATUSES, self.symbol):
                self._frozen_ns = max(self._frozen_ns or 0, event.end_ns)
            case Status() if event.symbol == self.symbol:
                return self._hear_status(event)
            case Luld() if event.symbol == self.symbol:
                self._band = event.limit_down
            case Trade() if event.symbol == self.symbol:
                return self._hear_trade(event)
            case News() if self.symbol in event.symbols and self._bad is not None:
                if found := self._bad.search(f"{event.headline}\n{event.summary}"):
                    return self._leave(event.ts_ns, f"{found[0]!r} in the news: {event.headline}")
        return ""

    def stance(self, now_ns: int, *, held: bool) -> Stance:
        """What to do now."""
        if self._frozen_ns is not None:
            return Stance.FROZEN
        self.leaving = self.leaving and held
        return Stance.OUT if self.leaving or now_ns < self.out_until_ns else Stance.HOLD

    def _hear_status(self, status: Status) -> str:
        if status.status_code in HALTS:
            self._frozen_ns, self._halted = status.ts_ns, True
        elif status.status_code in RESUMES:
            return self._thaw(status.ts_ns)
        return ""

    def _hear_trade(self, trade: Trade) -> str:
        if self._frozen_ns is not None and trade.ts_ns > self._frozen_ns + LATE_NS:
            return self._thaw(trade.ts_ns)
        if self._frozen_ns is None and trade.price <= self._band * self._near:
            return self._leave(trade.ts_ns, f"{trade.price} is at its lower limit of {self._band}")
        return ""

    def _thaw(self, ts_ns: int) -> str:
        self._frozen_ns = None
        if not self._halted:
            return ""
        self._halted = False
        return self._leave(ts_ns, "trading was halted and goes on")

    def _leave(self, ts_ns: int, why: str) -> str:
        self.leaving = True
        self.out_until_ns = max(self.out_until_ns, ts_ns + self._cool_down_ns)
        return why

    def remember(self) -> list[object]:
        """What has to survive a restart."""
        return [self.out_until_ns, self.leaving]

    def recall(self, remembered: object) -> None:
        """Go on from what a former run remembered."""
        match remembered:
            case [int(until_ns), bool(leaving)]:
                self.out_until_ns, self.leaving = until_ns, leaving


@strategy(params=Params)
async def news_halt_guard(ctx: Context, p: Params) -> None:
    """Hold stocks; sell one after a halt, on bad news or at its lower price band, and stay out for a while."""
    guards = [Guard(symbol, p) for symbol in dict.fromkeys(p.symbols)]
    for guard in guards:
        guard.recall(ctx.state.get(guard.symbol))
    streams = [Stream(kind, guard.symbol) for kind in (Kind.STATUSES, Kind.LULDS, Kind.NEWS) for guard in guards]
    async with (
        ctx.orders(on_exit="flatten", within=10),
        ctx.streams(*streams, gaps=True) as warnings,
        ctx.trades(*(guard.symbol for guard in guards), full="latest") as trades,
        ctx.merge(warnings, trades) as events,
    ):
        async for event in events:
            for guard in guards:
                if why := guard.hear(event):
                    ctx.log(f"{guard.symbol}: {why}")
                    ctx.state[guard.symbol] = guard.remember()
                try:
                    await _act(ctx, p, guard, event)
                except (OrderRefused, OrderEnded) as failure:  # a later event decides again
                    ctx.log(str(failure))
                    guard.rests_until_ns = ctx.now_ns() + RETRY_NS


async def _act(ctx: Context, p: Params, guard: Guard, event: Heard) -> None:  # noqa: ASYNC910 - the loop waits
    symbol, now_ns = guard.symbol, ctx.now_ns()
    held = ctx.position(symbol)
    stance = guard.stance(now_ns, held=bool(held))
    may_send = now_ns >= guard.rests_until_ns and closes_in_s(symbol, now_ns) > 0
    trades = isinstance(event, Trade) and event.symbol == symbol and event.live
    if stance is Stance.FROZEN and ctx.open_orders(symbol):
        await ctx.cancel(symbol)
    elif stance is Stance.OUT and may_send and (held or ctx.open_orders(symbol)):
        with trio.move_on_after(FILLS_S):
            await ctx.close(symbol)
    elif stance is Stance.HOLD and may_send and trades and held != p.qty:
        with trio.move_on_after(FILLS_S):
            await ctx.target(symbol, p.qty)
