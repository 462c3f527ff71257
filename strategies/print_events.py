"""Prints what arrives, one line an event: the quickest way to see that a feed works."""

from contextlib import suppress

from engine import Context, Gap, MarketEvent, frozen, render_instant, strategy
from strategies._channels import streams_of

_STAMPS = frozenset({"symbol", "ts_ns", "received_ns", "venue_ns", "origin", "seq"})


@frozen
class Params:
    """What to print. Channels are named as in the venue's documents or as in ours."""

    symbols: tuple[str, ...] = ("SPY",)
    channels: tuple[str, ...] = ("trades",)


@strategy(params=Params)
async def print_events(ctx: Context, p: Params) -> None:
    """Print every event of some symbols and channels, and every gap, one line each."""
    # A terminal may be slower than the market: what it cannot show is dropped and counted, and the feed never waits.
    async with ctx.streams(*streams_of(p.symbols, p.channels), full="drop_oldest", gaps=True) as events:
        with suppress(StopAsyncIteration):
            while batch := await events.batch():
                print("\n".join(render_line(event) for event in batch), flush=True)


def render_line(event: "MarketEvent | Gap") -> str:
    """One event for people: time, kind, symbol, then its own fields that say something."""
    if isinstance(event, Gap):
        span = f"{render_instant(event.start_ns)} .. {render_instant(event.end_ns)}"
        return f"{render_instant(event.at_ns)} gap {event.stream} {span} cause={event.cause}"
    told = " ".join(
        f"{name}={value}"
        for name in event.__struct_fields__
        if name not in _STAMPS and (value := getattr(event, name)) not in ("", (), None)
    )
    mark = "" if event.origin == "live" else f" ({event.origin})"
    return f"{render_instant(event.ts_ns)} {event.kind} {event.symbol} {told}{mark}"
