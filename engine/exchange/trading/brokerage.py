"""Between the market, the matching engine and the doors: the one account of an exchange.

The matching engine decides and knows no clock; here is what moves it. Every published event goes to it in the order of
publication, right behind the data streams, so that a fill is told when the quote that caused it is. A task passes time
where the market is silent. What comes out is remembered, and told to everybody who listens, in one order.

It never holds the market up: as a sink it does not read, so a tape waits for clients and not for their account. At
speed 0 a latency would make an order wait for a market that moves only when somebody reads, so there is none then.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

import trio
from attrs import evolve

from engine.codec.activities import Activity, activities_of, activities_of_settlement
from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.matching.models import MODELS, FillModel
from engine.core.matching.venue import Matching
from engine.core.rules import Rule
from engine.exchange.assets import build_assets
from engine.exchange.faults.kinds import Fault
from engine.exchange.faults.plan import FaultPlan
from engine.exchange.market import Market
from engine.exchange.trading.books import Books, LiveBooks, Memory, Snapshot
from engine.exchange.trading.equity import EquityHistory
from engine.exchange.trading.log import Log
from engine.exchange.trading.settings import Settings
from engine.model.account import Asset
from engine.model.market import MarketEvent, Quote, Trade
from engine.model.order import Order, OrderRequest, OrderUpdate, ReplaceRequest

TOUCH: Final = MODELS["touch"]


class UpdateListener(Protocol):
    """Somebody who is told every update of an order."""

    def tell(self, update: OrderUpdate) -> None:
        """Take one update, in the order in which they happened. Must not wait and must not raise."""
        ...


class Brokerage:
    """An account that trades on a market. Attach it to the market behind the data streams, and run `serve_time`.

    ``model`` says how orders are filled, ``terms`` what the account may do, ``seed`` makes the ids. ``assets`` empty:
    the catalogue of the market's symbols. ``closes`` are dollars by symbol: what the trading day before ended with.
    """

    def __init__(
        self,
        market: Market,
        plan: FaultPlan,
        *,
        model: FillModel = TOUCH,
        terms: AccountTerms | None = None,
        seed: int = 1,
        assets: Mapping[str, Asset] | None = None,
        closes: Mapping[str, Decimal] | None = None,
    ) -> None:
        start_ns = market.source.start_ns
        self.clock = market.clock
        self.plan = plan
        self.model = evolve(model, latency_ns=0, cancel_latency_ns=0) if market.clock.speed == 0 else model
        self.assets = assets or build_assets(market.source.symbols, start_ns=start_ns)
        self.terms = terms or AccountTerms()
        self.settings = Settings()
        self.ledger = Ledger(self.terms)
        self.matching = Matching(self.assets, self.ledger, self.model, seed, start_ns, closes or {})
        self.updates: Log[OrderUpdate] = Log(_event_id_of, _ts_of)
        self.activities: Log[Activity] = Log(_activity_event_id_of, _activity_ts_of)
        self.equity = EquityHistory(start_ns)
        self._now_ns = start_ns
        self._live = LiveBooks(self.matching)
        self._memory = Memory()
        self._listeners: dict[int, UpdateListener] = {}
        self._told = trio.Event()
        self._replanned = trio.Event()

    def now_ns(self) -> int:
        """Market time, never before what was already taken from the market."""
        self._now_ns = max(self._now_ns, self.clock.now_ns())
        return self._now_ns

    # What the doors ask for.

    @property
    def books(self) -> Books:
        """What there is to read: the present, or with the fault `stale_reads` what was."""
        fault = self.plan.active("stale_reads")
        if fault is None:
            return self._live
        return self._memory.as_of(trio.current_time() - self._lag_s(fault)) or self._live

    def _lag_s(self, fault: Fault) -> float:
        return self.plan.seconds(fault.lag_s or 0.0)

    def counts(self) -> Mapping[str, int]:
        """How many orders are remembered by status, and how many updates were told, for the statistics."""
        return {**Counter(order.status.value for order in self.matching.orders), "updates": self.updates.end}

    def open_orders(self) -> tuple[Order, ...]:
        """What can still be canceled, oldest submission first."""
        return self.matching.open_orders()

    def legs_of(self, order: Order) -> tuple[Order, ...]:
        """The orders that hang on this one."""
        return self.matching.orders.legs(order)

    def submit(self, request: OrderRequest) -> Order:
        """Take an order; the order as it is right after that. Raises `engine.core.rules.Refused`."""
        self._before()
        if self.settings.suspend_trade:
            raise Rule.SUSPENDED.refusal()
        order, updates = self.matching.submit(request, self._now_ns, rejects=self._rejects)
        self._after(updates)
        return order

    def _rejects(self) -> bool:
        """Whether an order that was taken is to be rejected on its way to the market."""
        return self.plan.use("reject_late") is not None

    def replace(self, order_id: str, change: ReplaceRequest) -> Order:
        """Put another order in the place of one; the new one. Raises `Refused`."""
        self._before()
        order, updates = self.matching.replace(order_id, change, self._now_ns)
        self._after(updates)
        return order

    def cancel(self, order_id: str, *, at_once: bool = False) -> None:
        """Ask for the end of an order; ``at_once``: without the latency of the model. Raises `Refused`."""
        self._before()
        delay_ns = 0 if at_once else None
        order = self.matching.orders.get(order_id)
        if order is not None and order.open and (fault := self.plan.use("cancel_loses")):
            delay_ns = fault.lag_ns
        self._after(self.matching.cancel(order_id, self._now_ns, delay_ns=delay_ns))

    def exercise(self, contract: Asset) -> None:
        """Exercise what is held of an option. Raises `Refused`."""
        self._before()
        self._after(self.matching.exercise(contract, self._now_ns))

    def change(self, settings: Settings) -> None:
        """Take new settings of the account's user."""
        self.settings = settings
        self.ledger.terms = settings.apply(self.terms)

    def listen(self, listener: UpdateListener) -> None:
        """Tell this listener every update from now on."""
        self._listeners[id(listener)] = listener

    def unlisten(self, listener: UpdateListener) -> None:
        """Tell this listener nothing more."""
        self._listeners.pop(id(listener), None)

    async def wait_told(self) -> None:
        """Wait for the next update."""
        await self._told.wait()

    # The market's sink.

    @property
    def reading(self) -> bool:
        """Never: the market does not wait for an account."""
        return False

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Let the market reach the orders."""
        matching, equity = self.matching, self.equity
        fault = self.plan.active("stale_reads")
        if fault is not None and self._memory.is_due(trio.current_time(), self._lag_s(fault)):
            self._remember()
        for event in events:
            # Bars and the like are stamped with what they are about, which may be long before now.
            ts_ns = event.venue_ns if isinstance(event, Trade | Quote) else event.ts_ns
            now_ns = self._now_ns = max(self._now_ns, ts_ns)
            if now_ns >= equity.due_ns or now_ns >= matching.next_due_ns:
                self._catch_up()
            if updates := matching.take(event, now_ns):
                self._after(updates)

    async def ready(self) -> None:
        """There is always room."""
        await trio.lowlevel.checkpoint()

    def flushed(self) -> bool:
        """Nothing is held back."""
        return True

    # Time.

    async def serve_time(self) -> None:
        """Let happen what is due although the market is silent, until cancelled."""
        while True:
            self._replanned = trio.Event()
            await self.clock.sleep_until_woken(self._due_ns(), self._replanned)
            self._pass_time()

    def _due_ns(self) -> int:
        """When there is something to do, whatever the market tells."""
        return min(self.matching.next_due_ns, self.equity.due_ns)

    def _pass_time(self) -> None:
        """Bring the account up to now."""
        self.now_ns()
        self._catch_up()

    def _catch_up(self) -> None:
        """Let happen what is due, and tell of it: the end of a contract is nothing that an event's updates tell."""
        if self._now_ns >= self.equity.due_ns:
            self._sample()
        if self._now_ns >= self.matching.next_due_ns:
            self._after(self.matching.pass_time(self._now_ns))

    def _sample(self) -> None:
        self.equity.sample(self._now_ns, self.matching.account().equity)

    # What comes of it.

    def _before(self) -> None:
        """Somebody is about to change something."""
        self._pass_time()
        self._remember()

    def _after(self, updates: Sequence[OrderUpdate]) -> None:
        settlements = self.matching.drain_settlements()
        activities = [activity for update in updates for activity in activities_of(update)]
        activities += [activity for settlement in settlements for activity in activities_of_settlement(settlement)]
        for activity in sorted(activities, key=_activity_event_id_of):
            self.activities.add(activity)
        for update in updates:
            self.updates.add(update)
            for listener in tuple(self._listeners.values()):
                listener.tell(update)
        self._replanned.set()
        if updates or settlements:
            self._remember()
            self._told.set()
            self._told = trio.Event()

    def _remember(self) -> None:
        if self.plan.active("stale_reads") is not None:
            self._memory.remember(Snapshot.take(self._live, trio.current_time()))
        else:
            self._memory.forget()


def _event_id_of(update: OrderUpdate) -> str:
    return update.event_id


def _ts_of(update: OrderUpdate) -> int:
    return update.ts_ns


def _activity_event_id_of(activity: Activity) -> str:
    return activity.event_id


def _activity_ts_of(activity: Activity) -> int:
    return activity.fill.ts_ns
