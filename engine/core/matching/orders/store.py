"""The orders that are remembered: all open ones, and the newest of those that ended.

Alpaca answers for an order long after it ended, and refuses a client's order id that it has seen before; a server that
runs for weeks cannot do either for ever. So ended orders are kept up to a bound, oldest out first, and a client's id is
remembered for as long as its order.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

from attrs import define, field

from engine.model.order import Order, Side

ENDED_MAX: Final = 100_000
"""Ended orders kept: a day of two orders a second in about 150 MB."""


@define
class Orders:
    """Orders by id, in the order of their submission (legs right after their parent), and the open ones by symbol."""

    ended_max: int = ENDED_MAX
    _by_id: dict[str, Order] = field(factory=dict)
    _ids: dict[str, str] = field(factory=dict)
    _open: dict[str, None] = field(factory=dict)
    _open_at: dict[tuple[str, Side | None], dict[str, None]] = field(factory=dict)
    _ended: deque[str] = field(factory=deque)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Order]:
        """Every remembered order, oldest submission first."""
        return iter(self._by_id.values())

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._by_id

    def __getitem__(self, order_id: str) -> Order:
        """The order of that id; `KeyError` if there is none, or none any more."""
        return self._by_id[order_id]

    def get(self, order_id: str) -> Order | None:
        """The order of that id, or ``None``."""
        return self._by_id.get(order_id)

    def by_client_id(self, client_order_id: str) -> Order | None:
        """The order that its client gave that id, or ``None``. Ended orders are found too."""
        order_id = self._ids.get(client_order_id)
        return None if order_id is None else self._by_id[order_id]

    def legs(self, order: Order) -> tuple[Order, ...]:
        """The orders that hang on this one, as far as they are remembered."""
        return tuple(leg for leg_id in order.legs if (leg := self._by_id.get(leg_id)) is not None)

    @property
    def open_count(self) -> int:
        """How many orders are open."""
        return len(self._open)

    def open(self, symbol: str | None = None) -> tuple[Order, ...]:
        """The open orders, or those of one symbol, oldest submission first. A multi-leg order's symbol is empty."""
        found = (self._by_id[order_id] for order_id in self._open)
        return tuple(found) if symbol is None else tuple(order for order in found if order.symbol == symbol)

    def against(self, order: Order) -> tuple[Order, ...]:
        """The open orders on the other side of its symbol, oldest submission first."""
        ids = () if order.side is None else self._open_at.get((order.symbol, order.side.opposite), ())
        return tuple(self._by_id[order_id] for order_id in ids)

    def put(self, order: Order) -> None:
        """Remember an order, or what became of it. Its id, its client's id, symbol and side never change."""
        before = self._by_id.get(order.id)
        self._by_id[order.id] = order
        if before is None:
            self._ids[order.client_order_id] = order.id
            self._open[order.id] = None
            self._open_at.setdefault((order.symbol, order.side), {})[order.id] = None
        elif before.open and not order.open:
            self._end(order)

    def _end(self, order: Order) -> None:
        del self._open[order.id]
        at_side = self._open_at[order.symbol, order.side]
        del at_side[order.id]
        if not at_side:
            del self._open_at[order.symbol, order.side]
        self._ended.append(order.id)
        if len(self._ended) > self.ended_max:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Not an entry whose exits still work: they hang on it. There are fewer of those than open orders."""
        for _ in range(self.open_count + 1):
            oldest = self._by_id[self._ended.popleft()]
            if not any(leg.open for leg in self.legs(oldest)):
                del self._by_id[oldest.id], self._ids[oldest.client_order_id]
                return
            self._ended.append(oldest.id)
