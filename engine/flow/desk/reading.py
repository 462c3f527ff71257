"""Reading the broker's books whole: every page, every leg, every order of ours that is not listed; or nothing."""

from collections.abc import Mapping, Sequence
from typing import Final

import trio
from attrs import define, evolve, field

from engine.errors import BrokerUnavailable, MarkUnknown
from engine.flow.desk.record import Record
from engine.flow.desk.tuning import DeskTuning
from engine.model.account import Account, AccountFee, HeldPosition
from engine.model.entry import Heard
from engine.model.instant import NS_PER_S, render_instant
from engine.model.intent import Outcome, Snapshot, Ticket
from engine.model.order import ZERO, Fill, Order
from engine.ports.broker import Broker
from engine.ports.venue import Clock

ACTIVITIES: Final = "activities"
"""The source of executions that REST lists; how far it was read is kept under this name."""
FEES: Final = "fees"
"""The source of fees that REST lists; from when on they count is kept under this name."""


@define(eq=False, kw_only=True)
class Reading:
    """Makes a `Snapshot`. ``known`` is how far a former run had read; ``since_ns`` is where reading begins without it.

    ``mark`` is how far the executions were read; ``fees_since_ns`` is when these books began: what the account was
    charged before is none of theirs.
    """

    broker: Broker
    record: Record
    clock: Clock
    tuning: DeskTuning
    known: Mapping[str, str]
    since_ns: int
    mark: str = field(init=False)
    fees_since_ns: int = field(init=False)
    _fees_mark: str = field(default="", init=False)
    _fees_s: float = field(default=float("-inf"), init=False)
    _late_fees_s: float = field(default=float("-inf"), init=False)
    """When fees were read last, and when they were read with those that came late."""

    def __attrs_post_init__(self) -> None:
        self.mark = self.known.get(ACTIVITIES, "")
        self.fees_since_ns = int(self.known.get(FEES, self.since_ns))

    def heard(self) -> tuple[Heard, ...]:
        """What a later run has to know of how far this one has read."""
        return Heard(source=ACTIVITIES, mark=self.mark), Heard(source=FEES, mark=str(self.fees_since_ns))

    async def read(self, *, again: bool = False) -> Snapshot:
        """All of it; ``again``: the executions of the last hour too that were read before.

        Raises `BrokerUnavailable`; then nothing was learnt, and ``mark`` is where it was.
        """
        asked_ns = self.clock.now_ns()
        positions, strange = await self.broker.positions(), ""
        ended: dict[str, tuple[Order, ...]] = {}
        for _ in range(self.tuning.readings_max):
            before = positions
            orders, absent = await self._read_orders(ended)
            fills, mark = await self._read_fills(orders, again=again)
            orders = (*orders, *await self._read_filled(orders, fills))
            account = await self.broker.account()
            positions = await self.broker.positions()
            strange = _strange(before, positions, account)
            if not strange:
                break
        else:
            raise BrokerUnavailable(strange)
        self.mark = mark
        return Snapshot(
            asked_ns=asked_ns,
            told_ns=self.clock.now_ns(),
            orders=orders,
            absent=absent,
            fills=fills,
            positions=positions,
            account=account,
        )

    # -- orders

    async def _read_orders(self, ended: dict[str, tuple[Order, ...]]) -> tuple[tuple[Order, ...], frozenset[str]]:
        """Every open order and how those of ours stand that are not listed; the client ids of what is not there.

        ``ended`` are answers of this round that cannot change any more: an outage leaves hundreds, each a request.
        """
        listed = await self.broker.open_orders()
        found = {order.id: order for order in listed}
        ours = {order.client_order_id for order in listed}
        absent: list[str] = []
        for ticket in self.record.blotter.open_tickets():
            if ticket.client_order_id in ours or (ticket.order is not None and ticket.order.id in found):
                continue
            told = ended.get(ticket.client_order_id) or await self._ask(ticket)
            if told and not any(order.open or order.replaced_by for order in told):
                ended[ticket.client_order_id] = told
            if not told and ticket.order is not None:
                absent.append(ticket.client_order_id)
            _refuse_lie(listed, ticket, told)
            found |= {order.id: order for order in told}
        for order_id in self.record.blotter.unknown_orders():
            if order_id not in found:
                found |= {order.id: order for order in await self.broker.order(order_id)}
        for order in tuple(found.values()):
            if order.replaced_by and order.replaced_by not in found:
                found |= {each.id: each for each in await self.broker.order(order.replaced_by)}
        return tuple(found.values()), frozenset(absent)

    async def _ask(self, ticket: Ticket) -> tuple[Order, ...]:
        """How one order stands. Whether one that was never told of is absent is for the resolver, who knows when it was
        sent."""
        if ticket.order is not None:
            return await self.broker.order(ticket.order.id)
        if ticket.outcome is Outcome.UNKNOWN:
            return await self.broker.order_of(ticket.client_order_id)
        return ()  # noqa: ASYNC910 - an intent that is not sent yet; the questions before and behind it wait

    # -- executions

    async def _read_fills(self, orders: Sequence[Order], *, again: bool) -> tuple[tuple[Fill, ...], str]:
        """Executions behind the mark, or further back where an order has more filled than executions are known.

        Also one that has ended: what a former run died of, hours ago, was perhaps its fill.
        """
        mark, since_ns = self.mark, self.since_ns
        overlap_ns = int(self.tuning.fills_overlap_s * NS_PER_S)
        ended = [ticket.order for ticket in self.record.blotter.unmatched() if ticket.order is not None]
        back = [order.created_ns - overlap_ns for order in (*orders, *ended) if self._lacks(order)]
        if again:
            back.append(self.clock.now_ns() - int(self.tuning.fills_again_s * NS_PER_S))
        if back:
            mark, since_ns = "", min(back)
        fills: list[Fill] = []
        for _ in range(self.tuning.pages_max):
            try:
                page = await self.broker.fills_behind(mark, since_ns)
            except MarkUnknown as unknown:
                if mark != self.mark:
                    raise
                self._forget_mark(unknown)
                mark = ""
                continue
            fills.extend(page.fills)
            mark = page.mark or mark
            if not page.more:
                return tuple(fills), max(mark, self.mark) if back else mark  # noqa: ASYNC910 - a question was asked
        raise BrokerUnavailable(f"{self.tuning.pages_max} pages of executions, and still more; they are read later.")

    def _forget_mark(self, unknown: MarkUnknown) -> None:
        """What was read before is not the venue's list any more: it is read from the beginning of this run."""
        self.mark = ""
        self.record.report(
            f"The broker does not know how far its executions were read before; was the account reset? They are read "
            f"from {render_instant(self.since_ns)} on. {unknown}"
        )

    async def read_fees(self) -> tuple[AccountFee, ...]:
        """Fees behind the last reading, if something was filled since; now and then all of the last days' again.

        Raises `BrokerUnavailable`; then nothing was learnt, and they are read next time. Read executions first.
        """
        await trio.lowlevel.checkpoint()
        now_s, late = trio.current_time(), False
        if now_s - self._late_fees_s >= self.tuning.fees_every_s:
            late = True
        elif self.record.moved_s < self._fees_s - self.tuning.fence_s:
            return ()
        mark = "" if late else self._fees_mark
        since_ns = max(self.fees_since_ns, self.clock.now_ns() - int(self.tuning.fees_late_s * NS_PER_S))
        fees: list[AccountFee] = []
        for _ in range(self.tuning.pages_max):
            try:
                page = await self.broker.fees_behind(mark, since_ns)
            except MarkUnknown:
                self._late_fees_s = float("-inf")  # without a mark next time
                raise
            fees.extend(page.fees)
            mark = page.mark
            if not page.more:
                self._fees_mark, self._fees_s = mark, now_s
                self._late_fees_s = now_s if late else self._late_fees_s
                return tuple(fees)
        raise BrokerUnavailable(f"{self.tuning.pages_max} pages of fees, and still more; they are read later.")

    async def _read_filled(self, orders: Sequence[Order], fills: Sequence[Fill]) -> tuple[Order, ...]:
        """How the orders stand that executions were listed of and that say less: they may have ended before that."""
        await trio.lowlevel.checkpoint()
        read, found = {order.id for order in orders}, list[Order]()
        for order_id in dict.fromkeys(fill.order_id for fill in fills):
            ticket = self.record.blotter.by_order_id(order_id)
            known = () if ticket is None else ticket.fills
            every = {fill.execution_id: fill.qty for fill in (*known, *fills) if fill.order_id == order_id}
            order = None if ticket is None else ticket.order
            if order_id not in read and (order is None or sum(every.values(), ZERO) > order.filled_qty):
                found.extend(await self.broker.order(order_id))
        return tuple(found)

    def _lacks(self, order: Order) -> bool:
        if not order.symbol:
            return False  # a multi-leg order's executions are those of its legs
        ticket = self.record.blotter.by_order_id(order.id)
        known = sum((fill.qty for fill in ticket.fills), ZERO) if ticket is not None else ZERO
        return order.filled_qty > known


def _strange(before: Sequence[HeldPosition], positions: Sequence[HeldPosition], account: Account) -> str:
    """Why these answers are not of one moment, or not true; empty when they can be."""
    if _quantities(before) != _quantities(positions):
        return "The positions moved each time that they were read; they are read again later."
    if positions or not (account.long_market_value or account.short_market_value):
        return ""
    worth = account.long_market_value - account.short_market_value
    return f"The broker lists no positions, and says that some are worth {worth} dollars; that is no answer."


def _quantities(positions: Sequence[HeldPosition]) -> list[HeldPosition]:
    """Positions without what the market moves."""
    return [evolve(position, price=ZERO) for position in positions]


def _refuse_lie(listed: Sequence[Order], ticket: Ticket, told: Sequence[Order]) -> None:
    """An empty list of open orders while one of ours is open is a broken answer and no news."""
    if not listed and any(order.open for order in told) and ticket.order is not None:
        raise BrokerUnavailable(
            f"The broker lists no open orders, and says that {ticket.client_order_id} is open; that is no answer."
        )
