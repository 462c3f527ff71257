"""What the strategies hold, as far as it can be known beside an engine that hangs.

The order file holds every order that was sent and was current when the engine last wrote it. What happened since, the
broker tells: so the books are made of the file and then brought up to date exactly as the engine would do it, with
the same reducer. Nothing is written: the engine does that itself when it runs again.

Each look begins anew with the file and asks the broker for everything again, but for what is over: whatever a former
look saw wrong, because something happened between two answers, is not in the next one's books.
"""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import trio
from attrs import define, field, frozen

from engine.app.kill.own import claim, named_by
from engine.core.blotter import Blotter
from engine.core.ids import safe_name
from engine.errors import BrokerUnavailable, Misconfigured
from engine.flow.flatten.broker_hands import every_order, within
from engine.model.entry import Remembered
from engine.model.intent import Snapshot, Ticket
from engine.model.order import ZERO, Fill, Order
from engine.ports import Broker, Clock
from engine.store import read_store

ASKS_AT_ONCE: Final = 8
"""Questions about single orders at once: fifty are answered within a second or two."""
PAGES_MAX: Final = 20
"""Of a hundred executions: more than happen while an engine hangs unnoticed."""
ROUNDS_MAX: Final = 3
"""A comparison that leaves a doubt is made again; two rounds are enough for any, by the blotter's own law."""
LOOK_BACK_NS: Final = 24 * 3600 * 10**9
"""Executions are read for a day back where the file does not say from where on."""
Question: TypeAlias = Callable[[], Awaitable[tuple[Order, ...]]]
Part: TypeAlias = tuple[str, Decimal | None]
"""Whose, and how much of it is to be closed: negative when short, ``None`` all that the account has."""


@frozen(kw_only=True)
class Holdings:
    """What is to go: one look. ``held`` is what there is of each symbol, negative when short, and 0 where there is
    nothing but orders. ``parts`` is whose that is, ``working`` which orders are open, and ``concerns`` says of any
    order whether it is to be canceled."""

    held: Mapping[str, Decimal]
    parts: Mapping[str, tuple[Part, ...]]
    working: tuple[Order, ...]
    concerns: Callable[[Order], bool] = field(eq=False)

    def orders(self, symbol: str) -> int:
        """How many orders of a symbol are open."""
        return sum(order.symbol == symbol for order in self.working)

    def same(self, other: "Holdings") -> bool:
        """Whether two looks saw the same held and the same orders open."""
        ids, others = ({order.id for order in look.working} for look in (self, other))
        left, others_left = ({name: qty for name, qty in look.held.items() if qty} for look in (self, other))
        return ids == others and left == others_left


async def read_account(broker: Broker) -> Holdings:
    """Everything on the account. Raises `BrokerUnavailable`."""
    orders = await broker.open_orders()
    held = dict.fromkeys((order.symbol for order in orders if order.symbol), ZERO)
    held |= {position.symbol: position.qty for position in await broker.positions()}
    parts: dict[str, tuple[Part, ...]] = dict.fromkeys(held, (("", None),))
    return Holdings(held=dict(sorted(held.items())), parts=parts, working=orders, concerns=every_order)


