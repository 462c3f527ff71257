"""A desk in a world of its own: a broker that can lie, lose and dawdle, a file that can be slow or broken.

The real books (`Blotter`) stand behind it; only what is outside the process is made here. Time is Trio's, so tests ask
for ``autojump_clock``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

import pytest
import trio
from attrs import define, evolve, field

from engine.core.blotter import Blotter
from engine.errors import BrokerUnavailable, OrderRefused, ReplyMissing, StoreFailed
from engine.flow.desk import Desk, DeskTuning
from engine.flow.risk import Vetted
from engine.model.account import Account, AccountFee, Asset, HeldPosition
from engine.model.control import ControlEvent
from engine.model.entry import Entry, Heard, Intended, Remembered, Saved, Stood
from engine.model.intent import Purpose
from engine.model.order import (
    ZERO,
    AssetClass,
    Fill,
    Order,
    OrderChange,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    ReplaceRequest,
    Side,
    TimeInForce,
)
from engine.ports import AccountMessage, FeePage, FillPage, Go, Step, at_once

START_NS = 1_772_000_000_000_000_000
SPY = Asset(id="spy", symbol="SPY", name="SPY", asset_class=AssetClass.US_EQUITY, exchange="ARCA")
NOTHING = Account(**dict.fromkeys((name for name in Account.__annotations__ if name != "shorting_enabled"), ZERO))


class Clock:
    """Market time that follows Trio's."""

    speed = 1.0
    ended = False
    is_open = True

    def now_ns(self) -> int:
        return START_NS + round(trio.current_time() * 1e9)


