"""An order, what happened to it, and what came of it: values in the venue's own vocabulary.

Prices, quantities and money are `Decimal`, because they are compared for equality and added up; times are integers of
nanoseconds since the epoch, UTC, 0 where it has not happened. Names and values of the enumerations are Alpaca's
(its OpenAPI), so that a log line can be held against the venue's own records.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from attrs import frozen

ZERO: Final = Decimal(0)


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """1 for what adds to a position, -1 for what takes from it."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The other one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """How an order names its price."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order works: the day, until canceled, only in the opening or closing auction, at once or not."""

    DAY = "day"
    GTC = "gtc"
    OPG = "opg"
    CLS = "cls"
    IOC = "ioc"
    FOK = "fok"


class OrderClass(StrEnum):
    """Whether other orders hang on this one. The venue writes a simple order as the empty text."""

    SIMPLE = ""
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"
    MLEG = "mleg"


class PositionIntent(StrEnum):
    """What an order does to a position."""

    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"

    @property
    def closes(self) -> bool:
        """Whether it gives back what is held."""
        return self in (PositionIntent.BUY_TO_CLOSE, PositionIntent.SELL_TO_CLOSE)


class AssetClass(StrEnum):
    """The family of an asset."""

    US_EQUITY = "us_equity"
    US_OPTION = "us_option"
    CRYPTO = "crypto"


class OrderStatus(StrEnum):
    """Where an order stands. `engine.core.lifecycle` says what may follow what."""

    PENDING_NEW = "pending_new"
    ACCEPTED = "accepted"
    NEW = "new"
    HELD = "held"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    DONE_FOR_DAY = "done_for_day"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    EXPIRED = "expired"
    PENDING_REPLACE = "pending_replace"
    REPLACED = "replaced"
    REJECTED = "rejected"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    CALCULATED = "calculated"
    ACCEPTED_FOR_BIDDING = "accepted_for_bidding"

    @property
    def terminal(self) -> bool:
        """Whether nothing can happen to the order any more."""
        return self in TERMINAL


TERMINAL: Final = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REPLACED, OrderStatus.REJECTED}
)


class OrderChange(StrEnum):
    """What the account stream can say happened to an order (``event`` of ``trade_updates``)."""

    PENDING_NEW = "pending_new"
    ACCEPTED = "accepted"
    NEW = "new"
    HELD = "held"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    EXPIRED = "expired"
    DONE_FOR_DAY = "done_for_day"
    PENDING_REPLACE = "pending_replace"
    REPLACED = "replaced"
    REJECTED = "rejected"
    STOPPED = "stopped"
    CALCULATED = "calculated"
    SUSPENDED = "suspended"
    RESTATED = "restated"
    CANCEL_REJECTED = "order_cancel_rejected"
    REPLACE_REJECTED = "order_replace_rejected"


@frozen(kw_only=True)
class Leg:
    """One leg of a multi-leg options order as it is asked for: ``ratio_qty`` contracts for each unit of the order."""

    symbol: str
    ratio_qty: Decimal
    side: Side
    position_intent: PositionIntent | None = None


@frozen(kw_only=True)
class OrderRequest:
    """An order as it is asked for, well-formed but not yet checked against any rule.

    Exactly one of ``qty`` and ``notional`` (dollars) should be set. ``trail_percent`` is in percent: 1 is one percent.
    ``take_profit_limit``, ``stop_loss_stop`` and ``stop_loss_limit`` belong to the classes bracket, oco and oto.
    ``client_order_id`` empty: the venue makes one.
    """

    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool = False
    client_order_id: str = ""
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit_limit: Decimal | None = None
    stop_loss_stop: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    position_intent: PositionIntent | None = None
    legs: tuple[Leg, ...] = ()


@frozen(kw_only=True)
class ReplaceRequest:
    """What is to change in an order; ``None`` leaves a value as it is. ``trail`` is dollars or percent, as it was."""

    qty: Decimal | None = None
    time_in_force: TimeInForce | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    client_order_id: str = ""


@frozen(kw_only=True)
class Order:
    """An order as the venue knows it. A snapshot: every change makes another one.

    ``submitted_ns`` is when it was routed; ``hwm`` is the high (low for a buy) water mark of a trailing stop.
    ``parent_id`` is the order that this one is a leg of. ``ratio_qty`` only on the legs of a multi-leg order, whose
    parent has an empty ``symbol``.
    """

    id: str
    client_order_id: str
    symbol: str
    asset_id: str
    asset_class: AssetClass | None
    side: Side | None
    type: OrderType
    time_in_force: TimeInForce
    status: OrderStatus
    order_class: OrderClass = OrderClass.SIMPLE
    qty: Decimal | None = None
    notional: Decimal | None = None
    filled_qty: Decimal = ZERO
    filled_avg_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    extended_hours: bool = False
    position_intent: PositionIntent | None = None
    ratio_qty: Decimal | None = None
    legs: tuple[str, ...] = ()
    """The ids of its legs."""
    parent_id: str = ""
    replaced_by: str = ""
    replaces: str = ""
    created_ns: int = 0
    updated_ns: int = 0
    submitted_ns: int = 0
    filled_ns: int = 0
    expires_ns: int = 0
    expired_ns: int = 0
    cancel_requested_ns: int = 0
    canceled_ns: int = 0
    failed_ns: int = 0
    replaced_ns: int = 0

    @property
    def open(self) -> bool:
        """Whether something can still happen to it."""
        return not self.status.terminal

    @property
    def left_qty(self) -> Decimal:
        """What is still to be filled; 0 where only a notional is given."""
        return ZERO if self.qty is None else self.qty - self.filled_qty


@frozen(kw_only=True)
class Fill:
    """One execution of an order: ours, where a `Trade` is the market's.

    ``fee`` is what it cost in ``fee_asset``: ``USD``, or the crypto asset that was bought.
    """

    execution_id: str
    order_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    ts_ns: int
    fee: Decimal = ZERO
    fee_asset: str = "USD"


@frozen(kw_only=True)
class OrderUpdate:
    """One message of the account stream: what happened, and the order after it.

    ``position_qty`` is the whole position after the event, negative when short, with a fill only. ``leg_fills`` and
    ``position_qtys`` stand in their place in the fill of a multi-leg order.
    """

    change: OrderChange
    order: Order
    ts_ns: int
    event_id: str
    execution_id: str = ""
    fill: Fill | None = None
    position_qty: Decimal | None = None
    leg_fills: tuple[Fill, ...] = ()
    position_qtys: Mapping[str, Decimal] | None = None
