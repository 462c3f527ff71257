"""Which fields an order must have, and which it may not: what can be said of it without knowing the asset.

The venue says these things first, all of them as 422 with body code 40010001, whatever else is wrong with the order.
"""

from decimal import Decimal
from typing import Final

from engine.core.amounts import CENT
from engine.core.rules.table import Rule
from engine.model.order import ZERO, OrderClass, OrderRequest, OrderType

CLIENT_ORDER_ID_MAX: Final = 128
"""Characters; 48 in older documentation (Alpaca's OpenAPI)."""
TRAIL_PERCENT_MIN: Final = Decimal("0.1")
NUMBER_MAX: Final = Decimal(10) ** 12
DECIMALS_MAX: Final = 18
"""No price or quantity that anybody trades is beyond these, and what is not can be multiplied without rounding."""


def check_shape(request: OrderRequest) -> None:
    """Raise `Refused` if fields are missing, in each other's way or below zero."""
    if len(request.client_order_id) > CLIENT_ORDER_ID_MAX:
        raise Rule.CLIENT_ORDER_ID_LONG.refusal()
    _check_ranges(request)
    _check_amount(request)
    if request.order_class is OrderClass.MLEG:
        return  # its prices have rules of their own: `engine.core.rules.multileg`
    _check_trail(request)
    _check_prices(request)
    for price, rule in (
        (request.limit_price, Rule.LIMIT_PRICE_POSITIVE),
        (request.stop_price, Rule.STOP_PRICE_POSITIVE),
    ):
        if price is not None and price <= 0:
            raise rule.refusal()


def prices_of(request: OrderRequest) -> list[tuple[str, Decimal]]:
    """The prices that an order names, with the names that they have in its JSON."""
    prices = (
        ("limit_price", request.limit_price),
        ("stop_price", request.stop_price),
        ("trail_price", request.trail_price),
        ("take_profit.limit_price", request.take_profit_limit),
        ("stop_loss.stop_price", request.stop_loss_stop),
        ("stop_loss.limit_price", request.stop_loss_limit),
    )
    return [(field, price) for field, price in prices if price is not None]


def _check_ranges(request: OrderRequest) -> None:
    others = (("qty", request.qty), ("notional", request.notional), ("trail_percent", request.trail_percent))
    ratios = (("ratio_qty", leg.ratio_qty) for leg in request.legs)
    for field, value in (*others, *ratios, *prices_of(request)):
        if value is None:
            continue
        exponent = value.as_tuple().exponent  # a letter where the number is none
        if not isinstance(exponent, int) or exponent < -DECIMALS_MAX or abs(value) >= NUMBER_MAX:
            raise Rule.OUT_OF_RANGE.refusal(field=field)


def _check_amount(request: OrderRequest) -> None:
    qty, notional = request.qty, request.notional
    if qty is None and notional is None:
        raise Rule.QTY_REQUIRED.refusal()
    if qty is not None and notional is not None:
        raise Rule.QTY_AND_NOTIONAL.refusal()
    if qty is not None and qty <= 0:
        raise Rule.QTY_POSITIVE.refusal()
    if notional is not None and notional <= 0:
        raise Rule.NOTIONAL_MINIMUM.refusal()
    if notional is not None and notional % CENT:
        raise Rule.NOTIONAL_CENTS.refusal()


def _check_trail(request: OrderRequest) -> None:
    trails = {"trail_price": request.trail_price, "trail_percent": request.trail_percent}
    given = [field for field, trail in trails.items() if trail is not None]
    if request.type is not OrderType.TRAILING_STOP:
        if given:
            raise Rule.TRAIL_FORBIDDEN.refusal(type=request.type.replace("_", " "), field=given[0])
        return
    if len(given) != 1:
        raise Rule.TRAIL_REQUIRED.refusal()
    if request.trail_price is not None and request.trail_price <= ZERO:
        raise Rule.TRAIL_PRICE_POSITIVE.refusal()
    if request.trail_percent is not None and request.trail_percent < TRAIL_PERCENT_MIN:
        raise Rule.TRAIL_PERCENT_MINIMUM.refusal()


def _check_prices(request: OrderRequest) -> None:
    limit, stop = request.limit_price is not None, request.stop_price is not None
    match request.type:
        case OrderType.MARKET if limit or stop:
            raise Rule.MARKET_PRICES.refusal()
        case OrderType.TRAILING_STOP if limit or stop:
            raise Rule.TRAIL_PRICES.refusal()
        case OrderType.LIMIT if stop:
            raise Rule.LIMIT_STOP_PRICE.refusal()
        case OrderType.LIMIT if not limit and request.order_class is not OrderClass.OCO:
            raise Rule.LIMIT_PRICE_REQUIRED.refusal()  # an OCO order brings its limit in take_profit
        case OrderType.STOP if not stop:
            raise Rule.STOP_PRICE_REQUIRED.refusal()
        case OrderType.STOP if limit:
            raise Rule.STOP_LIMIT_PRICE.refusal()
        case OrderType.STOP_LIMIT if not (limit and stop):
            raise Rule.STOP_LIMIT_PRICES.refusal()
