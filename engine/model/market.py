"""What happened in the market: one frozen value per kind of event.

Every event ends with the same four fields, filled in on its way to a strategy:

``received_ns``  when its frame was read, in the market's time (see ``flow/clock.py``); 0 if it never crossed a socket
``origin``       ``"live"``, ``"backfill"`` (read from history after a hole) or ``"replay"``
``seq``          its number in this session's journal, from 1, one sequence over all feeds; 0 before the journal
``venue_ns``     trades and quotes only: when the venue received it (Alpaca's optional ``r``), 0 where not told

Prices and sizes are float64, as the wire sends them. Times are integers: nanoseconds since the epoch, UTC.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Final, Literal, TypeAlias

from msgspec import Struct

Origin: TypeAlias = Literal["live", "backfill", "replay"]


class Kind(StrEnum):
    """What a stream carries. A stream is one kind of one symbol."""

    TRADES = "trades"
    QUOTES = "quotes"
    BARS = "bars"
    UPDATED_BARS = "updated_bars"
    DAILY_BARS = "daily_bars"
    STATUSES = "statuses"
    LULDS = "lulds"
    CORRECTIONS = "corrections"
    CANCELS = "cancels"
    IMBALANCES = "imbalances"
    BOOKS = "books"
    PRICING = "pricing"
    NEWS = "news"


class Trade(Struct, frozen=True, gc=False):
    """One trade. ``id`` is unique only within (symbol, exchange, trading date); ``None`` where the venue has none.

    ``revision`` is what history says became of it: ``""``, ``"canceled"``, ``"incorrect"`` or ``"corrected"``.
    ``taker_side`` is ``"B"``, ``"S"`` or ``""`` (crypto only).
    """

    kind: ClassVar[Kind] = Kind.TRADES
    symbol: str
    ts_ns: int
    price: float
    size: float
    id: int | None = None
    exchange: str = ""
    conditions: tuple[str, ...] = ()
    tape: str = ""
    taker_side: str = ""
    revision: str = ""
    venue_ns: int = 0
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0

    @property
    def live(self) -> bool:
        """Whether it is told as it happens, by a line or in a replay; not late, from history."""
        return self.origin != "backfill"


class Quote(Struct, frozen=True, gc=False):
    """The best bid and ask. A price of 0 means that side has no active quote."""

    kind: ClassVar[Kind] = Kind.QUOTES
    symbol: str
    ts_ns: int
    bid_price: float
    bid_size: float
    ask_price: float
    ask_size: float
    bid_exchange: str = ""
    ask_exchange: str = ""
    conditions: tuple[str, ...] = ()
    tape: str = ""
    venue_ns: int = 0
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0

    @property
    def live(self) -> bool:
        """Whether it is told as it happens, by a line or in a replay; not late, from history."""
        return self.origin != "backfill"


class Bar(Struct, frozen=True, gc=False):
    """One minute; ``ts_ns`` is its START. A minute without qualifying trades has no bar."""

    kind: ClassVar[Kind] = Kind.BARS
    symbol: str
    ts_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trade_count: int = 0
    vwap: float = 0.0
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0

    @property
    def live(self) -> bool:
        """Whether it is told as it happens, by a line or in a replay; not late, from history."""
        return self.origin != "backfill"


class UpdatedBar(Bar, frozen=True, gc=False):
    """A minute bar told again, half a minute later, because late trades changed it."""

    kind: ClassVar[Kind] = Kind.UPDATED_BARS


class DailyBar(Bar, frozen=True, gc=False):
    """The day so far; told every minute, not final until after the close."""

    kind: ClassVar[Kind] = Kind.DAILY_BARS


class Status(Struct, frozen=True, gc=False):
    """A trading status, such as a halt (``status_code`` ``"H"`` or ``"2"``) or a resumption."""

    kind: ClassVar[Kind] = Kind.STATUSES
    symbol: str
    ts_ns: int
    status_code: str
    status_message: str = ""
    reason_code: str = ""
    reason_message: str = ""
    tape: str = ""
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0


class Luld(Struct, frozen=True, gc=False):
    """Limit up, limit down: the price band outside which the symbol may not trade."""

    kind: ClassVar[Kind] = Kind.LULDS
    symbol: str
    ts_ns: int
    limit_up: float
    limit_down: float
    indicator: str = ""
    tape: str = ""
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0


class Correction(Struct, frozen=True, gc=False):
    """A trade told earlier was wrong: ``original_*`` is replaced by ``corrected_*``."""

    kind: ClassVar[Kind] = Kind.CORRECTIONS
    symbol: str
    ts_ns: int
    exchange: str
    original_id: int
    original_price: float
    original_size: float
    corrected_id: int
    corrected_price: float
    corrected_size: float
    original_conditions: tuple[str, ...] = ()
    corrected_conditions: tuple[str, ...] = ()
    tape: str = ""
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0


class Cancel(Struct, frozen=True, gc=False):
    """A trade told earlier did not happen. ``action`` is ``"C"`` (cancel) or ``"E"`` (error)."""

    kind: ClassVar[Kind] = Kind.CANCELS
    symbol: str
    ts_ns: int
    exchange: str
    id: int
    price: float
    size: float
    action: str = ""
    tape: str = ""
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0


class Imbalance(Struct, frozen=True, gc=False):
    """The price at which an order imbalance stands, told during a LULD halt."""

    kind: ClassVar[Kind] = Kind.IMBALANCES
    symbol: str
    ts_ns: int
    price: float
    tape: str = ""
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0


class Book(Struct, frozen=True, gc=False):
    """A crypto order book: the whole of it when ``reset``, else the levels that changed (size 0 deletes a level).

    ``bids`` and ``asks`` are (price, size) pairs.
    """

    kind: ClassVar[Kind] = Kind.BOOKS
    symbol: str
    ts_ns: int
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    reset: bool = False
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0


class Pricing(Struct, frozen=True, gc=False):
    """The state of a crypto perpetual: index and mark price, funding rate, open interest, next funding."""

    kind: ClassVar[Kind] = Kind.PRICING
    symbol: str
    ts_ns: int
    index_price: float
    mark_price: float
    funding_rate: float
    open_interest: float
    next_funding_ns: int = 0
    exchange: str = ""
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0


class News(Struct, frozen=True, gc=False):
    """One article. The same ``id`` comes again when it is revised; ``ts_ns`` is ``updated_at``.

    ``symbol`` is empty: an article belongs to all of ``symbols``, in which a pair is ``BTCUSD``.
    """

    kind: ClassVar[Kind] = Kind.NEWS
    symbol: str
    ts_ns: int
    id: int
    headline: str
    summary: str = ""
    author: str = ""
    content: str = ""
    url: str = ""
    created_ns: int = 0
    symbols: tuple[str, ...] = ()
    source: str = ""
    received_ns: int = 0
    origin: Origin = "live"
    seq: int = 0


MarketEvent: TypeAlias = Trade | Quote | Bar | Status | Luld | Correction | Cancel | Imbalance | Book | Pricing | News

EVENT_TYPES: Final[Mapping[Kind, type[MarketEvent]]] = {
    event_type.kind: event_type
    for event_type in (
        Trade,
        Quote,
        Bar,
        UpdatedBar,
        DailyBar,
        Status,
        Luld,
        Correction,
        Cancel,
        Imbalance,
        Book,
        Pricing,
        News,
    )
}
"""The type of each kind's events."""
