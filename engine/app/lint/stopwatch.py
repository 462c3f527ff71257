"""How long a strategy keeps the loop to itself: the CPU time of each step of its tasks, and where it was meanwhile.

A step is what a task does between two checkpoints. Nothing else runs meanwhile: no heartbeat, no cancel, no other
strategy. CPU time of the thread is measured and not the wall's, so a busy machine is not blamed on a strategy.
"""

import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, Final

import trio
from attrs import evolve

from engine.app.options import LoadedStrategy
from engine.ports import Context, Strategy

SAMPLE_S: Final = 0.01
"""How often it is looked where a long step is."""
ENGINE: Final = str(Path(__file__).parents[2])


class Stopwatch(trio.abc.Instrument):
    """Measures the tasks below those that were given to `begin`. One replay has one."""

    def __init__(self, long_s: float) -> None:
        self.long_s = long_s
        self.longest: dict[str, tuple[float, str]] = {}
        """By strategy: the CPU seconds of its longest step, and ``file:line`` of where it was seen, or nothing."""
        self._owner: dict[trio.lowlevel.Task, str | None] = {}
        self._since: tuple[float, float, str] | None = None
        self._seen: dict[str, str] = {}
        self._over = threading.Event()
        self._thread_id = threading.get_ident()

    def begin(self, name: str) -> None:
        """The present task is this strategy's, and all that it starts; its step is measured from here."""
        task = trio.lowlevel.current_task()
        self._owner[task] = name
        trio.lowlevel.add_instrument(self)
        self.before_task_step(task)

    def finish(self) -> None:
        """The present task is over, and so is its step."""
        self.after_task_step(trio.lowlevel.current_task())

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Trio's: a step begins."""
        name = self._owner_of(task)
        if name is not None:
            self._since = time.thread_time(), time.monotonic(), name

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Trio's: it has ended."""
        if self._since is not None:
            began_s, _, name = self._since
            self._since = None
            took_s = time.thread_time() - began_s
            if took_s > self.longest.get(name, (0.0, ""))[0]:
                self.longest[name] = took_s, self._seen.get(name, "")
            self._seen.pop(name, None)

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        """Trio's: forget it."""
        self._owner.pop(task, None)

    def watch(self) -> None:
        """Look where a long step is, until `end`; runs in a thread of its own."""
        while not self._over.wait(SAMPLE_S):
            since = self._since
            if since is not None and time.monotonic() - since[1] > self.long_s / 2:
                frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001 - documented, for debuggers like this
                self._seen.setdefault(since[2], _place(frame))

    def end(self) -> None:
        """Stop `watch`."""
        self._over.set()

    def _owner_of(self, task: trio.lowlevel.Task) -> str | None:
        if task not in self._owner:
            parent = task.parent_nursery
            self._owner[task] = None if parent is None else self._owner_of(parent.parent_task)
        return self._owner[task]


def _place(frame: FrameType | None) -> str:
    """The innermost line that is not the engine's own, nor of a library: that is the strategy's."""
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((ENGINE, sys.prefix, sys.base_prefix, "<")):
            return f"{Path(name).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def timed(loaded: LoadedStrategy, watch: Stopwatch) -> LoadedStrategy:
    """The same strategy, its tasks measured."""
    strategy: Strategy = loaded.strategy

    async def run(ctx: Context, *params: Any) -> None:
        watch.begin(loaded.name)
        try:
            await strategy.run(ctx, *params)
        finally:
            watch.finish()

    return evolve(loaded, strategy=evolve(strategy, run=run))
