"""Messages of the crypto streams and of perpetuals, their shapes, and both ways between them and events.

Sizes are fractional and travel as floats. Ids go beyond 2**53, so they are integers all the way. Old samples carry
``x``, ``c`` and ``z`` on trades and quotes; they mean nothing here and are dropped without being counted.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct, field

from engine.codec.wire import ABSENT
from engine.codec.wire_bars import WireBar, WireDailyBar, WireUpdatedBar, bar_event, write_fractional_bar
from engine.model.market import Bar, Book, DailyBar, MarketEvent, Pricing, Quote, Trade, UpdatedBar

I = TypeVar("I")  # noqa: E741 - how an instant travels: Ext in MessagePack, str in JSON

_TAKER_SIDES: Final = frozenset({"B", "S"})  # anything else, such as the "-" that the Go client knows, is "not told"


class WireCryptoTrade(Struct, Generic[I], tag_field="T", tag="t", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``t``: a trade; ``tks`` is the side that took."""

    symbol: str = field(name="S")
    price: float = field(name="p")
    size: float = field(name="s")
    stamp: I = field(name="t")
    id: int | None = field(name="i", default=None)
    taker_side: str | None = field(name="tks", default="")
    venue: I | None = field(name="r", default=None)
    legacy_exchange: object = field(name="x", default=ABSENT)
    legacy_conditions: object = field(name="c", default=ABSENT)
    legacy_tape: object = field(name="z", default=ABSENT)


class WireCryptoQuote(Struct, Generic[I], tag_field="T", tag="q", gc=False, forbid_unknown_fields=True, kw_only=True):
    """``q``: the best bid and ask."""

    symbol: str = field(name="S")
    bid_price: float = field(name="bp")
    bid_size: float = field(name="bs")
    ask_price: float = field(name="ap")
    ask_size: float = field(name="as")
    stamp: I = field(name="t")
    venue: I | None = field(name="r", default=None)
    legacy_exchange: object = field(name="x", default=ABSENT)
    legacy_conditions: object = field(name="c", default=ABSENT)
    legacy_tape: object = field(name="z", default=ABSENT)


class WireLevel(Struct, gc=False):
    """One price level; an unknown field in here is not worth an alarm."""

    price: float = field(name="p")
    size: float = field(name="s")


class WireBook(Struct, Generic[I], tag_field="T", tag="o", gc=False, forbid_unknown_fields=True):
    """``o``: an order book; here ``r`` is a bool that marks a full one."""

    symbol: str = field(name="S")
    stamp: I = field(name="t")
    bids: tuple[WireLevel, ...] | None = field(name="b", default=())
    asks: tuple[WireLevel, ...] | None = field(name="a", default=())
    reset: bool | None = field(name="r", default=None)


class WirePricing(Struct, Generic[I], tag_field="T", tag="p", gc=False, forbid_unknown_fields=True):
    """``p``: the state of a perpetual."""

    symbol: str = field(name="S")
    stamp: I = field(name="t")
    index_price: float = field(name="ip")
    mark_price: float = field(name="mp")
    funding_rate: float = field(name="fr")
    open_interest: float = field(name="oi")
    next_funding: I | None = field(name="ft", default=None)
    exchange: str | None = field(name="x", default="")


CryptoWire: TypeAlias = WireCryptoTrade[I] | WireCryptoQuote[I] | WireBar[I] | WireBook[I] | WirePricing[I]
CRYPTO_WIRES: Final[tuple[type[Struct], ...]] = (
    WireCryptoTrade,
    WireCryptoQuote,
    WireBar,
    WireUpdatedBar,
    WireDailyBar,
    WireBook,
    WirePricing,
)


def taker_side(told: str | None) -> str:
    """``"B"``, ``"S"`` or ``""``."""
    return told if told in _TAKER_SIDES and told else ""


