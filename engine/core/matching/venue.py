"""The matching engine's door: orders and market events in, what the account stream says out.

It is pure: the market's events and the time come in, nothing is waited for and nothing is drawn but from its seed, so
the embedded exchange and replay share it, and one input gives one output on every machine. The way of an order:

1. `submit` checks it against every rule (`engine.core.rules`), has the ledger hold what it needs, and remembers it.
2. After the model's latency it reaches the market, outside its hours when they begin, and becomes ``new``.
3. Each event of its symbol is shown to it (`engine.core.matching.orders.filling`); what fills is booked and told in one
   step (`engine.core.matching.orders.register`), and orders that hang on it are seen to (`...orders.groups`).
4. A cancel, a replacement or an edge of the trading day ends what did not fill (`...orders.changes`, `...orders.day`).

Option contracts end too, on their last day or when they are exercised (`engine.core.matching.settlement`).

Times are given, and never go back. What became due since the last call happens first, at its own time, whichever
method is called; a refused call loses none of it, the next one tells. Books, views and orders are to be read here and
changed nowhere else.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from random import Random

from attrs import define, field

from engine.core.matching.citation import Citation
from engine.core.matching.ledger import Ledger
from engine.core.matching.models import FillModel
from engine.core.matching.orders import changes, filling, groups, submission
from engine.core.matching.orders.agenda import Agenda, Step
from engine.core.matching.orders.day import pass_edge
from engine.core.matching.orders.ids import Ids
from engine.core.matching.orders.pit import Pit
from engine.core.matching.orders.register import Register
from engine.core.matching.orders.store import Orders
from engine.core.matching.orders.timing import next_edge_ns
from engine.core.matching.settlement import exercise
from engine.core.matching.view import SymbolView
from engine.model.account import Account, Asset, Position
from engine.model.market import MarketEvent
from engine.model.order import Fill, Order, OrderRequest, OrderStatus, OrderUpdate, ReplaceRequest
from engine.model.settlement import Settlement


@define
class Matching:
    """One account's orders at one venue. ``start_ns`` is the market's time when it begins.

    ``closes`` are the prices in dollars, by symbol, that the trading day before ended with, as far as anybody knows.
    """

    assets: Mapping[str, Asset]
    ledger: Ledger
    model: FillModel
    seed: int
    start_ns: int
    closes: Mapping[str, Decimal] = field(factory=dict)
    next_due_ns: int = field(init=False)
    """When something happens by itself: call `pass_time` then, if no event comes before."""
    _pit: Pit = field(init=False)
    _agenda: Agenda = field(init=False, factory=Agenda)
    _edge_ns: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        register = Register(ledger=self.ledger, fees=self.model.fees, ids=Ids(self.seed))
        dice = Random(f"{self.seed}/fills")
        self._pit = Pit(assets=self.assets, model=self.model, register=register, dice=dice, closes=dict(self.closes))
        self.ledger.recall(self.closes)
        self.next_due_ns = self._edge_ns = next_edge_ns(self.start_ns)

    @property
    def orders(self) -> Orders:
        """The remembered orders: all open ones and the newest of those that ended."""
        return self._pit.register.orders

    @property
    def fills(self) -> Sequence[Fill]:
        """The newest fills (at least 100,000), oldest first."""
        return self._pit.register.fills

    @property
    def citations(self) -> Mapping[str, Citation]:
        """What of the market each of these fills rests on, by execution id; those of no order rest on a contract."""
        return self._pit.register.citations

    def open_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """The open orders, of one symbol or of all, oldest first."""
        return self.orders.open(symbol)

    def view(self, symbol: str) -> SymbolView | None:
        """What the market of a symbol looks like; ``None`` for what cannot be traded."""
        return self._pit.view(symbol)

    def account(self) -> Account:
        """The account at the market's newest prices."""
        self._pit.mark()
        return self.ledger.account()

    def positions(self) -> tuple[Position, ...]:
        """The positions at the market's newest prices, by symbol."""
        self._pit.mark()
        return self.ledger.positions()

    def position(self, symbol: str) -> Position | None:
        """The position in a symbol at the market's newest price; ``None`` where nothing is held."""
        self._pit.mark()
        return self.ledger.position(symbol)

    def submit(
        self, request: OrderRequest, now_ns: int, *, rejects: Callable[[], bool] | None = None
    ) -> tuple[Order, list[OrderUpdate]]:
        """Take an order. The order is as the reply shows it, the updates are what is told by now; raises `Refused`.

        ``rejects`` is asked once the order is taken: whether the market will not have it all the same.
        """
        self._catch_up(now_ns)
        order = submission.submit(self._pit, request, now_ns)
        if rejects is not None and rejects():
            self._agenda.send(now_ns + self.model.latency_ns, Step.REJECTION, order.id)
        elif order.status is OrderStatus.PENDING_NEW:
            self._agenda.send(now_ns + self.model.latency_ns, Step.ORDER, order.id)
        self._catch_up(now_ns, sent=True)
        return order, self._pit.register.drain()

    def replace(self, order_id: str, change: ReplaceRequest, now_ns: int) -> tuple[Order, list[OrderUpdate]]:
        """Ask for another order in the place of one; returns the new one, which may yet be rejected.

        Raises `Refused`: there is no such order, it is not open, or the changed one would be refused.
        """
        self._catch_up(now_ns)
        order = changes.replace(self._pit, self._agenda, order_id, change, now_ns)
        self._catch_up(now_ns, sent=True)
        return order, self._pit.register.drain()

    def cancel(self, order_id: str, now_ns: int, *, delay_ns: int | None = None) -> list[OrderUpdate]:
        """Ask for an order's end, ``delay_ns`` from now (``None``: the model's latency); it works until then.

        Canceling again what is canceled is a success. Raises `Refused`: no such order, or it has ended otherwise.
        """
        self._catch_up(now_ns)
        delay = self.model.cancel_latency_ns if delay_ns is None else delay_ns
        changes.cancel(self._pit, self._agenda, order_id, now_ns, delay)
        self._catch_up(now_ns, sent=True)
        return self._pit.register.drain()

    def exercise(self, contract: Asset, now_ns: int) -> list[OrderUpdate]:
        """Exercise the contracts of a symbol that no order holds. Raises `Refused`.

        That this was done is no update: `drain_settlements` tells of it.
        """
        self._catch_up(now_ns)
        exercise(self._pit, contract, now_ns)
        return self._pit.register.drain()

    def drain_settlements(self) -> list[Settlement]:
        """What became of option contracts since the last call: exercised by any of the methods here, or by time."""
        return self._pit.register.drain_settlements()

    def take(self, event: MarketEvent, now_ns: int) -> list[OrderUpdate]:
        """The market told something. This is the hot path: a symbol on which no order works costs a microsecond."""
        if now_ns >= self.next_due_ns:
            self._catch_up(now_ns)
        pit = self._pit
        symbol = event.symbol
        view = pit.views.get(symbol) or pit.view(symbol)
        if view is not None:
            view.take(event)
            if pit.busy(symbol):
                filling.match(pit, symbol, event, now_ns)
        return pit.register.drain()

    def pass_time(self, now_ns: int) -> list[OrderUpdate]:
        """Nothing but time passed. What became due happened, each at its own time."""
        self._catch_up(now_ns)
        return self._pit.register.drain()

    def _catch_up(self, now_ns: int, *, sent: bool = False) -> None:
        """Let happen what is due. ``sent``: something was put on the agenda since the next due time was worked out."""
        while sent or self.next_due_ns <= now_ns:
            sent = False
            arrival_ns = self._agenda.next_ns
            if self._edge_ns <= now_ns and (arrival_ns is None or self._edge_ns <= arrival_ns):
                pass_edge(self._pit, self._edge_ns)
                self._edge_ns = next_edge_ns(self._edge_ns)
            elif arrival_ns is not None and arrival_ns <= now_ns:
                self._arrive()
            arrival_ns = self._agenda.next_ns
            self.next_due_ns = self._edge_ns if arrival_ns is None else min(self._edge_ns, arrival_ns)

    def _arrive(self) -> None:
        due = self._agenda.pop()
        if due.step is Step.CANCEL:
            changes.arrive_cancel(self._pit, due)
        elif due.step is Step.REPLACEMENT:
            changes.arrive_replacement(self._pit, due)
        elif due.step is Step.REJECTION:
            changes.arrive_rejection(self._pit, due)
        else:
            order = self.orders.get(due.order_id)
            if order is not None and order.status is OrderStatus.PENDING_NEW:
                filling.reach_market(self._pit, due.order_id, due.due_ns)
        groups.settle(self._pit, due.due_ns)
