"""Rules for crypto pairs: three types, two times in force, ten dollars."""

from decimal import Decimal
from typing import Final

from engine.core.rules.equities import check_cost, check_pennies
from engine.core.rules.table import Rule
from engine.model.account import Asset
from engine.model.order import OrderClass, OrderRequest, OrderType, TimeInForce

TYPES: Final = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT})
TIMES: Final = frozenset({TimeInForce.GTC, TimeInForce.IOC})
COST_MIN: Final = Decimal(10)
"""Dollars. The ``min_order_size`` that the venue publishes does not bind, this does (protocol reference, ADR58)."""


def check_crypto(request: OrderRequest, asset: Asset, last_price: Decimal | None) -> None:
    """Raise `Refused` if the order breaks a rule for crypto. A quantity beyond nine decimals is not one: it is cut."""
    if request.type not in TYPES:
        raise Rule.CRYPTO_TYPE.refusal()
    if request.order_class is not OrderClass.SIMPLE:
        raise Rule.CRYPTO_CLASS.refusal(order_class=request.order_class)
    if request.time_in_force not in TIMES:
        raise Rule.CRYPTO_TIME.refusal()
    if request.extended_hours:
        raise Rule.CRYPTO_HOURS.refusal()
    check_pennies(request, asset)
    check_cost(request, last_price, COST_MIN)
