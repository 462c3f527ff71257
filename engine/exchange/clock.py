"""What time it is in the market that the embedded exchange plays.

A tape of 2018 played a hundred times as fast has its own "now", and history, lag and silence only make sense in it, so
everything on the exchange asks this clock and none asks the wall. Two ways to move:

- ``speed`` above 0: ``speed`` market seconds pass in each second of Trio's clock, from the moment the market starts;
- ``speed`` 0: the market moves as fast as it is read, so now is the newest instant that was published.

Regular hours of US stocks, with holidays and half days, are those of `engine.core.calendar`.
"""

import heapq
from itertools import count
from typing import Final

import trio

from engine.core import calendar
from engine.core.calendar import NEW_YORK, instant_of, new_york
from engine.model.instant import NS_PER_S

__all__ = ("NEW_YORK", "MarketClock", "instant_of", "new_york")

SLEEP_MAX_S: Final = 86_400.0
"""A sleep is taken in days at most: what is left is worked out again, so float rounding never adds up."""
SLEEP_MIN_S: Final = 1e-6
"""Less than this may not move a mock clock at all (its float has no room for it), and then a wait would spin."""


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
        return calendar.phase_at(self.now_ns()) is calendar.Phase.CORE

    def next_open_ns(self) -> int:
        """The first opening after now."""
        return calendar.next_open_ns(self.now_ns())

    def next_close_ns(self) -> int:
        """The first close after now."""
        return calendar.next_close_ns(self.now_ns())

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
        if self.now_ns() >= ts_ns:
            await trio.lowlevel.checkpoint()
        while (left_ns := ts_ns - self.now_ns()) > 0:
            if self._speed == 0 or self._started_at is None:
                await self._wait_moved(ts_ns)
            else:
                await trio.sleep(min(max(left_ns / NS_PER_S / self._speed, SLEEP_MIN_S), SLEEP_MAX_S))

    async def sleep_until_woken(self, ts_ns: int | None, woken: trio.Event) -> None:
        """Wait until market time is at least ``ts_ns`` (``None``: never) or ``woken`` is set, whichever comes first."""

        async def end(sleep: trio.CancelScope) -> None:
            await woken.wait()
            sleep.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(end, nursery.cancel_scope)
            if ts_ns is None:
                await trio.sleep_forever()
            else:
                await self.sleep_until(ts_ns)
            nursery.cancel_scope.cancel()

    async def _wait_moved(self, ts_ns: int) -> None:
        entry = (ts_ns, next(self._order), trio.Event())
        heapq.heappush(self._waiters, entry)
        try:
            await entry[2].wait()
        finally:
            if entry in self._waiters:
                self._waiters.remove(entry)
                heapq.heapify(self._waiters)
