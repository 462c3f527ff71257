"""The profit of each strategy by time: the cash that its fills moved, and what it holds at the market's price."""

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from typing import TypeAlias

from attrs import define, field, frozen

from engine.core.matching.money.holding import ROUNDED
from engine.core.measures.moves import Move, multiplier_of

PriceAt: TypeAlias = Callable[[str, int], float | None]
"""The price of a symbol as it was known at an instant."""


@frozen
class Curve:
    """Profits in dollars since the beginning, at each instant of ``at_ns``."""

    at_ns: tuple[int, ...]
    profits: dict[str, tuple[float, ...]] = field(factory=dict)
    """By strategy."""
    gross: tuple[float, ...] = ()
    """Dollars held, long and short added up: 0 where nothing was."""

    @property
    def total(self) -> tuple[float, ...]:
        """Of all strategies."""
        return tuple(map(sum, zip(*self.profits.values(), strict=True))) if self.profits else (0.0,) * len(self.at_ns)


def draw_curve(moves: Sequence[Move], instants: Sequence[int], price_at: PriceAt, strategies: Sequence[str]) -> Curve:
    """The curve at ``instants``, of moves in their order; also of those strategies that never traded.

    Where the market told no price of what is held, it is worth what was last paid for it.
    """
    names = tuple(dict.fromkeys([*strategies, *(move.strategy for move in moves)]))
    books = _Books(dict.fromkeys(names, Decimal(0)))
    profits: dict[str, list[float]] = {name: [] for name in names}
    gross: list[float] = []
    place = 0
    with localcontext(ROUNDED):
        for now_ns in instants:
            while place < len(moves) and moves[place].ts_ns <= now_ns:
                books.take(moves[place])
                place += 1
            worth, size = books.value(now_ns, price_at)
            for name in names:
                profits[name].append(float(books.cash[name]) + worth.get(name, 0.0))
            gross.append(size)
    return Curve(tuple(instants), {name: tuple(values) for name, values in profits.items()}, tuple(gross))


@define
class _Books:
    """Cash by strategy, what each holds, and what was last paid for a symbol."""

    cash: dict[str, Decimal]
    held: dict[tuple[str, str], Decimal] = field(factory=dict)
    paid: dict[str, float] = field(factory=dict)

    def take(self, move: Move) -> None:
        where = (move.strategy, move.symbol)
        self.cash[move.strategy] += move.cash
        self.held[where] = self.held.get(where, Decimal(0)) + move.qty
        if not self.held[where]:
            del self.held[where]
        self.paid[move.symbol] = float(move.price)

    def value(self, now_ns: int, price_at: PriceAt) -> tuple[dict[str, float], float]:
        """What each strategy holds is worth, and the size of all of it."""
        worth, size = dict[str, float](), 0.0
        for (strategy, symbol), qty in self.held.items():
            told = price_at(symbol, now_ns)
            value = float(qty * multiplier_of(symbol)) * (self.paid[symbol] if told is None else told)
            worth[strategy] = worth.get(strategy, 0.0) + value
            size += abs(value)
        return worth, size


def thin(at_ns: Sequence[int], values: Sequence[float], most: int) -> list[int]:
    """The places of some ``most`` points that show a line as it is: of each stretch its lowest, highest and last.

    All of them where there are no more than that.
    """
    count = len(at_ns)
    if count <= most:
        return list(range(count))
    stretches = max(most // 3, 1)
    kept = {0, count - 1}
    for number in range(stretches):
        part = range(number * count // stretches, (number + 1) * count // stretches)
        kept |= {min(part, key=values.__getitem__), max(part, key=values.__getitem__), part[-1]}
    return sorted(kept)
