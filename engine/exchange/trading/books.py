"""What can be read of orders, positions and the account: as they are now, or as they were a moment ago.

Alpaca promises nothing about reading what one has just written, and clients that assume it find their order missing.
So the doors read through `Books`, and a fault (`stale_reads`) can put an older state in the place of the present one.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from attrs import define, field, frozen

from engine.core.matching.venue import Matching
from engine.model.account import Account, Position
from engine.model.order import Order

SNAPSHOTS_MAX: Final = 256
"""States remembered while reads are stale: changes within the lag, a few seconds; the oldest stands for older ones."""
STEPS_A_LAG: Final = 8
"""Where nothing changes but prices, so many states are remembered within the lag: reads are late by that much more."""


class Books(Protocol):
    """Orders, positions and the account at one moment."""

    def orders(self) -> Iterable[Order]:
        """Every remembered order, oldest submission first."""
        ...

    def order(self, order_id: str) -> Order | None:
        """The order of that id."""
        ...

    def order_of(self, client_order_id: str) -> Order | None:
        """The order that its client gave that id."""
        ...

    def positions(self) -> Sequence[Position]:
        """What is held, by symbol."""
        ...

    def position(self, symbol: str) -> Position | None:
        """What is held of one symbol, spelled as in orders."""
        ...

    def account(self) -> Account:
        """What the account is worth."""
        ...


def legs_of(books: Books, order: Order) -> tuple[Order, ...]:
    """The orders that hang on this one, as far as they are remembered."""
    return tuple(leg for leg_id in order.legs if (leg := books.order(leg_id)) is not None)


@frozen
class LiveBooks:
    """The present. Implements `Books`."""

    _matching: Matching

    def orders(self) -> Iterable[Order]:
        """See `Books`."""
        return self._matching.orders

    def order(self, order_id: str) -> Order | None:
        """See `Books`."""
        return self._matching.orders.get(order_id)

    def order_of(self, client_order_id: str) -> Order | None:
        """See `Books`."""
        return self._matching.orders.by_client_id(client_order_id)

    def positions(self) -> Sequence[Position]:
        """See `Books`."""
        return self._matching.positions()

    def position(self, symbol: str) -> Position | None:
        """See `Books`."""
        return self._matching.position(symbol)

    def account(self) -> Account:
        """See `Books`."""
        return self._matching.account()


@frozen
class Snapshot:
    """The state at ``at_s`` of Trio's clock. Implements `Books`."""

    at_s: float
    _orders: Mapping[str, Order]
    _positions: Mapping[str, Position]
    _account: Account

    @classmethod
    def take(cls, books: Books, at_s: float) -> "Snapshot":
        """Remember what ``books`` tell now."""
        orders = {order.id: order for order in books.orders()}
        positions = {position.asset.symbol: position for position in books.positions()}
        return cls(at_s, orders, positions, books.account())

    def orders(self) -> Iterable[Order]:
        """See `Books`."""
        return self._orders.values()

    def order(self, order_id: str) -> Order | None:
        """See `Books`."""
        return self._orders.get(order_id)

    def order_of(self, client_order_id: str) -> Order | None:
        """See `Books`."""
        return next((each for each in self._orders.values() if each.client_order_id == client_order_id), None)

    def positions(self) -> Sequence[Position]:
        """See `Books`."""
        return tuple(self._positions.values())

    def position(self, symbol: str) -> Position | None:
        """See `Books`."""
        return self._positions.get(symbol)

    def account(self) -> Account:
        """See `Books`."""
        return self._account


@define
class Memory:
    """The states of the last moments, oldest first."""

    _snapshots: deque[Snapshot] = field(factory=lambda: deque(maxlen=SNAPSHOTS_MAX))

    def is_due(self, now_s: float, lag_s: float) -> bool:
        """Whether another state is to be kept, for reads that are so late, although nothing but prices changed."""
        return not self._snapshots or now_s - self._snapshots[-1].at_s >= lag_s / STEPS_A_LAG

    def remember(self, snapshot: Snapshot) -> None:
        """Keep one more state."""
        self._snapshots.append(snapshot)

    def forget(self) -> None:
        """Reads are not stale any more."""
        self._snapshots.clear()

    def as_of(self, at_s: float) -> Snapshot | None:
        """The state that was the present one at ``at_s``, else the oldest that is known."""
        known = [each for each in self._snapshots if each.at_s <= at_s]
        return known[-1] if known else next(iter(self._snapshots), None)
