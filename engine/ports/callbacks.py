"""For people who come from call-back frameworks: one class with ``on_*`` methods instead of an async function.

A thin adapter: it opens one channel with everything it was asked for and calls the method of each event's kind. The
price is the one call-backs always have: what must be remembered between two calls lives on ``self``, and nothing can
be waited for. So orders are asked for (``self.buy(...)`` returns at once) and answered by further calls.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.core.overflow import Full
from engine.errors import Misconfigured, OrderEnded, OrderRefused
from engine.model.control import Gap
from engine.model.intent import Ticket
from engine.model.market import EVENT_TYPES, Kind
from engine.model.order import Fill
from engine.model.stream import Stream
from engine.ports.context import Context, Number
from engine.ports.orders import LiveOrder
from engine.ports.strategy import Strategy

if TYPE_CHECKING:
    import trio

    from engine.ports.order_queue import OrderQueue

_METHODS = {
    Kind.TRADES: "on_trade",
    Kind.QUOTES: "on_quote",
    Kind.BARS: "on_bar",
    Kind.UPDATED_BARS: "on_updated_bar",
    Kind.DAILY_BARS: "on_daily_bar",
    Kind.BOOKS: "on_book",
    Kind.STATUSES: "on_status",
    Kind.LULDS: "on_luld",
    Kind.CORRECTIONS: "on_correction",
    Kind.CANCELS: "on_cancel",
    Kind.IMBALANCES: "on_imbalance",
    Kind.NEWS: "on_news",
}


class CallbackStrategy:
    """Subclass it, set ``symbols`` and write ``on_trade``, ``on_quote``, ``on_bar``, ``on_gap`` and so on.

    The kinds subscribed are those whose method the subclass has. ``on_fill`` gets each of the strategy's executions,
    ``on_order`` the `Ticket` of each order of ``self.buy`` and ``self.sell`` at the beginning and after every change.
    ``plug(MyStrategy)`` gives the `Strategy`.
    """

    symbols: Iterable[str] = ()
    full: Full = "block"
    _queue: "OrderQueue | None" = None

    def __init__(self, ctx: Context, params: Any = None) -> None:
        self.ctx = ctx
        self.params = params

    # -- orders; each of these returns at once

    def buy(self, symbol: str, qty: Number | None = None, **how: Any) -> None:
        """Ask for an order, as `Context.buy` does."""
        self._asking.put(symbol, partial(self._place, self.ctx.buy, symbol, qty, **how))

    def sell(self, symbol: str, qty: Number | None = None, **how: Any) -> None:
        """Ask for an order, as `Context.sell` does."""
        self._asking.put(symbol, partial(self._place, self.ctx.sell, symbol, qty, **how))

    def target(self, symbol: str, qty: Number, **how: Any) -> None:
        """Ask for a position, as `Context.target` does; a later call waits until an earlier one is there."""
        self._asking.put(symbol, partial(self.ctx.target, symbol, qty, **how))

    def close(self, symbol: str) -> None:
        """Ask for a position of zero."""
        self._asking.put(symbol, partial(self.ctx.close, symbol))

    def cancel(self, symbol: str | None = None) -> None:
        """Ask for the cancel of open orders, without waiting for what was asked for before."""
        self._asking.start(partial(self.ctx.cancel, symbol))

    def on_refused(self, refusal: OrderRefused | OrderEnded) -> None:
        """An order was refused, or a target ended on its way; the default says so to the person who runs this."""
        self.ctx.log(f"not carried out: {refusal}")

    @property
    def _asking(self) -> "OrderQueue":
        if self._queue is None:
            raise Misconfigured(f"{self.ctx.name}: orders can be asked for in on_... methods, not before the run")
        return self._queue

    async def _place(self, place: Callable[..., Any], symbol: str, qty: Number | None, **how: Any) -> None:
        order: LiveOrder = await place(symbol, qty, **how)
        tell = getattr(self, "on_order", None)
        if tell is not None:
            self._asking.start(partial(self._follow, order, tell))

    async def _follow(self, order: LiveOrder, tell: Callable[[Ticket], None]) -> None:
        async for ticket in order.changes():
            tell(ticket)

    async def _follow_fills(self, tell: Callable[[Fill], None], *, task_status: "trio.TaskStatus[None]") -> None:
        async with self.ctx.fills() as fills:
            task_status.started()
            async for fill in fills:
                tell(fill)

    def on_gap(self, gap: Gap) -> None:
        """Events of a stream are missing; the default says so to the person who runs this."""
        self.ctx.log(f"gap in {gap.stream}: {gap.cause}")

    async def run(self) -> None:
        """Call the methods until the subscription ends."""
        import trio  # here: the names of a strategy author can be had without an event loop

        from engine.ports.order_queue import OrderQueue

        async with trio.open_nursery() as order_nursery:
            self._queue = OrderQueue(self.ctx.name, order_nursery, self.on_refused)
            tell = getattr(self, "on_fill", None)
            if tell is not None:
                await order_nursery.start(self._follow_fills, tell)
            await self._read()
            order_nursery.cancel_scope.cancel()

    async def _read(self) -> None:
        calls: dict[type, Callable[[Any], None]] = {Gap: self.on_gap}
        for kind, name in _METHODS.items():
            if hasattr(self, name):
                calls[EVENT_TYPES[kind]] = getattr(self, name)
        streams = [Stream(kind, symbol) for kind in Kind if EVENT_TYPES[kind] in calls for symbol in self.symbols]
        async with self.ctx.streams(*streams, full=self.full, gaps=True) as events:
            async for event in events:
                calls[type(event)](event)


def plug(strategy_class: type[CallbackStrategy], *, params: type[Any] | None = None) -> Strategy:
    """The `Strategy` that runs a `CallbackStrategy` subclass."""

    async def run(ctx: Context, given: Any = None) -> None:
        await strategy_class(ctx, given).run()

    return Strategy(name=strategy_class.__name__, run=run, params=params, doc=strategy_class.__doc__ or "")
