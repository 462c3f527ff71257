"""How long a stream may be silent, as declared: from a floor to a ceiling, by market, part of the day and kind.

The floor is where an alarm begins to be worth it. It is never below 15 seconds: history trails the line by that much
(`engine.core.splice.Settling`), so a shorter silence can be neither proved nor mended, and a cut line is back sooner.
Where little is traded (outside regular hours, options, bars of a minute) it is higher, since asking costs a request.

The ceiling is how long nobody asks although nothing is learnt, or so little is traded that the learnt gap says nothing:
two minutes without a quote in regular hours are an eternity, five without a trade are not. Asking is all that it
leads to: history decides whether it is an alarm.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from engine.core.watch.hours import Market, Part
from engine.model.market import Kind


class Bounds(NamedTuple):
    """Seconds of market time."""

    floor_s: float
    ceiling_s: float


_THIN: Final[Mapping[Kind, Bounds]] = {
    Kind.TRADES: Bounds(60, 1800),
    Kind.QUOTES: Bounds(60, 900),
    Kind.BARS: Bounds(180, 1800),
}
"""Stocks outside regular hours: three hundredths of a day's trades."""
_CORE: Final[Mapping[Kind, Bounds]] = {
    Kind.TRADES: Bounds(15, 300),
    Kind.QUOTES: Bounds(15, 120),
    Kind.BARS: Bounds(120, 600),
}
BOUNDS: Final[Mapping[tuple[Market, Part], Mapping[Kind, Bounds]]] = {
    (Market.STOCKS, Part.PRE): _THIN,
    (Market.STOCKS, Part.CORE): _CORE,
    (Market.STOCKS, Part.POST): _THIN,
    (Market.STOCKS, Part.OVERNIGHT): _THIN,
    (Market.NIGHT, Part.OVERNIGHT): _THIN,
    (Market.OPTIONS, Part.CORE): {
        Kind.TRADES: Bounds(60, 3600),
        Kind.QUOTES: Bounds(30, 900),
        Kind.BARS: Bounds(180, 3600),
    },
    (Market.CRYPTO, Part.ALWAYS): {
        Kind.TRADES: Bounds(15, 900),
        Kind.QUOTES: Bounds(15, 300),
        Kind.BARS: Bounds(120, 900),
        Kind.BOOKS: Bounds(15, 300),
        Kind.PRICING: Bounds(15, 300),
    },
}
"""What is not here owes nothing at any time: statuses, corrections, cancels, imbalances, price bands, daily and updated
bars, and news."""


def bounds_of(market: Market, part: Part, kind: Kind, patience: float = 1.0) -> Bounds | None:
    """The bounds of a stream, ``patience`` times what is declared; ``None`` where it owes nothing."""
    declared = BOUNDS.get((market, part), {}).get(kind)
    return None if declared is None else Bounds(declared.floor_s * patience, declared.ceiling_s * patience)
