"""Floats to decimals, and how finely quantities and prices are cut: once, exactly, always the same way.

The market's events carry float64 because the wire does; what is ours (orders, fills, money) is `Decimal`. A float is
turned into the decimal that it was written as, never into the binary fraction that it is. Sums that are made here are
rounded against the order (less bought, never more than was to be spent), so that no rounding can create anything.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from engine.model.account import Asset
from engine.model.order import ZERO, AssetClass

QTY_STEP: Final = Decimal("1e-9")
"""Alpaca cuts fractional shares and coins at nine decimals (its API reference)."""
CENT: Final = Decimal("0.01")
SUB_CENT: Final = Decimal("0.0001")
"""Prices below a dollar may be told this finely (Alpaca, "sub-penny increments"; SEC rule 612)."""
DOLLAR: Final = Decimal(1)
WHOLE: Final = Decimal(1)
"""One share or one contract."""


def exact(number: float) -> Decimal:
    """The decimal that a float was written as: 0.1 is 0.1, and 100.0 is 100."""
    return Decimal(int(number)) if number.is_integer() else Decimal(repr(number))


def cut(qty: Decimal, step: Decimal) -> Decimal:
    """``qty`` rounded down to a multiple of ``step``."""
    return qty // step * step if qty % step else qty


def step_of(asset: Asset) -> Decimal:
    """The finest quantity of an asset: the coin's own increment, one contract, or a billionth of a share."""
    if asset.asset_class is AssetClass.US_OPTION:
        return WHOLE
    return asset.min_trade_increment or QTY_STEP


def buyable(notional: Decimal, price: Decimal, asset: Asset) -> Decimal:
    """How much ``notional`` dollars are at ``price``, rounded down. 0 once what is left buys nothing more."""
    step = step_of(asset)
    return notional // (price * step) * step


def price_step(price: Decimal, asset: Asset) -> Decimal:
    """The finest difference between two prices: the asset's own, else a cent, below a dollar a hundredth of one."""
    return asset.price_increment or (CENT if price >= DOLLAR else SUB_CENT)


def round_price(price: Decimal, asset: Asset, *, up: bool) -> Decimal:
    """``price`` on the asset's grid, rounded up or down; never below 0."""
    step = price_step(price, asset)
    rounded = (price / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step
    return max(rounded, ZERO)
