"""Whose position it is: one line for each strategy and symbol, and one for what is nobody's here (strategy "").

An account has one position in a symbol, and several strategies may trade it. So each strategy gets a virtual
sub-ledger that its own executions are booked in; after a comparison with the broker they add up to the broker's
position, whatever a person or another program did on the account.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Final

from attrs import define, evolve, field

from engine.core.blotter.line import Booking, Line
from engine.core.matching.money.holding import EXACT
from engine.model.account import StrategyPosition
from engine.model.entry import Adjusted, Carried
from engine.model.order import ZERO

UNCLAIMED: Final = ""
"""The strategy of what no strategy here owns."""
TRANSFER: Final = "transfer/"
"""Begins the ids of pairs of adjustments that an execution of others explains, before its id; see `foreign`."""
BACK: Final = "/back"
"""Ends the id of what takes one of them back."""
_CONTRACT: Final = re.compile(r"[A-Z0-9.]{1,6}\d{6}[CP]\d{8}", re.ASCII)
"""The symbol of an option contract (OCC)."""
_CONTRACT_MULTIPLIER: Final = Decimal(100)
"""Of every contract that was never adjusted for a split or a merger; `SubLedgers.know` is told of the others."""
_ONE: Final = Decimal(1)


@define
class SubLedgers:
    """All lines, and the adjustments that are booked in them beside executions."""

    _adjusted: dict[str, Adjusted] = field(factory=dict)
    _lines: dict[str, dict[str, Line]] = field(factory=dict, eq=False)
    """By symbol, then by strategy."""
    _multipliers: dict[str, Decimal] = field(factory=dict, eq=False)
    _dawn_ns: int | None = field(default=None, eq=False)
    _dawn_prices: Mapping[str, Decimal] = field(factory=dict, eq=False)

    def know(self, symbol: str, multiplier: Decimal) -> None:
        """Learn a multiplier. What was booked with another one is computed again."""
        self._multipliers[symbol] = multiplier
        for line in self._lines.get(symbol, {}).values():
            if line.opening.multiplier != multiplier:
                line.multiply(multiplier)

    def put(self, strategy: str, symbol: str, booking: Booking) -> None:
        """Book something that is not booked."""
        line = self._line(strategy, symbol)
        line.put(booking)
        if self._is_today(booking):
            line.count(booking, 1)

    def take_out(self, strategy: str, symbol: str, booking: Booking) -> None:
        """Undo `put`."""
        line = self._line(strategy, symbol)
        line.take_out(booking)
        if self._is_today(booking):
            line.count(booking, -1)

    def adjust(self, adjusted: Adjusted) -> bool:
        """Book an adjustment; False if it is booked."""
        if adjusted.id in self._adjusted:
            return False
        self._adjusted[adjusted.id] = adjusted
        self.put(adjusted.strategy, adjusted.symbol, _booking(adjusted))
        return True

    def adjustments(self, strategy: str, symbol: str, since_ns: int) -> tuple[Adjusted, ...]:
        """Those of a line that were made at ``since_ns`` or later, oldest first."""
        return tuple(
            adjusted
            for adjusted in self._adjusted.values()
            if (adjusted.strategy, adjusted.symbol) == (strategy, symbol) and adjusted.at_ns >= since_ns
        )

    def unexplained(self, strategy: str, symbol: str, since_ns: int) -> tuple[Adjusted, ...]:
        """As `adjustments`, but for those that an execution of others explains."""
        made = self.adjustments(strategy, symbol, since_ns)
        return tuple(adjusted for adjusted in made if not adjusted.id.startswith(TRANSFER))

    def returns(self, execution_id: str, strategy: str) -> tuple[Adjusted, ...]:
        """What takes back the adjustments that an execution explained, now that it turns out to be a strategy's."""
        name = f"{TRANSFER}{execution_id}/"
        why = f"Execution {execution_id} is of an order of {strategy}."
        made = (adjusted for adjusted in self._adjusted.values() if adjusted.id.startswith(name))
        return tuple(
            evolve(adjusted, id=f"{adjusted.id}{BACK}", qty=-adjusted.qty, why=why)
            for adjusted in made
            if not adjusted.id.endswith(BACK)
        )

    def opposed(self, symbol: str) -> Decimal:
        """How much of a symbol strategies hold, signed, that others have the other way; see `foreign`."""
        unclaimed = self.position(UNCLAIMED, symbol).qty
        if not unclaimed:
            return ZERO
        ours = EXACT.subtract(self.account_qty(symbol), unclaimed)
        return min(ours, -unclaimed, key=abs) if ours * unclaimed < 0 else ZERO

    def restore(self, carried: Iterable[Carried], adjustments: Iterable[Adjusted]) -> None:
        """Begin with what was written; adjustments that were folded are left out."""
        for entry in carried:
            self._lines.setdefault(entry.position.symbol, {})[entry.strategy] = Line(entry.position, entry.upto_ns)
        for adjusted in adjustments:
            if not self._line(adjusted.strategy, adjusted.symbol).holds(_booking(adjusted)):
                self.adjust(adjusted)

    def folded(self, strategy: str, symbol: str, booking: Booking) -> bool:
        """Whether a booking that was written is part of the line's opening already."""
        line = self._lines.get(symbol, {}).get(strategy)
        return line is not None and line.holds(booking)

    def fold(self, strategy: str, symbol: str, upto_ns: int) -> None:
        """Make one sum of everything in a line up to then; what it was made of is forgotten here."""
        self._line(strategy, symbol).fold(upto_ns)
        for adjusted in self.adjustments(strategy, symbol, 0):
            if adjusted.at_ns <= upto_ns:
                del self._adjusted[adjusted.id]

    def carried(self, strategy: str, symbol: str) -> Carried:
        """The entry that stands for what was folded."""
        line = self._line(strategy, symbol)
        return Carried(strategy=strategy, position=line.opening, upto_ns=line.upto_ns)

    def position(self, strategy: str, symbol: str) -> StrategyPosition:
        """A line; flat where there is none."""
        line = self._lines.get(symbol, {}).get(strategy)
        return self._flat(symbol) if line is None else line.position

    def positions(self, strategy: str) -> dict[str, StrategyPosition]:
        """The lines of a strategy that are not flat, by symbol."""
        held = {symbol: lines[strategy].position for symbol, lines in self._lines.items() if strategy in lines}
        return {symbol: position for symbol, position in sorted(held.items()) if position.qty}

    def shares(self, symbol: str) -> dict[str, Decimal]:
        """What each strategy holds of a symbol, by name."""
        return {strategy: line.position.qty for strategy, line in sorted(self._lines.get(symbol, {}).items())}

    def account_qty(self, symbol: str) -> Decimal:
        """All of a symbol, whoever holds it."""
        with localcontext(EXACT):
            return sum((line.position.qty for line in self._lines.get(symbol, {}).values()), ZERO)

    def symbols(self) -> tuple[str, ...]:
        """Every symbol that there is a line of, sorted."""
        return tuple(sorted(self._lines))

    def strategies(self) -> frozenset[str]:
        """Every strategy that there is a line of."""
        return frozenset(strategy for lines in self._lines.values() for strategy in lines)

    def cash(self) -> Decimal:
        """The dollars that executions brought, fees included; negative when they went out."""
        with localcontext(EXACT):
            positions = [line.position for _, _, line in self._all()]
            moved = sum((each.realized - each.cost - each.fees for each in positions), ZERO)
            return moved + sum(
                (each.qty * each.price * self._flat(each.symbol).multiplier for each in self._adjusted.values()), ZERO
            )

    def start_day(self, dawn_ns: int, prices: Mapping[str, Decimal]) -> None:
        """Profit counts from then, and from these prices of what was held then. Count what is of today anew."""
        self._dawn_ns, self._dawn_prices = dawn_ns, dict(prices)
        for _, _, line in self._all():
            line.forget_day()
        for adjusted in self._adjusted.values():
            self.count(adjusted.strategy, adjusted.symbol, _booking(adjusted))

    def count(self, strategy: str, symbol: str, booking: Booking) -> None:
        """Count something that is booked into the day, if it is of today."""
        if self._is_today(booking):
            self._line(strategy, symbol).count(booking, 1)

    def profit(self, strategy: str | None, prices: Mapping[str, Decimal]) -> Decimal | None:
        """Dollars; of all strategies for ``None``. ``None`` when a price is missing that it takes."""
        total = ZERO
        for owner, symbol, line in self._all():
            if owner == strategy or (strategy is None and owner != UNCLAIMED):
                profit = self._profit(symbol, line, prices)
                if profit is None:
                    return None
                total = EXACT.add(total, profit)
        return total

    def _profit(self, symbol: str, line: Line, prices: Mapping[str, Decimal]) -> Decimal | None:
        held = line.position
        with localcontext(EXACT):
            whole = self._dawn_ns is None
            before = ZERO if whole else held.qty - line.day_qty
            cash = held.realized - held.cost - held.fees if whole else line.day_cash
            now = _value(held.qty, prices.get(symbol))
            then = _value(before, self._dawn_prices.get(symbol))
            return None if now is None or then is None else cash + (now - then) * held.multiplier

    def _is_today(self, booking: Booking) -> bool:
        return self._dawn_ns is not None and booking.ts_ns >= self._dawn_ns

    def _all(self) -> Iterator[tuple[str, str, Line]]:
        for symbol, lines in self._lines.items():
            for strategy, line in lines.items():
                yield strategy, symbol, line

    def _line(self, strategy: str, symbol: str) -> Line:
        lines = self._lines.setdefault(symbol, {})
        line = lines.get(strategy)
        if line is None:
            line = lines[strategy] = Line(self._flat(symbol))
        return line

    def _flat(self, symbol: str) -> StrategyPosition:
        assumed = _CONTRACT_MULTIPLIER if _CONTRACT.fullmatch(symbol) else _ONE
        return StrategyPosition(symbol=symbol, multiplier=self._multipliers.get(symbol, assumed))


def _value(qty: Decimal, price: Decimal | None) -> Decimal | None:
    """What is held at a price, for each unit of the multiplier; nothing held is worth nothing at any price."""
    if not qty:
        return ZERO
    return None if price is None else qty * price


def _booking(adjusted: Adjusted) -> Booking:
    return Booking(ts_ns=adjusted.at_ns, id=adjusted.id, qty=adjusted.qty, price=adjusted.price)