@define(eq=False, kw_only=True)
class Survey:
    """Looks at what ``strategies`` hold, all of the file's where none is named; as often as is wanted."""

    folder: Path
    broker: Broker
    clock: Clock
    strategies: tuple[str, ...] = ()
    _over: dict[str, tuple[Order, ...]] = field(factory=dict)
    """By id: orders that were asked for and are over. They are not asked for again, for a look costs enough of the
    account's budget of requests; and if one of them fills all the same, its executions tell."""

    async def look(self) -> Holdings:
        """Read the file and the broker's books. Raises `Misconfigured` (no file, no such strategy), `StoreFailed` and
        `BrokerUnavailable`."""
        remembered = read_store(self.folder)  # it blocks, and this process has nothing else to do meanwhile
        snapshot = await self._ask(Blotter.restore(remembered), remembered)
        known = sorted(set(Blotter.restore(remembered).strategies()) - {""})
        blotter = Blotter.restore(claim(remembered, snapshot.orders, known))
        for _ in range(ROUNDS_MAX):
            if not blotter.take_snapshot(snapshot, blotter.mark()).doubts:
                break
        for name in self.strategies:
            if name not in known:
                there = ", ".join(known) or "none"
                raise Misconfigured(f"The order file in {self.folder} knows no strategy {name!r}; there are: {there}.")
        return _holdings(blotter, snapshot, self.strategies or tuple(known))

    async def _ask(self, blotter: Blotter, remembered: Remembered) -> Snapshot:
        """Ask the broker for all that a round of reconciliation asks for; orders before positions."""
        asked_ns = self.clock.now_ns()
        orders = {order.id: order for order in await self.broker.open_orders()}
        unlisted = {
            ticket.client_order_id: ticket
            for ticket in blotter.open_tickets()
            if ticket.strategy and (ticket.order is None or ticket.order.id not in orders)
        }
        found = await self._ask_each({name: self._question(ticket) for name, ticket in unlisted.items()})
        absent = frozenset(name for name, ticket in unlisted.items() if ticket.intent is not None and not found[name])
        fills = await self._read_fills(remembered.heard.get("activities", ""), asked_ns - LOOK_BACK_NS)
        strange = [fill.order_id for fill in fills if fill.order_id not in orders and _strange(blotter, fill)]
        found |= await self._ask_each({order_id: partial(self.broker.order, order_id) for order_id in strange})
        orders |= {order.id: order for several in found.values() for order in several}
        return Snapshot(
            asked_ns=asked_ns,
            told_ns=self.clock.now_ns(),
            orders=tuple(orders.values()),
            absent=absent,
            fills=fills,
            positions=await self.broker.positions(),
        )

    def _question(self, ticket: Ticket) -> Question:
        """By the venue's id where it gave one, and by ours where nobody has heard of the order."""
        if ticket.order is not None:
            return partial(self.broker.order, ticket.order.id)
        return partial(self.broker.order_of, ticket.client_order_id)

    async def _ask_each(self, questions: Mapping[str, Question]) -> dict[str, tuple[Order, ...]]:
        """The answers by the same names."""
        limiter = trio.CapacityLimiter(ASKS_AT_ONCE)
        found = {name: self._over[name] for name in questions if name in self._over}
        failures: list[BrokerUnavailable] = []

        async def ask(name: str, question: Question) -> None:
            try:
                async with limiter:
                    found[name] = await question()
            except BrokerUnavailable as error:
                failures.append(error)
                return
            if found[name] and not any(order.open for order in found[name]):
                self._over[name] = found[name]

        async with trio.open_nursery() as nursery:
            for name, question in questions.items():
                if name not in found:
                    nursery.start_soon(ask, name, question)
        if failures:
            raise failures[0]
        return found

    async def _read_fills(self, mark: str, since_ns: int) -> tuple[Fill, ...]:
        fills: list[Fill] = []
        for _ in range(PAGES_MAX):
            page = await self.broker.fills_behind(mark, since_ns)
            fills.extend(page.fills)
            mark = page.mark
            if not page.more:
                break
        return tuple(fills)


def _strange(blotter: Blotter, fill: Fill) -> bool:
    """Whether only executions were told of an order: it may be one of those that closed."""
    ticket = blotter.by_order_id(fill.order_id)
    return ticket is None or (ticket.order is None and not ticket.strategy)


def _holdings(blotter: Blotter, snapshot: Snapshot, mine: tuple[str, ...]) -> Holdings:
    concerns = _concerns(blotter, mine)
    working = tuple(order for order in snapshot.orders if order.open and concerns(order))
    account = {position.symbol: position.qty for position in snapshot.positions}
    shares: dict[str, dict[str, Decimal]] = {order.symbol: {} for order in working if order.symbol}
    for name in mine:
        for symbol, position in blotter.positions(name).items():
            shares.setdefault(symbol, {})[name] = position.qty
    held = {symbol: within(sum(by.values(), ZERO), account.get(symbol, ZERO)) for symbol, by in sorted(shares.items())}
    parts = {symbol: _parts(qty, shares[symbol]) for symbol, qty in held.items()}
    return Holdings(held=held, parts=parts, working=working, concerns=concerns)


def _parts(qty: Decimal, by_strategy: Mapping[str, Decimal]) -> tuple[Part, ...]:
    """Who gives how much of ``qty``: those who hold that side, by name. What two hold against each other stays."""
    parts: list[Part] = []
    for name, share in by_strategy.items():
        if part := within(share, qty):
            parts.append((name, part))
            qty -= part
    return tuple(parts)


def _concerns(blotter: Blotter, strategies: tuple[str, ...]) -> Callable[[Order], bool]:
    """Whether an order is of one of these: by the books, and one that they do not know yet by its id."""
    names = {safe_name(name) for name in strategies}

    def concerns(order: Order) -> bool:
        ticket = blotter.by_order_id(order.id) or blotter.by_order_id(order.parent_id)
        if ticket is not None and ticket.strategy:
            return ticket.strategy in strategies
        return named_by(order.client_order_id) in names

    return concerns
