"""The name of a stream: one kind of one symbol, one ordered sequence of events."""

from typing import NamedTuple

from engine.model.market import Kind

ANY = "*"
"""The symbol that stands for all symbols of a feed in a subscription."""


class Stream(NamedTuple):
    """One ordered sequence of events at a venue, such as the trades of SPY."""

    kind: Kind
    symbol: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.symbol}"
