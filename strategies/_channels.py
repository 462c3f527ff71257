"""Names of channels as people know them, from Alpaca's documents or from ours, into kinds of streams."""

from collections.abc import Iterable
from typing import Final

from engine import Kind, Misconfigured, Stream

_WIRE_NAMES: Final = {
    "updatedbars": Kind.UPDATED_BARS,
    "dailybars": Kind.DAILY_BARS,
    "cancelerrors": Kind.CANCELS,
    "orderbooks": Kind.BOOKS,
}
_KINDS: Final = {**{kind.value: kind for kind in Kind}, **_WIRE_NAMES}


def streams_of(symbols: Iterable[str], channels: Iterable[str]) -> tuple[Stream, ...]:
    """Every channel of every symbol, each once, in the order they were named; raises `Misconfigured`."""
    symbols, kinds = list(symbols), [_kind(channel) for channel in channels]
    if not symbols or not kinds:
        raise Misconfigured("Name at least one symbol and one channel, as symbols=AAPL,SPY channels=trades,quotes.")
    return tuple(dict.fromkeys(Stream(kind, symbol) for kind in kinds for symbol in symbols))


def _kind(channel: str) -> Kind:
    kind = _KINDS.get(channel.lower())
    if kind is None:
        raise Misconfigured(f"There is no channel {channel!r}; there are {', '.join(Kind)}.")
    return kind
