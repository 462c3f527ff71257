"""What is held of one asset, what it did cost, and arithmetic that does not round.

Only the cost is kept, never an average: an average is a rounded number, and whatever is computed from one drifts. When
a part is closed, its share of the cost is taken out, rounded once; what was taken out and what stays add up to what was
there, always, so the books can be balanced to the last digit.
"""

from decimal import ROUND_DOWN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Final

from attrs import define

from engine.model.account import Asset
from engine.model.order import ZERO

DIGITS: Final = 60
"""Quantities and prices have at most 12 digits before the point and 18 after it: their product has 60."""
EXACT: Final = Context(prec=DIGITS, rounding=ROUND_DOWN, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Where a sum or a product that would have to be rounded is an error."""
ROUNDED: Final = Context(prec=DIGITS, rounding=ROUND_DOWN, traps=[InvalidOperation, DivisionByZero, Overflow])
"""For quotients, and for what is only shown."""
COST_STEP: Final = Decimal("1e-9")
"""A billionth of a dollar: how finely the cost of a part is cut. Towards zero, so that no cost changes its sign."""


@define
class Holding:
    """One position. ``qty`` and the costs are signed alike; ``intraday_cost`` counts from yesterday's close."""

    asset: Asset
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    intraday_cost: Decimal = ZERO

    def trade(self, qty: Decimal, price: Decimal) -> Decimal:
        """Add ``qty`` (signed) at ``price``; returns the profit of what it closed. May cross zero."""
        gain = ZERO
        if self.qty * qty < 0:
            closed = -min(qty, -self.qty, key=abs)  # signed like the position
            cost = part_of(self.cost, closed, self.qty)
            gain = closed * price * self.asset.multiplier - cost
            self.cost -= cost
            self.intraday_cost -= part_of(self.intraday_cost, closed, self.qty)
            self.qty -= closed
            qty += closed
        paid = qty * price * self.asset.multiplier
        self.qty += qty
        self.cost += paid
        self.intraday_cost += paid
        return gain


def part_of(cost: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The cost of ``part`` of ``whole``; all of it, to the last digit, for the whole.

    >>> part_of(Decimal("10"), Decimal(1), Decimal(3))
    Decimal('3.333333333')
    """
    if part == whole:
        return cost
    return ROUNDED.divide(ROUNDED.multiply(cost, part), whole).quantize(COST_STEP, context=ROUNDED)
