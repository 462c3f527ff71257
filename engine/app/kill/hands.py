"""Closing beside other orders of the account that are not to be ended.

The venue refuses an order that could meet another one of the account, and a kill of one strategy leaves those of the
others where they are. So its closing orders keep out of their way where they can (`engine.core.risk.crossing`); where
they cannot, what is in the way is canceled: a way out that somebody's resting order can block is none.
"""

from contextlib import suppress

import trio
from attrs import define, field

from engine.core.flatten import Seen
from engine.core.risk.crossing import Sides, keep_apart
from engine.errors import OrderRefused, ReplyMissing
from engine.flow.flatten import BrokerHands
from engine.flow.flatten.broker_hands import LOOK_S
from engine.model.order import Order, OrderRequest


@define(eq=False)
class ApartHands:
    """`engine.flow.flatten.Hands` that work straight at the broker and mind the account's other orders."""

    hands: BrokerHands
    moved: list[str] = field(factory=list)
    """What was canceled because it was in the way: a sentence each."""
    _seen: Seen | None = None

    @property
    def symbol(self) -> str:
        return self.hands.symbol

    async def look(self) -> Seen:
        self._seen = await self.hands.look()
        return self._seen

    async def cancel(self) -> None:
        await self.hands.cancel()

    async def close(self, request: OrderRequest) -> None:
        others = [order for order in await self.hands.broker.open_orders() if order.symbol == self.symbol]
        sent, clash = self._keep_apart(request, others)
        while clash is not None:
            others.remove(clash)
            await self._move(clash)
            sent, clash = self._keep_apart(request, others)
        await self.hands.close(sent)

    def _keep_apart(self, request: OrderRequest, others: list[Order]) -> tuple[OrderRequest, Order | None]:
        """The broker's last price stands in for a quote: nobody streams one to a process that just began."""
        seen = self._seen
        sides = None if seen is None or seen.price is None else Sides(seen.price, seen.price)
        return keep_apart(
            request, others, None if seen is None else seen.account, sides, None if seen is None else seen.asset
        )

    async def _move(self, order: Order) -> None:
        self.moved.append(f"{self.symbol}: order {order.client_order_id} was canceled too: it was in the way.")
        with suppress(OrderRefused, ReplyMissing):  # it is over already, or the venue's refusal tells
            await self.hands.broker.cancel(order.id)
        await trio.sleep(LOOK_S)
