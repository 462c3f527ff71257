"""Orders out of call-backs that cannot wait: asked for at once, carried out one after the other for each symbol.

A plain method cannot await, and a task for each order would carry two orders out in any order. So each symbol has a
queue and one task that works it off; different symbols do not wait for each other.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import trio
from attrs import define, field

from engine.errors import ChannelOverflow, OrderEnded, OrderRefused

WAITING_MAX: Final = 1_000
"""Orders of one symbol that may wait: five minutes of all that Alpaca takes of an account (200 a minute)."""

Ask: TypeAlias = Callable[[], Awaitable[object]]


@define(eq=False)
class OrderQueue:
    """Carries out what is asked for. ``on_refused`` is told what was refused, or ended before it was filled."""

    name: str
    nursery: trio.Nursery
    on_refused: Callable[[OrderRefused | OrderEnded], None]
    _waiting: dict[str, deque[Ask]] = field(factory=dict)

    def put(self, symbol: str, ask: Ask) -> None:
        """Do this as soon as everything asked for before it on the symbol is done. Raises `ChannelOverflow`."""
        waiting = self._waiting.get(symbol)
        if waiting is None:
            waiting = self._waiting[symbol] = deque()
            self.nursery.start_soon(self._work_off, symbol)
        if len(waiting) >= WAITING_MAX:
            raise ChannelOverflow(f"{self.name}: {WAITING_MAX} orders on {symbol} wait to be sent already")
        waiting.append(ask)

    def start(self, ask: Ask) -> None:
        """Do this beside everything else."""
        self.nursery.start_soon(self._carry_out, ask)

    async def _work_off(self, symbol: str) -> None:
        waiting = self._waiting[symbol]
        await trio.lowlevel.checkpoint()
        while waiting:
            await self._carry_out(waiting.popleft())
        del self._waiting[symbol]

    async def _carry_out(self, ask: Ask) -> None:
        await trio.lowlevel.checkpoint()
        try:
            await ask()
        except (OrderRefused, OrderEnded) as refusal:
            self.on_refused(refusal)
