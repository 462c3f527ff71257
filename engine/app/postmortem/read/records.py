"""The records of a session, read once: what happened to lines and strategies, and orders where no file tells them."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from attrs import define, field

from engine.codec.entries import parse_entry
from engine.codec.journal import parse_control
from engine.flow.journal.values import parse
from engine.model.control import ControlEvent
from engine.model.entry import Intended, Stood
from engine.model.intent import Outcome, Ticket
from engine.model.journal import (
    DECISIVE,
    Answered,
    Asked,
    Began,
    Cut,
    Ended,
    JournalRecord,
    Kept,
    Noted,
    Read,
    Said,
    Took,
    Went,
    Woke,
)
from engine.ports import LiveOrder
from engine.store.session import RecordedSession, read_orders
from engine.store.session.orders import NAME, PART

CONTROLS_MAX: Final = 50_000
"""Control events that are kept: a cut a minute for a month, with what follows it. More are counted."""
RUNS_MAX: Final = 10_000
"""Runs of strategies that are kept, the first ones: a restart a minute for a week."""
_PASSED_OVER: Final = frozenset({Answered, Cut, Said, Took, Went, Woke})
ORDER: Final = "order:"
"""Begins what a `Read` of an order is about."""


@define
class RunOf:
    """One run of a strategy, market time; ``ended_ns`` is ``None`` where its end is not in the journal."""

    strategy: str
    number: int
    started_ns: int
    ended_ns: int | None = None
    how: str = ""
    error: str = ""


@define(eq=False)
class Journal:
    """What the records of a session say."""

    controls: list[ControlEvent] = field(factory=list)
    controls_more: int = 0
    """How many were not kept."""
    runs: list[RunOf] = field(factory=list)
    decisions: Counter[str] = field(factory=Counter)
    """By strategy."""
    last_ns: int = 0
    tickets: dict[str, Ticket] = field(factory=dict)
    """Orders as they were seen last, by client order id."""

    def take(self, record: JournalRecord) -> None:
        """Take one record. What it tells of values that are not understood is passed over."""
        self.last_ns = max(self.last_ns, record.at_ns)
        if type(record) in _PASSED_OVER:  # most of them, and there are as many as market events
            return
        if isinstance(record, Asked):
            self.decisions[record.strategy] += record.verb in DECISIVE
        elif isinstance(record, Read):
            if record.what.startswith(ORDER) and record.value[:1] == "{":
                self._take_order(record.value)
        elif isinstance(record, Kept):
            self._take_entry(record.entry)
        elif isinstance(record, Noted):
            self._take_control(record.event)
        elif isinstance(record, Began):
            if len(self.runs) < RUNS_MAX:
                self.runs.append(RunOf(record.strategy, record.run, record.at_ns))
        elif isinstance(record, Ended):
            self._end(record)

    def _take_control(self, text: str) -> None:
        if len(self.controls) >= CONTROLS_MAX:
            self.controls_more += 1
            return
        try:
            self.controls.append(parse_control(text))
        except ValueError:  # of a newer gapless
            self.controls_more += 1

    def _take_order(self, text: str) -> None:
        try:
            ticket = parse(text, _no_order)
        except (ValueError, KeyError, TypeError):
            return
        if isinstance(ticket, Ticket):
            self.tickets[ticket.client_order_id] = ticket

    def _take_entry(self, text: str) -> None:
        try:
            entry = parse_entry(text)
        except ValueError:
            return
        if isinstance(entry, Stood):
            self.tickets[entry.ticket.client_order_id] = entry.ticket
        elif isinstance(entry, Intended):
            intent = entry.intent
            self.tickets.setdefault(
                intent.client_order_id,
                Ticket(
                    client_order_id=intent.client_order_id,
                    strategy=intent.strategy,
                    intent=intent,
                    outcome=Outcome.INTENDED,
                ),
            )

    def _end(self, record: Ended) -> None:
        for run in reversed(self.runs):
            if run.strategy == record.strategy and run.ended_ns is None:
                run.ended_ns, run.how, run.error = record.at_ns, record.how, record.error
                return


def _no_order(name: str) -> LiveOrder:
    raise ValueError(f"{name} is a handle and no order")


def read_journal(records: Iterable[JournalRecord]) -> Journal:
    """Read the records of a session. Raises `StoreFailed` where they are damaged."""
    journal = Journal()
    for record in records:
        journal.take(record)
    return journal


def read_tickets(session: RecordedSession, journal: Journal) -> tuple[tuple[Ticket, ...], str]:
    """The orders of a session, and where they are from: ``orders`` (their own file, of its end or, where it has none,
    of some seconds before), ``journal``, or nothing."""
    tickets = tuple(read_orders(session.folder))
    if tickets or (session.folder / NAME).exists():
        return tickets, "orders"
    if journal.tickets:
        return tuple(journal.tickets.values()), "journal"
    return (), "orders" if (session.folder / PART).exists() else ""
