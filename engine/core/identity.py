"""When two messages are the same event.

Nothing on the wire numbers events, so identity is what Alpaca says of each kind (protocol reference 5.1): a stock trade
is (symbol, exchange, id, trading date), guarded here by time, price and size because ids of off-exchange trades are
disputed; a quote, and a trade without an id, has no identity but its content, and exact repeats of it are legal, so
those are compared as multisets per instant; a bar is its start.
"""

from collections.abc import Hashable

from msgspec.structs import astuple

from engine.model.market import Bar, MarketEvent, News, Quote, Trade

# received_ns, origin and seq: how the event reached us, not what it is.
_OURS = 3


def identity(event: MarketEvent) -> Hashable:
    """A key that equal events of one stream share, whether they came over the line or from history."""
    kind = type(event)
    if kind is Trade:
        assert isinstance(event, Trade)
        if event.id is not None:
            return (event.exchange, event.id, event.ts_ns, event.price, event.size)
        return (event.exchange, event.ts_ns, event.price, event.size, event.conditions, event.taker_side)
    if kind is Quote:
        assert isinstance(event, Quote)
        return (
            event.ts_ns,
            event.bid_price,
            event.bid_size,
            event.ask_price,
            event.ask_size,
            event.bid_exchange,
            event.ask_exchange,
        )
    if isinstance(event, Bar):
        return event.ts_ns
    if isinstance(event, News):
        return (event.id, event.ts_ns)
    return astuple(event)[:-_OURS]


def repeats(event: MarketEvent) -> bool:
    """Whether an equal event at the same instant can be another event: quotes, and trades without an id."""
    return isinstance(event, Quote) or (isinstance(event, Trade) and event.id is None)


def same_message(earlier: MarketEvent, later: MarketEvent) -> bool:
    """Whether ``later`` is ``earlier`` told again, both of one stream and one instant and both off the live line.

    A repeatable event is the same message only if the venue's receive time (``r``) proves it; without it a repeat is
    delivered, because a quote told twice harms nobody and a quote not told does.
    """
    if identity(earlier) != identity(later):
        return False
    if isinstance(later, Bar):
        assert isinstance(earlier, Bar)
        return content(earlier) == content(later)
    if not repeats(later):
        return True
    assert isinstance(earlier, Trade | Quote) and isinstance(later, Trade | Quote)
    return later.venue_ns != 0 and earlier.venue_ns == later.venue_ns


def content(event: MarketEvent) -> tuple[object, ...]:
    """All that the venue said, without how it reached us."""
    return tuple(astuple(event)[:-_OURS])


def order_key(event: MarketEvent) -> tuple[int, int]:
    """Where an event belongs in its stream: by its time, then by when the venue received it."""
    return (event.ts_ns, event.venue_ns if isinstance(event, Trade | Quote) else 0)
