"""A thread that sees when the loop stands still, and says at once which strategy it is and at which line.

The loop beats four times a second. When a beat is late the thread looks at the stack of the loop's thread, and writes
one sentence; what comes back from a standstill is told by the loop itself, with how long it took. The thread holds
nothing that the loop waits for, and the sentences are bounded.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import trio
from attrs import define, field, frozen
from loguru import logger

from engine.app.health.pulse import Pulse
from engine.app.health.stack import look_at
from engine.core.health.standstill import Blame, Stack, Suspect, describe_standing, describe_stood, find_blame
from engine.model.alert import TITLE_CHARS_MAX, Finding, Severity

BEAT_EVERY_S: Final = 0.25
"""How often the loop beats: a standstill of half a second is seen, and a beat costs some microseconds."""
LOOKS_PER_LIMIT: Final = 4
"""How often the thread looks while the loop may be late: so it speaks at most a quarter of the limit too late."""
LOOK_MIN_S: Final = 0.05
"""Not more often than this, however small the limit is: each look takes the interpreter from the loop for a moment."""
SENTENCES_MAX: Final = 20
"""In an hour, while it lasts: a strategy that blocks each minute is named twenty times, and the rest is counted."""
HOUR_S: Final = 3600.0
CRITICAL_S: Final = 10.0
"""From here on a standstill is critical: a venue that gets no answer to its pings drops the line after as long."""


@frozen
class Standstill:
    """One time that the loop stood still. ``since_s`` is that of its last beat, by the pulse's clock."""

    since_s: float
    blame: Blame


@define(eq=False, kw_only=True)
class Watchdog:
    """Watches one pulse from a thread of its own while it is open. ``suspects`` are the strategies that run.

    ``say`` is given the sentence while the loop stands still, in the watchdog's thread. ``look`` gives the stack.
    """

    pulse: Pulse
    suspects: Callable[[], Sequence[Suspect]]
    look: Callable[[], Stack]
    say: Callable[[str], None] = logger.error
    unsaid: int = 0
    """Standstills that were not told while they lasted, because many had been."""
    _found: Standstill | None = field(init=False, default=None)
    _said: deque[float] = field(init=False, factory=lambda: deque(maxlen=SENTENCES_MAX))
    _over: threading.Event = field(init=False, factory=threading.Event)
    _thread: threading.Thread | None = field(init=False, default=None)

    @classmethod
    def here(cls, pulse: Pulse, suspects: Callable[[], Sequence[Suspect]]) -> "Watchdog":
        """One for the loop and the thread that this is called in."""
        thread, root = threading.get_ident(), trio.lowlevel.current_root_task()
        return cls(pulse=pulse, suspects=suspects, look=lambda: look_at(thread, root))

    def __enter__(self) -> "Watchdog":
        self._thread = threading.Thread(target=self._watch, name="gapless watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)  # it sleeps, or writes one sentence

    # -- in the watchdog's thread

    def _watch(self) -> None:
        pause_s = max(LOOK_MIN_S, self.pulse.frozen_after_s / LOOKS_PER_LIMIT)
        looked_s = self.pulse.clock_s()
        while not self._over.wait(pause_s):
            now_s = self.pulse.clock_s()
            # Where this thread was held up as well (a stopped process, native code that keeps the interpreter), the
            # loop may be past it by now and at something innocent: then only the next look counts.
            if now_s - looked_s < pause_s + self.pulse.frozen_after_s / 2:
                self.examine(now_s)
            looked_s = now_s

    def examine(self, now_s: float) -> None:
        """Look once."""
        since_s = self.pulse.beat_s
        stood_s = now_s - since_s
        found = self._found
        if stood_s <= self.pulse.frozen_after_s or (found is not None and found.since_s == since_s):
            return
        blame = find_blame(self.look(), self.suspects())
        if self.pulse.beat_s != since_s:
            return  # it came back while it was looked at: what was seen may be of something else
        self._found = Standstill(since_s, blame)
        if len(self._said) == SENTENCES_MAX and now_s - self._said[0] < HOUR_S:
            self.unsaid += 1
            return
        self._said.append(now_s)
        self.say(describe_standing(blame, stood_s))

    # -- in Trio's thread

    async def serve(self, tell: Callable[[Finding], None], now_ns: Callable[[], int]) -> None:
        """Beat, and tell of each standstill once it is over, until cancelled."""
        self.pulse.beat()
        while True:
            await trio.sleep(BEAT_EVERY_S)
            since_s = self.pulse.beat_s
            stood_s = self.pulse.beat()
            if stood_s > self.pulse.frozen_after_s:
                self.pulse.stood += 1
                self.pulse.stood_s += stood_s
                tell(self._finding(since_s, stood_s, now_ns()))

    def _finding(self, since_s: float, stood_s: float, at_ns: int) -> Finding:
        found = self._found
        blame = found.blame if found is not None and found.since_s == since_s else Blame()
        title, text = describe_stood(blame, stood_s)
        who = blame.strategy or "engine"
        return Finding(
            key=f"frozen/{who}",
            severity=Severity.CRITICAL if stood_s >= CRITICAL_S else Severity.WARNING,
            title=title if len(title) <= TITLE_CHARS_MAX else title[: TITLE_CHARS_MAX - 3] + "...",
            text=text,
            at_ns=at_ns,
        )
