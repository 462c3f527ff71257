"""Flattening what one strategy holds, through the desk.

The size is the strategy's own sub-ledger: two strategies on one symbol do not close each other's shares. What a person
or ``gapless kill`` has closed behind its back is not closed again (`engine.core.target.covered`). When the venue says
no, the books are compared before the next try, since they may be what is wrong.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Final, Protocol

import trio
from attrs import define

from engine.core.blotter.subledgers import UNCLAIMED
from engine.core.flatten import Flattened, Seen
from engine.core.rules import Rule
from engine.core.target import covered
from engine.errors import BrokerUnavailable, OrderRefused
from engine.flow.flatten.run import run_flatten
from engine.model.account import Asset, StrategyPosition
from engine.model.intent import Purpose
from engine.model.order import OrderRequest
from engine.ports import Clock, LiveOrder, Probe
from engine.ports.steps import ignore

CANCEL_PATIENCE_S: Final = 3.0
"""A cancel is told within a second; the desk asks for the end of it after two."""
CLOSE_PATIENCE_S: Final = 2.0
"""A market order in regular hours is filled within a second, unless its stock is halted."""


class Assets(Protocol):
    """Where the properties of what is traded are known: a `engine.ports.Broker`."""

    async def asset(self, symbol: str) -> Asset | None: ...


class SubLedgers(Protocol):
    """What is held and what may still fill: a `engine.core.blotter.Blotter`."""

    def account_position(self, symbol: str) -> Decimal: ...

    def working(
        self, symbol: str, strategy: str | None = None, *, price: Decimal | None = None
    ) -> tuple[Decimal, Decimal]: ...


class ClosingDesk(Protocol):
    """What flattening needs of the desk (`engine.flow.desk.Desk`)."""

    @property
    def broker(self) -> Assets: ...

    @property
    def blotter(self) -> SubLedgers: ...

    async def place(
        self,
        strategy: str,
        request: OrderRequest,
        *,
        purpose: Purpose = ...,
        within_s: float | None = ...,
        late_ok: bool = ...,
    ) -> LiveOrder: ...

    def open_orders(self, strategy: str, symbol: str | None = None) -> tuple[LiveOrder, ...]: ...

    def position(self, strategy: str, symbol: str) -> StrategyPosition: ...

    async def reconcile(self) -> None: ...


@define(eq=False, kw_only=True)
class DeskHands:
    """One strategy's side of one symbol. ``price`` tells the last known price, ``None`` unknown."""

    desk: ClosingDesk
    strategy: str
    symbol: str
    purpose: Purpose
    clock: Clock
    price: Callable[[str], Decimal | None]

    async def look(self) -> Seen:
        asset = await find_asset(self.desk.broker, self.symbol)
        price = self.price(self.symbol)
        orders = self.desk.open_orders(self.strategy, self.symbol)
        buying, selling = self.desk.blotter.working(self.symbol, self.strategy, price=price)
        return Seen(
            asset=asset,
            held=held_of(self.desk, self.strategy, self.symbol),
            account=self.desk.blotter.account_position(self.symbol),
            orders=len(orders),
            unknown=sum(order.ticket.outcome.open for order in orders),
            buying=buying,
            selling=selling,
            price=price,
            now_ns=self.clock.now_ns(),
        )

    async def cancel(self) -> None:
        """Also looks for the orders that nobody has answered yet: their requests may wait for seconds."""
        orders = self.desk.open_orders(self.strategy, self.symbol)
        with trio.move_on_after(CANCEL_PATIENCE_S):
            async with trio.open_nursery() as nursery:
                if any(order.ticket.outcome.open for order in orders):
                    nursery.start_soon(self._compare)
                await end_orders(orders)
                nursery.cancel_scope.cancel()

    async def _compare(self) -> None:  # noqa: ASYNC910 - a task of its own, which asks at least once
        with suppress(BrokerUnavailable):  # the next look says what is still not known
            await self.desk.reconcile()

    async def close(self, request: OrderRequest) -> None:
        refusal: OrderRefused | None = None
        try:
            order = await self.desk.place(self.strategy, request, purpose=self.purpose, late_ok=True)
        except OrderRefused as refused:
            refusal = refused
        if refusal is not None:
            await self.desk.reconcile()
            raise refusal
        with trio.move_on_after(CLOSE_PATIENCE_S):
            await order.ended()
        if order.open:  # or nobody told us that it is not
            await self.desk.reconcile()


def held_of(desk: ClosingDesk, strategy: str, symbol: str) -> Decimal:
    """What a strategy holds of a symbol and can give back: see `covered`."""
    return covered(desk.position(strategy, symbol).qty, desk.position(UNCLAIMED, symbol).qty)


async def find_asset(assets: Assets, symbol: str) -> Asset:
    """The asset of a symbol. Raises `BrokerUnavailable`, and `OrderRefused` where there is none."""
    asset = await assets.asset(symbol)
    if asset is None:
        raise OrderRefused(f'asset "{symbol}" not found', rule=Rule.ASSET_UNKNOWN.name.lower())
    return asset


async def end_orders(orders: Iterable[LiveOrder]) -> None:
    """Cancel all of these at once, and return when each of them has ended, however. The caller bounds it."""
    async with trio.open_nursery() as nursery:
        for order in orders:
            nursery.start_soon(end_order, order)


async def end_order(order: LiveOrder) -> None:
    """Cancel an order and wait until it has ended; that it could not be canceled means that it ends by itself."""
    with suppress(OrderRefused):
        await order.cancel()
    await order.ended()


async def flatten_strategy(
    desk: ClosingDesk,
    strategy: str,
    symbols: Iterable[str],
    *,
    purpose: Purpose,
    clock: Clock,
    price: Callable[[str], Decimal | None],
    results: dict[str, Flattened],
    probe: Probe = ignore,
) -> None:
    """Cancel what a strategy has open on these symbols and close what it holds of them, all symbols at once.

    ``results`` is told how each ended, by symbol: the caller bounds this, and then those that did not end are missing.
    """

    async def flatten(symbol: str) -> None:
        hands = DeskHands(desk=desk, strategy=strategy, symbol=symbol, purpose=purpose, clock=clock, price=price)
        results[symbol] = await run_flatten(hands, probe=probe)

    async with trio.open_nursery() as nursery:
        for symbol in sorted(set(symbols)):
            nursery.start_soon(flatten, symbol)
