"""Whatever is ordered, whatever the market does: nothing is created, nothing is lost, and no path is illegal.

Issue 3, "Shows" line 3. ``GAPLESS_SEQUENCES=10000`` runs as many sequences as it asks for, 400 a test; each has a seed
and a failing one prints its steps. The laws are written here from the protocol, not taken from the code under test.
"""

import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from attrs import define, field

from engine.core.calendar import NEW_YORK
from engine.core.matching.ledger import Ledger
from engine.model.market import Book, Quote, Status, Trade
from engine.model.order import AssetClass, Fill, Order, OrderChange, OrderClass, OrderUpdate, Side, TimeInForce
from engine.model.settlement import Settlement, SettlementKind

SEQUENCES: Final = int(os.environ.get("GAPLESS_SEQUENCES", "400"))
SHARE: Final = 400
"""Sequences in one test, some ten seconds; in so many, everything that can happen has to have happened."""

WORKING: Final = {
    "partially_filled", "filled", "canceled", "expired", "pending_cancel", "pending_replace", "replaced",
}  # fmt: skip
LEGAL: Final = {
    "pending_new": {"new", "accepted", "canceled", "expired", "rejected"},
    "accepted": {"new", "canceled", "expired"},
    "held": {"new", "canceled", "expired", "rejected", "replaced"},
    "new": WORKING,
    "partially_filled": WORKING,
    "pending_cancel": {"pending_cancel", "filled", "canceled", "expired"},
    "pending_replace": {"pending_replace", "filled", "canceled", "expired", "replaced", "new", "partially_filled"},
    "filled": {"filled"},  # told of again when a cancel or a replacement came too late
    "canceled": set(),
    "expired": set(),
    "replaced": set(),
    "rejected": set(),
}
IMMEDIATE: Final = (TimeInForce.IOC, TimeInForce.FOK)
GROUPED: Final = (OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO)
STATUSES: Final = {
    "fill": {"filled"},
    "partial_fill": {"partially_filled", "pending_cancel", "pending_replace"},
    "order_cancel_rejected": {"filled"},
    "order_replace_rejected": {"filled", "new", "partially_filled"},
}
"""Statuses that go with a change, where they are not the change's own name."""


