"""Messages of the stock streams, the shapes of seven types (bars have their own module), and both ways to events.

A letter means what its type makes it mean: ``i`` is a message type, a trade's id and a LULD indicator; ``c`` is a
message type, a trade's conditions and a bar's close. So every type has its own Struct and no field is looked at before
the type is known. ``r``, when the venue received it, is not documented and may vanish.

Fields that may be absent may also be ``null`` (nothing says they never are); both read as the model's default.
Trades and quotes are made in line in the loop over a frame, since they are nearly all there is and a call each would
cost a tenth of the whole decode.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct, field

from engine.codec.wire import ABSENT
from engine.codec.wire_bars import (
    WireBar,
    WireDailyBar,
    WireUpdatedBar,
    bar_event,
    whole,
    write_bar,
    write_daily_bar,
    write_updated_bar,
)
from engine.model.market import (
    Bar,
    Cancel,
    Correction,
    DailyBar,
    Imbalance,
    Luld,
    MarketEvent,
    Quote,
    Status,
    Trade,
    UpdatedBar,
)

I = TypeVar("I")  # noqa: E741 - how an instant travels: Ext in MessagePack, str in JSON


class WireTrade(Struct, Generic[I], tag_field="T", tag="t", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``t``: a trade. The order of fields is the order they come in, which decodes a fifth faster than any other."""

    symbol: str = field(name="S")
    id: int | None = field(name="i", default=None)
    exchange: str | None = field(name="x", default="")
    price: float = field(name="p")
    size: float = field(name="s")
    conditions: tuple[str, ...] | None = field(name="c", default=())
    tape: str | None = field(name="z", default="")
    stamp: I = field(name="t")
    venue: I | None = field(name="r", default=None)


