"""Ending what is there: cancel, look anew, close, look again, until two looks agree.

While orders are canceled others of them fill, and an engine that hangs may have sent one in its last instant. So what
is closed is never what was seen before the cancels, and nothing is called flat that was not looked at after the last
order had ended, twice. What the broker does not answer is asked again until the time is over, because this is the last
way out that there is.
"""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from time import time_ns
from typing import Final, TypeAlias

import stamina
import trio
from attrs import define, field

from engine.app.kill.aim import Aim, KillReport
from engine.app.kill.hands import ApartHands
from engine.app.kill.holdings import Holdings, Part
from engine.app.kill.own import closing_prefix
from engine.app.kill.place import Reach
from engine.core.flatten import Flattened
from engine.core.rules import plain
from engine.errors import BrokerUnavailable, OrderRefused, ReplyMissing
from engine.flow.flatten import BrokerHands, run_flatten
from engine.model.order import ZERO

AGAIN_FIRST_S: Final = 0.25
AGAIN_MAX_S: Final = 1.0
ASKS_MAX: Final = 1_000
"""Far beyond any time that is given: the time is what ends the asking."""
LAND_S: Final = 0.5
"""For what an engine that still lives had sent in the instant before the latch: a request takes some 50 ms."""
ROUNDS_MAX: Final = 10
"""Rounds of which each ends what the one before did not show. With two that agree there is seldom a fourth."""
NOBODY: Final[tuple[Part, ...]] = (("", ZERO),)
"""For a symbol with orders and nothing held: they are ended like the others."""
Look: TypeAlias = Callable[[], Awaitable[Holdings]]


@define(eq=False, kw_only=True)
class Ending:
    """One kill, once it is known what to look at."""

    reach: Reach
    aim: Aim
    report: KillReport
    look: Look
    _run: str = field(factory=lambda: f"{time_ns():x}.{os.getpid():x}")
    """Part of every id of this run: 24 characters, as a process id has seven digits."""
    _ended: dict[str, Flattened] = field(factory=dict)
    """How the last attempt to close each symbol ended."""
    _seen: dict[str, None] = field(factory=dict)

    async def run(self) -> None:
        """End everything; the caller bounds it. Until it is over the report calls nothing over."""
        before: Holdings | None = None
        for number in range(ROUNDS_MAX):
            seen = await self._insist()
            if before is not None and not seen.working and seen.same(before):
                self.report.done = True
                self._tell(seen)
                return
            before = seen
            if not await self._end(seen, number):
                await trio.sleep(LAND_S)  # one that was on its way is there by then
        self.report.trouble = self.report.trouble or f"No two of {ROUNDS_MAX} looks agreed."

    async def _end(self, seen: Holdings, number: int) -> bool:
        """Cancel, look, and close what is there then; whether there was anything to do."""
        began = bool(seen.working)
        if began:
            await self._cancel(seen)
            if self.aim.cancel_only:
                return True
            seen = await self._insist()
        going = {symbol: parts for symbol, parts in seen.parts.items() if parts or seen.orders(symbol)}
        if self.aim.cancel_only or not going:
            return began
        async with trio.open_nursery() as nursery:
            for symbol, parts in going.items():
                nursery.start_soon(self._close, seen, symbol, parts or NOBODY, number)
        return True

    async def _cancel(self, seen: Holdings) -> None:
        """Cancel every open order, and wait for their end as long as is sensible."""
        for order in seen.working:
            if not order.symbol:  # several legs: they cannot be canceled one by one
                with suppress(OrderRefused, ReplyMissing):  # it is over already, or the next look tells
                    await self.reach.broker.cancel(order.id)
        async with trio.open_nursery() as nursery:
            for symbol in {order.symbol: None for order in seen.working if order.symbol}:
                nursery.start_soon(self._cancel_of, self._hands(seen, symbol, "", ZERO, 0))

    async def _cancel_of(self, hands: BrokerHands) -> None:
        with suppress(BrokerUnavailable):  # the next look asks until there is an answer
            await hands.cancel()

    async def _close(self, seen: Holdings, symbol: str, parts: tuple[Part, ...], number: int) -> None:
        """Close what each has of a symbol, one after the other: together they never cross zero."""
        self._ended.pop(symbol, None)
        for strategy, share in parts:
            apart = ApartHands(self._hands(seen, symbol, strategy, share, number))
            ended = await run_flatten(apart)
            self.report.warnings += apart.moved
            if symbol not in self._ended or not ended.flat:
                self._ended[symbol] = ended

    def _hands(self, seen: Holdings, symbol: str, strategy: str, share: Decimal | None, number: int) -> BrokerHands:
        return BrokerHands(
            broker=self.reach.broker,
            symbol=symbol,
            clock=self.reach.clock,
            prefix=closing_prefix(f"{self._run}.{number:x}", strategy),
            concerns=seen.concerns,
            share=share,
        )

    def _tell(self, seen: Holdings) -> None:
        """Put what was seen into the report; before it is over, only which symbols there are."""
        self._seen.update(dict.fromkeys(seen.held))
        self.report.symbols = [self._told(symbol, seen) for symbol in sorted(self._seen)]

    def _told(self, symbol: str, seen: Holdings) -> Flattened:
        if not self.report.done:
            sentence = f"{symbol}: the time was over before it was known to be flat"
            return Flattened(symbol=symbol, flat=False, orders=seen.orders(symbol), sentence=sentence)
        left, ended = seen.held.get(symbol, ZERO), self._ended.get(symbol)
        if not left:
            return Flattened(symbol=symbol, flat=True, left=left)
        if ended is not None and (ended.left or not ended.flat):  # why it stays, or that no order can sell so little
            return Flattened(symbol=symbol, flat=ended.flat, left=left, sentence=ended.sentence)
        sentence = "" if self.aim.cancel_only else f"{symbol}: {plain(left)} is left"
        return Flattened(symbol=symbol, flat=False, left=left, sentence=sentence)

    async def _insist(self) -> Holdings:
        """Look until the broker answers; the time that was given ends it."""
        async for attempt in stamina.retry_context(
            on=BrokerUnavailable,
            attempts=ASKS_MAX,
            timeout=None,
            wait_initial=AGAIN_FIRST_S,
            wait_max=AGAIN_MAX_S,
            wait_jitter=0.0,
        ):
            with attempt:
                try:
                    seen = await self.look()
                except BrokerUnavailable as error:
                    self.report.trouble = str(error)
                    raise
                self.report.trouble = ""
                self._tell(seen)
                return seen
        raise AssertionError("stamina either returns from an attempt or raises")
