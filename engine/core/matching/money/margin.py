"""What margin asks for: how much of what is held has to be one's own.

Alpaca's published rules ("Margin and Short Selling"): half at the start (Regulation T), and to keep it, 30 % of a long
position, or all of one below $2.50; of a short position 30 %, at least $5 a share, and below $5 a share all of it, at
least $2.50. What cannot be bought on margin (coins, options, some stocks) has to be paid in full.

Options follow the universal spread rule (docs, "Options Level 3 Trading"): what all contracts on one underlying could
lose together at the worst price on the day they expire. That line has a corner at each strike and nowhere else, so
looking at the strikes and at zero is looking everywhere, once it does not fall for ever.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from engine.model.account import Asset
from engine.model.order import ZERO, AssetClass

INITIAL_RATE: Final = Decimal("0.5")
MAINTENANCE_RATE: Final = Decimal("0.3")
LONG_PENNY: Final = Decimal("2.50")
SHORT_PENNY: Final = Decimal(5)
SHORT_SHARE_MIN: Final = Decimal(5)
SHORT_PENNY_SHARE_MIN: Final = Decimal("2.50")

Contracts = Sequence[tuple[Asset, Decimal]]
"""Option contracts and how many of each, negative for those sold."""


def initial_margin(asset: Asset, value: Decimal) -> Decimal:
    """What has to be one's own to open a position worth ``value`` dollars (negative: short)."""
    return abs(value) * INITIAL_RATE if asset.marginable or value < 0 else value


def maintenance_margin(asset: Asset, qty: Decimal, price: Decimal) -> Decimal:
    """What has to be one's own to keep a position in a stock or a coin."""
    value = abs(qty) * price
    if qty > 0:
        on_margin = asset.marginable and price >= LONG_PENNY
        return value * MAINTENANCE_RATE if on_margin else value
    if price < SHORT_PENNY:
        return max(value, -qty * SHORT_PENNY_SHARE_MIN)
    return max(value * MAINTENANCE_RATE, -qty * SHORT_SHARE_MIN)


def shares_short(contracts: Iterable[tuple[Asset, Decimal]]) -> Decimal:
    """How many shares would have to be there so that the calls cannot lose for ever; 0 if none."""
    calls = sum((qty * asset.multiplier for asset, qty in contracts if asset.call), ZERO)
    return max(-calls, ZERO)


def worst_loss(contracts: Contracts, shares: Decimal) -> Decimal | None:
    """What contracts on one underlying can lose by expiry, in dollars; ``None`` if there is no limit to it.

    ``shares`` of the underlying stand behind calls that were sold. A contract that was bought counts only if it lasts
    as long as the ones that were sold.
    """
    last_day = max((asset.expires for asset, qty in contracts if qty < 0), default="")
    counted = [(asset, qty) for asset, qty in contracts if qty < 0 or asset.expires >= last_day]
    needed = shares_short(counted)
    if needed > shares:
        return None
    strikes = sorted({asset.strike for asset, _ in counted})
    covered_from = min((asset.strike for asset, qty in counted if qty < 0 and asset.call), default=ZERO)
    worst = min(
        (_worth(counted, price) + needed * max(price - covered_from, ZERO) for price in (ZERO, *strikes)),
        default=ZERO,
    )
    return max(-worst, ZERO)


def _worth(contracts: Contracts, price: Decimal) -> Decimal:
    """What contracts are worth on their last day when the underlying costs ``price``."""
    return sum(
        (
            qty * asset.multiplier * max(price - asset.strike if asset.call else asset.strike - price, ZERO)
            for asset, qty in contracts
        ),
        ZERO,
    )


def is_option(asset: Asset) -> bool:
    """Whether an asset is an option contract."""
    return asset.asset_class is AssetClass.US_OPTION
