"""Two strategies for a process that dies: one that does everything an order can go through, and one that looks on.

The first does the same things in the same order on each run, so that the third write of an intent is the same one each
time. The second runs where the first has died, under its name: it places nothing, and tells what was there for it.
"""

import os
import signal
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import trio
from attrs import define, field, frozen

from engine.model.market import Quote
from engine.model.order import OrderStatus
from engine.ports import Context, LiveOrder, strategy

NAME: Final = "stunts"
"""Both strategies run under one name, because what the one leaves behind is the other's."""
SYMBOL: Final = "SPY"
LATE_OK_S: Final = 120.0
"""An order of a play may be on its way for so long: one that is lost is found out about after some 15 s."""


@frozen
class Play:
    """``acts`` are methods of `Stunts`, ``faults`` what the exchange does to them meanwhile (tables of a script)."""

    acts: tuple[str, ...]
    faults: tuple[Mapping[str, Any], ...] = ()


PLAYS: Final[Mapping[str, Play]] = {
    "orders": Play(("take", "rest", "move", "end", "bracket", "reduce", "rest", "move", "leave")),
    "unanswered": Play(
        ("take", "rest", "move", "end", "take", "leave"),
        (
            # Without these two the stream, or its replay, may tell of an order before anybody has to ask.
            {"kind": "delay_update", "lag": "2s"},
            {"kind": "http_status", "status": 404, "path": "/v2/events/trades"},
            {"kind": "lost_reply", "method": "POST", "next": 1},
            {"kind": "late_status", "status": 504, "method": "PATCH", "next": 1},
            {"kind": "lost_reply", "method": "DELETE", "next": 1},
        ),
    ),
    "swallowed": Play(
        ("take", "leave"),
        ({"kind": "black_hole", "stage": "request", "method": "POST", "next": 1},),
    ),
    "unavailable": Play(("take", "leave"), ({"kind": "http_status", "status": 503, "method": "POST", "next": 2},)),
    "killed": Play(("take", "rest", "bracket", "kill")),
}
"""What is played, by name. In each the first order is the one that goes wrong."""


CALLS: Final = frozenset({"take", "rest", "move", "bracket", "reduce"})
"""The acts that make one intent each."""


def planned_calls(play: str) -> int:
    """How many intents the acts of a play make, without those of its end."""
    return sum(act in CALLS for act in PLAYS[play].acts)


@define(eq=False)
class Told:
    """What the onlooker found, and whether the books have come to rest."""

    seen: dict[str, Any] = field(factory=dict)
    rested: trio.Event = field(factory=trio.Event)


@define(eq=False)
class Stunts:
    """One run of a play. ``calls`` counts the orders and changes asked for; the state knows of each beforehand."""

    ctx: Context
    quote: Quote
    calls: int = 0
    resting: LiveOrder | None = None

    def note(self) -> None:
        """Remember the next call before it is made: each makes one intent."""
        self.calls += 1
        self.ctx.state["calls"] = self.calls

    def price(self, share: float) -> Decimal:
        """A price at this share of the market's."""
        return Decimal(f"{self.quote.ask_price * share:.2f}")

    async def take(self) -> None:
        """A market order, to its end."""
        self.note()
        await (await self.ctx.buy(SYMBOL, 2, within=LATE_OK_S)).filled()

    async def rest(self) -> None:
        """A limit order that nobody meets."""
        self.note()
        self.resting = await self.ctx.buy(SYMBOL, 3, limit=self.price(0.8), within=LATE_OK_S)
        await self.stands(self.resting)

    async def move(self) -> None:
        """Another price for it."""
        assert self.resting is not None
        self.note()
        await self.resting.replace(limit=self.price(0.7))
        await self.stands(self.resting)

    async def stands(self, order: LiveOrder) -> None:
        """Until the venue lets it be changed, which it does not while it is ``pending_new``."""
        async for _ in order.changes():
            if order.status is OrderStatus.NEW:
                return

    async def end(self) -> None:
        """Its cancel."""
        assert self.resting is not None
        await self.resting.cancel()

    async def bracket(self) -> None:
        """An entry with both exits, which stay."""
        self.note()
        profit, loss = self.price(1.3), self.price(0.7)
        order = await self.ctx.buy(SYMBOL, 1, within=LATE_OK_S, take_profit=profit, stop_loss=loss)
        await order.filled()

    async def reduce(self) -> None:
        """Part of the way out."""
        self.note()
        await (await self.ctx.sell(SYMBOL, 1)).filled()

    async def leave(self) -> None:
        """Out of all of it; how many orders that takes is the engine's business."""
        self.ctx.state["over"] = True
        await self.ctx.close(SYMBOL)

    async def kill(self) -> None:
        """A person trips the kill switch from a terminal, and everything is ended."""
        self.ctx.state["over"] = True
        os.kill(os.getpid(), signal.SIGUSR1)
        await trio.lowlevel.checkpoint()
        # Nobody tells a strategy of the end of a flattening.
        while self.ctx.position(SYMBOL) or self.ctx.open_orders():  # noqa: ASYNC110 - as said
            await trio.sleep(0.1)


@strategy(params=Play)
async def stunts(ctx: Context, play: Play) -> None:
    """Play, one act after the other."""
    async with ctx.orders(on_exit="cancel", within=30), ctx.quotes(SYMBOL, full="latest") as quotes:
        run = Stunts(ctx, await anext(aiter(quotes)))
        for act in play.acts:
            await getattr(run, act)()


@strategy(params=Told)
async def onlooker(ctx: Context, told: Told) -> None:
    """Tell what was kept, and look on until the books are at rest. It trades nothing, and leaves what is there."""
    async with ctx.orders(on_exit="leave"):
        told.seen["state"] = dict(ctx.state.snapshot())
        await told.rested.wait()
        told.seen["open"] = [order.client_order_id for order in ctx.open_orders()]
        told.seen["held"] = str(ctx.position(SYMBOL))
