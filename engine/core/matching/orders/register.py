"""Where orders change: each change goes through the table of the order's life, into the books, and out as an update.

Three things must never disagree: what an order says, what the account holds, and what the account stream told. So there
is one door: every method advances the order, tells the ledger and writes the update, in that order and all at once.
What other orders make of it (a filled entry wakes its legs) is not decided here: ``changed`` lists whom to ask about.
What ends without an order, an option contract, is booked here too, and told apart from the updates (`settle`).
"""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from attrs import define, evolve, field

from engine.core.lifecycle import advance
from engine.core.matching.citation import Citation, Execution
from engine.core.matching.fees import FeeSchedule
from engine.core.matching.ledger import Ledger
from engine.core.matching.orders.ids import Ids
from engine.core.matching.orders.store import Orders
from engine.model.account import Asset
from engine.model.order import ZERO, Fill, Order, OrderChange, OrderClass, OrderUpdate, Side
from engine.model.settlement import Settlement, SettlementKind

FILLS_MAX: Final = 100_000
"""Fills kept, with what they rest on: at least the newest so many, as many as ended orders."""


@define(kw_only=True)
class Register:
    """The orders, the books, and what is still to be told. ``fills`` are the newest ones, oldest first."""

    ledger: Ledger
    fees: FeeSchedule
    ids: Ids
    orders: Orders = field(factory=Orders)
    fills: list[Fill] = field(factory=list)
    citations: dict[str, Citation] = field(factory=dict)
    """What each fill of an order rests on, by execution id."""
    changed: deque[str] = field(factory=deque)
    """Orders that changed since somebody last asked what other orders make of it."""
    _told: list[OrderUpdate] = field(factory=list)
    _settled: list[Settlement] = field(factory=list)

    def drain(self) -> list[OrderUpdate]:
        """What happened since the last call, in order."""
        told, self._told = self._told, []
        return told

    def drain_settlements(self) -> list[Settlement]:
        """What became of contracts since the last call, in order."""
        settled, self._settled = self._settled, []
        return settled

    def tell(self, order: Order, change: OrderChange, ts_ns: int, **values: Any) -> None:
        """Tell of an order as it is: in the status that it was just made or left with."""
        event_id = self.ids.next_ulid(ts_ns)
        self._told.append(OrderUpdate(change=change, order=order, ts_ns=ts_ns, event_id=event_id, **values))

    def change(self, order_id: str, change: OrderChange, ts_ns: int, **values: Any) -> Order:
        """Advance an order, set further ``values`` of it, and tell. A multi-leg order tells for its legs too."""
        order = self._put(advance(self.orders[order_id], change, ts_ns, **values))
        if order.order_class is OrderClass.MLEG:
            for leg in self.orders.legs(order):
                self._put(advance(leg, change, ts_ns))
        self.tell(order, change, ts_ns)
        return order

    def amend(self, order_id: str, **values: Any) -> Order:
        """Change what an order says without a change in its life: a trailing stop's price, the id of a new parent."""
        return self._put(evolve(self.orders[order_id], **values))

    def fill(self, order: Order, asset: Asset, execution: Execution, ts_ns: int, *, done: bool) -> Order:
        """Book one execution and tell of it. ``done``: nothing of the order is left to fill after it."""
        fill, position_qty = self._book(order, asset, execution, ts_ns)
        change = OrderChange.FILL if done else OrderChange.PARTIAL_FILL
        order = self._put(advance(order, change, ts_ns, fill=fill))
        self.tell(order, change, ts_ns, execution_id=fill.execution_id, fill=fill, position_qty=position_qty)
        return order

    def fill_legs(
        self, parent: Order, net: Decimal, legs: Sequence[tuple[Order, Asset, Execution]], ts_ns: int
    ) -> None:
        """Book a multi-leg order: every leg whole, and one update that tells of all; ``net`` dollars for one unit."""
        fills: list[Fill] = []
        positions: dict[str, Decimal] = {}
        for leg, asset, execution in legs:
            fill, positions[leg.symbol] = self._book(leg, asset, execution, ts_ns)
            self._put(advance(leg, OrderChange.FILL, ts_ns, fill=fill))
            fills.append(fill)
        whole = Fill(
            execution_id=self.ids.next_uuid(),
            order_id=parent.id,
            symbol=parent.symbol,
            side=Side.SELL if net < 0 else Side.BUY,  # a credit is received, as for what is sold
            qty=parent.left_qty,
            price=net,
            ts_ns=ts_ns,
        )
        parent = self._put(advance(parent, OrderChange.FILL, ts_ns, fill=whole))
        self.tell(
            parent,
            OrderChange.FILL,
            ts_ns,
            execution_id=whole.execution_id,
            fill=whole,
            leg_fills=tuple(fills),
            position_qtys=positions,
        )

    def settle(
        self, kind: SettlementKind, contract: Asset, qty: Decimal, ts_ns: int, underlying: Asset | None = None
    ) -> None:
        """End ``qty`` contracts (negative: that were sold), with ``underlying`` against its shares at the strike."""
        side = Side.SELL if qty > 0 else Side.BUY
        shares = None
        ended = self._settle(contract, side, abs(qty), ZERO, ts_ns)
        if underlying is not None:
            side = side.opposite if contract.call else side
            shares = self._settle(underlying, side, abs(qty) * contract.multiplier, contract.strike, ts_ns)
        event_id = self.ids.next_ulid(ts_ns)
        self._settled.append(
            Settlement(kind=kind, underlying=contract.underlying, contract=ended, shares=shares, event_id=event_id)
        )

    def _settle(self, asset: Asset, side: Side, qty: Decimal, price: Decimal, ts_ns: int) -> Fill:
        execution_id = self.ids.next_uuid()
        fill = Fill(
            execution_id=execution_id, order_id="", symbol=asset.symbol, side=side, qty=qty, price=price, ts_ns=ts_ns
        )
        self._keep(fill, asset)
        return fill

    def _book(self, order: Order, asset: Asset, execution: Execution, ts_ns: int) -> tuple[Fill, Decimal]:
        if order.side is None:
            raise ValueError(f"order {order.id} has no side: a multi-leg order is filled by its legs")
        qty, price = execution.qty, execution.price
        fee, fee_asset = self.fees.fee_of(order.side, qty, price, asset, maker=execution.maker)
        fill = Fill(
            execution_id=self.ids.next_uuid(),
            order_id=order.id,
            symbol=order.symbol,
            side=order.side,
            qty=qty,
            price=price,
            ts_ns=ts_ns,
            fee=fee,
            fee_asset=fee_asset,
        )
        self.citations[fill.execution_id] = execution.cites
        return fill, self._keep(fill, asset)

    def _keep(self, fill: Fill, asset: Asset) -> Decimal:
        if len(self.fills) >= 2 * FILLS_MAX:  # half at a time, so that forgetting costs nothing per fill
            for old in self.fills[:FILLS_MAX]:
                self.citations.pop(old.execution_id, None)
            del self.fills[:FILLS_MAX]
        self.fills.append(fill)
        return self.ledger.apply(fill, asset)

    def _put(self, order: Order) -> Order:
        self.orders.put(order)
        self.ledger.update(order)
        self.changed.append(order.id)
        return order
