"""One telling: orders and executions go in, the books change, and what came of it is collected.

Replies, the stream, its replay, lists and snapshots all come through the same two methods, `take_order` and
`take_fill`; there is no second way to change a ticket by what the venue said. Nothing raises, whatever is told: what
cannot be is a doubt, and a doubt is a reason to compare books.
"""

from collections.abc import Iterable
from decimal import Decimal, localcontext

from attrs import define, evolve, field

from engine.core.blotter.books import Books
from engine.core.blotter.executions import conflict, mismatch, symbol_of, with_fees, with_fill
from engine.core.blotter.foreign import by_whom
from engine.core.blotter.joining import contradictions, join, overfill
from engine.core.blotter.subledgers import UNCLAIMED
from engine.core.blotter.taken import Taken
from engine.core.blotter.tickets import order_id_of
from engine.core.matching.money.holding import EXACT
from engine.model.account import AccountFee
from engine.model.entry import Adjusted, Carried, Charged, Entry, Stood
from engine.model.intent import Outcome, Ticket
from engine.model.order import ZERO, Fill, Order, OrderClass


@define
class Telling:
    """What is told at once, and what it changed."""

    books: Books
    _changed: dict[str, Ticket] = field(factory=dict)
    _booked: list[tuple[str, Fill]] = field(factory=list)
    _adjusted: list[Adjusted] = field(factory=list)
    _charged: dict[str, Charged] = field(factory=dict)
    _carried: dict[tuple[str, str], Carried] = field(factory=dict)
    _doubts: list[str] = field(factory=list)
    _reports: list[str] = field(factory=list)
    _alarms: list[str] = field(factory=list)
    _moved: set[str] = field(factory=set)
    """Executions that went from one ticket to another, and whose owner was known before."""

    def doubt(self, sentence: str) -> None:
        """Something does not fit together."""
        self._doubts.append(sentence)

    def report(self, sentence: str) -> None:
        """A person should know."""
        self._reports.append(sentence)

    def put(self, ticket: Ticket) -> None:
        """An order stands otherwise than it did. Nothing happens if it does not."""
        before = self.books.tickets.get(ticket.client_order_id)
        if before == ticket:
            return
        self._reopen(self.books.put(ticket))
        self.books.fence.touch(ticket.client_order_id, symbol_of(ticket))
        self._changed[ticket.client_order_id] = ticket
        for charged in self.books.charges.of_order(order_id_of(ticket)):  # a fee may be told before its order is
            self._book_fee(evolve(charged, shares={ticket.strategy: charged.fee.amount}))
        if ticket.strategy != UNCLAIMED:
            known = before.fills if before is not None and before.strategy != UNCLAIMED else ()
            told = self._moved.union(fill.execution_id for fill in known)
            for fill in ticket.fills:
                if fill.execution_id not in told:
                    self._booked.append((ticket.strategy, fill))
                    self._explain(ticket.strategy, fill)

    def take_order(self, order: Order, *, settled: bool = False) -> None:
        """An order as somebody told it. ``settled``: nothing can have happened to it since."""
        if self.books.is_forgotten(order.id) and not order.open:
            return
        ticket = self._ticket_of(order)
        if ticket.order is not None:
            for sentence in contradictions(ticket.order, order):
                self.doubt(sentence)
        if ticket.outcome in (Outcome.REFUSED, Outcome.ABSENT, Outcome.DROPPED):
            self.doubt(f"order {ticket.client_order_id} was {ticket.outcome} ({ticket.reason}), and the venue has it")
            self._alarms.append(undead(ticket, order))
        joined = order if ticket.order is None else join(ticket.order, order, settled=settled)
        if joined != ticket.order:
            for sentence in overfill(joined):
                self.doubt(sentence)
        self.put(evolve(ticket, outcome=Outcome.TAKEN, reason="", order=joined))
        self._pass_on(joined)

    def take_fill(self, fill: Fill, *, of_leg: bool = False) -> bool:
        """An execution as somebody told it; whether it was news. The fill of a multi-leg order as a whole is none.

        ``of_leg``: how its order stands is told behind it.
        """
        if not fill.symbol or self.books.is_forgotten(fill.execution_id):
            return False
        ticket = self.books.tickets.by_order_id(fill.order_id)
        if ticket is None:
            self.doubt(
                f"execution {fill.execution_id} ({fill.side} {fill.qty} {fill.symbol}) is of order {fill.order_id}, "
                "which nobody told of"
            )
            owner = self.books.tickets.owner(fill.order_id)
            ticket = Ticket(client_order_id=fill.order_id, strategy=owner, intent=None, outcome=Outcome.TAKEN)
        if ticket.order is not None and ticket.order.order_class is OrderClass.MLEG and not ticket.order.symbol:
            return False
        if sentence := conflict(ticket, fill):
            self.doubt(sentence)
        if not of_leg and self.books.set_aside(ticket, fill):
            return False
        after = with_fill(ticket, fill)
        self.put(after)
        return len(after.fills) > len(ticket.fills)

    def charge(self, ticket: Ticket, fees: dict[str, Decimal], coin: str) -> None:
        """Executions of an order turned out to have cost coins, by execution id."""
        self.put(with_fees(ticket, fees, coin))

    def take_fee(self, fee: AccountFee, now_ns: int) -> None:
        """A fee as the account's activities list it; each once."""
        if self.books.charges.get(fee.id) is None:
            self._book_fee(Charged(fee=fee, shares=self.books.shares_of(fee), at_ns=now_ns))

    def adjust(self, adjusted: Adjusted) -> None:
        """Book a difference that no order explains; each once."""
        if self.books.ledgers.adjust(adjusted):
            self._adjusted.append(adjusted)
            self.books.fence.touch("", adjusted.symbol)

    def carry(self, gone: list[Ticket]) -> None:
        """Forget orders."""
        self._reopen(self.books.carry(gone))

    def close(self) -> Taken:
        """All that came of it."""
        tickets = self.books.tickets
        for name in [name for name in self._changed if name in self.books.aside]:
            for fill in self.books.aside.pop(name).values():  # the order may have room for it now: then it is another
                self.take_fill(fill)
        for name, ticket in self._changed.items():
            if name in self.books.unmatched and tickets.get(name) == ticket:
                self.doubt(unmatched(ticket))
        for symbol in sorted({symbol_of(ticket) for ticket in self._changed.values()} - {""}):
            if against := self.books.ledgers.opposed(symbol):
                self.doubt(f"{symbol}: {against} that strategies hold are no longer there: others traded against them")
        entries: list[Entry] = [Stood(ticket=ticket) for ticket in self._changed.values()]
        return Taken(
            changed=tuple(ticket for name, ticket in self._changed.items() if tickets.get(name) is not None),
            entries=(*entries, *self._adjusted, *self._charged.values(), *self._carried.values()),
            booked=tuple(self._booked),
            doubts=tuple(dict.fromkeys(self._doubts)),
            reports=tuple(self._reports),
            alarms=tuple(self._alarms),
        )

    def _book_fee(self, charged: Charged) -> None:
        if self.books.charges.get(charged.fee.id) != charged:
            self._reopen(self.books.charge(charged))
            self._charged[charged.fee.id] = charged

    def _reopen(self, lines: Iterable[Carried]) -> None:
        for carried in lines:
            self._carried[carried.strategy, carried.position.symbol] = carried

    def _ticket_of(self, order: Order) -> Ticket:
        """The ticket that an order belongs to: the one that it has, ours that it was sent as, or a new one."""
        tickets = self.books.tickets
        known = tickets.by_order_id(order.id)
        if known is not None and known.order is not None:
            return known
        name = order.client_order_id or order.id
        ticket = tickets.get(name)
        if ticket is not None and ticket.order is not None:
            self.doubt(f"orders {ticket.order.id} and {order.id} have the same client order id {name}")
            ticket = tickets.get(order.id) or evolve(ticket, client_order_id=order.id, order=None, fills=())
        if ticket is None:
            tickets.link(order)
            ticket = Ticket(client_order_id=name, strategy=tickets.owner(order.id), intent=None, outcome=Outcome.TAKEN)
            if not ticket.strategy and order.open and not (order.parent_id or order.replaces):
                self.report(
                    f"Order {order.id} ({order.side or 'multi-leg'} {order.symbol}) was placed by {by_whom(name)}; "
                    "it is left alone."
                )
        if known is not None and known.client_order_id != ticket.client_order_id:
            self._move_fills(known)
            ticket = evolve(ticket, fills=known.fills)
        return ticket

    def _move_fills(self, orphan: Ticket) -> None:
        """Executions of an order that was not known are its own from now on: their ticket ends with nothing in it."""
        self._reopen(self.books.take_out(orphan))
        if orphan.strategy != UNCLAIMED:
            self._moved.update(fill.execution_id for fill in orphan.fills)
        self._changed[orphan.client_order_id] = evolve(orphan, fills=())

    def _pass_on(self, order: Order) -> None:
        """Whoever owns an order owns what comes from it, also where that was told of before."""
        tickets = self.books.tickets
        ticket = tickets.by_order_id(order.id)
        owner = (ticket.strategy if ticket is not None else UNCLAIMED) or tickets.owner(order.id)
        if owner == UNCLAIMED:
            return
        if ticket is not None and ticket.strategy == UNCLAIMED:
            self.put(evolve(ticket, strategy=owner))
        for orphan in tuple(tickets.orphans(order.id)):
            self.put(evolve(orphan, strategy=owner))

    def _explain(self, strategy: str, fill: Fill) -> None:
        """Take back an adjustment that only stood for an execution of ours that was not known: it was before it."""
        for adjusted in self.books.ledgers.returns(fill.execution_id, strategy):
            self.adjust(adjusted)
        anticipated = self.books.ledgers.unexplained(strategy, fill.symbol, fill.ts_ns)
        with localcontext(EXACT):
            net = sum((adjusted.qty for adjusted in anticipated), ZERO)
        if net * fill.side.sign > 0:
            last = anticipated[-1]
            self.adjust(
                evolve(
                    last,
                    id=f"{last.id}/{fill.execution_id}",
                    qty=-fill.side.sign * min(abs(net), fill.qty),
                    why=f"Execution {fill.execution_id} explains what {strategy} was adjusted for.",
                )
            )


def undead(ticket: Ticket, order: Order) -> str:
    """A sentence about an order that was given up, and that the venue has."""
    size = order.qty if order.qty is not None else f"{order.notional} dollars of"
    now = f"It is {order.status}, {order.filled_qty} of it filled, and counts as {ticket.strategy}'s again"
    return (
        f"{ticket.strategy} was told that its order {ticket.client_order_id} ({order.side or 'multi-leg'} {size} "
        f"{order.symbol}) is {ticket.outcome}, and the venue has it after all. {now}"
        f"{'; cancel it if it is not wanted any more' if order.open else ''}."
    )


def unmatched(ticket: Ticket) -> str:
    """A sentence about an order and its executions."""
    missing = mismatch(ticket)
    order_id = ticket.order.id if ticket.order is not None else ""
    name = f"order {order_id} ({symbol_of(ticket)})"
    if missing > 0:
        return f"{name}: executions of {missing} are not known yet"
    return f"{name}: its executions are {-missing} more than it says is filled"
