"""Flattening straight at the broker: for when the engine hangs, is gone, or is not to be trusted.

There is no file of orders to write an intent into, so the client order id is what makes a send harmless: it is a
function of a name and a number, and the number goes on only when it is known what became of the order before. An order
whose answer is missing is asked for; what is sent after that, under the same id, the venue takes once at most.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import trio
from attrs import define, evolve, field

from engine.core.flatten import Seen
from engine.core.rules import Rule
from engine.errors import BrokerUnavailable, OrderRefused, ReplyMissing
from engine.flow.flatten.desk_hands import find_asset
from engine.model.order import ZERO, Order, OrderRequest, Side
from engine.ports import Broker, Clock

LOOK_S: Final = 0.5
"""Between two looks at an order that is to end: eight symbols at once stay below 20 requests a second."""
PATIENCE_S: Final = 2.0
"""For a cancel or a market order, which take a second."""
ASKS_MAX: Final = 6
"""Questions after an order whose answer is missing, a second apart: longer than a proxy holds a request back."""
ASK_S: Final = 1.0
CANCELS_AT_ONCE: Final = 8
"""Enough for fifty orders in a second, and no burst that a venue answers with 429."""


def every_order(_: Order) -> bool:
    """All orders are to be canceled."""
    return True


@define(eq=False, kw_only=True)
class BrokerHands:
    """One symbol of the account.

    ``prefix`` begins the client order ids (at most 100 characters) and must be another one on every run; ``concerns``
    says which open orders are to be canceled. ``share`` is how much of the position is to be closed, negative when
    short; ``None`` is all of it. Never more than the account holds is closed, and never the other side.
    """

    broker: Broker
    symbol: str
    clock: Clock
    prefix: str
    concerns: Callable[[Order], bool] = every_order
    share: Decimal | None = None
    _number: int = 1
    _sent: dict[str, Order] = field(factory=dict)

    async def look(self) -> Seen:
        asset = await find_asset(self.broker, self.symbol)
        orders = await self._open_orders()
        done = await self._done() if self.share is not None else ZERO
        held = next((one for one in await self.broker.positions() if one.symbol == self.symbol), None)
        account = ZERO if held is None else held.qty
        return Seen(
            asset=asset,
            held=account if self.share is None else within(self.share - done, account),
            account=account,
            orders=len(orders),
            buying=_left(orders, Side.BUY),
            selling=_left(orders, Side.SELL),
            price=held.price if held is not None and held.price else None,
            now_ns=self.clock.now_ns(),
        )

    async def cancel(self) -> None:
        limiter = trio.CapacityLimiter(CANCELS_AT_ONCE)
        async with trio.open_nursery() as nursery:
            for order in await self._open_orders():
                nursery.start_soon(self._cancel, order.id, limiter)
        with trio.move_on_after(PATIENCE_S):
            while await self._open_orders():  # noqa: ASYNC110 - a broker tells nothing by itself over REST
                await trio.sleep(LOOK_S)

    async def close(self, request: OrderRequest) -> None:
        client_order_id = f"{self.prefix}-{self.symbol.replace('/', '.')}-{self._number}"
        try:
            orders = await self.broker.submit(evolve(request, client_order_id=client_order_id), urgent=True)
        except ReplyMissing:
            orders = await self._find(client_order_id)
        except OrderRefused as refused:
            if refused.rule != Rule.CLIENT_ORDER_ID_TAKEN.name.lower():
                raise
            orders = await self.broker.order_of(client_order_id)  # an earlier send got there after all
        if not orders:
            return  # it never got there: the same id serves the next one
        self._number += 1
        self._sent[orders[0].id] = orders[0]
        with trio.move_on_after(PATIENCE_S):
            while True:
                await trio.sleep(LOOK_S)
                await self._done()
                if not self._sent[orders[0].id].open:
                    break

    async def _open_orders(self) -> tuple[Order, ...]:
        mine = (order for order in await self.broker.open_orders() if order.symbol == self.symbol)
        return tuple(order for order in mine if order.id in self._sent or self.concerns(order))

    async def _cancel(self, order_id: str, limiter: trio.CapacityLimiter) -> None:
        async with limiter:
            try:
                await self.broker.cancel(order_id)
            except (OrderRefused, ReplyMissing):
                await trio.lowlevel.checkpoint()  # it is over already, or the next look tells

    async def _find(self, client_order_id: str) -> tuple[Order, ...]:
        """The order whose answer is missing, or nothing when the venue has said to the end that it has none."""
        failure: BrokerUnavailable | None = None
        for _ in range(ASKS_MAX):
            await trio.sleep(ASK_S)
            try:
                found, failure = await self.broker.order_of(client_order_id), None
            except BrokerUnavailable as unavailable:
                failure = unavailable
                continue
            if found:
                return found
        if failure is not None:
            raise failure
        return ()  # noqa: ASYNC910 - it asked and slept at least once

    async def _done(self) -> Decimal:
        """What our own orders have sold, less what they bought; those that may still change are asked for."""
        for order_id, order in list(self._sent.items()):
            if order.open:
                newer = await self.broker.order(order_id)
                self._sent[order_id] = newer[0] if newer else order
        await trio.lowlevel.checkpoint()
        return -sum((order.filled_qty * (order.side or Side.BUY).sign for order in self._sent.values()), ZERO)


def _left(orders: tuple[Order, ...], side: Side) -> Decimal:
    """What may still fill on a side. Two exits of which one ends the other count twice, which is the safe way."""
    return sum((order.left_qty for order in orders if order.side is side), ZERO)


def within(share: Decimal, account: Decimal) -> Decimal:
    """As much of ``share`` as the account holds on its side."""
    return min(abs(share), abs(account)).copy_sign(account) if share * account > 0 else ZERO
