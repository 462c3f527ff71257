"""Where our orders meet the market: each symbol's view, and the orders that work on it.

An order is in the pit from when it reaches the market until it ends. The exit of a group that is still held is there
too, because its stop has to be watched; it can be triggered, but not filled, before it is `new`. Nothing is decided
here: `engine.core.matching.orders.filling` fills, `groups` sees to the orders that hang on others.
"""

from collections.abc import Mapping
from decimal import Decimal
from random import Random

from attrs import define, field

from engine.core.matching.citation import Offer
from engine.core.matching.models import FillModel, Rule
from engine.core.matching.orders.register import Register
from engine.core.matching.orders.waiting import Waiting, Working
from engine.core.matching.queue import Queue
from engine.core.matching.triggers import worst_price
from engine.core.matching.view import SymbolView
from engine.model.account import Asset
from engine.model.order import AssetClass, Order, Side


@define(kw_only=True)
class Pit:
    """All symbols that were asked about or told of, and all working orders."""

    assets: Mapping[str, Asset]
    model: FillModel
    register: Register
    dice: Random
    queue: Queue = field(factory=Queue)
    views: dict[str, SymbolView] = field(factory=dict)
    last_prints: dict[str, Offer] = field(factory=dict)
    """The last print up to the close, or its cross, that a ``cls`` order saw, by symbol, until that auction is over."""
    closes: dict[str, Decimal] = field(factory=dict)
    """The last trading day's closing prices in dollars, by symbol."""
    _working: dict[str, Working] = field(factory=dict)
    _waiting: dict[str, Waiting] = field(factory=dict)
    _entered: int = 0

    def view(self, symbol: str) -> SymbolView | None:
        """The market of a symbol; ``None`` for what cannot be traded, such as the empty symbol of news."""
        view = self.views.get(symbol)
        if view is None and (asset := self.assets.get(symbol)) is not None:
            view = self.views.setdefault(asset.symbol, SymbolView(asset.symbol, asset))
        return view

    def asset_of(self, order: Order) -> Asset | None:
        """What an order trades; ``None`` for a multi-leg order."""
        return self.assets.get(order.symbol) if order.symbol else None

    def price(self, symbol: str, side: Side | None) -> Decimal | None:
        """Where the market stands for one who wants to do ``side``, in dollars; ``None`` if it has told nothing."""
        view = self.view(symbol)
        return None if view is None or side is None else view.market(side)

    def mark(self) -> None:
        """Bring the books' prices up to date, where something is held: they are asked for seldom and change always."""
        ledger = self.register.ledger
        for symbol in ledger.symbols():
            view = self.views.get(symbol)
            if view is not None and view.last is not None:
                ledger.mark(symbol, view.last)

    def begin_session(self, now_ns: int) -> None:
        """What was quoted in the part of the day before fills nobody any more. Crypto knows no parts of the day."""
        for view in self.views.values():
            if view.asset.asset_class is not AssetClass.CRYPTO:
                view.new_session(now_ns)

    def enter(self, order: Order, *, triggered: bool = False) -> Working:
        """An order works from now on (again: the same entry). ``triggered``: its stop price was reached already."""
        working = self._working.get(order.id)
        if working is None:
            self._entered += 1
            symbols = (order.symbol,) if order.symbol else tuple(leg.symbol for leg in self.register.orders.legs(order))
            working = Working(order.id, symbols, self._entered, self._priority(order), triggered)
            self._working[order.id] = working
        self.file(working)
        return working

    def file(self, working: Working) -> None:
        """What an order waits for may have changed; nothing, if it works no more."""
        if working.order_id not in self._working:
            return
        order, place = self.register.orders[working.order_id], self.queue.place(working.order_id)
        for symbol in working.symbols:
            waiting = self._waiting.get(symbol)
            if waiting is None:
                waiting = self._waiting[symbol] = Waiting(in_line=self.model.rule is Rule.QUEUE)
            waiting.file(working, order, place)

    def leave(self, order: Order) -> None:
        """An order works no more."""
        working = self._working.pop(order.id, None)
        if working is None:
            return
        self.queue.leave(order.id)
        for symbol in working.symbols:
            waiting = self._waiting[symbol]
            waiting.drop(working)
            if not waiting:
                del self._waiting[symbol]

    def working(self, order_id: str) -> Working | None:
        """The entry of an order, ``None`` if it does not work."""
        return self._working.get(order_id)

    def busy(self, symbol: str) -> bool:
        """Whether any order works on a symbol."""
        return symbol in self._waiting

    def reached(self, symbol: str) -> list[Working]:
        """The orders that the newest event of a symbol may mean something to, in their priority."""
        return self._waiting[symbol].reached(self.views[symbol])

    def _priority(self, order: Order) -> Decimal:
        """Less for a better price; least for what takes any."""
        asset = self.asset_of(order)
        limit = None if asset is None else worst_price(order, asset)
        if limit is None or order.side is None:
            return Decimal("-Infinity")
        return -limit * order.side.sign
