"""Floats into prices and quantities that a venue takes: on its grid, rounded to the side that is asked for."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

PENNY: Final = Decimal("0.01")
SUB_PENNY: Final = Decimal("0.0001")


def stock_tick(price: float) -> Decimal:
    """The smallest step of a stock's limit price: a cent, below a dollar a hundredth of one (Alpaca's docs)."""
    return PENNY if price >= 1 else SUB_PENNY


def round_down(x: float | Decimal, step: Decimal) -> Decimal:
    """The last multiple of a step that is not above ``x``. A float means its shortest decimal."""
    return (Decimal(str(x)) / step).to_integral_value(ROUND_FLOOR) * step


def round_up(x: float | Decimal, step: Decimal) -> Decimal:
    """The first multiple of a step that is not below ``x``."""
    return (Decimal(str(x)) / step).to_integral_value(ROUND_CEILING) * step
