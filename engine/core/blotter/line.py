"""One line of a sub-ledger: what a strategy holds of a symbol, as its executions say, in the order of the market.

Executions are learnt of in any order, and profit that was realized depends on the order: sold before bought is another
trade than bought before sold. So a line keeps its bookings sorted by when they happened, and a late one is put in its
place and what followed is computed again, when somebody asks: a file of many is read before anybody does. The common
case, newer than everything before, costs one step.

All arithmetic is exact: costs are kept and never averages (as in `engine.core.matching.money.holding`), a sum that
would need rounding is an error. When a part of a position is closed its share of the cost is cut once, to a billionth
of a dollar; what is cut off stays in the rest, so ``realized - cost - fees`` is always the cash that moved, exactly.
"""

from bisect import bisect_left
from decimal import Decimal, localcontext

from attrs import define, evolve, field, frozen

from engine.core.matching.money.holding import EXACT, part_of
from engine.model.account import StrategyPosition
from engine.model.order import ZERO


@frozen
class Booking:
    """Something that moved a position. ``qty`` is signed; ``coins`` of it went as a fee in kind, ``fee`` in dollars.

    ``assumed``: no execution is known yet that it stands for, so it is never folded.
    """

    ts_ns: int
    id: str
    qty: Decimal
    price: Decimal
    coins: Decimal = ZERO
    fee: Decimal = ZERO
    assumed: bool = False

    @property
    def net_qty(self) -> Decimal:
        """What it did to the position."""
        return EXACT.subtract(self.qty, self.coins)


@define
class Line:
    """The bookings of one strategy in one symbol. ``opening`` is what was before them, up to ``upto_ns``."""

    opening: StrategyPosition
    upto_ns: int = 0
    _bookings: list[Booking] = field(factory=list)
    _after: list[StrategyPosition] = field(factory=list, eq=False)
    """The positions after the first of the bookings, as far as they were asked for."""
    day_qty: Decimal = field(default=ZERO, eq=False)
    """What the bookings since the day began did to the position."""
    _day_traded: Decimal = field(default=ZERO, eq=False)
    _day_fees: Decimal = field(default=ZERO, eq=False)

    @property
    def position(self) -> StrategyPosition:
        """What is held after all of it."""
        held = self._after[-1] if self._after else self.opening
        for booking in self._bookings[len(self._after) :]:
            held = step(held, booking)
            self._after.append(held)
        return held

    @property
    def day_cash(self) -> Decimal:
        """The dollars that the bookings since the day began brought."""
        with localcontext(EXACT):
            return -self._day_traded * self.opening.multiplier - self._day_fees

    def put(self, booking: Booking) -> None:
        """Book something, in its place."""
        if self.holds(booking):
            self.opening = step(self.opening, booking)
            self._after.clear()
            return
        at = bisect_left(self._bookings, _place(booking), key=_place)
        self._bookings.insert(at, booking)
        del self._after[at:]

    def take_out(self, booking: Booking) -> None:
        """Undo `put`."""
        if self.holds(booking):
            self.opening = step(self.opening, evolve(booking, qty=-booking.qty, coins=-booking.coins, fee=-booking.fee))
            self._after.clear()
            return
        at = bisect_left(self._bookings, _place(booking), key=_place)
        del self._bookings[at]
        del self._after[at:]

    def count(self, booking: Booking, sign: int) -> None:
        """Count a booking of today into the day, or with -1 out of it."""
        with localcontext(EXACT):
            self.day_qty += sign * booking.net_qty
            self._day_traded += sign * booking.qty * booking.price
            self._day_fees += sign * booking.fee

    def forget_day(self) -> None:
        """Another day begins: nothing of it is counted yet."""
        self.day_qty = self._day_traded = self._day_fees = ZERO

    def holds(self, booking: Booking) -> bool:
        """Whether a booking belongs to what was folded into ``opening``."""
        return booking.ts_ns <= self.upto_ns and not booking.assumed

    def fold(self, upto_ns: int) -> None:
        """Make ``opening`` of everything up to then."""
        gone = [booking for booking in self._bookings if booking.ts_ns <= upto_ns and not booking.assumed]
        for booking in gone:
            self.opening = step(self.opening, booking)
        self._bookings = [booking for booking in self._bookings if booking.ts_ns > upto_ns or booking.assumed]
        self.upto_ns = max(self.upto_ns, upto_ns)
        self._after.clear()

    def multiply(self, multiplier: Decimal) -> None:
        """Compute it again with another multiplier, which was not known before."""
        self.opening = evolve(self.opening, multiplier=multiplier)
        self._after.clear()


def _place(booking: Booking) -> tuple[int, str]:
    return booking.ts_ns, booking.id


def step(held: StrategyPosition, booking: Booking) -> StrategyPosition:
    """A position after a booking; it may cross zero.

    A fee in coins takes them out of what was bought, and is worth what they cost: as the venue books it.
    """
    with localcontext(EXACT):
        qty, cost, realized = booking.net_qty, held.cost, held.realized
        kept = held.qty
        if kept * qty < 0:
            closed = -min(qty, -kept, key=abs)  # signed like the position
            part = part_of(cost, closed, kept)
            realized += closed * booking.price * held.multiplier - part
            cost -= part
            kept -= closed
            qty += closed
        return evolve(
            held,
            qty=kept + qty,
            cost=cost + qty * booking.price * held.multiplier,
            realized=realized,
            fees=held.fees + booking.fee + booking.coins * booking.price * held.multiplier,
        )
