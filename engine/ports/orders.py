"""What a strategy holds of its orders: a handle that can be awaited, and a scope that ends them.

An order is a small process with an end. So a handle offers what one offers of a task: how it stands, waiting for it,
ending it; and a scope binds orders to a block, so that leaving the block in any way leaves no order behind.
"""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

from engine.model.intent import Ticket
from engine.model.order import Fill, Order, OrderStatus, Side

OnExit: TypeAlias = Literal["cancel", "flatten", "leave"]
"""What to do with a scope's orders when it is left: cancel them; cancel them and close what the strategy holds of
their symbols; nothing."""


class LiveOrder(Protocol):
    """An order of this strategy. All of it can be read at any time; the awaitable parts end with the order.

    A change of an order (`replace`) makes another order; the handle follows the chain, so ``await order.filled()``
    means the newest one.
    """

    @property
    def client_order_id(self) -> str: ...

    @property
    def id(self) -> str:
        """The venue's id; empty until it is known."""
        ...

    @property
    def symbol(self) -> str: ...

    @property
    def side(self) -> Side: ...

    @property
    def status(self) -> OrderStatus | None:
        """As the venue last told; ``None`` while it is not known whether the venue has the order."""
        ...

    @property
    def ticket(self) -> Ticket:
        """Everything known of it now."""
        ...

    @property
    def order(self) -> Order | None:
        """The venue's last word on it."""
        ...

    @property
    def filled_qty(self) -> Decimal: ...

    @property
    def filled_price(self) -> Decimal | None:
        """The average price of what is filled."""
        ...

    @property
    def fills(self) -> tuple[Fill, ...]: ...

    @property
    def open(self) -> bool:
        """Whether something can still happen to it, also while nobody knows."""
        ...

    @property
    def legs(self) -> "tuple[LiveOrder, ...]":
        """The exits of a bracket, once the venue has told of them."""
        ...

    async def accepted(self) -> "LiveOrder":
        """Wait until the venue is known to have it; raises `OrderRefused`, or `OrderEnded` where it never got there."""
        ...

    async def filled(self) -> "LiveOrder":
        """Wait until it is filled whole; raises `OrderEnded` (or `OrderRefused`) when it ends in any other way."""
        ...

    async def ended(self) -> "LiveOrder":
        """Wait until nothing can happen to it any more, however it ends."""
        ...

    async def cancel(self) -> "LiveOrder":
        """Ask for its cancel and wait until it has ended, filled or not; ending it twice is fine."""
        ...

    async def replace(
        self,
        *,
        qty: Decimal | int | float | str | None = None,
        limit: Decimal | int | float | str | None = None,
        stop: Decimal | int | float | str | None = None,
        trail: Decimal | int | float | str | None = None,
    ) -> "LiveOrder":
        """Change it; returns once the venue has taken the change. Raises `OrderRefused`: then the old order stands."""
        ...

    def changes(self) -> AsyncIterator[Ticket]:
        """How it stands now and after every change, until its end; a slow reader sees the newest only."""
        ...


class OrderScope(Protocol):
    """The orders placed inside an ``async with ctx.orders(...)`` block."""

    @property
    def open(self) -> tuple[LiveOrder, ...]: ...

    @property
    def all(self) -> tuple[LiveOrder, ...]:
        """Also those that ended, the newest 10,000."""
        ...


class SavedState(Protocol):
    """``ctx.state``: JSON values by name that survive a restart.

    Used like a dictionary. What is set is on disk before the next order of the strategy is sent, and within a second
    otherwise; `save` waits until it is.
    """

    def __getitem__(self, name: str) -> object: ...

    def __setitem__(self, name: str, value: object) -> None: ...

    def __delitem__(self, name: str) -> None: ...

    def __contains__(self, name: object) -> bool: ...

    def get(self, name: str, default: object = None) -> object: ...

    def snapshot(self) -> Mapping[str, object]:
        """All of it, copied."""
        ...

    async def save(self) -> None:
        """Wait until everything set so far is on disk."""
        ...
