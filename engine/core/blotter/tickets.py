"""The tickets, and how to find them: by our id, by the venue's, and by the order that they come from.

An order that comes from another belongs to whoever owns that one: a leg to its parent's strategy, a successor to that
of the order it replaced. Either side may be told of first, and the link may be told on either side, so links are kept
by the venue's ids, whether the orders are known or not, and ownership is passed on when both are.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TypeAlias

from attrs import define, field

from engine.core.blotter.executions import symbols_of
from engine.model.intent import Ticket
from engine.model.order import Order, Side

Part: TypeAlias = tuple[str, Side, Decimal]
"""Symbol, side and unfilled quantity."""


def order_id_of(ticket: Ticket) -> str:
    """The venue's id of the order, as far as it is known; a ticket without an order may know it from executions."""
    if ticket.order is not None:
        return ticket.order.id
    return ticket.fills[0].order_id if ticket.fills else ""


@define
class Tickets:
    """All tickets that are remembered. Open ones and ended ones are each in the order in which they became it."""

    _all: dict[str, Ticket] = field(factory=dict)
    _keys: dict[str, str] = field(factory=dict, eq=False)
    """Our ids by the venue's."""
    _sources: dict[str, str] = field(factory=dict, eq=False)
    """By the venue's id: the order that an order comes from."""
    _heirs: dict[str, dict[str, None]] = field(factory=dict, eq=False)
    _open: dict[str, None] = field(factory=dict, eq=False)
    _open_in: dict[str, dict[str, None]] = field(factory=dict, eq=False)
    """By symbol: the open ones. Limits ask by symbol, some of them for each symbol that is held."""
    _ended: dict[str, None] = field(factory=dict, eq=False)
    parts: dict[str, tuple[Part, ...]] = field(factory=dict, eq=False)
    """What `engine.core.blotter.working` found out of a ticket, by our id; forgotten when the ticket changes."""
    owners: set[str] = field(factory=set, eq=False)
    """Whose they are, and those that are forgotten were."""

    def get(self, client_order_id: str) -> Ticket | None:
        """The ticket of an id of ours, or of whoever placed the order."""
        return self._all.get(client_order_id)

    def by_order_id(self, order_id: str) -> Ticket | None:
        """The ticket of an id of the venue's."""
        return self._all.get(self._keys.get(order_id, ""))

    def put(self, ticket: Ticket) -> None:
        """Keep how an order stands now."""
        name = ticket.client_order_id
        self._index(name, _open_in(self._all.get(name)), _open_in(ticket))
        self._all[name] = ticket
        self.parts.pop(name, None)
        self.owners.add(ticket.strategy)
        if order_id := order_id_of(ticket):
            self._keys[order_id] = name
        if ticket.order is not None:
            self.link(ticket.order)
        now, before = (self._open, self._ended) if ticket.open else (self._ended, self._open)
        before.pop(name, None)
        now.setdefault(name)

    def take_out(self, name: str) -> Ticket:
        """Take a ticket out. What its order is linked to stays: another ticket of the same order follows."""
        self._open.pop(name, None)
        self._ended.pop(name, None)
        ticket = self._all.pop(name)
        self.parts.pop(name, None)
        self._index(name, _open_in(ticket), ())
        return ticket

    def forget(self, name: str) -> None:
        """Take a ticket out for good, with what its order is linked to."""
        order_id = order_id_of(self.take_out(name))
        if self._keys.get(order_id) == name:
            del self._keys[order_id]
            for heir in self._heirs.pop(order_id, {}):
                if heir not in self._keys:  # nobody ever told of it
                    self._sources.pop(heir, None)
            source = self._sources.pop(order_id, "")
            self._heirs.get(source, {}).pop(order_id, None)

    def __iter__(self) -> Iterator[Ticket]:
        return iter(self._all.values())

    def open(self, symbol: str | None = None) -> Iterator[Ticket]:
        """Those that something can still happen to; of one symbol also those that have it as a leg only."""
        names = self._open if symbol is None else self._open_in.get(symbol, {})
        return (self._all[name] for name in names)

    def ended(self) -> Iterator[Ticket]:
        """The others, the longest ended first."""
        return (self._all[name] for name in self._ended)

    @property
    def open_count(self) -> int:
        """How many something can still happen to."""
        return len(self._open)

    @property
    def ended_count(self) -> int:
        """How many have ended."""
        return len(self._ended)

    def owner(self, order_id: str) -> str:
        """The strategy that an order comes from, empty if from none that is known."""
        seen: set[str] = set()  # what is told can be nonsense, such as a circle
        while (source := self._sources.get(order_id, "")) and source not in seen:
            seen.add(source)
            ticket = self.by_order_id(source)
            if ticket is not None and ticket.strategy:
                return ticket.strategy
            order_id = source
        return ""

    def root(self, ticket: Ticket) -> str:
        """The first order of a family: of legs the parent, of replacements the one that was replaced first."""
        order_id = ticket.order.id if ticket.order is not None else ""
        if not order_id and ticket.intent is not None:
            order_id = ticket.intent.replaces
        seen: set[str] = set()
        while (source := self._sources.get(order_id, "")) and source not in seen:
            seen.add(source)
            order_id = source
        return order_id or ticket.client_order_id

    def _index(self, name: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
        """Keep the open ones by symbol."""
        if before == after:
            return
        for symbol in before:
            names = self._open_in[symbol]
            del names[name]
            if not names:
                del self._open_in[symbol]
        for symbol in after:
            self._open_in.setdefault(symbol, {})[name] = None

    def orphans(self, order_id: str) -> Iterator[Ticket]:
        """Tickets of nobody that come from an order, however far."""
        waiting, seen = [order_id], {order_id}
        while waiting:
            for heir in self._heirs.get(waiting.pop(), {}):
                if heir not in seen:
                    seen.add(heir)
                    waiting.append(heir)
                    ticket = self.by_order_id(heir)
                    if ticket is not None and not ticket.strategy:
                        yield ticket

    def link(self, order: Order) -> None:
        """Remember what an order comes from, and what comes from it. The first telling counts."""
        for heir, source in (
            (order.id, order.parent_id or order.replaces),
            *((leg, order.id) for leg in order.legs),
            (order.replaced_by, order.id),
        ):
            if heir and source and heir not in self._sources:
                self._sources[heir] = source
                self._heirs.setdefault(source, {})[heir] = None


def _open_in(ticket: Ticket | None) -> tuple[str, ...]:
    return symbols_of(ticket) if ticket is not None and ticket.open else ()
