"""A broker that is not there: orders are matched on this machine against the market that strategies see live.

For trying a strategy on today's market without sending anything (``gapless run --shadow``). The market data and the
catalogue of assets are the real venue's; the account is a copy of the real one's cash and begins flat. How orders fill
is a declared guess, the same matching engine and models as the embedded exchange's, and whoever wires this venue marks
what comes of it: a shadow session's client order ids begin with `MARK`.

It sees what the strategies subscribe to and no more: on minute bars alone it fills against bars. When the session's
data has ended strategies still have to get out: a quote stands until the next one, and so do the last close of bars
and the last print of trades.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeVar

import trio
from attrs import define, field
from msgspec.structs import replace

from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.matching.models import FillModel
from engine.core.matching.venue import Matching
from engine.core.rules import Refused
from engine.errors import OrderRefused
from engine.model.account import Account, Asset, HeldPosition
from engine.model.market import Bar, MarketEvent, Trade
from engine.model.order import Fill, Order, OrderRequest, OrderUpdate, ReplaceRequest
from engine.ports import AccountMessage, Clock, FeePage, FillPage, Go, at_once

MARK: Final = "shadow"
UNREAD_MAX: Final = 10_000
"""Messages that may wait for the account's reader: what the trading stream of the embedded exchange keeps too."""

STAND_EVERY_S: Final = 0.25
"""How often a last close is shown again to what is still to be matched: a way out shall not wait for it."""

_T = TypeVar("_T")


class Truth(Protocol):
    """Who is asked what there is to trade and to trade with: a real broker, or one that is made up."""

    async def account(self) -> Account: ...

    async def asset(self, symbol: str) -> Asset | None: ...


