"""Time in a replay: Trio's clock is the market's clock, and it moves only when the replay moves it.

So ``trio.sleep``, deadlines and ``ctx.every`` are market time with nothing added, and cost no time at all. Inside it is
an integer of nanoseconds; Trio is told seconds since the beginning of the replay, which are exact to the nanosecond for
some 26 days. Beyond that neighbouring nanoseconds share one float, and instants that somebody sleeps until by
`TapeClock.sleep_until` are remembered as they were.
"""

import math
from typing import Protocol

import trio

from engine.core.calendar import Phase, phase_at
from engine.model.instant import NS_PER_S


class Position(Protocol):
    """A place on the tape that moves without the replay: the stretch that is lent to a strategy."""

    def now_ns(self) -> int: ...


class ReplayClock(trio.abc.Clock):
    """Trio's clock of a replay, from ``start_ns`` on. Hand it to ``trio.run(..., clock=...)``."""

    def __init__(self, start_ns: int) -> None:
        self.start_ns = start_ns
        self.position: Position | None = None
        """Where time is read while a stretch is lent."""
        self._now_ns = start_ns
        self._exact: dict[float, int] = {}

    def now_ns(self) -> int:
        """Market time, nanoseconds since the epoch."""
        return self._now_ns if self.position is None else self.position.now_ns()

    def move(self, now_ns: int) -> None:
        """It is now this instant; never earlier than before."""
        self._now_ns = max(self._now_ns, now_ns)

    def deadline_of(self, ts_ns: int) -> float:
        """The deadline, by Trio's clock, that is due at this instant exactly."""
        deadline = (ts_ns - self.start_ns) / NS_PER_S
        if self._due_ns(deadline) != ts_ns:
            self._exact = {at: ns for at, ns in self._exact.items() if ns > self._now_ns}
            self._exact[deadline] = max(ts_ns, self._exact.get(deadline, ts_ns))
        return deadline

    def due_ns(self, deadline: float) -> int | None:
        """The first instant at which this deadline has passed; ``None`` for one that never does."""
        if math.isinf(deadline):
            return None if deadline > 0 else self._now_ns
        return self._exact.get(deadline) or self._due_ns(deadline)

    def _due_ns(self, deadline: float) -> int:
        numerator, denominator = deadline.as_integer_ratio()
        passed_ns = -(-numerator * NS_PER_S // denominator)
        while (passed_ns - 1) / NS_PER_S >= deadline:
            passed_ns -= 1
        return self.start_ns + passed_ns

    # -- what Trio asks

    def start_clock(self) -> None:
        """Nothing starts: time stands still until the replay moves it."""

    def current_time(self) -> float:
        """Seconds since the beginning of the replay."""
        return (self.now_ns() - self.start_ns) / NS_PER_S

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nothing where it has passed; else for ever, because only the replay brings it nearer."""
        return 0.0 if deadline <= self.current_time() else math.inf


class TapeClock:
    """`engine.ports.Clock` over a `ReplayClock`.

    ``speed`` is 0, a market that moves as fast as it is read: so no lag is measured, because there is none.
    """

    speed = 0.0

    def __init__(self, time: ReplayClock) -> None:
        self._time = time
        self.ended = False
        """Whether the last event was told."""

    @property
    def is_open(self) -> bool | None:
        """Whether the regular session of US stocks is on, by the calendar."""
        return phase_at(self.now_ns()) is Phase.CORE

    def now_ns(self) -> int:
        """Market time, nanoseconds since the epoch."""
        return self._time.now_ns()

    def advance(self, ts_ns: int) -> None:
        """Nothing: the replay moves time before it tells an event."""

    async def refresh(self) -> int:
        """Now: nothing that was told is newer."""
        await trio.lowlevel.checkpoint()
        return self.now_ns()

    async def sleep_until(self, ts_ns: int) -> None:
        """Wait until market time is ``ts_ns``, exactly, unless that has passed."""
        await trio.lowlevel.checkpoint()
        if self.now_ns() < ts_ns:
            await trio.sleep_until(self._time.deadline_of(ts_ns))
