"""Decisions of one instant are carried out one at a time, in the order of their lines.

Two tasks of a strategy that are ready at one instant decide in an order that is nobody's decision. So each decision
waits here until everything else is blocked; then the first of those that wait, by strategy and by line, goes on, and
the next waits until all that came of it has settled.

A decision may wait on its way, say for the end of an order that another one cancels, and go on at the same step as
that one; and what the market does by the clock may come at the same step as a strategy's own. So the engine's steps go
before those of strategies, and what carries decisions out in the order in which they passed: see `rank_of`.
"""

from bisect import insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Final

import trio
from attrs import define, field

OWN: Final = -1
"""The rank of a strategy's own steps: none."""

_rank: Final = ContextVar("rank", default=0)
"""Inherited by what a task starts: so all of a decision has its rank, and the engine's own tasks have 0."""


def rank_of(task: trio.lowlevel.Task) -> int:
    """When what this task does passed the turnstile, counted from 1; 0 for the engine's, `OWN` for a strategy's own."""
    return task.context.get(_rank, 0)


@define(eq=False)
class Turnstile:
    """Where decisions of a replay wait. Without a `Replay` that lets them through nothing passes."""

    on_waiting: Callable[[], None] = field(default=lambda: None)
    """Called when a decision comes to wait, before it does."""
    _waiting: list[tuple[str, str, int, trio.Event]] = field(factory=list)
    _numbers: "count[int]" = field(factory=count)
    _passed: int = 0
    _is_open: bool = False

    async def pass_(self, strategy: str, line: str) -> None:
        """Wait for the turn of this decision: ``line`` is its verb and words, as text."""
        if self._is_open:
            await trio.lowlevel.checkpoint()
            return
        self.on_waiting()
        entry = (strategy, line, next(self._numbers), trio.Event())
        insort(self._waiting, entry)
        try:
            await entry[3].wait()
        finally:
            if not entry[3].is_set():
                self._waiting.remove(entry)

    @contextmanager
    def own_steps(self) -> Iterator[None]:
        """This block is a strategy's own code, and what it starts."""
        with _ranked(OWN):
            yield

    @contextmanager
    def carrying(self) -> Iterator[None]:
        """This block carries out the decision that passed last: call it right behind `pass_`."""
        self._passed += 1
        with _ranked(self._passed):
            yield

    def open(self) -> None:
        """Let everything through from now on: the replay is over, and nobody else will."""
        self._is_open = True
        while self.let_one():
            pass

    def let_one(self) -> bool:
        """Let the first decision through; whether there was one. Call only when all tasks are blocked."""
        if not self._waiting:
            return False
        self._waiting.pop(0)[3].set()
        return True


@contextmanager
def _ranked(rank: int) -> Iterator[None]:
    token = _rank.set(rank)
    try:
        yield
    finally:
        _rank.reset(token)
