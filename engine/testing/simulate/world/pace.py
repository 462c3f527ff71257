"""Whether time goes on: steps of tasks are counted, at one instant and altogether, and hashed in their order."""

from collections.abc import Callable
from typing import Final
from zlib import crc32

import trio
from attrs import define, field

LOOK_EVERY: Final = 1024
"""Steps between two looks at the clock."""
AT_ONCE_MAX: Final = 64 * LOOK_EVERY
"""Steps at one virtual instant. The end of an outage with ten thousand rows to fetch needs some thousand; a loop that
does not wait needs no time at all."""
STEPS_PER_S_MAX: Final = 2000.0
"""In all, for each simulated second; a busy session has forty."""
STEPS_MIN: Final = 400_000


@define(eq=False)
class Pace(trio.abc.Instrument):
    """Looks at every step. ``stuck`` is told a sentence, once."""

    stuck: Callable[[str], None]
    steps_max: int
    order: int = 0
    """A hash of which task ran when."""
    steps: int = 0
    _at_once: int = 0
    _now_s: float = -1.0
    _told: bool = False
    _names: dict[str, bytes] = field(factory=dict)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count it."""
        self.steps += 1
        name = self._names.get(task.name)
        if name is None:
            name = self._names[task.name] = task.name.encode()
        self.order = crc32(name, self.order)
        if not self.steps % LOOK_EVERY:
            self._look()

    def _look(self) -> None:
        now_s = trio.current_time()
        self._at_once = self._at_once + LOOK_EVERY if now_s == self._now_s else 0
        self._now_s = now_s
        if self._told:
            return
        if self._at_once > AT_ONCE_MAX:
            self._told = True
            self.stuck(f"{self._at_once} steps of tasks at one instant: time does not go on")
        elif self.steps > self.steps_max:
            self._told = True
            self.stuck(f"{self.steps} steps of tasks: more than any session needs")
