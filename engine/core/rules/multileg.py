"""Rules for orders of several option legs: a spread, a straddle, a condor, filled as one.

The order itself has no symbol and no side. Its limit is the price of the whole: negative when one is to be paid for it.
"""

from collections.abc import Mapping
from math import gcd
from typing import Final

from engine.core.calendar import Phase, phase_at
from engine.core.rules.options import OPENING, check_contract, check_option_price, fits_option_time
from engine.core.rules.table import Rule
from engine.model.account import Asset
from engine.model.order import AssetClass, OrderRequest, OrderType

LEGS_MIN: Final = 2
LEGS_MAX: Final = 4


def check_multileg(request: OrderRequest, now_ns: int) -> None:
    """Raise `Refused` for what is wrong with a multi-leg order by itself. `check_legs` looks at the contracts."""
    if request.symbol:
        raise Rule.LEGS_SYMBOL.refusal()
    if request.notional is not None:
        raise Rule.OPTION_NOTIONAL.refusal()
    if request.qty is not None and request.qty % 1:
        raise Rule.OPTION_FRACTION.refusal()
    if not LEGS_MIN <= len(request.legs) <= LEGS_MAX:
        raise Rule.LEG_COUNT.refusal()
    if len({leg.symbol for leg in request.legs}) < len(request.legs):
        raise Rule.LEGS_SAME.refusal()
    ratios = [leg.ratio_qty for leg in request.legs]
    if any(ratio <= 0 or ratio % 1 for ratio in ratios):
        raise Rule.LEGS_RATIO.refusal()
    if gcd(*map(int, ratios)) > 1:
        raise Rule.LEGS_PRIME.refusal()
    _check_terms(request, now_ns)


def check_legs(request: OrderRequest, assets: Mapping[str, Asset], now_ns: int) -> None:
    """Raise `Refused` if a leg of a multi-leg order is no contract that can be traded, or has another underlying."""
    underlying = ""
    for leg in request.legs:
        asset = assets.get(leg.symbol)
        if asset is None or asset.asset_class is not AssetClass.US_OPTION:
            raise Rule.LEG_UNKNOWN.refusal(symbol=leg.symbol)
        check_contract(asset, now_ns, opening=leg.position_intent in OPENING)
        underlying = underlying or asset.underlying
        if asset.underlying != underlying:
            raise Rule.LEGS_UNDERLYING.refusal(one=underlying, other=asset.underlying)


def _check_terms(request: OrderRequest, now_ns: int) -> None:
    """Type, time in force, limit and hours."""
    if request.type not in (OrderType.MARKET, OrderType.LIMIT):
        raise Rule.LEGS_TYPE.refusal()
    if request.type is OrderType.LIMIT and request.limit_price is None:
        raise Rule.LEGS_LIMIT_REQUIRED.refusal()
    if request.type is OrderType.MARKET and request.limit_price is not None:
        raise Rule.LEGS_LIMIT_FORBIDDEN.refusal()
    if not fits_option_time(request.type, request.time_in_force):
        raise Rule.LEGS_TIME.refusal()
    if request.extended_hours:
        raise Rule.OPTION_HOURS.refusal()
    if request.type is OrderType.MARKET and phase_at(now_ns) is not Phase.CORE:
        raise Rule.OPTION_CLOSED.refusal()
    if request.limit_price is not None:
        check_option_price("limit_price", request.limit_price)