@define
class Broker:
    """Keeps orders as a broker does. ``submits`` scripts what becomes of the next sendings: see `submit`."""

    clock: Clock
    orders: dict[str, Order] = field(factory=dict)
    fills: list[Fill] = field(factory=list)
    fees: list[AccountFee] = field(factory=list)
    held: dict[str, Decimal] = field(factory=dict)
    submits: list[str] = field(factory=list)
    cancels: list[str] = field(factory=list)
    changes: list[str] = field(factory=list)
    accepts_as: OrderStatus = OrderStatus.NEW
    posts: list[OrderRequest] = field(factory=list)
    calls: list[str] = field(factory=list)
    away: bool = False
    silent: bool = False
    liar: bool = False
    on_call: Callable[[str], Awaitable[None]] | None = None

    async def submit(self, request: OrderRequest, *, urgent: bool = False, go: Go = at_once) -> tuple[Order, ...]:
        """``ok``; ``drop``: taken, the reply is lost; ``slow``: taken, after the client gave up; ``lose``: never
        arrives; ``late``: arrives two seconds after the client gave up; ``refuse``; ``hang``: no answer at all."""
        await go()
        self.posts.append(request)
        await self._call("submit", reading=False)
        way = self.submits.pop(0) if self.submits else "ok"
        if way == "slow":
            await trio.sleep(10)
        if way == "hang":
            await trio.sleep(1000)
        if way == "refuse":
            raise OrderRefused("insufficient buying power", rule="buying_power", status=403, code=40310000)
        if way == "late":
            trio.lowlevel.spawn_system_task(self._arrive_late, request)
        if way in ("lose", "late"):
            raise ReplyMissing("504 Gateway Timeout")
        order = self._accept(request)
        if way in ("drop", "slow"):
            raise ReplyMissing("the connection was reset")
        return (order,)

    async def _arrive_late(self, request: OrderRequest) -> None:
        await trio.sleep(2)
        self._accept(request)

    def _accept(self, request: OrderRequest) -> Order:
        if any(order.client_order_id == request.client_order_id for order in self.orders.values()):
            raise OrderRefused("client_order_id must be unique", rule="client_order_id_taken", status=422)
        now_ns = self.clock.now_ns()
        order = Order(
            id=f"order-{len(self.orders) + 1}", client_order_id=request.client_order_id, symbol=request.symbol,
            asset_id="spy", asset_class=AssetClass.US_EQUITY, side=request.side, type=request.type,
            time_in_force=request.time_in_force, status=self.accepts_as, qty=request.qty,
            limit_price=request.limit_price, created_ns=now_ns, updated_ns=now_ns,
        )  # fmt: skip
        self.orders[order.id] = order
        return order

    async def replace(self, order_id: str, change: ReplaceRequest, *, go: Go = at_once) -> tuple[Order, ...]:
        """``ok``; ``drop``: done, the reply is lost; ``lose``: never arrives; ``beaten``: taken, then the old one
        fills; ``refuse``: it has filled."""
        await go()
        await self._call("replace", reading=False)
        way = self.changes.pop(0) if self.changes else "ok"
        old = self.orders[order_id]
        if way == "lose":
            raise ReplyMissing("504 Gateway Timeout")
        if way == "refuse" and old.open:
            self.fill(order_id, 500)
        if not self.orders[order_id].open:
            raise OrderRefused("order is not open", rule="replace_closed", status=422)
        now_ns = self.clock.now_ns() + 1
        new = evolve(
            old, id=f"order-{len(self.orders) + 1}", client_order_id=change.client_order_id, replaces=old.id,
            limit_price=change.limit_price or old.limit_price, qty=change.qty or old.qty, created_ns=now_ns,
            status=OrderStatus.PENDING_NEW if way == "beaten" else OrderStatus.NEW, updated_ns=now_ns,
        )  # fmt: skip
        self.orders[new.id] = new
        if way != "beaten":
            self.turn(order_id, OrderStatus.REPLACED, replaced_by=new.id)
        if way == "drop":
            raise ReplyMissing("the connection was reset")
        return (new,)

    async def cancel(self, order_id: str) -> None:
        """``ok``; ``drop``: done, the reply is lost; ``lose``: never arrives; ``stuck``: stays pending; ``beaten``:
        the order was filled before."""
        await self._call("cancel", reading=False)
        way = self.cancels.pop(0) if self.cancels else "ok"
        if way == "lose":
            raise ReplyMissing("504 Gateway Timeout")
        if way == "beaten" and self.orders[order_id].open:
            self.fill(order_id, 500)
        order = self.orders[order_id]
        if order.status.terminal and order.status is not OrderStatus.CANCELED:
            raise OrderRefused("order is not cancelable", rule="cancel_status", status=422)
        self.turn(order_id, OrderStatus.PENDING_CANCEL if way == "stuck" else OrderStatus.CANCELED)
        if way == "drop":
            raise ReplyMissing("the connection was reset")

    def turn(self, order_id: str, status: OrderStatus, **values: object) -> Order:
        """Change an order at the broker."""
        order = self.orders[order_id]
        after = evolve(order, status=status, updated_ns=max(self.clock.now_ns(), order.updated_ns + 1), **values)
        self.orders[order_id] = after
        return after

    def fill(self, order_id: str, price: int, qty: Decimal | None = None) -> Fill:
        """Fill an order, whole or in part, at the broker."""
        order = self.orders[order_id]
        more = order.left_qty if qty is None else qty
        side = order.side or Side.BUY
        self.held[order.symbol] = self.held.get(order.symbol, ZERO) + side.sign * more
        whole = order.filled_qty + more == order.qty
        fill = Fill(
            execution_id=f"exec-{len(self.fills) + 1}", order_id=order_id, symbol=order.symbol, side=side, qty=more,
            price=Decimal(price), ts_ns=self.clock.now_ns(),
        )  # fmt: skip
        self.fills.append(fill)
        status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        self.turn(order_id, status, filled_qty=order.filled_qty + more, filled_avg_price=Decimal(price))
        return fill

    async def _call(self, name: str, *, reading: bool = True) -> None:
        self.calls.append(name)
        await trio.sleep(0.01)
        if self.on_call is not None:
            await self.on_call(name)
        if self.away:
            raise (BrokerUnavailable if reading else ReplyMissing)("no route to host")

    async def order(self, order_id: str) -> tuple[Order, ...]:
        await self._call("order")
        return (self.orders[order_id],) if order_id in self.orders else ()

    async def order_of(self, client_order_id: str) -> tuple[Order, ...]:
        await self._call("order_of")
        return tuple(order for order in self.orders.values() if order.client_order_id == client_order_id)

    async def open_orders(self) -> tuple[Order, ...]:
        await self._call("open_orders")
        return () if self.liar else tuple(order for order in self.orders.values() if order.open)

    async def fills_behind(self, mark: str, since_ns: int) -> FillPage:
        await self._call("fills_behind")
        start = int(mark or 0)
        fills = [fill for fill in self.fills[start : start + 2] if fill.ts_ns >= since_ns or mark]
        return FillPage(fills=tuple(fills), mark=str(min(start + 2, len(self.fills))), more=start + 2 < len(self.fills))

    async def fees_behind(self, mark: str, since_ns: int) -> FeePage:
        await self._call("fees_behind")
        start = int(mark or 0)
        fees = [fee for fee in self.fees[start : start + 2] if fee.ts_ns >= since_ns or mark]
        return FeePage(fees=tuple(fees), mark=str(min(start + 2, len(self.fees))), more=start + 2 < len(self.fees))

    async def positions(self) -> tuple[HeldPosition, ...]:
        await self._call("positions")
        held = {} if self.liar else {symbol: qty for symbol, qty in sorted(self.held.items()) if qty}
        return tuple(HeldPosition(symbol=symbol, qty=qty, entry_price=Decimal(500)) for symbol, qty in held.items())

    async def account(self) -> Account:
        await self._call("account")
        return evolve(NOTHING, long_market_value=sum(self.held.values(), ZERO) * 500)

    async def asset(self, symbol: str) -> Asset | None:
        await trio.lowlevel.checkpoint()
        return SPY if symbol == "SPY" else None


