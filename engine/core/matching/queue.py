"""Which orders rest, and how much stands in line before each: what `engine.core.matching.fills` must remember.

An order rests from the moment that the market is not at its price. From then on the market has to come to it, and it
trades at its own price; until then it takes what the market has, at the market's price.

Nobody tells where in the line an order stands. What is known: when it came, all that was displayed at its price was
before it; prints at its price take from the front; and no more can be before it than is displayed there. Where others
cancel is not known, so they are taken to be behind us as long as the display allows it: the pessimistic reading.
"""

from decimal import Decimal

from attrs import define, field

from engine.core.matching.view import SymbolView
from engine.model.order import ZERO, Side


@define
class Place:
    """Where one resting order stands. ``ahead`` is ``None`` where the market does not tell so deep."""

    side: Side
    price: Decimal
    ahead: Decimal | None
    seen: int
    """The version of the view up to which this is true."""
    reach: Decimal = ZERO
    """How much of the newest print was left when all before us were served."""
    limit: float = field(init=False)
    """The price as the market would write it, to be compared quickly."""

    def __attrs_post_init__(self) -> None:
        self.limit = float(self.price)

    def look(self, view: SymbolView) -> None:
        """Move up the line, by the newest event, once."""
        if self.seen == view.version:
            return
        self.seen, self.reach = view.version, ZERO
        offer = view.newest()
        if offer is not None and offer.cites.kind == "trade" and offer.cites.price == self.price:
            if self.ahead is not None:
                self.reach = max(offer.cites.size - self.ahead, ZERO)
                self.ahead = max(self.ahead - offer.cites.size, ZERO)
            return
        displayed = view.displayed(self.side, self.price)
        if displayed is not None:
            self.ahead = displayed if self.ahead is None else min(self.ahead, displayed)


@define
class Queue:
    """The places of resting orders, by order id. Bounded by the orders that are open: `leave` when one is not."""

    _places: dict[str, Place] = field(factory=dict, init=False)
    _paused: dict[str, int] = field(factory=dict, init=False)

    def place(self, order_id: str) -> Place | None:
        """Where an order stands, as it last looked; ``None`` when it does not rest."""
        return self._places.get(order_id)

    def join(self, order_id: str, side: Side, price: Decimal, view: SymbolView) -> None:
        """An order rests from now on, behind all that is displayed at its price."""
        self._places[order_id] = Place(side, price, view.displayed(side, price), view.version)

    def pause(self, order_id: str, view: SymbolView) -> None:
        """The simulator filled an order partly; the rest has to wait for another event."""
        self._paused[order_id] = view.version

    def paused(self, order_id: str, view: SymbolView) -> bool:
        """Whether nothing has happened since then."""
        return self._paused.get(order_id) == view.version

    def leave(self, order_id: str) -> None:
        """An order is open no more. Its replacement, if there is one, stands at the end of the line."""
        self._places.pop(order_id, None)
        self._paused.pop(order_id, None)
