"""A desk whose venue does what the test says: the same seams as the real one, and a fate for every order."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, evolve, field

from engine.errors import OrderEnded, OrderRefused
from engine.flow.markets import Markets
from engine.flow.trading import Trading
from engine.flow.tuning import StreamTuning
from engine.model.account import Asset, StrategyPosition
from engine.model.intent import Intent, Outcome, Purpose, Ticket
from engine.model.order import ZERO, AssetClass, Fill, Order, OrderRequest, OrderStatus, Side

MONDAY_NS = 1_772_461_860 * 10**9
"""2026-03-02T14:31:00Z, in the regular session."""
TICK_S = 0.1
"""How long the scripted venue takes for anything."""


@define
class Fate:
    """What becomes of an order: ``fills`` of it is filled (a share of 1), then it ends as ``end``, or rests (``None``).

    ``late`` of it is filled after its cancel was asked for; ``stuck``: its cancel is never carried out.
    """

    refused: str = ""
    fills: Decimal = Decimal(1)
    end: OrderStatus | None = None
    late: Decimal = ZERO
    stuck: bool = False


@define(eq=False)
class ScriptedOrder:
    """`engine.ports.LiveOrder`, as far as the strategy's side uses it."""

    desk: "ScriptedDesk"
    strategy: str
    ticket: Ticket
    fate: Fate
    legs: tuple["ScriptedOrder", ...] = ()
    _news: trio.Event = field(factory=trio.Event)

    @property
    def client_order_id(self) -> str:
        return self.ticket.client_order_id

    @property
    def order(self) -> Order:
        assert self.ticket.order is not None
        return self.ticket.order

    @property
    def symbol(self) -> str:
        return self.order.symbol

    @property
    def side(self) -> Side:
        assert self.order.side is not None
        return self.order.side

    @property
    def open(self) -> bool:
        return self.ticket.open

    def fill(self, share: Decimal) -> None:
        assert self.order.qty is not None
        step = self.desk.assets[self.symbol].min_trade_increment or Decimal(1)
        qty = min(self.order.qty * share // step * step, self.order.left_qty)
        if qty:
            self.desk.move(self.strategy, self.symbol, qty * self.side.sign)
            filled = self.order.filled_qty + qty
            full = filled == self.order.qty
            self.change(filled_qty=filled, status=OrderStatus.FILLED if full else OrderStatus.PARTIALLY_FILLED)

    def change(self, **what: Any) -> None:
        self.ticket = evolve(self.ticket, order=evolve(self.order, **what))
        self._news.set()
        self._news = trio.Event()

    async def ended(self) -> "ScriptedOrder":
        await trio.lowlevel.checkpoint()
        while self.open:
            await self._news.wait()
        return self

    async def filled(self) -> "ScriptedOrder":
        await self.ended()
        if self.order.status is not OrderStatus.FILLED:
            raise OrderEnded(f"order {self.client_order_id} is {self.order.status}")
        return self

    async def cancel(self) -> "ScriptedOrder":
        await trio.sleep(TICK_S)
        if self.open:
            self.fill(self.fate.late)
        if self.fate.stuck:
            await self.ended()
        if self.open:
            self.change(status=OrderStatus.CANCELED)
        return self


@define(eq=False)
class ScriptedDesk:
    """`engine.flow.trading.OrderDesk` with a venue of ``fates``, one for each order; what follows them is filled."""

    assets: dict[str, Asset]
    fates: Iterator[Fate] = field(factory=lambda: iter(()))
    held: dict[tuple[str, str], Decimal] = field(factory=dict)
    placed: list[ScriptedOrder] = field(factory=list)
    purposes: list[Purpose] = field(factory=list)
    crossed: list[str] = field(factory=list)
    """Orders that were sent although they would take a position through zero."""
    reconciles: int = 0
    cost_each: Decimal = ZERO
    """What everything held was bought at."""
    slow_s: float = TICK_S
    """How long the venue takes to answer a new order."""
    _listeners: dict[str, list[Callable[[Fill], None]]] = field(factory=dict)

    @property
    def broker(self) -> "ScriptedDesk":
        return self

    @property
    def blotter(self) -> "ScriptedDesk":
        return self

    async def asset(self, symbol: str) -> Asset | None:
        await trio.lowlevel.checkpoint()
        return self.assets.get(symbol)

    def account_position(self, symbol: str) -> Decimal:
        return sum((qty for (_, one), qty in self.held.items() if one == symbol), ZERO)

    def working(
        self, symbol: str, strategy: str | None = None, *, price: Decimal | None = None
    ) -> tuple[Decimal, Decimal]:
        orders = self.open_orders(strategy, symbol)
        buying = sum((one.order.left_qty for one in orders if one.side is Side.BUY), ZERO)
        return buying, sum((one.order.left_qty for one in orders if one.side is Side.SELL), ZERO)

    async def place(
        self,
        strategy: str,
        request: OrderRequest,
        *,
        purpose: Purpose = Purpose.ENTRY,
        within_s: float | None = None,
        late_ok: bool = False,
    ) -> ScriptedOrder:
        await trio.lowlevel.checkpoint()
        fate = next(self.fates, Fate())
        if fate.refused:
            raise OrderRefused(fate.refused, rule="venue")
        self._check_crossing(strategy, request)
        order = self.open(strategy, request, fate)
        self.purposes.append(purpose)
        await trio.sleep(self.slow_s)
        order.fill(fate.fills)
        if order.open and fate.end is not None:
            order.change(status=fate.end)
        return order

    def open(self, strategy: str, request: OrderRequest, fate: Fate) -> ScriptedOrder:
        """An order of the strategy that is open now."""
        cid = f"s-{strategy}-{len(self.placed) + 1}"
        intent = Intent(
            client_order_id=cid,
            strategy=strategy,
            seq=len(self.placed) + 1,
            request=request,
            purpose=Purpose.ENTRY,
            at_ns=MONDAY_NS,
            valid_until_ns=MONDAY_NS,
        )
        order = Order(
            id=cid,
            client_order_id=cid,
            symbol=request.symbol,
            asset_id="",
            asset_class=None,
            side=request.side,
            type=request.type,
            time_in_force=request.time_in_force,
            status=OrderStatus.NEW,
            qty=request.qty,
        )
        ticket = Ticket(client_order_id=cid, strategy=strategy, intent=intent, outcome=Outcome.TAKEN, order=order)
        self.placed.append(ScriptedOrder(self, strategy, ticket, fate))
        return self.placed[-1]

    def _check_crossing(self, strategy: str, request: OrderRequest) -> None:
        assert request.qty is not None
        for held in (self.held.get((strategy, request.symbol), ZERO), self.account_position(request.symbol)):
            after = held + request.qty * request.side.sign
            if held * after < 0:
                self.crossed.append(f"{request.side} {request.qty} at {held}")

    def move(self, strategy: str, symbol: str, qty: Decimal) -> None:
        """The strategy's position changes by an execution."""
        self.held[strategy, symbol] = self.held.get((strategy, symbol), ZERO) + qty
        fill = Fill(
            execution_id=f"{len(self.placed)}",
            order_id="",
            symbol=symbol,
            side=Side.BUY if qty > 0 else Side.SELL,
            qty=abs(qty),
            price=Decimal(100),
            ts_ns=MONDAY_NS,
        )
        for put in self._listeners.get(strategy, ()):
            put(fill)

    def open_orders(self, strategy: str | None, symbol: str | None = None) -> tuple[ScriptedOrder, ...]:
        return tuple(
            order
            for order in self.placed
            if order.open and strategy in (None, order.strategy) and symbol in (None, order.symbol)
        )

    def position(self, strategy: str, symbol: str) -> StrategyPosition:
        qty = self.held.get((strategy, symbol), ZERO)
        return StrategyPosition(symbol=symbol, qty=qty, cost=qty * self.cost_each)

    def positions(self, strategy: str) -> Mapping[str, StrategyPosition]:
        return {
            symbol: self.position(who, symbol) for (who, symbol), qty in self.held.items() if who == strategy and qty
        }

    def listen_fills(self, strategy: str, put: Callable[[Fill], None]) -> Callable[[], None]:
        self._listeners.setdefault(strategy, []).append(put)
        return lambda: self._listeners[strategy].remove(put)

    async def reconcile(self) -> None:
        await trio.sleep(TICK_S)
        self.reconciles += 1


@define
class StillClock:
    """Market time that stands still in the regular session."""

    speed: float = 1.0
    ended: bool = False
    is_open: bool | None = True
    at_ns: int = MONDAY_NS

    def now_ns(self) -> int:
        return self.at_ns

    def advance(self, ts_ns: int) -> None:
        """Nothing is read here."""

    async def refresh(self) -> int:
        await trio.lowlevel.checkpoint()
        return self.at_ns

    async def sleep_until(self, ts_ns: int) -> None:
        await trio.sleep_forever()


@define(eq=False)
class Floor:
    """A trading floor: one scripted desk, and a `Trading` for each strategy asked for."""

    desk: ScriptedDesk
    reports: list[str] = field(factory=list)
    said: list[str] = field(factory=list)
    profits: dict[str, Decimal] = field(factory=dict)
    clock: StillClock = field(factory=StillClock)
    markets: Markets = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.markets = Markets(
            clock=self.clock,
            feed_of=lambda _: "none",
            make_feed=lambda name: pytest.fail(f"nobody subscribes to {name} here"),
            tuning=StreamTuning(),
            seed=1,
            say=lambda name, message: self.said.append(f"{name}: {message}"),
            report=self.reports.append,
            on_failure=lambda _: None,
        )

    def trading(self, strategy: str = "alpha") -> Trading:
        return Trading(
            strategy=strategy,
            desk=self.desk,
            state=NoState(),
            markets=self.markets,
            price=lambda _: Decimal(100),
            profit_of=self.profits.get,
        )

    @staticmethod
    def run(body: Callable[[], Awaitable[None]]) -> None:
        """Run this on a virtual clock; it fails when it takes an hour."""

        async def main() -> None:
            with trio.fail_after(3600):
                await body()

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


class NoState(dict[str, object]):
    """``ctx.state`` of a strategy that keeps nothing."""

    def snapshot(self) -> Mapping[str, object]:
        return dict(self)

    async def save(self) -> None:
        await trio.lowlevel.checkpoint()


def stock(symbol: str, **what: Any) -> Asset:
    return Asset(
        id=symbol,
        symbol=symbol,
        name=symbol,
        asset_class=AssetClass.US_EQUITY,
        exchange="NYSE",
        fractionable=False,
        **what,
    )


def coin(symbol: str, increment: str) -> Asset:
    return Asset(
        id=symbol,
        symbol=symbol,
        name=symbol,
        asset_class=AssetClass.CRYPTO,
        exchange="CRYPTO",
        min_trade_increment=Decimal(increment),
    )


@pytest.fixture(scope="session")
def build_floor() -> Callable[..., Floor]:
    """A floor whose orders have these fates, in the order in which they are placed."""

    def build(*fates: Fate, **held: int | str) -> Floor:
        desk = ScriptedDesk(
            assets={"SPY": stock("SPY"), "QQQ": stock("QQQ"), "BTC/USD": coin("BTC/USD", "0.001")}, fates=iter(fates)
        )
        for name, qty in held.items():
            strategy, _, symbol = name.partition("_")
            desk.held[strategy, symbol] = Decimal(qty)
        return Floor(desk)

    return build


@pytest.fixture(scope="session")
def fate() -> type[Fate]:
    return Fate
