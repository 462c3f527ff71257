"""Trio's sleep by the virtual clock's own list of alarms: a simulated hour sleeps fifteen thousand times.

`trio.sleep` is a cancel scope whose deadline cancels what waits in it, an exception raised and caught for each; a tenth
of a session was that. Here whoever sleeps is put on a heap and woken from it, at the same instant, in the same batch
of tasks, and cancelled as ever. What has a deadline and does something else than sleep is left to Trio.

There is no public door to all that sleep, so this is the one module that knows where Trio keeps it, and a test tells
when a release has moved it.
"""

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from heapq import heappush
from itertools import count
from types import ModuleType
from typing import Any, Final

import trio

from engine.testing.simulate.world.clock import Alarm, JumpingClock

SLEEP: Final = "sleep_until"


def bedroom() -> ModuleType:
    """The module of Trio in which it sleeps; raises ``AttributeError`` where it no longer does so in that way."""
    module: Any = trio._timeouts  # noqa: SLF001 - see above: there is no public name
    if getattr(module, SLEEP) is not trio.sleep_until or SLEEP not in trio.sleep.__code__.co_names:
        raise AttributeError(f"Trio {trio.__version__} sleeps in another way than by {SLEEP}")
    return module  # type: ignore[no-any-return] # typed as Any, because it is not in its annotations


@contextmanager
def sealed_sleeping(clock: JumpingClock) -> Iterator[None]:
    """While the block runs, all that sleeps in a run of Trio on this clock is woken by it."""
    module = bedroom()
    before = getattr(module, SLEEP)
    sleeping = _sleeping(clock)  # one for both: alarms of one instant are told apart by its numbers
    for place in (module, trio):
        setattr(place, SLEEP, sleeping)
    try:
        yield
    finally:
        for place in (module, trio):
            setattr(place, SLEEP, before)


def _sleeping(clock: JumpingClock) -> Callable[[float], Awaitable[None]]:
    numbers = count()

    async def sleep_until(deadline: float) -> None:
        if deadline <= clock.now_s:
            await trio.lowlevel.checkpoint()
            return
        if deadline == math.inf:
            await trio.sleep_forever()
        alarm: Alarm = [deadline, next(numbers), trio.lowlevel.current_task()]
        heappush(clock.alarms, alarm)

        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            alarm[2] = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    return sleep_until
