"""Whether time goes on: steps of tasks are counted, at one instant and altogether, and hashed in their order."""

from collections.abc import Callable, Sequence
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
class Pace:
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

    def count(self, batch: Sequence[trio.lowlevel.Task]) -> None:
        """Count a batch of ready tasks, the last to run first."""
        names, order = self._names, self.order
        for task in reversed(batch):
            name = names.get(task.name)
            if name is None:
                name = names[task.name] = task.name.encode()
            order = crc32(name, order)
        self.order = order
        before, self.steps = self.steps, self.steps + len(batch)
        if before // LOOK_EVERY != self.steps // LOOK_EVERY:
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
