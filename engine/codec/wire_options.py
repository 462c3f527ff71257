"""Messages of the option streams, and both ways between them and events.

Only trades and quotes, and they share no shape with stocks although the letters are the same: ``c`` is one string
here, there is no trade id and no tape. The condition becomes a tuple of one, an empty one a tuple of none.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct, field

from engine.codec.wire import ABSENT
from engine.codec.wire_bars import whole
from engine.model.market import MarketEvent, Quote, Trade

I = TypeVar("I")  # noqa: E741 - how an instant travels: Ext in MessagePack, str in JSON


class WireOptionTrade(Struct, Generic[I], tag_field="T", tag="t", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``t``: a trade of one contract."""

    symbol: str = field(name="S")
    stamp: I = field(name="t")
    price: float = field(name="p")
    size: float = field(name="s")
    exchange: str | None = field(name="x", default="")
    condition: str | None = field(name="c", default="")
    venue: I | None = field(name="r", default=None)


class WireOptionQuote(Struct, Generic[I], tag_field="T", tag="q", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``q``: the best bid and ask of one contract."""

    symbol: str = field(name="S")
    stamp: I = field(name="t")
    bid_exchange: str | None = field(name="bx", default="")
    bid_price: float = field(name="bp")
    bid_size: float = field(name="bs")
    ask_exchange: str | None = field(name="ax", default="")
    ask_price: float = field(name="ap")
    ask_size: float = field(name="as")
    condition: str | None = field(name="c", default="")
    venue: I | None = field(name="r", default=None)


OptionWire: TypeAlias = WireOptionTrade[I] | WireOptionQuote[I]
OPTION_WIRES: Final[tuple[type[Struct], ...]] = (WireOptionTrade, WireOptionQuote)


def option_events(
    wires: list[OptionWire[I]],
    instants: list[int],
    parse: Callable[[I], int],
    received_ns: int,
) -> list[MarketEvent]:
    """The events of one frame, in its order; raises ``ValueError`` where an ``r`` is no instant."""
    events: list[MarketEvent] = []
    add = events.append
    for w, instant_ns in zip(wires, instants):  # noqa: B905 - strict costs 0.2 us a frame
        venue_ns = parse(w.venue) if w.venue else 0
        conditions = (w.condition,) if w.condition else ()
        if isinstance(w, WireOptionQuote):
            add(Quote(
                w.symbol, instant_ns, w.bid_price, w.bid_size, w.ask_price, w.ask_size, w.bid_exchange or "",
                w.ask_exchange or "", conditions, "", venue_ns, received_ns,
            ))  # fmt: skip
        else:
            add(Trade(
                w.symbol, instant_ns, w.price, w.size, None, w.exchange or "", conditions, "",
                "", "", venue_ns, received_ns,
            ))  # fmt: skip
    return events


def _write_trade(e: Trade, stamp: Callable[[int], I]) -> WireOptionTrade[I]:
    return WireOptionTrade(
        symbol=e.symbol,
        stamp=stamp(e.ts_ns),
        price=e.price,
        size=whole(e.size),
        exchange=e.exchange,
        condition=" ".join(e.conditions),
        venue=stamp(e.venue_ns) if e.venue_ns else ABSENT,
    )


def _write_quote(e: Quote, stamp: Callable[[int], I]) -> WireOptionQuote[I]:
    return WireOptionQuote(
        symbol=e.symbol,
        stamp=stamp(e.ts_ns),
        bid_exchange=e.bid_exchange,
        bid_price=e.bid_price,
        bid_size=whole(e.bid_size),
        ask_exchange=e.ask_exchange,
        ask_price=e.ask_price,
        ask_size=whole(e.ask_size),
        condition=" ".join(e.conditions),
        venue=stamp(e.venue_ns) if e.venue_ns else ABSENT,
    )


OPTION_WRITERS: Final[Mapping[type, Callable[[Any, Callable[[int], Any]], Struct]]] = {
    Trade: _write_trade,
    Quote: _write_quote,
}
