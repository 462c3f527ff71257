"""The blotter: one reducer for everything that is told of orders, by whatever road, and the answers drawn from it.

Fills get lost, doubled and overtaken; replies are late or never come; lists lag. So nothing here depends on the order
in which things are told, how often, or when: orders are joined (`joining`), executions are booked once by their id
(`executions`), positions are those of the executions (`line`), and a snapshot of the broker's books is compared in
rounds (`rounds`). What the blotter knows after all of it is the same in whatever order it came; property tests hold it
to that.

It decides and does nothing. Each method that takes something returns `Taken`: what to write down before going on, whom
to wake, and what to ask the broker again. `Blotter.restore` of what was written is the same blotter.

Three rules that everything else follows from:

- *The broker's word is never forgotten and never invented.* An order that was sent is ``unknown`` until the broker said
  something of it; no error and no silence ends one.
- *Whose an order is, is decided by what we wrote down before it was sent*, or by the order that it comes from. All else
  on the account belongs to nobody here (strategy ""), and is counted, told of and left alone.
- *After a comparison the sub-ledgers add up to the broker's positions*, always.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from attrs import define, evolve, field

from engine.core.blotter.books import Books, ended_ns
from engine.core.blotter.executions import bookings_of, symbol_of
from engine.core.blotter.fees import fee_booking
from engine.core.blotter.rounds import Rounds
from engine.core.blotter.subledgers import UNCLAIMED
from engine.core.blotter.taken import Taken
from engine.core.blotter.telling import Telling
from engine.core.blotter.updates import tell_update
from engine.core.blotter.working import working_of
from engine.core.calendar import NEW_YORK, instant_of
from engine.core.ids import render_client_order_id
from engine.model.account import AccountFee, Asset, StrategyPosition
from engine.model.entry import Charged, Intended, Remembered
from engine.model.intent import Intent, Outcome, Snapshot, Ticket
from engine.model.order import Fill, Order, OrderUpdate

ENDED_MAX: Final = 10_000
"""Ended orders that are remembered: some days of an active account, and all that an order scope can list."""
ENDED_SLACK: Final = 1_000
"""Forgotten at once when there are so many more, so that forgetting costs nothing per order."""


@define
class Blotter:
    """All tickets and sub-ledgers of one account. ``session`` names the run and is part of every id.

    Two blotters are equal when they would write the same.
    """

    session: str
    _next_seq: dict[str, int] = field(factory=dict)
    _books: Books = field(factory=Books)
    _rounds: Rounds = field(factory=Rounds, eq=False)

    @classmethod
    def restore(cls, remembered: Remembered) -> "Blotter":
        """The blotter as it was when the last entry was written. Orders that were on their way are unresolved again."""
        blotter = cls(remembered.session, dict(remembered.next_seq))
        books = blotter._books
        books.ledgers.restore(remembered.carried, remembered.adjustments)
        for intent in remembered.intents:
            books.restore(_ticket(intent))
        for ticket in remembered.tickets:
            if ticket.intent is not None or ticket.order is not None or ticket.fills:  # else its fills went elsewhere
                books.restore(ticket)
        for charged in remembered.charged:
            books.restore_charge(charged)
        return blotter

    def know(self, asset: Asset) -> None:
        """Learn what one contract of an asset stands for.

        Until then 100 is assumed for options and 1 for everything else, which is right but for contracts that were
        adjusted; after `restore` tell it again.
        """
        self._books.ledgers.know(asset.symbol, asset.multiplier)

    def next_id(self, strategy: str) -> tuple[str, int]:
        """The client order id of a strategy's next order, and its number. Each call gives another one."""
        seq = self._next_seq.get(strategy, 0)
        self._next_seq[strategy] = seq + 1
        return render_client_order_id(self.session, strategy, seq), seq

    def intend(self, intent: Intent) -> Taken:
        """An order is decided on. Raises `ValueError` if its id was used for another one."""
        known = self._books.tickets.get(intent.client_order_id)
        if known is not None and known.intent is not None:
            if known.intent != intent:
                raise ValueError(f"order {intent.client_order_id} was intended before, and otherwise")
            return Taken()
        ticket = _ticket(intent)
        self._books.put(ticket)
        self._books.fence.touch(intent.client_order_id, symbol_of(ticket))
        return Taken(changed=(ticket,), entries=(Intended(intent=intent),))

    def sent(self, client_order_id: str, now_ns: int) -> Taken:
        """Its first byte is about to leave: from now on only the broker can say whether it has it."""
        ticket = self._intended(client_order_id)
        outcome = ticket.outcome if ticket.outcome is Outcome.TAKEN else Outcome.UNKNOWN
        return self._put(evolve(ticket, outcome=outcome, sends=ticket.sends + 1, sent_ns=now_ns, reason=""))

    def refused(self, client_order_id: str, reason: str) -> Taken:
        """The venue said no, and has no such order."""
        return self._close(client_order_id, Outcome.REFUSED, reason)

    def absent(self, client_order_id: str, reason: str) -> Taken:
        """The venue was asked, does not have it, and it will not be sent any more."""
        return self._close(client_order_id, Outcome.ABSENT, reason)

    def dropped(self, client_order_id: str, reason: str) -> Taken:
        """It was never sent, and will not be."""
        return self._close(client_order_id, Outcome.DROPPED, reason)

    def take_orders(self, orders: Sequence[Order]) -> Taken:
        """Orders as a reply or a message told them."""
        telling = Telling(self._books)
        for order in orders:
            telling.take_order(order)
        return self._finish(telling)

    def take_update(self, update: OrderUpdate) -> Taken:
        """A message of the account stream, or of its replay."""
        telling = Telling(self._books)
        tell_update(telling, update)
        return self._finish(telling)

    def take_fills(self, fills: Sequence[Fill]) -> Taken:
        """Executions as the account's activities list them."""
        telling = Telling(self._books)
        for fill in fills:
            telling.take_fill(fill)
        return self._finish(telling)

    def take_fees(self, fees: Sequence[AccountFee], now_ns: int) -> Taken:
        """Fees in dollars as the account's activities list them, booked as of now, when they are told.

        Take the executions that are listed first: a fee that names no order of ours is shared by them (`fees`).
        """
        telling = Telling(self._books)
        for fee in fees:
            telling.take_fee(fee, now_ns)
        return self._finish(telling)

    def take_snapshot(self, snapshot: Snapshot, mark: int) -> Taken:
        """The broker's books, all of them; ``mark`` is what `mark` gave before the first question was asked.

        A position that is not in it is flat. Without doubts in what is returned the round has converged. Taking one
        again changes nothing; two rounds in which nothing happens are always enough.
        """
        telling = Telling(self._books)
        self._rounds.take(self._books, telling, snapshot, mark)
        return self._finish(telling)

    def mark(self) -> int:
        """A fence: what happens to orders and symbols from now on is not judged by a snapshot asked for behind it."""
        return self._books.fence.mark()

    def carry(self, upto_ns: int) -> Taken:
        """Forget the orders that ended by then and whose executions are all known: their sums become `Carried`.

        Of what is written, the entries of the orders that have no `ticket` any more can then be deleted, and the
        `Adjusted` up to ``upto_ns`` of each line that is `Carried`. A line's `Carried` holds every execution and
        adjustment up to its ``upto_ns``, also those of orders that stay.
        """
        telling = Telling(self._books)
        telling.carry([ticket for ticket in self._carriable() if ended_ns(ticket) <= upto_ns])
        return telling.close()

    def ticket(self, client_order_id: str) -> Ticket | None:
        """What is known of an order, by the id that it was sent with."""
        return self._books.tickets.get(client_order_id)

    def by_order_id(self, order_id: str) -> Ticket | None:
        """What is known of an order, by the venue's id."""
        return self._books.tickets.by_order_id(order_id)

    def tickets(self) -> Iterator[Ticket]:
        """Every remembered order: all open ones, and the newest of those that ended."""
        return iter(self._books.tickets)

    def open_tickets(self, strategy: str | None = None, symbol: str | None = None) -> tuple[Ticket, ...]:
        """Orders that something can still happen to, legs and held ones too, and those that nobody knows of.

        All of the account's with ``strategy`` ``None``; those of nobody here with "".
        """
        return tuple(
            ticket
            for ticket in self._books.tickets.open(symbol)
            if strategy in (None, ticket.strategy) and (symbol is None or symbol_of(ticket) == symbol)
        )

    @property
    def open_count(self) -> int:
        """How many `open_tickets` there are."""
        return self._books.tickets.open_count

    def unresolved(self) -> tuple[Ticket, ...]:
        """Orders of which nobody knows whether the venue has them."""
        return tuple(ticket for ticket in self._books.tickets.open() if ticket.outcome.open)

    def unknown_orders(self) -> tuple[str, ...]:
        """The venue's ids of orders that only executions were told of: ask for them by id."""
        return tuple(
            ticket.client_order_id
            for ticket in self._books.tickets.ended()
            if ticket.order is None and ticket.intent is None
        )

    def unmatched(self) -> tuple[Ticket, ...]:
        """Our orders whose known executions do not come to what they say is filled, ended ones too."""
        return tuple(ticket for name in self._books.unmatched if (ticket := self.ticket(name)) is not None)

    def position(self, strategy: str, symbol: str) -> StrategyPosition:
        """What a strategy holds of a symbol; flat if it never did."""
        return self._books.ledgers.position(strategy, symbol)

    def positions(self, strategy: str) -> Mapping[str, StrategyPosition]:
        """What a strategy holds, by symbol; what is flat is left out."""
        return self._books.ledgers.positions(strategy)

    def account_position(self, symbol: str) -> Decimal:
        """What the account holds of a symbol, as far as is known here."""
        return self._books.ledgers.account_qty(symbol)

    def strategies(self) -> tuple[str, ...]:
        """Every strategy that has or had orders or positions, by name; without "", which is none."""
        names = self._books.tickets.owners | self._books.ledgers.strategies()
        return tuple(sorted(names - {UNCLAIMED}))

    def fills_of(self, strategy: str) -> tuple[Fill, ...]:
        """The executions of a strategy's remembered orders, in the order in which they happened."""
        fills = (fill for ticket in self._books.tickets if ticket.strategy == strategy for fill in ticket.fills)
        return tuple(sorted(fills, key=lambda fill: (fill.ts_ns, fill.execution_id)))

    def charged(self) -> tuple[Charged, ...]:
        """The fees that are remembered, those of the last week at least, and who pays them."""
        return tuple(self._books.charges)

    def working(
        self, symbol: str, strategy: str | None = None, *, price: Decimal | None = None
    ) -> tuple[Decimal, Decimal]:
        """What may still be bought and sold: the unfilled quantity of open orders, unknown ones included.

        Of orders that exclude each other (the exits of a bracket, an order and its replacement) the larger counts.
        ``price`` makes a quantity of an order that is given in dollars; without one it is not counted.
        """
        return working_of(self._books.tickets, symbol, strategy, price)

    def profit(self, strategy: str | None, prices: Mapping[str, Decimal]) -> Decimal | None:
        """Dollars since `start_day`, or since the beginning: realized and unrealized, less fees.

        ``prices`` are those of what is held, by symbol. ``None`` for a strategy means all of them, without what is
        nobody's. ``None`` is returned when a price is missing that it takes, now or at the day's beginning.
        """
        return self._books.ledgers.profit(strategy, prices)

    def start_day(self, day: date, prices: Mapping[str, Decimal]) -> None:
        """Profit counts from midnight in New York of this day; ``prices`` are those of then, by symbol.

        What is already booked of the day stays counted, so it can be told at any time of the day, as after `restore`.
        """
        self._books.ledgers.start_day(instant_of(datetime.combine(day, time(), NEW_YORK)), prices)
        for ticket in self._books.tickets:
            for booking in bookings_of(ticket).values():
                self._books.ledgers.count(ticket.strategy, symbol_of(ticket), booking)
        for charged in self._books.charges:
            for strategy, share in charged.shares.items():
                self._books.ledgers.count(strategy, charged.fee.symbol, fee_booking(charged, share))

    def cash(self) -> Decimal:
        """The dollars that all executions brought (negative: cost), fees in dollars included. Adjustments move none."""
        return self._books.ledgers.cash()

    def _intended(self, client_order_id: str) -> Ticket:
        ticket = self._books.tickets.get(client_order_id)
        if ticket is None or ticket.intent is None:
            raise ValueError(f"order {client_order_id} was never intended here")
        return ticket

    def _close(self, client_order_id: str, outcome: Outcome, reason: str) -> Taken:
        """It ends without the venue; not if the venue has it after all."""
        ticket = self._intended(client_order_id)
        if ticket.outcome is Outcome.TAKEN:
            return Taken(doubts=(f"order {client_order_id} is {outcome} ({reason}), but the venue has told of it",))
        return self._put(evolve(ticket, outcome=outcome, reason=reason))

    def _put(self, ticket: Ticket) -> Taken:
        telling = Telling(self._books)
        telling.put(ticket)
        return self._finish(telling)

    def _finish(self, telling: Telling) -> Taken:
        excess = self._books.tickets.ended_count - ENDED_MAX
        if excess > ENDED_SLACK:
            telling.carry(list(self._carriable())[:excess])
        return telling.close()

    def _carriable(self) -> list[Ticket]:
        return [ticket for ticket in self._books.tickets.ended() if ticket.client_order_id not in self._books.unmatched]


def _ticket(intent: Intent) -> Ticket:
    return Ticket(
        client_order_id=intent.client_order_id, strategy=intent.strategy, intent=intent, outcome=Outcome.INTENDED
    )
