"""What a strategy can do with orders, for one strategy of a session.

Everything here is asked of the desk; what this adds is what belongs to the strategy rather than to the order: reading
what was written, whether it adds risk, the way to a target, and the blocks that orders are bound to.
"""

import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final, Unpack

import trio
from attrs import define, field

from engine.core.asking import (
    Terms,
    Written,
    build_request,
    check_words,
    default_time,
    may_be_pair,
    parse_number,
    parse_symbol,
    parse_within,
)
from engine.core.rules import plain
from engine.core.target import closing_intent, cut_target, is_dust, next_delta, side_of
from engine.errors import BrokerUnavailable, Misconfigured, NotReady, OrderEnded
from engine.flow.flatten.desk_hands import end_orders, find_asset, held_of
from engine.flow.markets import Markets
from engine.flow.trading.fills import FILLS_MAX, Fills
from engine.flow.trading.leaving import Leaving
from engine.flow.trading.needs import OrderDesk
from engine.flow.trading.scopes import Scope, Scopes
from engine.model.account import Asset, StrategyPosition
from engine.model.control import Alarm
from engine.model.intent import Purpose
from engine.model.order import OrderClass, OrderRequest, OrderType, Side
from engine.ports import LiveOrder, OnExit, SavedState

WITHIN_S: Final = 10.0
"""For leaving a block, unless it says otherwise: a cancel and a market order take a second each, at worst several."""
TARGET_ORDERS_MAX: Final = 8
"""Orders on the way to one target: two where it crosses zero, twice that where the account stands the other way, and
as many again for fills that came late."""
ALARM_FEED: Final = "orders"
"""What alarms about orders name as their feed."""


