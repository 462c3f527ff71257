"""What happened to the account's money and holdings: fills and fees, as the lists and the event stream tell them.

An activity's id is seventeen digits of New York's wall time, two colons and a UUID (measured on paper). So ids are not
in order across the hour that is repeated in autumn, and must not be read as UTC; they are told that way on purpose.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from attrs import frozen

from engine.codec.orders import render_decimal
from engine.model.instant import NS_PER_S, render_instant
from engine.model.order import ZERO, Fill, Order, OrderUpdate

FILL: Final = "FILL"
CRYPTO_FEE: Final = "CFEE"
FEE: Final = "FEE"
DOLLARS: Final = "USD"
CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The letters of a ULID, in the order of their values."""

_NEW_YORK: Final = ZoneInfo("America/New_York")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_MS: Final = 1_000_000


@frozen
class Activity:
    """A fill of an order, or (``fee``) what it cost. ``cum_qty`` is what was filled up to and with it.

    ``id`` is that of the lists, ``event_id`` that of the event stream.
    """

    fill: Fill
    order: Order
    id: str
    event_id: str
    cum_qty: Decimal
    fee: bool = False

    @property
    def kind(self) -> str:
        """Its ``activity_type``."""
        if not self.fee:
            return FILL
        return FEE if self.fill.fee_asset == DOLLARS else CRYPTO_FEE

    @property
    def day(self) -> date:
        """Its date in New York."""
        return _local(self.fill.ts_ns).date()

    @property
    def left_qty(self) -> Decimal:
        """What of the order is left after it."""
        return ZERO if self.order.qty is None else self.order.qty - self.cum_qty


def activities_of(update: OrderUpdate) -> Iterator[Activity]:
    """The activities of one update of an order: its fills, one for each leg of a multi-leg order, and their fees."""
    if update.leg_fills:
        told = [(fill, fill.qty) for fill in update.leg_fills]
    elif update.fill is not None:
        told = [(update.fill, update.order.filled_qty)]
    else:
        return
    number = 0
    for fill, cum_qty in told:
        for fee in (False, True) if fill.fee else (False,):
            event_id = _behind(update.event_id, number)
            yield Activity(fill, update.order, _id_of(fill, fee=fee), event_id, cum_qty, fee)
            number += 1


def _id_of(fill: Fill, *, fee: bool) -> str:
    """The time and the id of the execution; a fee's differs from its fill's in the last digit."""
    execution_id = fill.execution_id
    if fee:
        execution_id = f"{execution_id[:-1]}{int(execution_id[-1], 16) ^ 1:x}"
    return f"{_local(fill.ts_ns):%Y%m%d%H%M%S}{fill.ts_ns % NS_PER_S // _NS_PER_MS:03d}::{execution_id}"


def _behind(event_id: str, number: int) -> str:
    """The ULID that many after another: what comes of one update has ids of its own, in order, before the next one."""
    value = 0
    for letter in event_id:
        value = value << 5 | CROCKFORD.index(letter)
    value += number
    return "".join(CROCKFORD[value >> shift & 31] for shift in range(5 * (len(event_id) - 1), -1, -5))


def _local(ts_ns: int) -> datetime:
    return (_EPOCH + timedelta(seconds=ts_ns // NS_PER_S)).astimezone(_NEW_YORK)


def render_activity(activity: Activity) -> dict[str, Any]:
    """One row of ``/v2/account/activities``."""
    fill, order = activity.fill, activity.order
    if not activity.fee:
        return {
            "id": activity.id,
            "activity_type": activity.kind,
            "transaction_time": render_instant(fill.ts_ns),
            "type": "partial_fill" if activity.left_qty > 0 else "fill",
            "price": render_decimal(fill.price),
            "qty": render_decimal(fill.qty),
            "side": fill.side.value,
            "symbol": fill.symbol,
            "leaves_qty": render_decimal(activity.left_qty),
            "order_id": fill.order_id,
            "cum_qty": render_decimal(activity.cum_qty),
            "order_status": order.status.value,
        }
    row = {
        "id": activity.id,
        "activity_type": activity.kind,
        "activity_sub_type": None,
        "date": activity.day.isoformat(),
        "net_amount": render_decimal(-fill.fee if fill.fee_asset == DOLLARS else ZERO),
        "description": f"fee of order {fill.order_id}",
        "symbol": fill.symbol,
        "status": "executed",
        "currency": DOLLARS,
        "group_id": fill.order_id,
        "created_at": render_instant(fill.ts_ns),
    }
    if fill.fee_asset != DOLLARS:
        row |= {"qty": render_decimal(-fill.fee), "price": render_decimal(fill.price)}
    return row


def render_activity_event(activity: Activity, settles: date, multiplier: Decimal) -> dict[str, Any]:
    """The same as an event of ``/v2beta1/events/activities``; ``settles`` is when the money moves.

    ``multiplier``: how many units of the underlying one unit of ``qty`` stands for.
    """
    fill, order = activity.fill, activity.order
    paid = -fill.side.sign * fill.qty * fill.price * multiplier
    fee = -fill.fee if fill.fee_asset == DOLLARS else ZERO
    told: dict[str, Any] = {
        "event_id": activity.event_id,
        "at": render_instant(fill.ts_ns),
        "executed_at": render_instant(fill.ts_ns),
        "activity_type": activity.kind if activity.fee else "TRD",
        "status": "executed",
        "settle_date": settles.isoformat(),
        "ref_id": activity.id.rpartition("::")[2],
        "net_amount": render_decimal(fee if activity.fee else paid),
        "currency": DOLLARS,
    }
    if activity.fee:
        return told | {"qty": render_decimal(-fill.fee)} if activity.kind == CRYPTO_FEE else told
    return told | {
        "price": render_decimal(fill.price),
        "qty": render_decimal(fill.qty),
        "details": {
            "execution_type": "partial_fill" if activity.left_qty > 0 else "fill",
            "order_id": fill.order_id,
            "client_order_id": order.client_order_id,
            "symbol": fill.symbol,
            "asset_id": order.asset_id,
            "side": fill.side.value,
            "cum_qty": render_decimal(activity.cum_qty),
            "leaves_qty": render_decimal(activity.left_qty),
            "order_status": order.status.value,
        },
    }
