"""Everything that can be said of an order without the account and without the other orders.

Alpaca does not publish in which order it looks at things. Where several rules are broken, this answers as measured:
shape first, then the class, then the asset, then the rules of its kind, then where the exits lie.
"""

from decimal import Decimal
from typing import Final

from engine.core.rules.classes import check_class, check_exits
from engine.core.rules.crypto import check_crypto
from engine.core.rules.equities import check_equity
from engine.core.rules.multileg import check_multileg
from engine.core.rules.options import check_option, names_contract
from engine.core.rules.shape import check_shape
from engine.core.rules.table import Rule
from engine.model.account import Asset
from engine.model.order import AssetClass, OrderClass, OrderRequest

COMPLEX: Final = frozenset({OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO})


def check_request(request: OrderRequest, asset: Asset | None, now_ns: int, last_price: Decimal | None = None) -> None:
    """Raise `Refused` if the venue would refuse this order from anybody.

    ``asset`` is what the order's symbol names, ``None`` if nothing; a multi-leg order has none, its legs are for
    `check_legs`. ``last_price`` is what the market last paid, in dollars; without it, what is measured against the
    market is not checked.
    """
    check_shape(request)
    if request.order_class is OrderClass.MLEG:
        check_multileg(request, now_ns)
        return
    if request.order_class in COMPLEX:
        check_class(request)
    if asset is None:
        missing = Rule.CONTRACT_UNKNOWN if names_contract(request.symbol) else Rule.ASSET_UNKNOWN
        raise missing.refusal(symbol=request.symbol)
    if asset.asset_class is AssetClass.US_OPTION:
        check_option(request, asset, now_ns)
        return
    if not asset.active:
        raise Rule.ASSET_INACTIVE.refusal(symbol=asset.symbol)
    if not asset.tradable:
        raise Rule.ASSET_NOT_TRADABLE.refusal(symbol=asset.symbol)
    if asset.asset_class is AssetClass.CRYPTO:
        check_crypto(request, asset, last_price)
    else:
        check_equity(request, asset, now_ns, last_price)
        check_exits(request, last_price)
