"""Trio's clock as a strategy reads it: each reading is noted, and a run from the journal reads the same.

A strategy reads it by ``trio.current_time``, and with every sleep and deadline that counts from now. Two deadlines that
are set a microsecond apart pass in one order, which nobody could tell from when their tasks went on.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio
from attrs import define

from engine.flow.replay.scheduler import replaced_clock

_DEPTH_MAX: Final = 8
"""Frames of Trio's between a reading and who wants it: a timeout that opens a scope that reads the clock."""


def wanted_by_strategy() -> bool:
    """Whether the code that reads Trio's clock now, through Trio's own, is not the engine's."""
    frame = sys._getframe(2)  # noqa: SLF001 - the only way to the caller
    for _ in range(_DEPTH_MAX):
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith("trio."):
            return not name.startswith("engine.")
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


@define(eq=False)
class ToldClock(trio.abc.Clock):
    """Another clock, read by nobody unnoticed: ``on_read`` is told what the code of a task reads, ``on_passed`` up to
    when deadlines have passed."""

    inner: trio.abc.Clock
    on_read: Callable[[float], None]
    on_passed: Callable[[float], None]

    def start_clock(self) -> None:
        """It runs already."""

    def current_time(self) -> float:
        """Seconds, as the other one tells."""
        now_s = self.inner.current_time()
        if not trio.lowlevel.in_trio_task():
            self.on_passed(now_s)
        elif wanted_by_strategy():
            self.on_read(now_s)
        return now_s

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """As the other one tells."""
        return self.inner.deadline_to_sleep_time(deadline)


@contextmanager
def told_clock(on_read: Callable[[float], None], on_passed: Callable[[float], None]) -> Iterator[None]:
    """Listen to the clock of this run of Trio, if it is that of the machine: virtual time stands still for a task."""
    with replaced_clock(lambda clock: ToldClock(clock, on_read, on_passed)):
        yield
