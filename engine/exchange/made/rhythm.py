"""How busy a market is: over the day in long waves, and within a minute in calm, quiet and bursts.

Real feeds are never even: the open and the close are several times lunch, and within any minute most of the messages
come in a few seconds. Queues that are sized for a mean fail at those seconds, so a made market has them.
"""

from functools import lru_cache
from random import Random
from typing import Final

from attrs import define, field, frozen

from engine.core.calendar import HOUR_NS, SATURDAY, SUNDAY, Phase, new_york, phase_at
from engine.model.instant import NS_PER_S

REGIMES: Final = ((0.3, 15.0), (0.05, 4.0), (10.5, 1.0))
"""Calm, quiet, burst: how many times the mean rate, and mean length in seconds.

They change at whole seconds, so 15.5, 4.5 and 1.6 is what they last; weighted by that the rates make 1.
"""
BURST: Final = REGIMES[2]

LUNCH: Final = (150, 240)
"""Noon to half past one, in minutes from the open."""
LUNCH_DAY: Final = 390
"""A day of fewer minutes than this ends at one o'clock, and has no lunch."""
WIDE_OPEN: Final = 6
"""Spreads at the open are this many times the usual, normal after ten minutes."""

HOURS_KEPT: Final = 4096
"""Half a year of hours."""
LULL_HOURS: Final = range(6)
"""Of Sundays in New York: nobody is awake who makes a price."""


@frozen
class Mood:
    """``busy``: how many times the mean rate. ``wide``: how many times the usual spread."""

    busy: float
    wide: int


PRE_MARKET: Final = Mood(0.03, 8)
POST_MARKET: Final = Mood(0.03, 6)
"""Beyond regular hours trades are few and quotes wide."""


@lru_cache(maxsize=2)  # days have 390 minutes or 210
def day_moods(minutes: int) -> tuple[Mood, ...]:
    """The regular hours of stocks minute by minute; ``busy`` is 1 in the mean over the day.

    The open is the busiest and calms down within half an hour, lunch is slack, the last half hour
    rises and its last five minutes once more.
    """
    busy: list[float] = []
    for minute in range(minutes):
        share = 0.85 + 0.6 / (1 + minute / 15) ** 2
        if minutes == LUNCH_DAY and LUNCH[0] <= minute < LUNCH[1]:
            share -= 0.25
        if minute >= minutes - 30:
            share += 0.7
        if minute >= minutes - 5:
            share += 0.8
        busy.append(share)
    mean = sum(busy) / minutes
    return tuple(Mood(share / mean, max(WIDE_OPEN - minute // 2, 1)) for minute, share in enumerate(busy))


def crypto_mood(ts_ns: int) -> Mood:
    """Crypto never closes: busy while New York trades, slack at night and at weekends, empty on Sunday at three."""
    return _crypto_mood(ts_ns // HOUR_NS)


@lru_cache(maxsize=HOURS_KEPT)
def _crypto_mood(hour: int) -> Mood:
    ts_ns = hour * HOUR_NS + HOUR_NS * 3 // 4  # the hour in which New York opens counts as open
    here = new_york(ts_ns)
    if here.weekday() == SUNDAY and here.hour in LULL_HOURS:
        return Mood(0.05, 8)
    if here.weekday() >= SATURDAY:
        return Mood(0.4, 2)
    return Mood(1.0, 1) if phase_at(ts_ns) is Phase.CORE else Mood(0.9, 1)


@define
class Rhythm:
    """How many events the next span of one symbol has, by its dice."""

    rng: Random
    _regime: tuple[float, float] = field(default=BURST, init=False)
    _until_ns: int = field(default=0, init=False)
    _owed: float = field(default=0.0, init=False)

    def burst(self, now_ns: int) -> None:
        """Let a second be a burst, as after an auction."""
        self._regime, self._until_ns = BURST, now_ns + NS_PER_S

    def moments(self, start_ns: int, end_ns: int, mean_per_s: float) -> list[int]:
        """When something happens between two instants: as often as the regime has it, at random moments, in order."""
        if start_ns >= self._until_ns:
            self._regime = REGIMES[int(self.rng.random() * len(REGIMES))]
            self._until_ns = start_ns + round(self.rng.expovariate(1 / self._regime[1]) * NS_PER_S)
        return self.even(start_ns, end_ns, mean_per_s * self._regime[0])

    def even(self, start_ns: int, end_ns: int, mean_per_s: float) -> list[int]:
        """The same without a regime."""
        draw = self.rng.random
        span_ns = end_ns - start_ns
        self._owed += mean_per_s * (span_ns / NS_PER_S) * (0.5 + draw())
        events = int(self._owed)
        self._owed -= events
        return sorted([start_ns + int(draw() * span_ns) for _ in range(events)])
