"""What happened to the account's money and holdings: fills, fees and what became of options, as the lists and the event
stream tell them.

An activity's id is seventeen digits of New York's wall time, two colons and a UUID (measured on paper). So ids are not
in order across the hour that is repeated in autumn, and must not be read as UTC; they are told that way on purpose.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from attrs import frozen

from engine.codec.orders import render_decimal
from engine.model.instant import NS_PER_S, render_instant
from engine.model.order import ZERO, Fill, Order, OrderUpdate
from engine.model.settlement import Settlement, SettlementKind

FILL: Final = "FILL"
CRYPTO_FEE: Final = "CFEE"
FEE: Final = "FEE"
OPTION_TRADE: Final = "OPTRD"
DESCRIPTIONS: Final[Mapping[str, str]] = {
    SettlementKind.EXPIRED: "Option Expiry",
    SettlementKind.EXERCISED: "Option Exercise",
    SettlementKind.ASSIGNED: "Option Assignment",
    OPTION_TRADE: "Option Trade",
}
"""Alpaca's docs, "Non-Trade Activities for Option Events"."""
DOLLARS: Final = "USD"
CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The letters of a ULID, in the order of their values."""

_NEW_YORK: Final = ZoneInfo("America/New_York")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_MS: Final = 1_000_000


@frozen
class Activity:
    """A fill of an order, what it cost, or what became of options. ``kind`` is its ``activity_type``.

    ``id`` is that of the lists, ``event_id`` that of the event stream. ``cause`` is the order, as it is after it, or
    the end of contracts; ``cum_qty`` is what of the order was filled up to and with it.
    """

    kind: str
    fill: Fill
    cause: Order | Settlement
    id: str
    event_id: str
    cum_qty: Decimal = ZERO

    @property
    def day(self) -> date:
        """Its date in New York."""
        return _local(self.fill.ts_ns).date()


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
        for kind in _kinds_of(fill):
            event_id = _behind(update.event_id, number)
            yield Activity(kind, fill, update.order, _id_of(fill, fee=kind != FILL), event_id, cum_qty)
            number += 1


def activities_of_settlement(settlement: Settlement) -> Iterator[Activity]:
    """The activities of the end of contracts: that they ended, and the shares that this brought or took."""
    for number, fill in enumerate(settlement.fills):
        kind = OPTION_TRADE if number else settlement.kind.value
        yield Activity(kind, fill, settlement, _id_of(fill, fee=False), _behind(settlement.event_id, number))


def _kinds_of(fill: Fill) -> tuple[str, ...]:
    if not fill.fee:
        return (FILL,)
    return FILL, FEE if fill.fee_asset == DOLLARS else CRYPTO_FEE


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
    fill, cause = activity.fill, activity.cause
    if activity.kind == FILL and isinstance(cause, Order):
        return {
            "id": activity.id,
            "activity_type": FILL,
            "transaction_time": render_instant(fill.ts_ns),
            "price": render_decimal(fill.price),
            "qty": render_decimal(fill.qty),
            "symbol": fill.symbol,
            "order_id": fill.order_id,
            **_progress(activity, cause, "type"),
        }
    row = {
        "id": activity.id,
        "activity_type": activity.kind,
        "activity_sub_type": None,
        "date": activity.day.isoformat(),
        "symbol": fill.symbol,
        "status": "executed",
        "currency": DOLLARS,
        "created_at": render_instant(fill.ts_ns),
    }
    if isinstance(cause, Settlement):
        return row | _moved(fill) | {"description": DESCRIPTIONS[activity.kind], "group_id": _group_of(cause)}
    return row | _charged(fill) | {"description": f"fee of order {fill.order_id}", "group_id": fill.order_id}


def render_activity_event(activity: Activity, settles: date, multiplier: Decimal) -> dict[str, Any]:
    """The same as an event of ``/v2beta1/events/activities``; ``settles`` is when the money moves.

    ``multiplier``: how many units of the underlying one unit of ``qty`` stands for.
    """
    fill, cause = activity.fill, activity.cause
    told: dict[str, Any] = {
        "event_id": activity.event_id,
        "at": render_instant(fill.ts_ns),
        "executed_at": render_instant(fill.ts_ns),
        "activity_type": "TRD" if activity.kind == FILL else activity.kind,
        "status": "executed",
        "settle_date": settles.isoformat(),
        "ref_id": activity.id.rpartition("::")[2],
        "currency": DOLLARS,
    }
    if isinstance(cause, Settlement):
        contract = {"symbol": cause.underlying, "contract_symbol": cause.contract.symbol}
        return told | _moved(fill) | {"details": contract | {"group_id": _group_of(cause)}}
    if activity.kind != FILL:
        return told | _charged(fill)
    paid = -fill.side.sign * fill.qty * fill.price * multiplier
    return told | {
        "net_amount": render_decimal(paid),
        "price": render_decimal(fill.price),
        "qty": render_decimal(fill.qty),
        "details": {
            "order_id": fill.order_id,
            "client_order_id": cause.client_order_id,
            "symbol": fill.symbol,
            "asset_id": cause.asset_id,
            **_progress(activity, cause, "execution_type"),
        },
    }


def _progress(activity: Activity, order: Order, sort: str) -> dict[str, Any]:
    """How far an order came with a fill; ``sort`` is the name under which a list or an event tells whether it ended."""
    left_qty = ZERO if order.qty is None else order.qty - activity.cum_qty
    return {
        sort: "partial_fill" if left_qty > 0 else "fill",
        "side": activity.fill.side.value,
        "cum_qty": render_decimal(activity.cum_qty),
        "leaves_qty": render_decimal(left_qty),
        "order_status": order.status.value,
    }


def _charged(fill: Fill) -> dict[str, Any]:
    """What a fill's fee took: dollars, or coins at the fill's price."""
    if fill.fee_asset == DOLLARS:
        return {"net_amount": render_decimal(-fill.fee)}
    return {"net_amount": "0", "qty": render_decimal(-fill.fee), "price": render_decimal(fill.price)}


def _moved(fill: Fill) -> dict[str, Any]:
    """What came (above 0) and went with the end of contracts; these themselves go without a price."""
    qty = fill.qty * fill.side.sign
    if not fill.price:
        return {"net_amount": "0", "qty": render_decimal(qty)}
    return {
        "net_amount": render_decimal(-qty * fill.price),
        "qty": render_decimal(qty),
        "price": render_decimal(fill.price),
    }


def _group_of(settlement: Settlement) -> str:
    """What an exercise or an assignment has in common with its trade of shares."""
    return settlement.contract.execution_id