class WireQuote(Struct, Generic[I], tag_field="T", tag="q", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``q``: the best bid and ask."""

    symbol: str = field(name="S")
    bid_exchange: str | None = field(name="bx", default="")
    bid_price: float = field(name="bp")
    bid_size: float = field(name="bs")
    ask_exchange: str | None = field(name="ax", default="")
    ask_price: float = field(name="ap")
    ask_size: float = field(name="as")
    conditions: tuple[str, ...] | None = field(name="c", default=())
    tape: str | None = field(name="z", default="")
    stamp: I = field(name="t")
    venue: I | None = field(name="r", default=None)


class WireStatus(Struct, Generic[I], tag_field="T", tag="s", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``s``: a trading status."""

    symbol: str = field(name="S")
    code: str = field(name="sc")
    message: str | None = field(name="sm", default="")
    reason_code: str | None = field(name="rc", default="")
    reason_message: str | None = field(name="rm", default="")
    stamp: I = field(name="t")
    tape: str | None = field(name="z", default="")


class WireLuld(Struct, Generic[I], tag_field="T", tag="l", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``l``: limit up, limit down."""

    symbol: str = field(name="S")
    up: float = field(name="u")
    down: float = field(name="d")
    indicator: str | None = field(name="i", default="")
    stamp: I = field(name="t")
    tape: str | None = field(name="z", default="")


class WireCorrection(Struct, Generic[I], tag_field="T", tag="c", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``c``: a trade told earlier was wrong."""

    symbol: str = field(name="S")
    exchange: str | None = field(name="x", default="")
    original_id: int = field(name="oi")
    original_price: float = field(name="op")
    original_size: float = field(name="os")
    original_conditions: tuple[str, ...] | None = field(name="oc", default=())
    corrected_id: int = field(name="ci")
    corrected_price: float = field(name="cp")
    corrected_size: float = field(name="cs")
    corrected_conditions: tuple[str, ...] | None = field(name="cc", default=())
    tape: str | None = field(name="z", default="")
    stamp: I = field(name="t")


class WireCancel(Struct, Generic[I], tag_field="T", tag="x", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``x``: a trade told earlier did not happen."""

    symbol: str = field(name="S")
    id: int = field(name="i")
    exchange: str | None = field(name="x", default="")
    price: float = field(name="p")
    size: float = field(name="s")
    action: str | None = field(name="a", default="")
    tape: str | None = field(name="z", default="")
    stamp: I = field(name="t")


class WireImbalance(Struct, Generic[I], tag_field="T", tag="i", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``i``: an order imbalance during a LULD halt."""

    symbol: str = field(name="S")
    price: float = field(name="p")
    tape: str | None = field(name="z", default="")
    stamp: I = field(name="t")


StockWire: TypeAlias = (
    WireTrade[I]
    | WireQuote[I]
    | WireBar[I]
    | WireStatus[I]
    | WireLuld[I]
    | WireCorrection[I]
    | WireCancel[I]
    | WireImbalance[I]
)
STOCK_WIRES: Final[tuple[type[Struct], ...]] = (
    WireTrade,
    WireQuote,
    WireBar,
    WireUpdatedBar,
    WireDailyBar,
    WireStatus,
    WireLuld,
    WireCorrection,
    WireCancel,
    WireImbalance,
)


def stock_events(
    wires: list[StockWire[I]],
    instants: list[int],
    parse: Callable[[I], int],
    received_ns: int,
    *,
    trade: type[WireTrade[Any]] = WireTrade,
    quote: type[WireQuote[Any]] = WireQuote,
) -> list[MarketEvent]:
    """The events of one frame, in its order; raises ``ValueError`` where an ``r`` is no instant.

    ``trade`` and ``quote`` are the exact types of what is in ``wires``: a tolerant decoder has its own.
    """
    events: list[MarketEvent] = []
    add = events.append
    for w, instant_ns in zip(wires, instants):  # noqa: B905 - strict costs 0.2 us a frame
        if type(w) is quote:
            venue_ns = parse(w.venue) if w.venue else 0
            # Positional: keywords double the cost of a Struct.
            add(Quote(
                w.symbol, instant_ns, w.bid_price, w.bid_size, w.ask_price, w.ask_size, w.bid_exchange or "",
                w.ask_exchange or "", w.conditions or (), w.tape or "", venue_ns, received_ns,
            ))  # fmt: skip
        elif type(w) is trade:
            venue_ns = parse(w.venue) if w.venue else 0
            add(Trade(
                w.symbol, instant_ns, w.price, w.size, w.id, w.exchange or "", w.conditions or (), w.tape or "",
                "", "", venue_ns, received_ns,
            ))  # fmt: skip
        else:
            add(_rare_event(w, instant_ns, received_ns))
    return events


def _rare_event(w: StockWire[I], instant_ns: int, received_ns: int) -> MarketEvent:
    match w:
        case WireBar():
            return bar_event(w, instant_ns, received_ns)
        case WireStatus():
            return Status(
                w.symbol, instant_ns, w.code, w.message or "", w.reason_code or "", w.reason_message or "",
                w.tape or "", received_ns,
            )  # fmt: skip
        case WireLuld():
            return Luld(w.symbol, instant_ns, w.up, w.down, w.indicator or "", w.tape or "", received_ns)
        case WireCorrection():
            return Correction(
                w.symbol, instant_ns, w.exchange or "", w.original_id, w.original_price, w.original_size,
                w.corrected_id, w.corrected_price, w.corrected_size, w.original_conditions or (),
                w.corrected_conditions or (), w.tape or "", received_ns,
            )  # fmt: skip
        case WireCancel():
            return Cancel(
                w.symbol, instant_ns, w.exchange or "", w.id, w.price, w.size, w.action or "", w.tape or "",
                received_ns,
            )  # fmt: skip
        case WireImbalance():
            return Imbalance(w.symbol, instant_ns, w.price, w.tape or "", received_ns)
        case WireTrade() | WireQuote():
            raise TypeError(f"{type(w).__name__} is not one of the two types that stock_events was told to expect")


def _write_trade(e: Trade, stamp: Callable[[int], I]) -> WireTrade[I]:
    return WireTrade(
        symbol=e.symbol, id=ABSENT if e.id is None else e.id, exchange=e.exchange, price=e.price, size=whole(e.size),
        conditions=e.conditions, tape=e.tape, stamp=stamp(e.ts_ns),
        venue=stamp(e.venue_ns) if e.venue_ns else ABSENT,
    )  # fmt: skip


def _write_quote(e: Quote, stamp: Callable[[int], I]) -> WireQuote[I]:
    return WireQuote(
        symbol=e.symbol, bid_exchange=e.bid_exchange, bid_price=e.bid_price, bid_size=whole(e.bid_size),
        ask_exchange=e.ask_exchange, ask_price=e.ask_price, ask_size=whole(e.ask_size), conditions=e.conditions,
        tape=e.tape, stamp=stamp(e.ts_ns), venue=stamp(e.venue_ns) if e.venue_ns else ABSENT,
    )  # fmt: skip


def _write_status(e: Status, stamp: Callable[[int], I]) -> WireStatus[I]:
    return WireStatus(
        symbol=e.symbol, code=e.status_code, message=e.status_message, reason_code=e.reason_code,
        reason_message=e.reason_message, stamp=stamp(e.ts_ns), tape=e.tape,
    )  # fmt: skip


def _write_luld(e: Luld, stamp: Callable[[int], I]) -> WireLuld[I]:
    return WireLuld(
        symbol=e.symbol, up=e.limit_up, down=e.limit_down, indicator=e.indicator, stamp=stamp(e.ts_ns), tape=e.tape
    )


def _write_correction(e: Correction, stamp: Callable[[int], I]) -> WireCorrection[I]:
    return WireCorrection(
        symbol=e.symbol, exchange=e.exchange,
        original_id=e.original_id, original_price=e.original_price, original_size=whole(e.original_size),
        original_conditions=e.original_conditions,
        corrected_id=e.corrected_id, corrected_price=e.corrected_price, corrected_size=whole(e.corrected_size),
        corrected_conditions=e.corrected_conditions,
        tape=e.tape, stamp=stamp(e.ts_ns),
    )  # fmt: skip


def _write_cancel(e: Cancel, stamp: Callable[[int], I]) -> WireCancel[I]:
    return WireCancel(
        symbol=e.symbol, id=e.id, exchange=e.exchange, price=e.price, size=whole(e.size), action=e.action,
        tape=e.tape, stamp=stamp(e.ts_ns),
    )  # fmt: skip


def _write_imbalance(e: Imbalance, stamp: Callable[[int], I]) -> WireImbalance[I]:
    return WireImbalance(symbol=e.symbol, price=e.price, tape=e.tape, stamp=stamp(e.ts_ns))


STOCK_WRITERS: Final[Mapping[type, Callable[[Any, Callable[[int], Any]], Struct]]] = {
    Trade: _write_trade,
    Quote: _write_quote,
    Bar: write_bar,
    UpdatedBar: write_updated_bar,
    DailyBar: write_daily_bar,
    Status: _write_status,
    Luld: _write_luld,
    Correction: _write_correction,
    Cancel: _write_cancel,
    Imbalance: _write_imbalance,
}
