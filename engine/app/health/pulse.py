"""What the loop leaves for the threads that look at it: a beat, its signs, and on request the figures.

All of it is frozen values in attributes that are written whole, so a thread that reads them sees one or the other. The
loop waits for nobody here. Figures are read only when somebody wants them, and at most once a second, so between two
scrapes they cost the engine nothing.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import trio
from attrs import define, field, frozen
from loguru import logger

from engine.app.beside.overview import Overview
from engine.core.health.verdict import Progress, Verdict, judge_health, judge_ready

READ_EVERY_MIN_S: Final = 1.0
"""Figures that are younger are given again: whoever asks a hundred times a second asks this, and not the loop."""
READ_WITHIN_S: Final = 1.0
"""How long a thread waits for the loop to read figures; after that it has the last ones."""


@frozen(kw_only=True)
class Reading:
    """The figures of one moment. ``gaps``: holes that stayed open, by cause; ``recovered``: how many were closed."""

    overview: Overview
    gaps: Mapping[str, int] = field(factory=dict)
    recovered: int = 0


@frozen(kw_only=True)
class Vitals:
    """How it is at the moment of asking, by what can be known without the loop. Ages in seconds."""

    health: Verdict
    ready: Verdict
    beat_age_s: float
    reading_age_s: float | None
    """``None`` before the first reading."""
    standing: bool = False
    """Whether the loop stands still now, for longer than it may."""
    stood: int = 0
    """How often it stood still."""
    stood_s: float = 0.0
    """For how long, all together; what lasts is counted."""


@define(eq=False, kw_only=True)
class Pulse:
    """One per running part; the loop calls `beat`, `leave` and `serve`, threads call `vitals` and `ask`.

    ``read`` makes a reading, in Trio's thread. ``frozen_after_s``: a beat that is older means that the loop stands
    still. ``clock_s`` is monotonic and the same in all threads.
    """

    read: Callable[[], Reading]
    frozen_after_s: float
    clock_s: Callable[[], float] = time.monotonic
    say: Callable[[str], None] = logger.warning
    """Tells why figures could not be read."""
    progress: Progress | None = None
    reading: Reading | None = None
    failure: str = ""
    """Why figures could not be read the last time; empty when they could."""
    beat_s: float = field(init=False)
    """When the loop last came round."""
    stood: int = 0
    stood_s: float = 0.0
    _read_s: float | None = None
    _tried_s: float | None = None
    _token: trio.lowlevel.TrioToken = field(init=False, factory=trio.lowlevel.current_trio_token)
    _wanted: trio.Event = field(init=False, factory=trio.Event)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)
    _answered: threading.Event = field(init=False, factory=threading.Event)

    def __attrs_post_init__(self) -> None:
        self.beat_s = self.clock_s()

    # -- in Trio's thread

    def beat(self) -> float:
        """The loop came round; returns how long ago it did so before."""
        before_s, self.beat_s = self.beat_s, self.clock_s()
        return self.beat_s - before_s

    async def serve(self) -> None:
        """Read the figures whenever a thread wants them, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            try:
                self.reading, self.failure = self.read(), ""
                self._read_s = self.clock_s()
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the figures, health goes on being told
                self._fail(f"{type(error).__name__}: {error}")
            self._tried_s = self.clock_s()
            self._answered.set()

    def _fail(self, failure: str) -> None:
        if failure != self.failure:  # said once, and not at each scrape
            self.failure = failure
            self.say(f"The figures for /metrics cannot be read, so it has those of before: {failure}")

    # -- in any other

    def vitals(self) -> Vitals:
        """How it is now."""
        now_s = self.clock_s()
        beat_age_s = max(0.0, now_s - self.beat_s)
        standing = beat_age_s > self.frozen_after_s
        health = judge_health(self.progress, beat_age_s=beat_age_s, frozen_after_s=self.frozen_after_s)
        return Vitals(
            health=health,
            ready=judge_ready(self.progress, health),
            beat_age_s=beat_age_s,
            reading_age_s=None if self._read_s is None else max(0.0, now_s - self._read_s),
            standing=standing,
            stood=self.stood + standing,
            stood_s=self.stood_s + (beat_age_s if standing else 0.0),
        )

    def ask(self) -> Reading | None:
        """The figures: of now where the loop answers in time, else the last; ``None`` where there are none yet.

        Any number of threads may ask; they share one reading.
        """
        with self._lock:
            now_s = self.clock_s()
            standing = now_s - self.beat_s > self.frozen_after_s
            if not standing and (self._tried_s is None or now_s - self._tried_s >= READ_EVERY_MIN_S):
                self._answered.clear()
                try:
                    self._token.run_sync_soon(self._want, idempotent=True)
                except trio.RunFinishedError:
                    return self.reading
                self._answered.wait(READ_WITHIN_S)
            return self.reading

    def _want(self) -> None:
        self._wanted.set()
