"""A crypto order book beyond its top: what a large order would walk through.

Alpaca tells the whole book once (``reset``) and then the levels that changed, size 0 for one that is gone. Levels are
kept as the floats they came as, and become an `Offer` when one of our orders looks at them; what we took of a level
stays taken until the market tells that level anew.
"""

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from engine.core.amounts import exact
from engine.core.matching.citation import Citation, Offer
from engine.model.market import Book
from engine.model.order import Side

LEVELS_MAX: Final = 5_000
"""Levels on one side, several times what Alpaca's books hold. With more, deletions were missed: nothing is known."""


@define
class _Levels:
    """One side: what is displayed at each price, and the offers that were made of it."""

    sizes: dict[float, float] = field(factory=dict)
    offers: dict[float, Offer] = field(factory=dict)

    def change(self, changes: tuple[tuple[float, float], ...]) -> None:
        for price, size in changes:
            if size > 0 and price > 0:
                self.sizes[price] = size
            else:
                self.sizes.pop(price, None)
            self.offers.pop(price, None)

    def clear(self) -> None:
        self.sizes.clear()
        self.offers.clear()


@define
class Depth:
    """Both sides of one symbol's book. Nothing is known before its first reset."""

    known: bool = field(default=False, init=False)
    _ts_ns: int = field(default=0, init=False)
    _bids: _Levels = field(factory=_Levels, init=False)
    _asks: _Levels = field(factory=_Levels, init=False)

    def take(self, book: Book) -> None:
        """The whole book, or what changed of it."""
        if book.reset:
            self.forget()
            self.known = True
        elif not self.known:
            return
        self._ts_ns = book.ts_ns
        self._bids.change(book.bids)
        self._asks.change(book.asks)
        if len(self._bids.sizes) > LEVELS_MAX or len(self._asks.sizes) > LEVELS_MAX:
            self.forget()

    def forget(self) -> None:
        """Nothing is known any more, until the next reset."""
        self.known = False
        self._bids.clear()
        self._asks.clear()

    def size_at(self, side: Side, price: float) -> float | None:
        """What is displayed by those who do ``side`` at a price; ``None`` where the book is not known."""
        return self._side(side).sizes.get(price, 0.0) if self.known else None

    def best(self, side: Side) -> float | None:
        """The best price of those who do ``side``; ``None`` where there is none."""
        sizes = self._side(side).sizes
        if not sizes:
            return None
        return max(sizes) if side is Side.BUY else min(sizes)

    def offers(self, side: Side, beyond: float | None = None) -> Iterator[Offer]:
        """What those who do ``side`` have, best price first; only what is worse than ``beyond`` where that is given."""
        levels = self._side(side)
        for price in sorted(levels.sizes, reverse=side is Side.BUY):
            if beyond is None or (price < beyond if side is Side.BUY else price > beyond):
                yield self._offer(levels, price)

    def _side(self, side: Side) -> _Levels:
        return self._bids if side is Side.BUY else self._asks

    def _offer(self, levels: _Levels, price: float) -> Offer:
        offer = levels.offers.get(price)
        if offer is None:
            size = exact(levels.sizes[price])
            offer = levels.offers[price] = Offer(
                Citation(kind="book", ts_ns=self._ts_ns, price=exact(price), size=size)
            )
        return offer