@define(eq=False, kw_only=True)
class Trading:
    """The order side of a `engine.flow.context.StrategyContext`. ``price`` tells the last known price of a symbol,
    ``profit_of`` what a strategy made today."""

    strategy: str
    desk: OrderDesk
    state: SavedState
    markets: Markets
    price: Callable[[str], Decimal | None]
    profit_of: Callable[[str], Decimal | None]
    _scopes: Scopes = field(factory=Scopes, init=False)
    _targets: dict[str, trio.Lock] = field(factory=dict, init=False)
    """One way to a target at a time for each symbol."""
    _spellings: dict[str, str] = field(factory=dict, init=False)
    """The venue's way to write a symbol, by the strategy's, where that may be another."""
    _said: dict[str, str] = field(factory=dict, init=False)
    """What was said last of each symbol's targets."""

    # -- placing

    async def order(
        self,
        side: Side,
        symbol: str,
        qty: Written | None = None,
        *,
        within: float | None = None,
        late_ok: bool = False,
        **terms: Unpack[Terms],
    ) -> LiveOrder:
        """`engine.ports.Context.buy` and ``sell``."""
        check_words(side.value, terms)
        request = build_request(await self._spelled(symbol), side, qty, **terms)
        return await self._place(request, within=parse_within(within), late_ok=late_ok)

    async def _spelled(self, symbol: str) -> str:
        """The symbol as the venue writes it: BTC/USD for BTCUSD, which is a crypto pair and trades without days."""
        await trio.lowlevel.checkpoint()
        if may_be_pair(parse_symbol(symbol)) and symbol not in self._spellings:
            self._spellings[symbol] = (await self._asset(symbol)).symbol
        return self._spellings.get(symbol, symbol)

    async def _place(self, request: OrderRequest, *, within: float | None = None, late_ok: bool = False) -> LiveOrder:
        scope = self._scopes.innermost()
        if scope is not None:
            scope.touch(request.symbol)
        since_ns = self.markets.clock.now_ns()
        order: LiveOrder | None = None
        try:
            order = await self.desk.place(
                self.strategy, request, purpose=self._purpose(request), within_s=within, late_ok=late_ok
            )
        finally:
            if order is None:
                self._claim(scope, request, since_ns)
        self._scopes.bind(scope, order)
        return order

    def _claim(self, scope: Scope | None, request: OrderRequest, since_ns: int) -> None:
        """The placing was cut off, but the order may be on its way: it belongs to the block all the same.

        Between two equal orders that are placed at once it does not matter which is which.
        """
        for order in self._scopes.unbound(self.open_orders()):
            intent = order.ticket.intent
            if intent is not None and intent.at_ns >= since_ns and _alike(intent.request, request):
                self._scopes.bind(scope, order)
                return

    def _purpose(self, request: OrderRequest) -> Purpose:
        """An exit is what gives back no more than is held, together with what is on its way already."""
        held, side = self._held(request.symbol), request.side
        buying, selling = self.desk.blotter.working(request.symbol, self.strategy, price=self.price(request.symbol))
        free = abs(held) - (buying if side is Side.BUY else selling)
        simple = request.order_class is OrderClass.SIMPLE and request.qty is not None
        exits = simple and held * side.sign < 0 and (request.qty or 0) <= free
        return Purpose.EXIT if exits else Purpose.ENTRY

    # -- targets

    async def target(self, symbol: str, qty: Written, *, within: float | None = None) -> None:
        """`engine.ports.Context.target`."""
        wanted, within = parse_number(qty, "qty"), parse_within(within)
        symbol = await self._spelled(symbol)
        async with self._targets.setdefault(symbol, trio.Lock()):
            asset = await self._asset(symbol)
            symbol = asset.symbol
            goal = cut_target(wanted, asset)
            if goal != wanted:
                self._say_once(
                    symbol, f"target {plain(wanted)} {symbol} is cut to {plain(goal)}, the next whole increment"
                )
            for _ in range(TARGET_ORDERS_MAX):
                await self.cancel(symbol)
                request = self._next_order(asset, goal)
                if request is None:
                    self._check_reached(asset, goal)
                    return
                order = await self._place(request, within=within)
                await order.filled()
            raise OrderEnded(
                f"{self.strategy}: {symbol} is at {plain(self._held(symbol))} and not at {plain(goal)} after "
                f"{TARGET_ORDERS_MAX} orders: something else trades it at the same time"
            )

    async def _asset(self, symbol: str) -> Asset:
        try:
            return await find_asset(self.desk.broker, symbol)
        except BrokerUnavailable as failure:
            raise NotReady(f"{self.strategy}: nothing is known of {symbol} yet: {failure}") from failure

    def _next_order(self, asset: Asset, goal: Decimal) -> OrderRequest | None:
        held, account = self._held(asset.symbol), self.desk.blotter.account_position(asset.symbol)
        delta = next_delta(held, goal, account, asset, self._worth(asset.symbol))
        if not delta:
            return None
        return OrderRequest(
            symbol=asset.symbol,
            side=side_of(delta),
            type=OrderType.MARKET,
            time_in_force=default_time(asset.symbol),
            qty=abs(delta),
            position_intent=closing_intent(delta, account, asset),
        )

    def _check_reached(self, asset: Asset, goal: Decimal) -> None:
        left = self._held(asset.symbol) - goal
        if not left:
            return
        if not is_dust(left, asset, self._worth(asset.symbol)):
            raise OrderEnded(
                f"{self.strategy}: {asset.symbol} is {plain(left)} off its target {plain(goal)}, and what "
                "the account holds of it allows no order that would change that"
            )
        self._say_once(
            asset.symbol, f"{asset.symbol} is {plain(left)} off its target {plain(goal)}: less than can be traded"
        )

    def _held(self, symbol: str) -> Decimal:
        return held_of(self.desk, self.strategy, symbol)

    def _worth(self, symbol: str) -> Decimal | None:
        """About what one is worth: where no stream tells, what this strategy paid."""
        return self.price(symbol) or self.desk.position(self.strategy, symbol).entry_price or None

    # -- what there is

    async def cancel(self, symbol: str | None = None) -> None:
        """`engine.ports.Context.cancel`."""
        await trio.lowlevel.checkpoint()
        await end_orders(self.open_orders(symbol))

    def open_orders(self, symbol: str | None = None) -> tuple[LiveOrder, ...]:
        """`engine.ports.Context.open_orders`."""
        return self.desk.open_orders(self.strategy, None if symbol is None else self._spellings.get(symbol, symbol))

    def position(self, symbol: str) -> Decimal:
        """`engine.ports.Context.position`."""
        return self.desk.position(self.strategy, self._spellings.get(symbol, symbol)).qty

    @property
    def positions(self) -> Mapping[str, StrategyPosition]:
        """`engine.ports.Context.positions`."""
        return self.desk.positions(self.strategy)

    def profit(self) -> Decimal | None:
        """`engine.ports.Context.profit`."""
        return self.profit_of(self.strategy)

    @asynccontextmanager
    async def fills(self) -> AsyncIterator[Fills]:
        """`engine.ports.Context.fills`."""
        fills = Fills(FILLS_MAX, strategy=self.strategy)
        unlisten = self.desk.listen_fills(self.strategy, fills.put)
        self.markets.end_with_session(fills)
        try:
            await trio.lowlevel.checkpoint()
            yield fills
        finally:
            self.markets.end_timer(fills)
            unlisten()

    # -- blocks

    @asynccontextmanager
    async def orders(self, *, on_exit: OnExit = "cancel", within: float = WITHIN_S) -> AsyncIterator[Scope]:
        """`engine.ports.Context.orders`."""
        if on_exit not in ("cancel", "flatten", "leave"):
            raise Misconfigured(f"{self.strategy}: on_exit={on_exit!r} is none of 'cancel', 'flatten', 'leave'")
        if not 0 < within < math.inf:
            raise Misconfigured(f"{self.strategy}: within={within!r} must be more than 0 seconds")
        async with self._block(self._scopes.enter(on_exit, within)) as scope:
            yield scope

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """The implicit block around one run of the strategy: what it placed outside every block is canceled at the
        end, and what former runs left open, unless a block of the strategy's own took it over."""
        self._scopes, self._targets = Scopes(), {}
        async with self._block(self._scopes.begin(WITHIN_S, self.open_orders(), self.positions)):
            yield

    @asynccontextmanager
    async def _block(self, scope: Scope) -> AsyncIterator[Scope]:
        try:
            await trio.lowlevel.checkpoint()
            yield scope
        finally:
            leaving = self._leave(scope)
            with trio.move_on_after(scope.within_s, shield=True):
                await leaving.run()
            sentence = leaving.left()
            if sentence:
                self.markets.report(sentence)
                self.markets.announce(Alarm(ALARM_FEED, self.markets.clock.now_ns(), sentence))

    def _leave(self, scope: Scope) -> Leaving:
        if scope.parent is None:  # the end of the run: nothing that it knows of stays behind unseen
            for order in self._scopes.unbound(self.open_orders()):
                self._scopes.bind(scope, order)
        self._scopes.leave(scope)
        return Leaving(
            desk=self.desk,
            strategy=self.strategy,
            orders=scope.open,
            symbols=scope.symbols,
            on_exit=scope.on_exit,
            within_s=scope.within_s,
            clock=self.markets.clock,
            price=self.price,
        )

    def _say_once(self, symbol: str, message: str) -> None:
        """A target is asked for again with every bar, and what is said of it then is mostly the same."""
        if self._said.get(symbol) != message:
            self._said[symbol] = message
            self.markets.say(self.strategy, message)


def _alike(request: OrderRequest, other: OrderRequest) -> bool:
    """Whether these ask for the same; the desk may have given a market order a limit."""
    return all(getattr(request, name) == getattr(other, name) for name in ("symbol", "side", "qty", "notional"))
