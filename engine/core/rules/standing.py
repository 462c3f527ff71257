"""What may be done to an order that the venue has: change it, cancel it.

A changed order is a new one, so it has to satisfy everything that a new one would; what is particular to a change comes
first.
"""

from decimal import Decimal
from typing import Final

from engine.core.rules.classes import check_class_time
from engine.core.rules.options import check_option_price
from engine.core.rules.request import COMPLEX, check_request
from engine.core.rules.table import Rule
from engine.model.account import Asset
from engine.model.order import AssetClass, Order, OrderClass, OrderRequest, OrderStatus, OrderType, ReplaceRequest, Side

REPLACEABLE: Final = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.HELD})
"""The docs refuse accepted, pending_new, pending_cancel and pending_replace, and what is closed; a held stop-loss of
a bracket can be moved."""


def check_replace(order: Order, change: ReplaceRequest, asset: Asset | None, now_ns: int) -> None:
    """Raise `Refused` if the order cannot be changed now, or not in this way. ``asset`` is ``None`` for multi-leg."""
    if order.status is OrderStatus.REPLACED:
        raise Rule.REPLACED_ALREADY.refusal()
    if order.status.terminal:
        raise Rule.REPLACE_CLOSED.refusal()
    if order.status not in REPLACEABLE:
        raise Rule.REPLACE_STATUS.refusal(status=order.status)
    _check_qty(order, change)
    if order.order_class in COMPLEX:
        check_class_time(order.order_class, change.time_in_force or order.time_in_force)
    changed = request_after(order, change)
    if changed == request_after(order, ReplaceRequest()) and not change.client_order_id:
        raise Rule.REPLACE_NOTHING.refusal()
    if order.order_class is not OrderClass.MLEG:
        check_request(changed, asset, now_ns)
    elif changed.limit_price is not None:
        check_option_price("limit_price", changed.limit_price)


def check_cancel(order: Order) -> None:
    """Raise `Refused` if the order cannot be canceled any more. Canceling what is canceled already is a success."""
    if order.status.terminal and order.status is not OrderStatus.CANCELED:
        raise Rule.CANCEL_STATUS.refusal(status=order.status)


def request_after(order: Order, change: ReplaceRequest) -> OrderRequest:
    """The simple order that ``order`` would have to be asked for as, once changed.

    Prices that the venue keeps itself are left out: the stop of a trailing order, the collar of a buy stop.
    """
    limits = order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    stops = order.type in (OrderType.STOP, OrderType.STOP_LIMIT)
    by_percent = order.trail_percent is not None
    return OrderRequest(
        symbol=order.symbol,
        side=order.side or Side.BUY,
        type=order.type,
        time_in_force=change.time_in_force or order.time_in_force,
        qty=_newer(change.qty, order.qty),
        notional=order.notional,
        limit_price=_newer(change.limit_price, order.limit_price if limits else None),
        stop_price=_newer(change.stop_price, order.stop_price if stops else None),
        trail_price=order.trail_price if by_percent else _newer(change.trail, order.trail_price),
        trail_percent=_newer(change.trail, order.trail_percent) if by_percent else None,
        extended_hours=order.extended_hours,
        client_order_id=change.client_order_id,
        position_intent=order.position_intent,
    )


def _newer(change: Decimal | None, was: Decimal | None) -> Decimal | None:
    return was if change is None else change


def _check_qty(order: Order, change: ReplaceRequest) -> None:
    crypto = order.asset_class is AssetClass.CRYPTO
    if order.notional is not None or (not crypto and order.qty is not None and order.qty % 1):
        raise Rule.REPLACE_FRACTIONAL.refusal()
    if change.qty is None or change.qty == order.qty:
        return
    if order.order_class not in (OrderClass.SIMPLE, OrderClass.MLEG) or order.parent_id:
        raise Rule.REPLACE_CLASS_QTY.refusal()
    if change.qty <= 0:
        raise Rule.QTY_POSITIVE.refusal()
    if not crypto and change.qty % 1:
        raise Rule.REPLACE_FRACTION.refusal()
    if change.qty <= order.filled_qty:
        raise Rule.REPLACE_FILLED_QTY.refusal()
