"""Leaving a block of orders: doing what was asked for, whatever is going on, and saying what could not be done.

This runs while an exception or a cancel is on its way through, so whoever runs it shields it, and bounds it by the
block's own time. It raises nothing that it knows: the exception on its way is the one that matters.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

import trio
from attrs import define, field

from engine.core.rules import plain
from engine.errors import GaplessError
from engine.flow.flatten import Flattened, flatten_strategy
from engine.flow.flatten.desk_hands import end_orders, held_of
from engine.flow.supervisor import sole_failure
from engine.flow.trading.needs import OrderDesk
from engine.model.intent import Purpose
from engine.ports import Clock, LiveOrder, OnExit


@define(eq=False, kw_only=True)
class Leaving:
    """The end of one block: ``orders`` are what it has open, ``symbols`` what its orders were about."""

    desk: OrderDesk
    strategy: str
    orders: Sequence[LiveOrder]
    symbols: Sequence[str]
    on_exit: OnExit
    within_s: float
    clock: Clock
    price: Callable[[str], Decimal | None]
    _flattened: dict[str, Flattened] = field(factory=dict, init=False)
    _failure: str = field(default="", init=False)
    _done: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Cancel the orders or, to flatten, close what the strategy holds of the symbols.

        Flattening cancels the strategy's orders on these symbols itself, also those of other blocks: filled behind its
        back, they would be a position again. It knows how long to wait for one that nobody answers, too.
        """
        await trio.lowlevel.checkpoint()
        try:
            if self.on_exit == "cancel":
                await end_orders(self.orders)
            if self.on_exit == "flatten":
                await flatten_strategy(
                    self.desk,
                    self.strategy,
                    self.symbols,
                    purpose=Purpose.EXIT,
                    clock=self.clock,
                    price=self.price,
                    results=self._flattened,
                )
        except (GaplessError, BaseExceptionGroup) as error:
            known = sole_failure(error)
            if known is None:
                raise
            self._failure = str(known)
        self._done = True

    def left(self) -> str:
        """What is still there that should not be, and why, as a sentence; empty when there is nothing to say."""
        if self.on_exit == "leave":
            return ""
        left = [f"{order.symbol} order {order.client_order_id} is still open" for order in self.orders if order.open]
        if self.on_exit == "flatten":
            left += filter(None, map(self._held, self.symbols))
        if not left and not self._failure:
            return ""
        why = self._failure or ("" if self._done else f"{self.within_s:g} s were not enough")
        return f"{self.strategy}: left a block of orders with on_exit={self.on_exit!r}, but " + "; ".join(
            filter(None, (*left, why))
        )

    def _held(self, symbol: str) -> str:
        how = self._flattened.get(symbol)
        if how is not None:
            return "" if how.flat else how.sentence  # what is too little to be traded is nothing to be alarmed about
        held = held_of(self.desk, self.strategy, symbol)
        return f"{plain(held)} {symbol} are still held" if held else ""