def crypto_events(
    wires: list[CryptoWire[I]],
    instants: list[int],
    parse: Callable[[I], int],
    received_ns: int,
    *,
    trade: type[WireCryptoTrade[Any]] = WireCryptoTrade,
    quote: type[WireCryptoQuote[Any]] = WireCryptoQuote,
) -> list[MarketEvent]:
    """The events of one frame, in its order; raises ``ValueError`` where an ``r`` or ``ft`` is no instant.

    ``trade`` and ``quote`` are the exact types of what is in ``wires``: a tolerant decoder has its own.
    """
    events: list[MarketEvent] = []
    add = events.append
    for w, instant_ns in zip(wires, instants):  # noqa: B905 - strict costs 0.2 us a frame
        if type(w) is quote:
            venue_ns = parse(w.venue) if w.venue else 0
            # Positional: keywords double the cost of a Struct.
            add(Quote(
                w.symbol, instant_ns, w.bid_price, w.bid_size, w.ask_price, w.ask_size, "", "", (), "",
                venue_ns, received_ns,
            ))  # fmt: skip
        elif type(w) is trade:
            venue_ns = parse(w.venue) if w.venue else 0
            side = taker_side(w.taker_side)
            add(Trade(w.symbol, instant_ns, w.price, w.size, w.id, "", (), "", side, "", venue_ns, received_ns))
        else:
            add(_rare_event(w, instant_ns, parse, received_ns))
    return events


def _rare_event(w: CryptoWire[I], instant_ns: int, parse: Callable[[I], int], received_ns: int) -> MarketEvent:
    match w:
        case WireBook():
            return Book(w.symbol, instant_ns, _levels(w.bids), _levels(w.asks), bool(w.reset), received_ns)
        case WireBar():
            return bar_event(w, instant_ns, received_ns)
        case WirePricing():
            return Pricing(
                w.symbol, instant_ns, w.index_price, w.mark_price, w.funding_rate, w.open_interest,
                parse(w.next_funding) if w.next_funding else 0, w.exchange or "", received_ns,
            )  # fmt: skip
        case WireCryptoTrade() | WireCryptoQuote():
            raise TypeError(f"{type(w).__name__} is not one of the two types that crypto_events was told to expect")


def _levels(levels: tuple[WireLevel, ...] | None) -> tuple[tuple[float, float], ...]:
    return tuple([(level.price, level.size) for level in levels or ()])


def _write_trade(e: Trade, stamp: Callable[[int], I]) -> WireCryptoTrade[I]:
    return WireCryptoTrade(
        symbol=e.symbol,
        price=e.price,
        size=float(e.size),
        stamp=stamp(e.ts_ns),
        id=ABSENT if e.id is None else e.id,
        taker_side=e.taker_side or ABSENT,
        venue=stamp(e.venue_ns) if e.venue_ns else ABSENT,
    )


def _write_quote(e: Quote, stamp: Callable[[int], I]) -> WireCryptoQuote[I]:
    return WireCryptoQuote(
        symbol=e.symbol,
        bid_price=e.bid_price,
        bid_size=float(e.bid_size),
        ask_price=e.ask_price,
        ask_size=float(e.ask_size),
        stamp=stamp(e.ts_ns),
        venue=stamp(e.venue_ns) if e.venue_ns else ABSENT,
    )


def _write_book(e: Book, stamp: Callable[[int], I]) -> WireBook[I]:
    return WireBook(
        e.symbol,
        stamp(e.ts_ns),
        tuple([WireLevel(price, float(size)) for price, size in e.bids]),
        tuple([WireLevel(price, float(size)) for price, size in e.asks]),
        True if e.reset else ABSENT,  # deltas carry no r at all
    )


def _write_pricing(e: Pricing, stamp: Callable[[int], I]) -> WirePricing[I]:
    return WirePricing(
        e.symbol, stamp(e.ts_ns), e.index_price, e.mark_price, e.funding_rate, e.open_interest,
        stamp(e.next_funding_ns) if e.next_funding_ns else ABSENT, e.exchange,
    )  # fmt: skip


CRYPTO_WRITERS: Final[Mapping[type, Callable[[Any, Callable[[int], Any]], Struct]]] = {
    Trade: _write_trade,
    Quote: _write_quote,
    Bar: write_fractional_bar,
    UpdatedBar: write_fractional_bar,
    DailyBar: write_fractional_bar,
    Book: _write_book,
    Pricing: _write_pricing,
}
