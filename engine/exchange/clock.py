"""What time it is in the market that the embedded exchange plays.

A tape of 2018 played a hundred times as fast has its own "now", and history, lag and silence only make sense in it, so
everything on the exchange asks this clock and none asks the wall. Two ways to move:

- ``speed`` above 0: ``speed`` market seconds pass in each second of Trio's clock, from the moment the market starts;
- ``speed`` 0: the market moves as fast as it is read, so now is the newest instant that was published.

Regular hours of US stocks are 9:30 to 16:00 in New York, Monday to Friday. Holidays and early closes are not known here
yet: a table of them comes in a later stage, and until then such a day counts as a day of regular hours.
"""

import heapq
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

import trio

from engine.model.instant import NS_PER_S

NEW_YORK: Final = ZoneInfo("America/New_York")
OPENS: Final = time(9, 30)
CLOSES: Final = time(16, 0)
SATURDAY: Final = 5
SLEEP_MAX_S: Final = 86_400.0
"""A sleep is taken in days at most: what is left is worked out again, so float rounding never adds up."""
SLEEP_MIN_S: Final = 1e-6
"""Less than this may not move a mock clock at all (its float has no room for it), and then a wait would spin."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant_of(moment: datetime) -> int:
    """Nanoseconds of an aware ``datetime``, exact to its microsecond."""
    passed = moment - _EPOCH
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000


def new_york(ts_ns: int) -> datetime:
    """The New York time of an instant, cut off at the second."""
    return (_EPOCH + timedelta(seconds=ts_ns // NS_PER_S)).astimezone(NEW_YORK)


def _session(day: date) -> tuple[int, int]:
    """Open and close of the regular hours of a day, as instants."""
    return (
        instant_of(datetime.combine(day, OPENS, NEW_YORK)),
        instant_of(datetime.combine(day, CLOSES, NEW_YORK)),
    )


class MarketClock:
    """Market time. It stands at ``start_ns`` until `start` and never goes backwards.

    ``speed`` is market seconds per second of Trio's clock; 0 means that `advance` alone moves it.
    """

    def __init__(self, start_ns: int, speed: float = 1.0) -> None:
        if not 0 <= speed < float("inf"):
            raise ValueError(f"a market cannot run at speed {speed}: give 0 (as fast as it is read) or more")
        self._speed = speed
        self._anchor_ns = start_ns
        self._started_at: float | None = None
        self._ended = False
        self._waiters: list[tuple[int, int, trio.Event]] = []
        self._order = count()

    @property
    def speed(self) -> float:
        """Market seconds per second; 0 when the market moves as fast as it is read."""
        return self._speed

    @property
    def moving(self) -> bool:
        """Whether the market has started: until then a clock with a speed stands still too."""
        return self._started_at is not None

    @property
    def ended(self) -> bool:
        """Whether the tape is over and everybody who reads has all of it."""
        return self._ended

    @property
    def is_open(self) -> bool:
        """Whether regular hours are on now."""
        now_ns = self.now_ns()
        day = new_york(now_ns).date()
        opens_ns, closes_ns = _session(day)
        return day.weekday() < SATURDAY and opens_ns <= now_ns < closes_ns

    def next_open_ns(self) -> int:
        """The first opening after now."""
        return self._next(0)

    def next_close_ns(self) -> int:
        """The first close after now."""
        return self._next(1)

    def _next(self, edge: int) -> int:
        now_ns = self.now_ns()
        day = new_york(now_ns).date()
        while day.weekday() >= SATURDAY or _session(day)[edge] <= now_ns:
            day += timedelta(days=1)
        return _session(day)[edge]

    def now_ns(self) -> int:
        """Market time in nanoseconds since the epoch, UTC."""
        if self._speed == 0 or self._started_at is None:
            return self._anchor_ns
        return self._anchor_ns + round((trio.current_time() - self._started_at) * self._speed * NS_PER_S)

    def start(self) -> None:
        """Let time pass from here on; a second call changes nothing."""
        if self._started_at is None:
            self._started_at = trio.current_time()
            for _, _, woken in self._waiters:
                woken.set()

    def end(self) -> None:
        """Say that the tape is over."""
        self._ended = True

    def advance(self, ts_ns: int) -> None:
        """Something was published at ``ts_ns``: where the market moves as it is read, now is at least that."""
        if self._speed == 0 and ts_ns > self._anchor_ns:
            self._anchor_ns = ts_ns
            while self._waiters and self._waiters[0][0] <= ts_ns:
                heapq.heappop(self._waiters)[2].set()

    async def sleep_until(self, ts_ns: int) -> None:
        """Wait until market time is at least ``ts_ns``. At speed 0 only what is published can bring that about."""
        await trio.lowlevel.checkpoint()
        while (left_ns := ts_ns - self.now_ns()) > 0:
            if self._speed == 0 or self._started_at is None:
                await self._wait_moved(ts_ns)
            else:
                await trio.sleep(min(max(left_ns / NS_PER_S / self._speed, SLEEP_MIN_S), SLEEP_MAX_S))

    async def _wait_moved(self, ts_ns: int) -> None:
        entry = (ts_ns, next(self._order), trio.Event())
        heapq.heappush(self._waiters, entry)
        try:
            await entry[2].wait()
        finally:
            if entry in self._waiters:
                self._waiters.remove(entry)
                heapq.heapify(self._waiters)