@define
class Store:
    """A file in memory. ``slow_s``: how long a sync takes; ``broken``: it fails."""

    slow_s: float = 0.001
    broken: bool = False
    synced: list[Entry] = field(factory=list)
    soon: list[Entry] = field(factory=list)

    async def write(self, *entries: Entry) -> None:
        batch, self.soon = [*self.soon, *entries], []
        if self.broken:
            await trio.lowlevel.checkpoint()
            raise StoreFailed("the disk is full")
        await trio.sleep(self.slow_s)
        self.synced += batch

    def write_soon(self, *entries: Entry) -> None:
        self.soon += entries

    def remembered(self, session: str) -> Remembered:
        """What is there after the process died: what was synced, or all of it."""
        intents = {entry.intent.client_order_id: entry.intent for entry in self.synced if isinstance(entry, Intended)}
        tickets = {entry.ticket.client_order_id: entry.ticket for entry in self.synced if isinstance(entry, Stood)}
        return Remembered(
            session=session,
            next_seq={},
            intents=tuple(intent for name, intent in intents.items() if name not in tickets),
            tickets=tuple(tickets.values()),
            heard={entry.source: entry.mark for entry in self.synced if isinstance(entry, Heard)},
        )


@define
class Judge:
    """Lets everything pass, but for what clashes."""

    clash: Callable[[OrderRequest], Order | None] = lambda _: None
    notes: dict[str, bool] = field(factory=dict)

    def check(self, strategy: str, request: OrderRequest, purpose: Purpose, *_: object, **__: object) -> Vetted:
        return Vetted(request=request, clash=self.clash(request), adds_risk=purpose is Purpose.ENTRY)

    def count(self, strategy: str) -> None:
        pass

    async def learn_price(self, strategy: str, symbol: str) -> None:
        await trio.lowlevel.checkpoint()

    def note(self, strategy: str, ok: bool, client_order_id: str = "") -> None:
        self.notes[client_order_id] = ok

    def check_day(self) -> None:
        pass


