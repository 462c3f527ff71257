"""Our orders on one symbol, filed by the price at which the market is to come for them.

An account may have thousands of orders on one symbol, and hardly an event means anything to any of them. So a resting
order is filed by its limit and an untriggered stop by its stop price, and an event asks only for those that it reaches.
A trailing stop looks at every print; all others (market orders, auctions, spreads, an order that has not looked at the
market yet) look at every event. To ask one too many costs time and nothing else: whether it fills is decided elsewhere.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from decimal import Decimal
from math import inf
from typing import Final, TypeAlias

from attrs import define, field

from engine.core.matching.queue import Place
from engine.core.matching.view import SymbolView
from engine.model.order import ZERO, Order, OrderType, Side

STOPS: Final = frozenset((OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP))
"""Types that wait for their stop price before they are orders."""

_Rung: TypeAlias = tuple[float, int]
_Rungs: TypeAlias = list[_Rung]
"""Orders by number, in the order in which prices reach them: each price with the sign that makes that ascending."""


@define
class Working:
    """What an order needs beside itself while it works.

    ``number`` counts the orders that came to the market, ``priority`` is less for a better price. ``spent`` is in
    dollars, for orders with a notional.
    """

    order_id: str
    symbols: tuple[str, ...]
    number: int
    priority: Decimal
    triggered: bool = False
    spent: Decimal = ZERO


@define
class Waiting:
    """The working orders on one symbol. ``in_line``: their place in line counts, and moves before they are reached."""

    in_line: bool
    _all: dict[int, Working] = field(factory=dict)
    _always: dict[int, None] = field(factory=dict)
    _trailing: dict[int, None] = field(factory=dict)
    _filed: dict[int, tuple[_Rungs, _Rung]] = field(factory=dict)
    _resting: dict[Side, _Rungs] = field(factory=lambda: {side: [] for side in Side})
    _stops: dict[Side, _Rungs] = field(factory=lambda: {side: [] for side in Side})

    def __bool__(self) -> bool:
        return bool(self._all)

    def file(self, working: Working, order: Order, place: Place | None) -> None:
        """An order came, or what it waits for may have changed."""
        self.drop(working)
        number = working.number
        self._all[number] = working
        side, stop = order.side, order.stop_price
        waits = order.type in STOPS and not working.triggered
        if waits and order.type is OrderType.TRAILING_STOP:
            self._trailing[number] = None
        elif waits and side is not None and stop is not None:
            self._put(self._stops[side], (float(stop) * side.sign, number))
        elif place is not None:
            self._put(self._resting[place.side], (-place.limit * place.side.sign, number))
        else:
            self._always[number] = None

    def drop(self, working: Working) -> None:
        """An order works no more, or is to be filed anew."""
        if self._all.pop(working.number, None) is None:
            return
        filed = self._filed.pop(working.number, None)
        if filed is not None:
            rungs, rung = filed
            del rungs[bisect_left(rungs, rung)]
        self._always.pop(working.number, None)
        self._trailing.pop(working.number, None)

    def reached(self, view: SymbolView) -> list[Working]:
        """The orders that the newest event may mean something to: the better price first, then the older."""
        numbers = list(self._always)
        if view.newest() is not None:
            numbers += self._trailing
        if not view.halted:
            for side in Side:
                if rungs := self._resting[side]:
                    numbers += _until(rungs, -view.reach(side, in_line=self.in_line) * side.sign)
                if (rungs := self._stops[side]) and (price := view.farthest(side)) is not None:
                    numbers += _until(rungs, float(price) * side.sign)
        found = [self._all[number] for number in numbers]
        if len(found) > 1:
            found.sort(key=_priority)
        return found

    def _put(self, rungs: _Rungs, rung: _Rung) -> None:
        insort(rungs, rung)
        self._filed[rung[1]] = rungs, rung


def _until(rungs: _Rungs, price: float) -> Iterator[int]:
    """The orders up to a rung."""
    return (number for _, number in rungs[: bisect_right(rungs, (price, inf))])


def _priority(working: Working) -> tuple[Decimal, int]:
    return working.priority, working.number
