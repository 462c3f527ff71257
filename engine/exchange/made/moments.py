"""What happens to a stock on a day: news, trading pauses, halts; from dice, or as a test says.

Every stock has one burst of news and one interruption on every trading day, so whoever plays a day has met both. A day
is cut at them into spans, each of one state, which is all that the player of the day has to know.
"""

from collections.abc import Iterable
from enum import StrEnum
from random import Random
from typing import Final

from attrs import frozen

from engine.core.calendar import TradingDay
from engine.model.instant import NS_PER_S

NEWS_PER_S: Final = 2000.0
"""Messages of one symbol in a burst of news, whatever its mean; no second of it has fewer than half of that."""
NEWS_S: Final = (3.0, 8.0)
NEWS_SHARE: Final = 0.1
"""Of a day's events: what news may take at most. At low rates it is a second or less."""
PAUSE_S: Final = 300.0
"""A pause for volatility lasts five minutes (Limit Up-Limit Down plan)."""
HALT_S: Final = (300.0, 600.0)
UNDISTURBED_S: Final = 300.0
"""Nothing is interrupted in the first minutes of a day: the auction and its rush are to be seen first."""
SETTLES_S: Final = 60.0
"""Between an interruption and news at least."""


class State(StrEnum):
    """What a span of a stock's day is: a part of the day, or what may happen within regular hours."""

    PRE = "pre"
    CORE = "core"
    POST = "post"
    NEWS = "news"
    """2,000 messages a second, the price runs one way, spreads are wide."""
    PAUSE = "pause"
    """The price ran into its band: halted for volatility (``LUDP``), reopened by an auction."""
    HALT = "halt"
    """Halted because news are pending (``T1``), reopened by an auction at quite another price."""


HAPPEN: Final = frozenset({State.NEWS, State.PAUSE, State.HALT})
INTERRUPTED: Final = frozenset({State.PAUSE, State.HALT})


@frozen
class Moment:
    """Something that happens to a symbol within regular hours: `State.NEWS`, `State.PAUSE` or `State.HALT`."""

    symbol: str
    start_ns: int
    length_s: float
    state: State

    @property
    def end_ns(self) -> int:
        """When it is over."""
        return self.start_ns + round(self.length_s * NS_PER_S)


@frozen
class Span:
    """A part of a day in one state, from ``start_ns`` until before ``end_ns``."""

    start_ns: int
    end_ns: int
    state: State


def draw_moments(rng: Random, symbol: str, day: TradingDay, events_per_s: float) -> tuple[Moment, ...]:
    """One interruption, rather early than late, and one burst of news somewhere else in the day."""
    day_s = (day.close_ns - day.open_ns) / NS_PER_S
    state = State.PAUSE if rng.random() < 0.5 else State.HALT
    halt_s = PAUSE_S if state is State.PAUSE else rng.uniform(*HALT_S)
    start_s = UNDISTURBED_S + rng.random() ** 2 * (day_s - halt_s - 2 * UNDISTURBED_S)
    halt = Moment(symbol, day.open_ns + int(start_s * NS_PER_S), halt_s, state)
    news_s = min(rng.uniform(*NEWS_S), NEWS_SHARE * events_per_s * day_s / NEWS_PER_S)
    start_s = SETTLES_S + rng.random() * (day_s - 4 * SETTLES_S)
    news = Moment(symbol, day.open_ns + int(start_s * NS_PER_S), news_s, State.NEWS)
    if news.end_ns > halt.start_ns - SETTLES_S * NS_PER_S and news.start_ns < halt.end_ns + SETTLES_S * NS_PER_S:
        news = Moment(symbol, halt.end_ns + int(SETTLES_S * NS_PER_S), news_s, State.NEWS)
    return tuple(sorted((halt, news), key=lambda moment: moment.start_ns))


def cut_day(day: TradingDay, moments: Iterable[Moment], from_ns: int) -> list[Span]:
    """What is left of a day at an instant, as spans without a hole.

    A moment that has begun by then is left out. Raises ``ValueError`` when a moment is none that can happen, is not
    within regular hours, or begins before the one before it is over.
    """
    spans = [Span(day.pre_ns, day.open_ns, State.PRE)]
    at_ns = day.open_ns
    for moment in moments:
        if moment.state not in HAPPEN or not at_ns <= moment.start_ns <= moment.end_ns < day.close_ns:
            raise ValueError(f"{moment} cannot happen on {day.date}: see `cut_day`")
        if moment.start_ns >= from_ns:
            spans.append(Span(at_ns, moment.start_ns, State.CORE))
            spans.append(Span(moment.start_ns, moment.end_ns, moment.state))
            at_ns = moment.end_ns
    spans += [Span(at_ns, day.close_ns, State.CORE), Span(day.close_ns, day.post_ns, State.POST)]
    return [span for span in spans if max(span.start_ns, from_ns) < span.end_ns]