@define(eq=False, kw_only=True)
class ShadowVenue:
    """`engine.ports.Broker` and `engine.ports.AccountFeed` over a matching engine of its own.

    ``truth`` is the real broker: it is asked for assets and, once, for the account, and is sent nothing.
    """

    truth: Truth
    clock: Clock
    model: FillModel
    seed: int
    name: str = MARK
    _assets: dict[str, Asset] = field(factory=dict)
    _last: dict[str, Bar | Trade] = field(factory=dict)
    """The newest of each symbol."""
    _matching: Matching | None = None
    _unread: deque[AccountMessage] = field(factory=deque)
    _news: trio.Event = field(factory=trio.Event)
    _replanned: trio.Event = field(factory=trio.Event)
    _planned_ns: int = 0
    """What `run` sleeps until: most events change nothing about it."""

    async def open(self) -> None:
        """Copy the account's terms; before this no order can be taken. Raises `BrokerUnavailable`."""
        account = await self.truth.account()
        terms = AccountTerms(
            cash=account.equity, multiplier=account.multiplier, shorting_enabled=account.shorting_enabled
        )
        now_ns = self.clock.now_ns()
        self._matching = Matching(self._assets, Ledger(terms), self.model, self.seed, now_ns)

    async def run(self) -> None:
        """Let happen what only time brings, such as the close of the day, until cancelled."""
        while True:
            self._replanned, self._planned_ns = trio.Event(), self._venue.next_due_ns
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._sleep_until_due, nursery.cancel_scope)
                await self._replanned.wait()
                nursery.cancel_scope.cancel()
            self._tell(self._venue.pass_time(self.clock.now_ns()))

    async def _sleep_until_due(self, end: trio.CancelScope) -> None:
        await self.clock.sleep_until(self._planned_ns)
        self._replanned.set()
        end.cancel()

    @property
    def idle(self) -> bool:
        """Whether an event can change nothing that anybody waits for: no order is open, and no update unread."""
        return not self._unread and not self._venue.orders.open_count

    @property
    def next_due_ns(self) -> int:
        """When something happens by itself, market time."""
        return self._venue.next_due_ns

    def take(self, event: MarketEvent) -> None:
        """The market told something; never waits."""
        if isinstance(event, Bar | Trade):
            self._last[event.symbol] = event
        if self._matching is not None and event.symbol in self._assets:
            self._tell(self._matching.take(event, self.clock.now_ns()))

    async def stand(self) -> None:
        """The session's data has ended: let the last close or print stand for those to come, until cancelled."""
        while True:
            now_ns = self.clock.now_ns()
            for event in list(self._last.values()):
                if isinstance(event, Bar):
                    last = event.close
                    self.take(replace(event, ts_ns=now_ns, open=last, high=last, low=last))
                else:
                    self.take(replace(event, ts_ns=now_ns))
            await trio.sleep(STAND_EVERY_S)

    # -- the broker

    async def submit(self, request: OrderRequest, *, urgent: bool = False, go: Go = at_once) -> tuple[Order, ...]:
        """Take an order into the matching engine; ``urgent`` changes nothing, there is no budget here."""
        await trio.lowlevel.checkpoint()
        for symbol in [request.symbol, *(leg.symbol for leg in request.legs)]:
            if symbol:
                await self.asset(symbol)
        await go()
        order, updates = self._ask(lambda: self._venue.submit(request, self.clock.now_ns()))
        self._tell(updates)
        return self._with_legs(order)

    async def replace(self, order_id: str, change: ReplaceRequest, *, go: Go = at_once) -> tuple[Order, ...]:
        """Put another order in the place of one."""
        await go()
        await trio.lowlevel.checkpoint()
        order, updates = self._ask(lambda: self._venue.replace(order_id, change, self.clock.now_ns()))
        self._tell(updates)
        return self._with_legs(order)

    async def cancel(self, order_id: str) -> None:
        """Ask for the end of an order."""
        await trio.lowlevel.checkpoint()
        self._tell(self._ask(lambda: self._venue.cancel(order_id, self.clock.now_ns())))

    async def order(self, order_id: str) -> tuple[Order, ...]:
        await trio.lowlevel.checkpoint()
        order = self._venue.orders.get(order_id)
        return () if order is None else self._with_legs(order)

    async def order_of(self, client_order_id: str) -> tuple[Order, ...]:
        await trio.lowlevel.checkpoint()
        order = self._venue.orders.by_client_id(client_order_id)
        return () if order is None else self._with_legs(order)

    async def open_orders(self) -> tuple[Order, ...]:
        await trio.lowlevel.checkpoint()
        return self._venue.open_orders()

    async def fills_behind(self, mark: str, since_ns: int) -> FillPage:
        """``mark`` is the id of the last execution that was read."""
        await trio.lowlevel.checkpoint()
        told: list[Fill] = []
        for fill in reversed(self._venue.fills):
            if fill.execution_id == mark or (not mark and fill.ts_ns < since_ns):
                break
            told.append(fill)
        told.reverse()
        return FillPage(fills=tuple(told), mark=told[-1].execution_id if told else mark)

    async def fees_behind(self, mark: str, since_ns: int) -> FeePage:
        """None: executions here tell what they cost, in dollars too, and would cost it twice."""
        await trio.lowlevel.checkpoint()
        return FeePage(fees=(), mark=mark)

    async def positions(self) -> tuple[HeldPosition, ...]:
        await trio.lowlevel.checkpoint()
        return tuple(
            HeldPosition(
                symbol=position.asset.symbol,
                qty=position.qty,
                entry_price=position.entry_price,
                price=position.price,
                asset_class=position.asset.asset_class,
            )
            for position in self._venue.positions()
        )

    async def account(self) -> Account:
        await trio.lowlevel.checkpoint()
        return self._venue.account()

    async def asset(self, symbol: str) -> Asset | None:
        """What the real venue says of it."""
        asset = await self.truth.asset(symbol)
        if asset is not None:
            self._assets.setdefault(asset.symbol, asset)
        return asset

    # -- the account stream

    @asynccontextmanager
    async def open_line(self) -> AsyncIterator["ShadowVenue"]:
        """There is nothing to connect to."""
        await trio.lowlevel.checkpoint()
        yield self

    async def receive(self) -> tuple[AccountMessage, ...]:
        """Wait for updates and return all that has come."""
        await trio.lowlevel.checkpoint()
        while not self._unread:
            self._news = trio.Event()
            await self._news.wait()
        told = tuple(self._unread)
        self._unread.clear()
        return told

    def replay(self, since_id: str) -> None:
        """Nothing is ever lost on the way here, so there is no second road."""

    @property
    def _venue(self) -> Matching:
        assert self._matching is not None, "open() comes before everything else"
        return self._matching

    def _ask(self, question: Callable[[], _T]) -> _T:
        try:
            return question()
        except Refused as refused:
            raise OrderRefused(
                f"{MARK}: {refused.message}",
                rule=refused.rule,
                status=refused.status,
                code=refused.code,
                extra=refused.extra,
            ) from None

    def _with_legs(self, order: Order) -> tuple[Order, ...]:
        return order, *self._venue.orders.legs(order)

    def _tell(self, updates: Sequence[OrderUpdate]) -> None:
        if len(self._unread) + len(updates) > UNREAD_MAX:
            self._unread.clear()
            self._unread.append(AccountMessage(update=None, doubt=f"{MARK}: more than {UNREAD_MAX} updates unread"))
        for update in updates:
            self._unread.append(
                AccountMessage(update=update, orders=self._with_legs(update.order), event_id=update.event_id)
            )
        if updates:
            self._news.set()
        if self._venue.next_due_ns != self._planned_ns:
            self._replanned.set()
