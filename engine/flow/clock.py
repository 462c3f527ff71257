"""Market time: what "now", lag, silence and the bounds of history are measured in.

At a live venue market time is the wall clock, and the venue's clock only tells how far ours is off. The embedded
exchange lives elsewhere: a tape of last March at a hundred times its speed, or as fast as it is read. It announces
its speed with each reading of its clock, and between readings this clock carries on at that speed by Trio's clock.

A reading is some milliseconds old when it arrives, and at speed 100 a millisecond is a tenth of a market second. So a
reading is taken as an interval (told somewhere during its round trip), and the estimate moves only when it lies
outside: a slow reading does no harm, a quick one corrects. Time never goes backwards: where the estimate was ahead it
stands still until the venue has caught up.
"""

import heapq
from collections.abc import Awaitable, Callable
from enum import Enum
from itertools import count
from typing import Final, Protocol

import trio

from engine.errors import Retryable
from engine.model.instant import NS_PER_S

POLL_LIVE_S: Final = 60.0
"""At a live venue only the skew and the opening hours come from the venue."""
POLL_AS_READ_S: Final = 0.25
"""At speed 0 only a poll tells that the tape is over, and a session waits for that to end."""
POLL_PACED_MIN_S: Final = 1.0
"""A paced market is asked once in a market minute, and at most this often."""
LOOK_AGAIN_S: Final = 10.0
"""A sleep by the wall clock looks up this often: the wall clock jumps when it is set, or when a laptop wakes up."""
STEP_S: Final = 1e-6
"""The shortest sleep: less would be lost in the rounding of Trio's clock and never move it."""
SKEW_WARN_S: Final = 2.0
"""A wall clock that is off by more makes lags and history bounds wrong enough to say so."""


class VenueReading(Protocol):
    """One reading of a venue's clock: what ``engine.venues.alpaca.clock.VenueTime`` offers."""

    @property
    def timestamp_ns(self) -> int: ...

    @property
    def is_open(self) -> bool: ...

    @property
    def next_open_ns(self) -> int: ...

    @property
    def next_close_ns(self) -> int: ...

    @property
    def speed(self) -> float | None:
        """Announced market seconds per second; ``None`` at a venue that lives in real time."""
        ...

    @property
    def moving(self) -> bool:
        """False while a paced market has not begun: its time stands still."""
        ...

    @property
    def tape_ended(self) -> bool: ...

    @property
    def round_trip_s(self) -> float: ...


class _Pace(Enum):
    """Which clock market time follows."""

    WALL = "wall"
    STILL = "still"
    PACED = "paced"
    AS_READ = "as read"


