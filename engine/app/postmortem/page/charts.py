"""The numbers that the page's charts are drawn from: thinned to what a screen can show."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

from engine.app.postmortem.story import Story
from engine.core.measures.curve import thin
from engine.core.measures.series import Series
from engine.model.instant import NS_PER_S

POINTS_MAX: Final = 2000
"""Of the equity: a wide screen has so many columns."""
PRICE_POINTS_MAX: Final = 900
"""Of one price chart; each point has a lowest and a highest price."""
SYMBOLS_MAX: Final = 12
"""Price charts: the most traded symbols. With these bounds the numbers of a page take some 600 kB at most."""
MARKS_MAX: Final = 600
"""Fills on one chart: more would hide one another."""
STRATEGIES_MAX: Final = 12
"""Lines in the chart of strategies."""


def chart_data(story: Story) -> dict[str, Any]:
    """Everything that is drawn; times are seconds since ``t0``, itself seconds since the epoch."""
    t0 = story.start_ns // NS_PER_S
    return {
        "t0": t0,
        "equity": _equity(story, t0),
        "prices": [_price(story, symbol, t0) for symbol in charted_symbols(story)],
    }


def charted_symbols(story: Story) -> list[str]:
    """The symbols that have a price chart, the most traded first."""
    counts = dict.fromkeys(story.told, 0)
    for order in story.filled:
        counts[order.symbol] = counts.get(order.symbol, 0) + order.fills
    known = [symbol for symbol in counts if symbol in story.told and len(story.told[symbol].marks)]
    return sorted(known, key=lambda symbol: (-counts[symbol], symbol))[:SYMBOLS_MAX]


def _equity(story: Story, t0: int) -> dict[str, Any] | None:
    if not story.has_equity:
        return None
    equity = story.equity
    places = thin(story.curve.at_ns, equity, POINTS_MAX)
    highs = list(accumulate(equity, max))
    falls = [now / high - 1 if high > 0 else 0.0 for now, high in zip(equity, highs, strict=True)]
    lines = list(story.curve.profits.items())[:STRATEGIES_MAX]
    return {
        "t": _times([story.curve.at_ns[place] for place in places], t0),
        "total": [round(equity[place], 2) for place in places],
        "falls": [round(falls[place] * 100, 5) for place in places],
        "hold": None if story.benchmark is None else [round(story.benchmark[place], 2) for place in places],
        "by": [{"name": name, "y": [round(values[place], 2) for place in places]} for name, values in lines],
    }


def _price(story: Story, symbol: str, t0: int) -> dict[str, Any]:
    marks = story.told[symbol].marks
    mine = [fill for ticket in story.tickets for fill in ticket.fills if ticket.strategy and fill.symbol == symbol]
    mine = sorted((fill for fill in mine if fill.ts_ns >= story.start_ns), key=lambda fill: fill.ts_ns)
    strategies = {fill.execution_id: ticket.strategy for ticket in story.tickets for fill in ticket.fills}
    return {
        "symbol": symbol,
        **_line(marks, story.start_ns, story.end_ns, t0),
        "fills": [
            {
                "t": round((fill.ts_ns - t0 * NS_PER_S) / NS_PER_S, 3),
                "p": float(fill.price),
                "buy": fill.side.sign > 0,
                "what": f"{strategies.get(fill.execution_id, '')} {fill.side.value} {fill.qty:f} at {fill.price:f}",
            }
            for fill in mine[-MARKS_MAX:]
        ],
        "more": max(0, len(mine) - MARKS_MAX),
    }


def _line(marks: Series, start_ns: int, end_ns: int, t0: int) -> dict[str, Any]:
    """The last, the lowest and the highest price of each stretch in which any was told."""
    first, behind = bisect_left(marks.at_ns, start_ns), bisect_left(marks.at_ns, end_ns + 1)
    if behind - first <= PRICE_POINTS_MAX:
        prices = [round(one, 6) for one in marks.values[first:behind]]
        return {"t": _times(marks.at_ns[first:behind], t0), "p": prices, "lo": None, "hi": None}
    times, last, low, high = list[int](), list[float](), list[float](), list[float]()
    width = max((end_ns - start_ns) // PRICE_POINTS_MAX, 1)
    place = first
    for number in range(PRICE_POINTS_MAX + 1):
        until = min(bisect_left(marks.at_ns, start_ns + (number + 1) * width, place), behind)
        if until > place:
            part = marks.values[place:until]
            times.append(marks.at_ns[until - 1])
            last.append(round(part[-1], 6))
            low.append(round(min(part), 6))
            high.append(round(max(part), 6))
            place = until
    return {"t": _times(times, t0), "p": last, "lo": low, "hi": high}


def _times(at_ns: Sequence[int], t0: int) -> list[float]:
    """Seconds since ``t0``, each above the one before, as a chart wants them."""
    found: list[float] = []
    for one in at_ns:
        time = round((one - t0 * NS_PER_S) / NS_PER_S, 3)
        found.append(time if not found or time > found[-1] else round(found[-1] + 0.001, 3))
    return found
