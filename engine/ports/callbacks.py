"""For people who come from call-back frameworks: one class with ``on_*`` methods instead of an async function.

A thin adapter: it opens one channel with everything it was asked for and calls the method of each event's kind. The
price is the one call-backs always have: what must be remembered between two calls lives on ``self``.
"""

from collections.abc import Callable, Iterable
from typing import Any

from engine.core.overflow import Full
from engine.model.control import Gap
from engine.model.market import EVENT_TYPES, Kind
from engine.model.stream import Stream
from engine.ports.context import Context
from engine.ports.strategy import Strategy

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

    The kinds subscribed are those whose method the subclass has. ``plug(MyStrategy)`` gives the `Strategy`.
    """

    symbols: Iterable[str] = ()
    full: Full = "block"

    def __init__(self, ctx: Context, params: Any = None) -> None:
        self.ctx = ctx
        self.params = params

    def on_gap(self, gap: Gap) -> None:
        """Events of a stream are missing; the default says so to the person who runs this."""
        self.ctx.log(f"gap in {gap.stream}: {gap.cause}")

    async def run(self) -> None:
        """Call the methods until the subscription ends."""
        calls: dict[type, Callable[[Any], None]] = {Gap: self.on_gap}
        for kind, name in _METHODS.items():
            if hasattr(self, name):
                calls[EVENT_TYPES[kind]] = getattr(self, name)
        streams = [Stream(kind, symbol) for kind in Kind if EVENT_TYPES[kind] in calls for symbol in self.symbols]
        async with self.ctx.streams(*streams, full=self.full, gaps=True) as events:
            try:
                while True:
                    for event in await events.batch():
                        calls[type(event)](event)
            except StopAsyncIteration:
                return


def plug(strategy_class: type[CallbackStrategy], *, params: type[Any] | None = None) -> Strategy:
    """The `Strategy` that runs a `CallbackStrategy` subclass."""

    async def run(ctx: Context, given: Any = None) -> None:
        await strategy_class(ctx, given).run()

    return Strategy(name=strategy_class.__name__, run=run, params=params, doc=strategy_class.__doc__ or "")
