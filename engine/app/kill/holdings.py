"""What the strategies hold, as far as it can be known beside an engine that hangs.

The order file holds every order that was sent and was current when the engine last wrote it. What happened since, the
broker tells: so the books are made of the file and then brought up to date exactly as the engine would do it, with
the same reducer. Nothing is written: the engine does that itself when it runs again.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from engine.core.blotter import Blotter
from engine.core.ids import parse_client_order_id, safe_name
from engine.errors import BrokerUnavailable, Misconfigured
from engine.flow.flatten.broker_hands import every_order
from engine.model.entry import Remembered
from engine.model.intent import Snapshot
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


@frozen(kw_only=True)
class Holdings:
    """What is to go. ``shares`` is what to close of each symbol, negative when short, ``None`` all that there is;
    symbols with nothing but orders have a share of 0. ``concerns`` says which open orders are to be canceled."""

    shares: Mapping[str, Decimal | None]
    concerns: Callable[[Order], bool]
    parents: tuple[str, ...] = ()
    """Ids of open multi-leg orders: they have no symbol, and their legs cannot be canceled one by one."""


async def read_account(broker: Broker) -> Holdings:
    """Everything on the account. Raises `BrokerUnavailable`."""
    orders = await broker.open_orders()
    symbols = {order.symbol for order in orders} | {position.symbol for position in await broker.positions()}
    parents = tuple(order.id for order in orders if not order.symbol)
    return Holdings(shares=dict.fromkeys(sorted(symbols - {""})), concerns=every_order, parents=parents)


async def read_strategies(folder: Path, broker: Broker, clock: Clock, strategies: tuple[str, ...]) -> Holdings:
    """What these strategies hold, all of the file's where none is named.

    Raises `Misconfigured` (no file, no such strategy), `StoreFailed` and `BrokerUnavailable`.
    """
    remembered = read_store(folder)  # it blocks, and this process has nothing else to do meanwhile
    blotter = Blotter.restore(remembered)
    snapshot, mark = await _compare(blotter, remembered, broker, clock)
    for _ in range(ROUNDS_MAX):
        if not blotter.take_snapshot(snapshot, mark).doubts:
            break
        mark = blotter.mark()
    known = sorted(set(blotter.strategies()) - {""})
    for name in strategies:
        if name not in known:
            there = ", ".join(known) or "none"
            raise Misconfigured(f"The order file in {folder} knows no strategy {name!r}; there are: {there}.")
    mine = strategies or tuple(known)
    shares: dict[str, Decimal | None] = {}
    for name in mine:
        for symbol, position in blotter.positions(name).items():
            shares[symbol] = (shares.get(symbol) or ZERO) + position.qty
    concerns = _concerns(blotter, mine)
    working = [order for order in snapshot.orders if order.open and concerns(order)]
    for order in working:
        if order.symbol:
            shares.setdefault(order.symbol, ZERO)
    parents = tuple(order.id for order in working if not order.symbol)
    return Holdings(shares=dict(sorted(shares.items())), concerns=concerns, parents=parents)


def _concerns(blotter: Blotter, strategies: tuple[str, ...]) -> Callable[[Order], bool]:
    """Whether an order is of one of these: by the books, and one that they do not know yet by its id."""
    names = {safe_name(name) for name in strategies}

    def concerns(order: Order) -> bool:
        ticket = blotter.by_order_id(order.id) or blotter.by_order_id(order.parent_id)
        if ticket is not None and ticket.strategy:
            return ticket.strategy in strategies
        parsed = parse_client_order_id(order.client_order_id)
        return parsed is not None and parsed[1] in names

    return concerns


async def _compare(blotter: Blotter, remembered: Remembered, broker: Broker, clock: Clock) -> tuple[Snapshot, int]:
    """Ask the broker for all that a round of reconciliation asks for; orders before positions."""
    mark, asked_ns = blotter.mark(), clock.now_ns()
    orders = {order.id: order for order in await broker.open_orders()}
    listed = {order.client_order_id for order in orders.values()}
    absent: set[str] = set()
    limiter = trio.CapacityLimiter(ASKS_AT_ONCE)

    failures: list[BrokerUnavailable] = []

    async def ask(client_order_id: str) -> None:
        try:
            async with limiter:
                found = await broker.order_of(client_order_id)
        except BrokerUnavailable as error:
            failures.append(error)
            return
        orders.update((order.id, order) for order in found)
        if not found:
            absent.add(client_order_id)

    async with trio.open_nursery() as nursery:
        for ticket in blotter.open_tickets():
            if ticket.intent is not None and ticket.client_order_id not in listed:
                nursery.start_soon(ask, ticket.client_order_id)
    if failures:
        raise failures[0]
    fills = await _read_fills(broker, remembered.heard.get("activities", ""), asked_ns - LOOK_BACK_NS)
    positions = await broker.positions()
    snapshot = Snapshot(
        asked_ns=asked_ns,
        told_ns=clock.now_ns(),
        orders=tuple(orders.values()),
        absent=frozenset(absent),
        fills=fills,
        positions=positions,
    )
    return snapshot, mark


async def _read_fills(broker: Broker, mark: str, since_ns: int) -> tuple[Fill, ...]:
    fills: list[Fill] = []
    for _ in range(PAGES_MAX):
        page = await broker.fills_behind(mark, since_ns)
        fills.extend(page.fills)
        mark = page.mark
        if not page.more:
            break
    return tuple(fills)