@define
class Switch:
    """A kill switch in memory."""

    reason: str = ""

    def elsewhere(self, strategy: str) -> str:
        return ""

    def tripped(self, strategy: str) -> str:
        return self.reason

    async def trip(self, scope: str, reason: str, by: str) -> None:
        await trio.lowlevel.checkpoint()
        self.reason = reason


@define
class Prices:
    """One price for everything."""

    last: Decimal | None = Decimal(500)

    def price(self, symbol: str) -> tuple[Decimal, float] | None:
        return None if self.last is None else (self.last, 0.0)

    def take_positions(self, positions: Iterable[HeldPosition], told_ns: int) -> None:
        pass


@define
class World:
    """Everything around a desk, and desks in it, one after the other as a process would be started again."""

    clock: Clock = field(factory=Clock)
    store: Store = field(factory=Store)
    judge: Judge = field(factory=Judge)
    switch: Switch = field(factory=Switch)
    prices: Prices = field(factory=Prices)
    said: list[str] = field(factory=list)
    alarms: list[ControlEvent] = field(factory=list)
    steps: list[Step] = field(factory=list)
    saved: dict[str, Saved] = field(factory=dict)
    missing: str = ""
    on_step: Callable[[Step], None] = lambda _: None
    broker: Broker = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.broker = Broker(self.clock)

    def build(
        self, blotter: Blotter | None = None, tuning: DeskTuning | None = None, heard: Mapping[str, str] | None = None
    ) -> Desk:
        """A desk on this world's broker and file."""

        def probe(step: Step) -> None:
            self.steps.append(step)
            self.on_step(step)

        return Desk(
            broker=self.broker, store=self.store, blotter=blotter or Blotter("test"), clock=self.clock, vet=self.judge,
            switch=self.switch, marks=self.prices, random=Random(7), report=self.said.append,
            announce=self.alarms.append, tuning=tuning or DeskTuning(), heard=heard or {}, probe=probe,
            data_missing=lambda _: self.missing, pending_state=lambda strategy: self.saved.pop(strategy, None),
        )  # fmt: skip

    @asynccontextmanager
    async def open(self, *, ready: bool = True, desk: Desk | None = None) -> AsyncIterator[Desk]:
        """Run a desk for as long as the block; ``ready``: its account stream is connected and the books compared."""
        desk = desk or self.build()
        async with trio.open_nursery() as nursery:
            await nursery.start(desk.run)
            if ready:
                desk.account_connected()
                await desk.reconcile()
            yield desk
            nursery.cancel_scope.cancel()

    def tell(self, desk: Desk, order: Order, change: OrderChange, fill: Fill | None = None) -> None:
        """Tell a desk of an order by the account stream."""
        update = OrderUpdate(
            change=change,
            order=order,
            ts_ns=order.updated_ns,
            event_id=f"event-{order.updated_ns}-{change}",
            execution_id="" if fill is None else fill.execution_id,
            fill=fill,
            position_qty=None if fill is None else self.broker.held[fill.symbol],
        )
        desk.hear([AccountMessage(update=update, orders=(order,), event_id=update.event_id)], "stream")

    def fill(self, desk: Desk, order_id: str, qty: int | None = None) -> Fill:
        """Fill an order at the broker and tell the desk."""
        fill = self.broker.fill(order_id, 500, None if qty is None else Decimal(qty))
        order = self.broker.orders[order_id]
        change = OrderChange.FILL if order.status is OrderStatus.FILLED else OrderChange.PARTIAL_FILL
        self.tell(desk, order, change, fill)
        return fill


def limit(side: Side = Side.BUY, qty: int = 10, price: int = 499) -> OrderRequest:
    """A limit order on SPY."""
    return OrderRequest(
        symbol="SPY", side=side, type=OrderType.LIMIT, time_in_force=TimeInForce.DAY, qty=Decimal(qty),
        limit_price=Decimal(price),
    )  # fmt: skip


@pytest.fixture
def world() -> World:
    """A world without orders."""
    return World()


@pytest.fixture
def ask() -> Callable[..., OrderRequest]:
    """Makes the request of a limit order on SPY: ``ask(side, qty, price)``."""
    return limit
