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
from engine.core.matching.models import FillModel
from engine.core.matching.orders.register import Register
from engine.core.matching.queue import Queue
from engine.core.matching.triggers import worst_price
from engine.core.matching.view import SymbolView
from engine.model.account import Asset
from engine.model.order import ZERO, AssetClass, Order, Side


@define
class Working:
    """What an order needs beside itself while it works. ``spent`` is in dollars, for orders with a notional."""

    order_id: str
    symbols: tuple[str, ...]
    triggered: bool = False
    spent: Decimal = ZERO


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
    """The last print that an order for the closing auction saw, by symbol, until that auction is over."""
    closes: dict[str, Decimal] = field(factory=dict)
    """The last trading day's closing prices in dollars, by symbol."""
    _working: dict[str, Working] = field(factory=dict)
    _ids_at: dict[str, dict[str, None]] = field(factory=dict)

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
        for position in ledger.positions():
            symbol = position.asset.symbol
            view = self.views.get(symbol)
            if view is not None and view.last is not None:
                ledger.mark(symbol, view.last)

    def begin_session(self, now_ns: int) -> None:
        """What was quoted in the part of the day before fills nobody any more. Crypto knows no parts of the day."""
        for view in self.views.values():
            if view.asset.asset_class is not AssetClass.CRYPTO:
                view.new_session(now_ns)

    def enter(self, order: Order) -> Working:
        """An order works from now on (again: the same entry)."""
        working = self._working.get(order.id)
        if working is None:
            legs = self.register.orders.legs(order)
            symbols = (order.symbol,) if order.symbol else tuple(leg.symbol for leg in legs)
            working = self._working[order.id] = Working(order.id, symbols)
            for symbol in symbols:
                self._ids_at.setdefault(symbol, {})[order.id] = None
        return working

    def leave(self, order: Order) -> None:
        """An order works no more."""
        working = self._working.pop(order.id, None)
        if working is None:
            return
        self.queue.leave(order.id)
        for symbol in working.symbols:
            ids = self._ids_at[symbol]
            del ids[order.id]
            if not ids:
                del self._ids_at[symbol]

    def working(self, order_id: str) -> Working | None:
        """The entry of an order, ``None`` if it does not work."""
        return self._working.get(order_id)

    def busy(self, symbol: str) -> bool:
        """Whether any order works on a symbol."""
        return symbol in self._ids_at

    def at(self, symbol: str) -> list[Working]:
        """The orders that work on a symbol in their priority: the better price first, then the older."""
        found = [self._working[order_id] for order_id in self._ids_at.get(symbol, ())]
        if len(found) > 1:
            found.sort(key=self._priority)  # stable, so the older stays before the younger
        return found

    def _priority(self, working: Working) -> Decimal:
        order = self.register.orders[working.order_id]
        asset = self.asset_of(order)
        limit = None if asset is None else worst_price(order, asset)
        if limit is None or order.side is None:
            return Decimal("-Infinity")
        return -limit * order.side.sign