class MarketClock:
    """`engine.ports.Clock` over a venue's clock, or over the wall clock alone when ``read`` is ``None``.

    ``wall_ns`` is the wall clock in nanoseconds since the epoch: ``time.time_ns``, or Trio's own in simulation.
    Until the first reading it is also market time; that reading may set the clock anywhere, later ones only forward.
    """

    def __init__(self, read: Callable[[], Awaitable[VenueReading]] | None, wall_ns: Callable[[], int]) -> None:
        self._read = read
        self._wall_ns = wall_ns
        self._pace = _Pace.WALL
        self._speed = 1.0
        self._floor_ns = 0
        self._anchor_ns = 0
        self._anchor_s = 0.0
        self._reading: VenueReading | None = None
        self._sleepers: list[tuple[int, int, trio.Event]] = []
        self._numbers = count()
        self.skew_s: float | None = None
        """How far the venue was ahead of this clock at the last reading, in real seconds; ``None`` before it."""
        self.polls_missed = 0
        """Readings that failed since the last good one."""

    @property
    def speed(self) -> float:
        """Market seconds per second of Trio's clock; 0 when the market moves as fast as it is read."""
        return self._speed

    @property
    def ended(self) -> bool:
        """Whether the venue has said that its tape is over."""
        return self._reading is not None and self._reading.tape_ended

    @property
    def skewed(self) -> bool:
        """Whether a wall clock that market time follows is off by more than `SKEW_WARN_S`."""
        return self._pace is _Pace.WALL and self.skew_s is not None and abs(self.skew_s) > SKEW_WARN_S

    @property
    def is_open(self) -> bool | None:
        """Whether the regular session is on: the last reading, turned at each bound that has passed since."""
        reading = self._reading
        if reading is None:
            return None
        now_ns = self.now_ns()
        turns = (reading.next_open_ns <= now_ns) + (reading.next_close_ns <= now_ns)
        return reading.is_open if turns % 2 == 0 else not reading.is_open

    def now_ns(self) -> int:
        """Market time in nanoseconds since the epoch. Never goes backwards."""
        if self._pace is _Pace.WALL:
            told_ns = self._wall_ns()
        elif self._pace is _Pace.PACED:
            passed_s = trio.current_time() - self._anchor_s
            told_ns = self._anchor_ns + round(passed_s * self._speed * NS_PER_S)
        else:
            return self._floor_ns
        if told_ns > self._floor_ns:
            self._floor_ns = told_ns
        return self._floor_ns

    def advance(self, ts_ns: int) -> None:
        """An event of this instant was told: a market that moves as it is read, or had not begun, is there now."""
        if self._pace is _Pace.AS_READ:
            if ts_ns > self._floor_ns:
                self._floor_ns = ts_ns
                self._wake(ts_ns)
        elif self._pace is _Pace.STILL:
            self._follow(_Pace.PACED, max(ts_ns, self._floor_ns))

    async def sleep_until(self, ts_ns: int) -> None:
        """Wait until market time is at least ``ts_ns``."""
        await trio.lowlevel.checkpoint()
        while (left_ns := ts_ns - self.now_ns()) > 0:
            with trio.move_on_after(self._nap_s(left_ns)):
                await self._wait_woken(ts_ns)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Poll the venue's clock until cancelled; ready once the first reading is in.

        The first reading's error is raised, and so is any that is not a `Retryable`; later misses are counted, and
        the clock carries on by itself.
        """
        if self._read is None:
            task_status.started()
            await trio.sleep_forever()
        self.take(await self._read())
        task_status.started()
        while True:
            await trio.sleep(self._poll_s())
            try:
                reading = await self._read()
            except Retryable:
                self.polls_missed += 1
            else:
                self.take(reading)

    async def refresh(self) -> int:
        """Ask the venue how far its market is; returns an instant that no event told before is newer than.

        A market that moves as it is read may be further than this clock has seen. At a venue that is away, or lives in
        real time, it is `now_ns`.
        """
        await trio.lowlevel.checkpoint()
        if self._read is None or self._pace is _Pace.WALL:
            return self.now_ns()
        try:
            reading = await self._read()
        except Retryable:
            self.polls_missed += 1
            return self.now_ns()
        self.take(reading)
        return max(self.now_ns(), reading.timestamp_ns)

    def take(self, reading: VenueReading) -> None:
        """Take in a reading that arrived just now."""
        first, self._reading, self.polls_missed = self._reading is None, reading, 0
        if reading.speed is None:
            self.skew_s = (reading.timestamp_ns - self._wall_ns()) / NS_PER_S + reading.round_trip_s / 2
            return
        if first:
            self._floor_ns = 0
        self._speed = reading.speed
        if reading.speed == 0:
            self._follow(_Pace.AS_READ, reading.timestamp_ns if first or reading.tape_ended else self._floor_ns)
        elif not reading.moving:
            # An event may have set it going after this reading was told: then it goes on.
            if self._pace is not _Pace.PACED:
                self._follow(_Pace.STILL, reading.timestamp_ns)
        else:
            self._correct(reading, reading.speed)

    def _correct(self, reading: VenueReading, speed: float) -> None:
        """Bring the estimate of a paced market into the interval that the reading leaves open."""
        earliest_ns = reading.timestamp_ns
        latest_ns = earliest_ns + round(reading.round_trip_s * speed * NS_PER_S)
        if self._pace is _Pace.PACED:
            passed_s = trio.current_time() - self._anchor_s
            estimate_ns = self._anchor_ns + round(passed_s * speed * NS_PER_S)
        else:
            estimate_ns = (earliest_ns + latest_ns) // 2
        right_ns = min(max(estimate_ns, earliest_ns), latest_ns)
        self.skew_s = (right_ns - estimate_ns) / NS_PER_S / speed
        self._follow(_Pace.PACED, right_ns)

    def _follow(self, pace: _Pace, at_ns: int) -> None:
        """From now on go by ``pace``, from ``at_ns`` on; sleepers work out anew how long that takes."""
        self._pace, self._anchor_ns, self._anchor_s = pace, at_ns, trio.current_time()
        self._floor_ns = max(self._floor_ns, at_ns)
        self._wake(None)

    def _poll_s(self) -> float:
        if self._pace is _Pace.WALL:
            return POLL_LIVE_S
        if self._pace is _Pace.AS_READ:
            return POLL_AS_READ_S
        if self._pace is _Pace.STILL:
            return POLL_PACED_MIN_S
        return min(max(60.0 / self._speed, POLL_PACED_MIN_S), POLL_LIVE_S)

    def _nap_s(self, left_ns: int) -> float:
        """How long to sleep before looking again, in Trio's seconds."""
        if self._pace is _Pace.WALL:
            return min(max(left_ns / NS_PER_S, STEP_S), LOOK_AGAIN_S)
        if self._pace is _Pace.PACED:
            return max(left_ns / NS_PER_S / self._speed, STEP_S)
        return float("inf")  # only an event or a reading moves this clock, and both wake

    async def _wait_woken(self, ts_ns: int) -> None:
        entry = (ts_ns, next(self._numbers), trio.Event())
        heapq.heappush(self._sleepers, entry)
        try:
            await entry[2].wait()
        finally:
            if not entry[2].is_set():
                self._sleepers.remove(entry)
                heapq.heapify(self._sleepers)

    def _wake(self, ts_ns: int | None) -> None:
        """Wake those who sleep until ``ts_ns`` or earlier; all when ``None``."""
        while self._sleepers and (ts_ns is None or self._sleepers[0][0] <= ts_ns):
            heapq.heappop(self._sleepers)[2].set()
