"""Which block an order belongs to.

``async with ctx.orders(...)`` binds the orders placed inside it, also those of child tasks started inside it: so the
block in force travels with the task (a context variable), as cancel scopes do. Blocks nest. An order belongs to the
innermost one that is still open where it was placed; around all of them is the implicit block of the run.

What is bound is bound once the order is known, and an order whose placing was cut off is looked for among the
strategy's open ones, so that it too is seen to when the block is left.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Final

from attrs import define, field

from engine.ports import LiveOrder, OnExit

ORDERS_KEPT: Final = 10_000
"""Orders of one block; ended ones beyond that are forgotten, the oldest first. A day of an order every two seconds."""

_innermost: "ContextVar[Scope | None]" = ContextVar("orders scope", default=None)


@define(eq=False, kw_only=True)
class Scope:
    """One block: `engine.ports.OrderScope`. ``parent`` is the block around it, ``None`` for the implicit one."""

    home: object
    """The run that it belongs to."""
    on_exit: OnExit
    within_s: float
    parent: "Scope | None" = None
    closed: bool = False
    _orders: dict[str, LiveOrder] = field(factory=dict)
    """By the client order id that they were bound with."""
    _symbols: dict[str, None] = field(factory=dict)

    @property
    def open(self) -> tuple[LiveOrder, ...]:
        """Its open orders, oldest first, exits of brackets included."""
        return tuple(order for order in self._with_legs() if order.open)

    @property
    def all(self) -> tuple[LiveOrder, ...]:
        """Also those that ended, the newest 10,000."""
        return tuple(self._orders.values())

    @property
    def symbols(self) -> tuple[str, ...]:
        """What its orders were about, sorted."""
        return tuple(sorted(self._symbols))

    def ids(self) -> Iterator[str]:
        """The client order ids of its orders: an order that was changed has another one than it was bound with."""
        for order in self._with_legs():
            yield order.client_order_id
            yield order.ticket.client_order_id

    def bind(self, order: LiveOrder) -> None:
        """From now on this order belongs to the block."""
        self._orders[order.client_order_id] = order
        self._symbols[order.symbol] = None
        if len(self._orders) > ORDERS_KEPT:
            ended = next((name for name, old in self._orders.items() if not old.open), None)
            if ended is not None:
                del self._orders[ended]

    def unbind(self, order: LiveOrder) -> None:
        """Another block has it."""
        self._orders.pop(order.client_order_id, None)

    def touch(self, symbol: str) -> None:
        """An order on this symbol is being placed in the block, whatever comes of it."""
        self._symbols[symbol] = None

    def _with_legs(self) -> Iterable[LiveOrder]:
        """Each once: the exits of a former run were found as orders of their own, too."""
        orders = (each for order in self._orders.values() for each in (order, *order.legs))
        return {order.ticket.client_order_id: order for order in orders}.values()


@define(eq=False)
class Scopes:
    """The open blocks of one run of one strategy, the implicit one first."""

    _open: list[Scope] = field(factory=list)
    _former: tuple[Sequence[LiveOrder], Sequence[str]] = ((), ())
    _released: list[LiveOrder] = field(factory=list)
    """Open orders of blocks that were left with ``on_exit="leave"``: nobody's until the run is over."""

    def begin(self, within_s: float, orders: Sequence[LiveOrder], symbols: Iterable[str]) -> Scope:
        """Open the implicit block of a run. ``orders`` and ``symbols`` are what former runs left open and held: they
        are the implicit block's until the first block of the strategy's own takes them over."""
        self._former = (orders, tuple(symbols))
        return self._enter(Scope(home=self, on_exit="cancel", within_s=within_s), orders)

    def enter(self, on_exit: OnExit, within_s: float) -> Scope:
        """Open a block in the current task."""
        (orders, symbols), self._former = self._former, ((), ())
        scope = Scope(home=self, on_exit=on_exit, within_s=within_s, parent=self.innermost())
        for symbol in symbols:
            scope.touch(symbol)
        return self._enter(scope, [order for order in orders if order.open])

    def _enter(self, scope: Scope, orders: Iterable[LiveOrder]) -> Scope:
        self._open.append(scope)
        for order in orders:
            self.bind(scope, order)
        _innermost.set(scope)
        return scope

    def leave(self, scope: Scope) -> None:
        """Close a block; what tasks that outlive it place from now on belongs to the block around it."""
        if scope.on_exit == "leave":
            self._released = [order for order in (*self._released, *scope.open) if order.open]
        scope.closed = True
        self._open.remove(scope)
        _innermost.set(scope.parent)

    def innermost(self) -> Scope | None:
        """The innermost open block of the current task; the implicit one for tasks that are in none."""
        scope = _innermost.get()
        if scope is not None and scope.home is self and (scope := _still_open(scope)) is not None:
            return scope
        return self._open[0] if self._open else None

    def bind(self, scope: Scope | None, order: LiveOrder) -> None:
        """Bind an order to a block, or to the first one around it that is still open."""
        scope = _still_open(scope)
        for other in self._open:
            if other is not scope:
                other.unbind(order)
        if scope is not None:
            scope.bind(order)

    def unbound(self, orders: Iterable[LiveOrder]) -> list[LiveOrder]:
        """Those of the strategy's open orders that no open block has, and that none has let go."""
        known = {name for scope in self._open for name in scope.ids()}
        known.update(order.ticket.client_order_id for order in self._released)
        return [order for order in orders if order.ticket.client_order_id not in known]


def _still_open(scope: Scope | None) -> Scope | None:
    while scope is not None and scope.closed:
        scope = scope.parent
    return scope