@define
class Auditor:
    """Holds everything that is told against what was told before. Knows the exchange only by what it says."""

    world: Any
    statuses: dict[str, str] = field(factory=dict)
    filled: Counter[str] = field(factory=Counter)
    paid: Counter[str] = field(factory=Counter)
    positions: Counter[str] = field(factory=Counter)
    cash: Decimal = field(init=False)
    taken: Counter[tuple[Any, ...]] = field(factory=Counter)
    executions: set[str] = field(factory=set)
    newest_event_id: str = ""
    told: Counter[str] = field(factory=Counter)

    def __attrs_post_init__(self) -> None:
        self.cash = self.world.venue.ledger.terms.cash

    def audit(self, updates: list[OrderUpdate]) -> None:
        """One step."""
        happened: list[OrderUpdate | Settlement] = [*updates, *self.world.venue.drain_settlements()]
        for event in sorted(happened, key=lambda each: each.event_id):  # a step may pass over a close, and days
            if isinstance(event, Settlement):
                self._audit_settlement(event)
                continue
            self._audit_path(event)
            if event.fill is not None:
                self._audit_fill(event)
        self._audit_books()
        self._audit_orders()

    def _audit_path(self, update: OrderUpdate) -> None:
        change, order = str(update.change), update.order
        status = str(order.status)
        assert update.event_id > self.newest_event_id
        self.newest_event_id = update.event_id
        assert status in STATUSES.get(change, {change}), (change, status)
        if order.id in self.statuses:
            before = self.statuses[order.id]
            again = before == status == "partially_filled" and change == "partial_fill"
            assert again or status in LEGAL[before], f"{order.id}: {before} -> {status} by {change}"
        else:  # born, or a held leg: those are not told of before they wake or end
            born = {"pending_new", "accepted"} if not order.replaces else {"new", "accepted", "rejected", "canceled"}
            born |= (
                {"new", "canceled", "expired", "rejected", "replaced"} if order.parent_id or order.replaces else set()
            )
            assert status in born, f"{order.id} is first heard of as {status}"
        self.statuses[order.id] = status
        self.told[change] += 1

    def _audit_fill(self, update: OrderUpdate) -> None:
        order, whole = update.order, update.fill
        assert whole is not None and whole.qty > 0
        fills = update.leg_fills or (whole,)
        for fill in fills:
            assert fill.execution_id not in self.executions
            self.executions.add(fill.execution_id)
            self._audit_citation(fill)
            asset = self.world.venue.assets[fill.symbol]
            coins = Decimal(0) if fill.fee_asset == "USD" else fill.fee
            self.positions[fill.symbol] += fill.qty * fill.side.sign - coins
            self.cash -= fill.qty * fill.side.sign * fill.price * asset.multiplier + (0 if coins else fill.fee)
            self.filled[fill.order_id] += fill.qty
            self.paid[fill.order_id] += fill.qty * fill.price
        self._audit_hours(update.order, whole.ts_ns)
        if update.leg_fills:
            self.filled[order.id] += whole.qty
            assert order.limit_price is None or whole.price <= order.limit_price
            assert update.position_qtys == {fill.symbol: self.positions[fill.symbol] for fill in fills}
        else:
            assert update.position_qty == self.positions[order.symbol]
            assert order.side is whole.side
            if order.limit_price is not None:
                assert (order.limit_price - whole.price) * whole.side.sign >= 0
        assert order.filled_qty == self.filled[order.id]

    def _audit_settlement(self, settlement: Settlement) -> None:
        """Contracts end on their last day, for nothing or for their shares at the strike, as the last price has it."""
        ended, shares = settlement.contract, settlement.shares
        contract = self.world.venue.assets[ended.symbol]
        last = self.world.venue.view("AAPL").last
        worth = 0 if last is None else (last - contract.strike) * (1 if contract.call else -1)
        assert self.positions[ended.symbol] * ended.side.sign < 0
        assert ended.price == 0 and settlement.event_id > self.newest_event_id
        assert datetime.fromtimestamp(ended.ts_ns // 10**9, NEW_YORK).date().isoformat() == contract.expires
        self.newest_event_id = settlement.event_id
        self.told[settlement.kind] += 1
        self.positions[ended.symbol] += ended.qty * ended.side.sign
        if shares is None:
            assert worth <= 0 or ended.side is Side.SELL  # the account could not afford to exercise what it bought
            return
        assert worth > 0 and (shares.qty, shares.price) == (100 * ended.qty, contract.strike)
        assert shares.side is (ended.side.opposite if contract.call else ended.side)
        self.positions["AAPL"] += shares.qty * shares.side.sign
        self.cash -= shares.qty * shares.side.sign * shares.price

    def _audit_hours(self, order: Order, ts_ns: int) -> None:
        """Stocks and options trade in regular hours, unless the order says otherwise, and never while halted."""
        world = self.world
        around = order.asset_class is AssetClass.CRYPTO or order.extended_hours
        if not around and order.time_in_force is not TimeInForce.CLS:
            assert world.open_ns <= ts_ns < world.close_ns
        statuses = (event for event in world.events if isinstance(event, Status) and event.symbol == order.symbol)
        codes = [event.status_code for event in statuses if event.ts_ns <= ts_ns]
        assert codes[-1:] != ["H"]

    def _audit_citation(self, fill: Fill) -> None:
        """The market did say so: at that time, at no worse a price for the other side, and for that much."""
        cites = self.world.venue.citations[fill.execution_id]
        assert (fill.price - cites.price) * fill.side.sign >= 0, "a better price than the market's"
        shown = self._shown(fill, cites.kind, cites.ts_ns)
        assert (cites.price, cites.size) in shown, f"nobody told of {cites}"
        key = (fill.symbol, cites.kind, cites.ts_ns, cites.price, fill.side if cites.kind != "trade" else None)
        self.taken[key] += fill.qty
        assert not self.world.venue.model.sized or self.taken[key] <= cites.size

    def _shown(self, fill: Fill, kind: str, ts_ns: int) -> set[tuple[Decimal, Decimal]]:
        found: dict[float, float] | set[tuple[float, float]] = set()
        for event in self.world.events:
            if event.symbol != fill.symbol or event.ts_ns > ts_ns:
                continue
            if kind == "book" and isinstance(event, Book):
                found = dict(found if isinstance(found, dict) and not event.reset else ())
                found |= dict(event.asks if fill.side is Side.BUY else event.bids)
            elif event.ts_ns == ts_ns and kind == "trade" and isinstance(event, Trade):
                found = {(event.price, event.size)}
            elif event.ts_ns == ts_ns and kind == "quote" and isinstance(event, Quote):
                ask = event.ask_price, event.ask_size
                found = {ask if fill.side is Side.BUY else (event.bid_price, event.bid_size)}
        pairs = found.items() if isinstance(found, dict) else found
        return {(Decimal(str(price)), Decimal(str(size))) for price, size in pairs}

    def _audit_books(self) -> None:
        ledger: Ledger = self.world.venue.ledger
        assert ledger.imbalance() == 0
        account = self.world.venue.account()
        assert account.cash == self.cash
        assert account.buying_power >= 0 and account.non_marginable_buying_power >= 0
        held = {each.asset.symbol: each for each in self.world.venue.positions()}
        for symbol, qty in self.positions.items():
            assert ledger.drift(symbol) == 0
            assert (held[symbol].qty if symbol in held else 0) == qty
        for position in held.values():
            assert 0 <= position.available_qty <= abs(position.qty)

    def _audit_orders(self) -> None:
        venue, now_ns = self.world.venue, self.world.now_ns
        for order in venue.orders:
            assert order.filled_qty == self.filled[order.id]
            assert order.qty is None or order.filled_qty <= order.qty
            assert order.notional is None or self.paid[order.id] <= order.notional
            assert not order.open or order.expires_ns > now_ns
            if order.id in self.statuses and not _is_contract(order):
                assert self.statuses[order.id] == order.status
            elif not _is_contract(order):
                assert order.status in ("held", "pending_new", "replaced")
            if order.time_in_force in IMMEDIATE and order.status in ("new", "partially_filled"):
                self._audit_immediate(order)
            if order.order_class in GROUPED and not order.parent_id and order.status != "replaced":
                self._audit_group(order)

    def _audit_immediate(self, order: Order) -> None:
        """It has not seen any market yet, or it waits for its stop price."""
        waits = order.stop_price is not None and not order.filled_qty
        later = (event for event in self.world.events if event.ts_ns > order.submitted_ns)
        assert waits or all(event.symbol != order.symbol for event in later)

    def _audit_group(self, root: Order) -> None:
        """No exit works before its entry is filled, none after another one was, and they sell no more than there is."""
        legs = self.world.venue.orders.legs(root)
        exits = (root, *legs) if root.order_class is OrderClass.OCO else legs
        if root not in exits and root.status != "filled":
            assert all(leg.status == "held" or not leg.open for leg in legs)
        left = [each for each in exits if each.open]
        if any(each.status == "filled" for each in exits):
            assert not left
        if root.status in ("canceled", "expired", "rejected"):  # or the stop of an OCO was reached
            assert all(root.order_class is OrderClass.OCO and each.status != "held" for each in left)
        if len(exits) > 1:
            assert sum(each.filled_qty for each in exits) <= max(each.qty or 0 for each in (root, *exits))
            working = [each for each in left if each.status != "held"]
            assert len(working) <= 1
            assert not working or all(each.qty == working[0].left_qty for each in left if each.status == "held")


def _is_contract(order: Order) -> bool:
    return order.order_class is OrderClass.MLEG and bool(order.parent_id)


def _audit_end(world: Any, auditor: Auditor) -> None:
    """After the close nothing is left that was for the day, and after the last order nothing is held for any."""
    venue = world.venue
    for order in venue.open_orders():
        around_the_clock = order.asset_class is AssetClass.CRYPTO
        queued = order.created_ns >= world.close_ns
        assert order.time_in_force is TimeInForce.GTC or around_the_clock or queued, order
    auditor.audit(world.cancel_all())
    assert not venue.open_orders()
    again = Ledger(venue.ledger.terms)
    for fill in venue.fills:
        again.apply(fill, venue.assets[fill.symbol])
    for symbol, view in ((symbol, venue.view(symbol)) for symbol in auditor.positions):
        if view.last is not None:
            again.mark(symbol, view.last)
    account, fresh = venue.account(), again.account()
    assert account.cash == fresh.cash
    assert account.buying_power == fresh.buying_power
    assert account.non_marginable_buying_power == fresh.non_marginable_buying_power
    assert [each.available_qty for each in venue.positions()] == [each.available_qty for each in again.positions()]


def _run(world: Any, told: Counter[str]) -> None:
    finished = False
    try:
        auditor = Auditor(world)
        for updates in world.steps():
            auditor.audit(updates)
        _audit_end(world, auditor)
        told.update(auditor.told)
        for order in world.venue.orders:
            if order.filled_qty:
                leg = "leg" if order.parent_id else "order"
                told.update((f"{order.type} {order.time_in_force}", f"{order.order_class or 'simple'} {leg}"))
        finished = True
    finally:
        if not finished:
            print(f"seed {world.seed}, {world.venue.model.name}:", *world.log, sep="\n")


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEQUENCES, SHARE), ids=lambda first: f"from {first}")
def test_every_sequence_keeps_the_laws(world: Callable[[int], Any], first: int) -> None:
    """No fill outside the market, no quantity or money from nowhere, no illegal path, nothing open after the day."""
    told: Counter[str] = Counter()
    seeds = range(first, min(first + SHARE, SEQUENCES))
    for seed in seeds:
        _run(world(seed), told)
    if len(seeds) == SHARE:
        never = {OrderChange.HELD, OrderChange.DONE_FOR_DAY, OrderChange.STOPPED, OrderChange.CALCULATED}
        never |= {OrderChange.SUSPENDED, OrderChange.RESTATED}
        assert [change for change in OrderChange if change not in never and not told[change]] == []
        assert [kind for kind in SettlementKind if not told[kind]] == []


def test_a_sequence_is_the_same_every_time(world: Callable[[int], Any]) -> None:
    """One seed, one history: every update with every id of it."""
    for seed in range(5):
        assert list(world(seed).steps()) == list(world(seed).steps())
