"""A small model of a broker: it makes valid histories of orders, and tells of them on every road."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from attrs import define, evolve, field

from engine.core.blotter import Blotter, Taken
from engine.core.lifecycle import advance
from engine.model.account import HeldPosition
from engine.model.entry import Adjusted, Carried, Charged, Entry, Intended, Remembered, Stood
from engine.model.intent import Intent, Purpose, Snapshot
from engine.model.order import (
    ZERO,
    AssetClass,
    Fill,
    Order,
    OrderChange,
    OrderClass,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
    TimeInForce,
)

SECOND = 1_000_000_000


@define
class Venue:
    """A broker that says yes to everything. ``told`` is all that its stream told, in order."""

    now_ns: int = 1_772_461_800_000_000_000
    orders: dict[str, Order] = field(factory=dict)
    fills: list[Fill] = field(factory=list)
    held: dict[str, Decimal] = field(factory=dict)
    cash: Decimal = ZERO
    told: list[OrderUpdate] = field(factory=list)
    coin_fee: Decimal = ZERO
    """The part of coins that are bought which the venue keeps and does not tell of."""
    _count: int = 0

    def submit(
        self, client_order_id: str, symbol: str = "AAPL", side: Side = Side.BUY, qty: str = "10", **more: Any
    ) -> Order:
        """Take an order and tell that it is new; its status and its kin can be given."""
        order = Order(
            id=self._next("order"),
            client_order_id=client_order_id,
            symbol=symbol,
            asset_id="",
            asset_class=AssetClass.CRYPTO if "/" in symbol else AssetClass.US_EQUITY,
            side=side,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            status=OrderStatus.NEW,
            qty=Decimal(qty),
            created_ns=self.now_ns,
            updated_ns=self.now_ns,
        )
        order = evolve(order, **more)
        return self._tell(order, OrderChange.HELD if order.status is OrderStatus.HELD else OrderChange.NEW)

    def bracket(self, client_order_id: str, qty: str = "10") -> tuple[Order, Order, Order]:
        """An entry and its two exits, held."""
        entry = self.submit(client_order_id, qty=qty, order_class=OrderClass.BRACKET)
        legs = [
            self.submit(
                self._next("leg"),
                side=Side.SELL,
                qty=qty,
                status=OrderStatus.HELD,
                order_class=OrderClass.BRACKET,
                parent_id=entry.id,
            )
            for _ in range(2)
        ]
        entry = self.orders[entry.id] = evolve(entry, legs=tuple(leg.id for leg in legs))
        return entry, legs[0], legs[1]

    def fill(self, order_id: str, qty: str | Decimal, price: str | Decimal = "100") -> Fill:
        """Execute a part of an order, also of one that has ended: a late fill."""
        self._tick()
        order = self.orders[order_id]
        assert order.side is not None and order.qty is not None
        fill = Fill(
            execution_id=self._next("execution"),
            order_id=order_id,
            symbol=order.symbol,
            side=order.side,
            qty=Decimal(qty),
            price=Decimal(price),
            ts_ns=self.now_ns,
        )
        done = order.filled_qty + fill.qty == order.qty
        change = OrderChange.FILL if done else OrderChange.PARTIAL_FILL
        if order.open:
            after = advance(order, change, self.now_ns, fill=fill)
        else:
            alive = advance(evolve(order, status=OrderStatus.NEW), change, self.now_ns, fill=fill)
            after = evolve(alive, status=order.status)
        self._settle(fill)
        self._tell(after, change, fill)
        return fill

    def change(self, order_id: str, change: OrderChange, **values: Any) -> Order:
        """Cancel, reject, replace or otherwise move an order on."""
        self._tick()
        return self._tell(advance(self.orders[order_id], change, self.now_ns, **values), change)

    def replace(self, order_id: str, client_order_id: str, qty: str = "10") -> Order:
        """Put another order in the place of one."""
        old = self.orders[order_id]
        new = self.submit(
            client_order_id, old.symbol, old.side or Side.BUY, qty, replaces=old.id, parent_id=old.parent_id
        )
        self.change(old.id, OrderChange.REPLACED, replaced_by=new.id)
        return new

    def hand(self, symbol: str, qty: str) -> None:
        """Something moves the position that no order explains."""
        self.held[symbol] = self.held.get(symbol, ZERO) + Decimal(qty)

    def positions(self) -> tuple[HeldPosition, ...]:
        """What is held, as REST lists it."""
        return tuple(
            HeldPosition(symbol=symbol, qty=qty, entry_price=Decimal(100), price=Decimal(100))
            for symbol, qty in sorted(self.held.items())
            if qty
        )

    def snapshot(self, **other: Any) -> Snapshot:
        """All books as they are now."""
        self._tick()
        whole = Snapshot(
            asked_ns=self.now_ns,
            told_ns=self.now_ns,
            orders=tuple(self.orders.values()),
            fills=tuple(self.fills),
            positions=self.positions(),
        )
        return evolve(whole, **other)

    def _settle(self, fill: Fill) -> None:
        self.fills.append(fill)
        qty = fill.qty * fill.side.sign
        self.cash -= qty * fill.price
        kept = fill.qty * self.coin_fee if "/" in fill.symbol and qty > 0 else ZERO
        self.held[fill.symbol] = self.held.get(fill.symbol, ZERO) + qty - kept

    def _tell(self, order: Order, change: OrderChange, fill: Fill | None = None) -> Order:
        self.orders[order.id] = order
        self.told.append(
            OrderUpdate(
                change=change,
                order=order,
                ts_ns=self.now_ns,
                event_id=self._next("event"),
                execution_id=fill.execution_id if fill else "",
                fill=fill,
                position_qty=self.held[order.symbol] if fill else None,
            )
        )
        return order

    def _tick(self) -> None:
        self.now_ns += SECOND

    def _next(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count:04}"


@define
class File:
    """What a store would hold of the entries, however often each is written."""

    session: str = "test1"
    entries: dict[tuple[str, str], Entry] = field(factory=dict)

    def write(self, entries: Sequence[Entry]) -> None:
        """Keep one entry for each fact."""
        for entry in entries:
            match entry:
                case Intended(intent=intent):
                    self.entries.setdefault(("order", intent.client_order_id), entry)
                case Stood(ticket=ticket):
                    self.entries["order", ticket.client_order_id] = entry
                case Adjusted():
                    self.entries["adjusted", entry.id] = entry
                case Charged(fee=fee):
                    self.entries["charged", fee.id] = entry
                case Carried():
                    self.entries["carried", f"{entry.strategy} {entry.position.symbol}"] = entry
                case _:
                    raise AssertionError(entry)

    def remembered(self) -> Remembered:
        """What the next run begins with."""
        entries = list(self.entries.values())
        intents = tuple(entry.intent for entry in entries if isinstance(entry, Intended))
        tickets = tuple(entry.ticket for entry in entries if isinstance(entry, Stood))
        next_seq: dict[str, int] = {}
        for intent in (*intents, *(ticket.intent for ticket in tickets if ticket.intent)):
            next_seq[intent.strategy] = max(next_seq.get(intent.strategy, 0), intent.seq + 1)
        return Remembered(
            session=self.session,
            next_seq=next_seq,
            intents=intents,
            tickets=tickets,
            adjustments=tuple(entry for entry in entries if isinstance(entry, Adjusted)),
            charged=tuple(entry for entry in entries if isinstance(entry, Charged)),
            carried=tuple(entry for entry in entries if isinstance(entry, Carried)),
        )


@define
class Pad:
    """A blotter, the file of its entries, and everything that it ever answered."""

    blotter: Blotter = field(factory=lambda: Blotter("test1"))
    file: File = field(factory=File)
    answers: list[Taken] = field(factory=list)

    def note(self, taken: Taken) -> Taken:
        """Write what is to be written."""
        self.file.write(taken.entries)
        self.answers.append(taken)
        return taken

    def intend(
        self, strategy: str = "alpha", symbol: str = "AAPL", side: Side = Side.BUY, qty: str = "10", **more: Any
    ) -> str:
        """Decide on an order; its client order id."""
        client_order_id, seq = self.blotter.next_id(strategy)
        request = OrderRequest(
            symbol=symbol,
            side=side,
            type=OrderType.MARKET,
            time_in_force=TimeInForce.GTC,
            qty=Decimal(qty),
            client_order_id=client_order_id,
        )
        replaces = more.pop("replaces", "")
        intent = Intent(
            client_order_id=client_order_id,
            strategy=strategy,
            seq=seq,
            request=evolve(request, **more),
            purpose=Purpose.ENTRY,
            at_ns=1,
            valid_until_ns=2,
            replaces=replaces,
        )
        self.note(self.blotter.intend(intent))
        return client_order_id

    def send(
        self, strategy: str = "alpha", symbol: str = "AAPL", side: Side = Side.BUY, qty: str = "10", **more: Any
    ) -> str:
        """Decide on an order and send it."""
        client_order_id = self.intend(strategy, symbol, side, qty, **more)
        self.note(self.blotter.sent(client_order_id, 5))
        return client_order_id

    def hear(self, *updates: OrderUpdate) -> Taken:
        """Take messages of the stream; what came of the last."""
        taken = Taken()
        for update in updates:
            taken = self.note(self.blotter.take_update(update))
        return taken

    def round(self, snapshot: Snapshot) -> Taken:
        """Compare with a snapshot behind a new mark."""
        return self.note(self.blotter.take_snapshot(snapshot, self.blotter.mark()))

    def qty(self, strategy: str, symbol: str = "AAPL") -> Decimal:
        """What a strategy holds."""
        return self.blotter.position(strategy, symbol).qty

    def restored(self) -> Blotter:
        """A blotter made of what was written."""
        return Blotter.restore(self.file.remembered())


@pytest.fixture
def venue() -> Venue:
    """A broker with nothing in its books."""
    return Venue()


@pytest.fixture
def pad() -> Pad:
    """A blotter that knows nothing."""
    return Pad()


@pytest.fixture(scope="session")
def make_venue() -> type[Venue]:
    """For laws, which need a broker for each example."""
    return Venue


@pytest.fixture(scope="session")
def make_pad() -> type[Pad]:
    """For laws, which need a blotter for each example."""
    return Pad
