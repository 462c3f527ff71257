"""What the desk needs of a venue that takes orders: to send, to ask, to be told.

Three kinds of answer are kept apart everywhere, because mixing them up is what loses orders: a value (also "there is
no such order"), a definite no (`OrderRefused`), and not knowing (`ReplyMissing` for what changes something,
`BrokerUnavailable` for what only asks). Nothing here tries a second time what changes something.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from attrs import frozen

from engine.model.account import Account, AccountFee, Asset, HeldPosition
from engine.model.order import Fill, Order, OrderRequest, OrderUpdate, ReplaceRequest

Go: TypeAlias = Callable[[], Awaitable[None]]
"""Awaited right before the first byte of a request leaves, behind every wait for a turn or a connection.

It may wait too, for the disk; and an `OrderRefused` that it raises comes out of the call, and nothing was sent."""


async def at_once() -> None:  # noqa: ASYNC910 - there is nothing to wait for
    """The `Go` of those who have nothing to wait for and no second thoughts."""


@frozen(kw_only=True)
class FillPage:
    """Executions, oldest first. ``mark`` is what to go on behind next time; ``more`` whether to ask again at once."""

    fills: tuple[Fill, ...]
    mark: str
    more: bool = False


@frozen(kw_only=True)
class FeePage:
    """Fees, oldest first; ``mark`` and ``more`` as in `FillPage`."""

    fees: tuple[AccountFee, ...]
    mark: str
    more: bool = False


class Broker(Protocol):
    """Where orders are sent. Every method has its own deadline and its turn in the account's budget of requests.

    Orders come as tuples: the order first, then its legs, however deep.
    """

    async def submit(self, request: OrderRequest, *, urgent: bool = False, go: Go = at_once) -> tuple[Order, ...]:
        """Send an order, once. Raises `OrderRefused`, `ReplyMissing`, `KeysRefused`.

        ``urgent`` takes the lane of the budget that is kept for exits and cancels.
        """
        ...

    async def replace(self, order_id: str, change: ReplaceRequest, *, go: Go = at_once) -> tuple[Order, ...]:
        """Change an order, once; the answer is the order that takes its place. Raises as `submit`."""
        ...

    async def cancel(self, order_id: str) -> None:
        """Ask for an order to be canceled. Raises `OrderRefused` (it is over already, or there is none) and
        `ReplyMissing`; doing it again is harmless."""
        ...

    async def order(self, order_id: str) -> tuple[Order, ...]:
        """An order by the venue's id; empty where the venue definitely has none. Raises `BrokerUnavailable`."""
        ...

    async def order_of(self, client_order_id: str) -> tuple[Order, ...]:
        """An order by our id; empty where the venue definitely has none. Raises `BrokerUnavailable`."""
        ...

    async def open_orders(self) -> tuple[Order, ...]:
        """Every open order of the account, all pages of them, legs and held ones too. Raises `BrokerUnavailable`."""
        ...

    async def fills_behind(self, mark: str, since_ns: int) -> FillPage:
        """Executions behind ``mark``, or from ``since_ns`` on where it is empty. Raises `BrokerUnavailable`."""
        ...

    async def fees_behind(self, mark: str, since_ns: int) -> FeePage:
        """Fees in dollars that no `Fill` tells, listed behind ``mark``, or from ``since_ns`` on where it is empty.

        One may be listed long after its trade, and before others that were listed earlier, so whoever goes on behind
        a mark has to look back now and then. Raises `BrokerUnavailable`.
        """
        ...

    async def positions(self) -> tuple[HeldPosition, ...]:
        """Every position, sorted by symbol. Raises `BrokerUnavailable`."""
        ...

    async def account(self) -> Account:
        """The account's money. Raises `BrokerUnavailable`."""
        ...

    async def asset(self, symbol: str) -> Asset | None:
        """What can be traded under this name; kept for the day. ``None``: nothing. Raises `BrokerUnavailable`."""
        ...


@frozen(kw_only=True)
class AccountMessage:
    """One message of the account stream, understood or not.

    ``update`` is ``None`` where the message could not be read as one. ``doubt`` is a sentence when something about it
    was strange, such as an event of no known name: then the books have to be compared with the broker's. ``orders``
    is what it told of orders all the same: the order and its legs.
    """

    update: OrderUpdate | None
    orders: tuple[Order, ...] = ()
    doubt: str = ""
    event_id: str = ""


class AccountLine(Protocol):
    """A connection of the account stream that is logged in and listening."""

    async def receive(self) -> tuple[AccountMessage, ...]:
        """Wait, and return all that has arrived, in order. Raises a `Retryable` or an `AskHuman`. Safe to cancel."""
        ...


class AccountFeed(Protocol):
    """Where the account's own events come from."""

    @property
    def name(self) -> str: ...

    def open_line(self) -> AbstractAsyncContextManager[AccountLine]:
        """Connect, log in and listen within the handshake deadline."""
        ...

    def replay(self, since_id: str) -> AsyncIterator[AccountMessage] | None:
        """The same events once more by another road, behind ``since_id`` (empty: from now on), and then as they
        happen; ``None`` where the venue offers none. Ends by an error like `AccountLine.receive`; close it."""
        ...
