"""How far a hunt is, for the person who waits: one line that is written over, or now and then a line in a file."""

import time
from typing import Final, TextIO

from attrs import define

LIVE_EVERY_S: Final = 1.0
LINE_EVERY_S: Final = 30.0
"""Between two lines of progress where they stay: forty in a hunt of twenty minutes."""
RATE_MIN: Final = 2
"""Sessions before an end is foretold: one alone says how long it took a process to start."""
_ERASE: Final = "\r\x1b[2K"


@define(eq=False)
class Progress:
    """``live`` is whether ``out`` is a terminal, on which a line can be written over."""

    out: TextIO
    live: bool
    _due_s: float = 0.0
    _stands: bool = False
    """Whether a line stands that is to be written over."""

    def say(self, line: str) -> None:
        """A line that stays."""
        self.clear()
        print(line, file=self.out, flush=True)

    def show(self, line: str, now_s: float) -> None:
        """How far it is at ``now_s``; not more often than somebody wants to read it."""
        if now_s < self._due_s:
            return
        self._due_s = now_s + (LIVE_EVERY_S if self.live else LINE_EVERY_S)
        if not self.live:
            self.say(line)
            return
        self.out.write(_ERASE + line)
        self.out.flush()
        self._stands = True

    def clear(self) -> None:
        """Take away the line that is written over."""
        if self._stands:
            self.out.write(_ERASE)
            self._stands = False


def foretell(done: int, jobs: int, passed_s: float, now_s: float | None = None) -> str:
    """The pace so far and when it ends at that pace, by this machine's clock (``now_s``, seconds since the epoch)."""
    if done < RATE_MIN or passed_s <= 0:
        return "starting"
    left_s = (jobs - done) / done * passed_s
    end = time.strftime("%H:%M", time.localtime((time.time() if now_s is None else now_s) + left_s))
    left = f"{left_s / 60:.0f} min" if left_s >= 90 else f"{left_s:.0f} s"
    return f"{done / passed_s * 60:.0f} a minute, {left} left, ends about {end}"
