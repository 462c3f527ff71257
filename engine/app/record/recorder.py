"""The strategy of ``gapless record``: it wants streams and does nothing with them.

The recording itself is made where events are numbered, whoever runs beside it; but a venue only sends what somebody
wants.
"""

from contextlib import suppress
from typing import Final

from attrs import frozen

from engine.errors import Misconfigured
from engine.model.market import Kind
from engine.model.stream import Stream
from engine.ports.context import Context
from engine.ports.strategy import strategy

CAPACITY: Final = 65_536
"""Events that may wait; they are taken in batches and dropped, so it is for a burst between two turns of the loop."""


@frozen
class Params:
    """What to record."""

    symbols: tuple[str, ...]
    channels: tuple[str, ...] = ("trades", "quotes", "bars")


@strategy(params=Params, trades=False)
async def record(ctx: Context, p: Params) -> None:
    """Want every channel of every symbol, and read it."""
    async with ctx.streams(*streams_of(p.symbols, p.channels), full="block", capacity=CAPACITY) as events:
        with suppress(StopAsyncIteration):
            while await events.batch():
                pass


def streams_of(symbols: tuple[str, ...], channels: tuple[str, ...]) -> tuple[Stream, ...]:
    """Every channel of every symbol, each once; raises `Misconfigured`."""
    kinds = {kind.value: kind for kind in Kind}
    unknown = [name for name in channels if name not in kinds]
    if unknown or not channels or not symbols:
        what = f"There is no channel {unknown[0]!r}" if unknown else "Nothing is to be recorded"
        raise Misconfigured(f"{what}: give --channels out of {', '.join(kinds)}, and --symbols.")
    return tuple(dict.fromkeys(Stream(kinds[name], symbol) for name in channels for symbol in symbols))
