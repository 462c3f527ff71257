"""What the blotter remembers, in one place: tickets, sub-ledgers, and what keeps the two from being told wrong.

A ticket and its bookings change together or not at all, so there is one door for both (`Books.put`): what a ticket
stands for in the sub-ledgers is computed before and after, and the difference is booked. So no path of the code can
change the one and forget the other, and whatever a ticket goes through, its bookings are those of how it stands.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from attrs import define, field

from engine.core.blotter.executions import bookings_of, bought_coins, is_named_again, mismatch, symbol_of
from engine.core.blotter.fees import FEES_REMEMBERED_NS, Charges, fee_booking, share_fee
from engine.core.blotter.fence import Fence
from engine.core.blotter.line import Booking
from engine.core.blotter.subledgers import UNCLAIMED, SubLedgers
from engine.core.blotter.tickets import Tickets, order_id_of
from engine.model.account import AccountFee
from engine.model.entry import Carried, Charged
from engine.model.instant import NS_PER_S
from engine.model.intent import Ticket
from engine.model.order import Fill

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
    charges: Charges = field(factory=Charges)
    fence: Fence = field(factory=Fence, eq=False)
    unmatched: dict[str, None] = field(factory=dict, eq=False)
    """Our orders whose executions do not come to what they say is filled."""
    unpaid: dict[str, dict[str, None]] = field(factory=dict, eq=False)
    """By symbol: orders that bought coins since the position was last the same here and there: see `fee_in_kind`."""
    aside: dict[str, dict[str, Fill]] = field(factory=dict, eq=False)
    """By our id of the order, then by their own: executions that were taken for others, see `is_named_again`."""
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
        for fill in ticket.fills if ticket.strategy != UNCLAIMED else ():
            for adjusted in self.ledgers.returns(fill.execution_id, ticket.strategy):  # it was claimed in the file
                self.ledgers.adjust(adjusted)
        self.tickets.put(ticket)
        self._note(ticket)

    def charge(self, charged: Charged) -> tuple[Carried, ...]:
        """Keep how a fee is shared, and book that in the place of how it was. Returns as `put`."""
        before = self.charges.get(charged.fee.id)
        reopened = [] if before is None else self._book_fee(before, -1)
        reopened += self._book_fee(charged, 1)
        self.charges.put(charged)
        return self._carried(reopened)

    def restore_charge(self, charged: Charged) -> None:
        """Keep a fee that was written, and book what is not folded yet."""
        for strategy, share in charged.shares.items():
            booking = fee_booking(charged, share)
            if not self.ledgers.folded(strategy, charged.fee.symbol, booking):
                self.ledgers.put(strategy, charged.fee.symbol, booking)
        self.charges.put(charged)

    def shares_of(self, fee: AccountFee) -> Mapping[str, Decimal]:
        """Who pays how much of a fee, as far as can be known now."""
        ticket = self.tickets.by_order_id(fee.order_id)
        if ticket is not None:
            return {ticket.strategy: fee.amount}
        return share_fee(fee, self.tickets, lambda symbol: self.ledgers.position(UNCLAIMED, symbol).multiplier)

    def take_out(self, ticket: Ticket) -> tuple[Carried, ...]:
        """Undo `put`."""
        reopened = self._book_all(ticket, -1)
        self.tickets.take_out(ticket.client_order_id)
        self._forget(ticket)
        return self._carried(reopened)

    def set_aside(self, ticket: Ticket, fill: Fill) -> bool:
        """Keep an execution out of the books that is in them under another id. False: it is another one."""
        others = self.aside.get(ticket.client_order_id, {})
        if fill.execution_id in others:
            return True
        if is_named_again(ticket, fill, others.values()):
            self.aside.setdefault(ticket.client_order_id, {})[fill.execution_id] = fill
            return True
        return False

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
        for charged in self.charges.forget(newest - FEES_REMEMBERED_NS):
            for strategy in charged.shares:
                line = (strategy, charged.fee.symbol)
                upto[line] = max(upto.get(line, 0), charged.at_ns)
        for (strategy, symbol), upto_ns in upto.items():
            self.ledgers.fold(strategy, symbol, upto_ns)
        return self._carried(upto)

    def _book_fee(self, charged: Charged, sign: int) -> list[Key]:
        symbol = charged.fee.symbol
        moved = [self._move(name, symbol, fee_booking(charged, share), sign) for name, share in charged.shares.items()]
        return [line for line in moved if line is not None]

    def _carried(self, lines: Iterable[Key]) -> tuple[Carried, ...]:
        return tuple(self.ledgers.carried(strategy, symbol) for strategy, symbol in dict.fromkeys(lines))

    def _book(self, before: Ticket, after: Ticket) -> list[Key]:
        """Book the difference between two states of one ticket."""
        symbol = symbol_of(after)
        if (before.strategy, symbol_of(before)) != (after.strategy, symbol):
            return self._book_all(before, -1) + self._book_all(after, 1)
        known = {fill.execution_id: fill for fill in before.fills}
        same = {fill.execution_id for fill in after.fills if known.get(fill.execution_id) is fill}
        old, new = bookings_of(before, same), bookings_of(after, same)  # an order may have hundreds
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
        self.aside.pop(name, None)
        self.unpaid.get(symbol_of(ticket), {}).pop(name, None)
