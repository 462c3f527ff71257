"""What the blotter remembers, in one place: tickets, sub-ledgers, and what keeps the two from being told wrong.

A ticket and its bookings change together or not at all, so there is one door for both (`Books.put`): what a ticket
stands for in the sub-ledgers is computed before and after, and the difference is booked. So no path of the code can
change the one and forget the other, and whatever a ticket goes through, its bookings are those of how it stands.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

from attrs import define, field

from engine.core.blotter.executions import bookings_of, bought_coins, mismatch, symbol_of
from engine.core.blotter.fence import Fence
from engine.core.blotter.line import Booking
from engine.core.blotter.subledgers import UNCLAIMED, SubLedgers
from engine.core.blotter.tickets import Tickets, order_id_of
from engine.model.entry import Carried
from engine.model.instant import NS_PER_S
from engine.model.intent import Ticket

REMEMBERED_NS: Final = 24 * 3600 * NS_PER_S
"""How long the execution ids of forgotten orders are kept: venues replay events and list executions by the day."""
Key: TypeAlias = tuple[str, str]
"""The strategy and the symbol of a line."""


def ended_ns(ticket: Ticket) -> int:
    """When something last happened to an order, as far as it is known."""
    changed = 0 if ticket.order is None else ticket.order.updated_ns
    decided = 0 if ticket.intent is None else ticket.intent.at_ns
    return max(changed, decided, ticket.sent_ns, *(fill.ts_ns for fill in ticket.fills))


@define
class Books:
    """All that is remembered of one account. Equal to what `Blotter.restore` makes of what was written of it."""

    tickets: Tickets = field(factory=Tickets)
    ledgers: SubLedgers = field(factory=SubLedgers)
    fence: Fence = field(factory=Fence, eq=False)
    unmatched: dict[str, None] = field(factory=dict, eq=False)
    """Our orders whose executions do not come to what they say is filled."""
    unpaid: dict[str, dict[str, None]] = field(factory=dict, eq=False)
    """By symbol: orders that bought coins since the position was last the same here and there: see `fee_in_kind`."""
    _forgotten: dict[str, int] = field(factory=dict, eq=False)
    """Ids of forgotten orders and of their executions, with when they happened."""

    def put(self, ticket: Ticket) -> tuple[Carried, ...]:
        """Keep a ticket and book what is new in it. Returns the lines whose folded part it changed."""
        before = self.tickets.get(ticket.client_order_id)
        reopened = self._book_all(ticket, 1) if before is None else self._book(before, ticket)
        self.tickets.put(ticket)
        self._note(ticket)
        return self._carried(reopened)

    def restore(self, ticket: Ticket) -> None:
        """Keep a ticket that was written, and book what is not folded yet."""
        symbol = symbol_of(ticket)
        for booking in bookings_of(ticket).values():
            if not self.ledgers.folded(ticket.strategy, symbol, booking):
                self.ledgers.put(ticket.strategy, symbol, booking)
        self.tickets.put(ticket)
        self._note(ticket)

    def take_out(self, ticket: Ticket) -> tuple[Carried, ...]:
        """Undo `put`."""
        reopened = self._book_all(ticket, -1)
        self.tickets.take_out(ticket.client_order_id)
        self._forget(ticket)
        return self._carried(reopened)

    def is_forgotten(self, name: str) -> bool:
        """Whether an order, or an execution, was booked and is not remembered any more; by the venue's id."""
        return name in self._forgotten

    def carry(self, gone: list[Ticket]) -> tuple[Carried, ...]:
        """Forget these tickets, which have ended: what they were booked as stays, folded into their lines."""
        upto: dict[Key, int] = {}
        for ticket in gone:
            line = (ticket.strategy, symbol_of(ticket))
            for fill in ticket.fills:
                upto[line] = max(upto.get(line, 0), fill.ts_ns)
                self._forgotten[fill.execution_id] = fill.ts_ns
            self._forgotten[order_id_of(ticket)] = ended_ns(ticket)
            self.tickets.forget(ticket.client_order_id)
            self._forget(ticket)
        newest = max(self._forgotten.values(), default=0)
        self._forgotten = {name: ns for name, ns in self._forgotten.items() if ns > newest - REMEMBERED_NS}
        for (strategy, symbol), upto_ns in upto.items():
            self.ledgers.fold(strategy, symbol, upto_ns)
        return self._carried(upto)

    def _carried(self, lines: Iterable[Key]) -> tuple[Carried, ...]:
        return tuple(self.ledgers.carried(strategy, symbol) for strategy, symbol in dict.fromkeys(lines))

    def _book(self, before: Ticket, after: Ticket) -> list[Key]:
        """Book the difference between two states of one ticket."""
        symbol = symbol_of(after)
        if (before.strategy, symbol_of(before)) != (after.strategy, symbol):
            return self._book_all(before, -1) + self._book_all(after, 1)
        old, new = bookings_of(before), bookings_of(after)
        reopened = []
        for name in old | new:
            if old.get(name) != new.get(name):
                reopened += [self._move(after.strategy, symbol, old[name], -1)] if name in old else []
                reopened += [self._move(after.strategy, symbol, new[name], 1)] if name in new else []
        return [line for line in reopened if line is not None]

    def _book_all(self, ticket: Ticket, sign: int) -> list[Key]:
        symbol = symbol_of(ticket)
        moved = [self._move(ticket.strategy, symbol, booking, sign) for booking in bookings_of(ticket).values()]
        return [line for line in moved if line is not None]

    def _move(self, strategy: str, symbol: str, booking: Booking, sign: int) -> Key | None:
        """Book something or undo it; the line, if that changed what is folded in it."""
        if sign > 0:
            self.ledgers.put(strategy, symbol, booking)
        else:
            self.ledgers.take_out(strategy, symbol, booking)
        return (strategy, symbol) if self.ledgers.folded(strategy, symbol, booking) else None

    def _note(self, ticket: Ticket) -> None:
        """Keep the lists of what is not settled yet."""
        name = ticket.client_order_id
        if ticket.strategy != UNCLAIMED and mismatch(ticket):
            self.unmatched.setdefault(name)
        else:
            self.unmatched.pop(name, None)
        if bought_coins(ticket.fills):
            self.unpaid.setdefault(symbol_of(ticket), {}).setdefault(name)

    def _forget(self, ticket: Ticket) -> None:
        name = ticket.client_order_id
        self.fence.forget(name)
        self.unmatched.pop(name, None)
        self.unpaid.get(symbol_of(ticket), {}).pop(name, None)
