"""Decisions of one instant are carried out one at a time, in the order of their lines.

Two tasks of a strategy that are ready at one instant decide in an order that is nobody's decision. So each decision
waits here until everything else is blocked; then the first of those that wait, by strategy and by line, goes on, and
the next waits until all that came of it has settled.
"""

from bisect import insort
from collections.abc import Callable
from itertools import count

import trio
from attrs import define, field


@define(eq=False)
class Turnstile:
    """Where decisions of a replay wait. Without a `Replay` that lets them through nothing passes."""

    on_waiting: Callable[[], None] = field(default=lambda: None)
    """Called when a decision comes to wait, before it does."""
    _waiting: list[tuple[str, str, int, trio.Event]] = field(factory=list)
    _numbers: "count[int]" = field(factory=count)

    async def pass_(self, strategy: str, line: str) -> None:
        """Wait for the turn of this decision: ``line`` is its verb and words, as text."""
        self.on_waiting()
        entry = (strategy, line, next(self._numbers), trio.Event())
        insort(self._waiting, entry)
        try:
            await entry[3].wait()
        finally:
            if not entry[3].is_set():
                self._waiting.remove(entry)

    def let_one(self) -> bool:
        """Let the first decision through; whether there was one. Call only when all tasks are blocked."""
        if not self._waiting:
            return False
        self._waiting.pop(0)[3].set()
        return True
