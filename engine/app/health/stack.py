"""Looking at the loop's thread from another one: its stack, and whose task runs on it.

Trio's current task can only be asked for on the loop itself. But the tree of tasks can be walked from its root, and of
all coroutines of a loop exactly one runs. While the loop stands still nothing moves in that tree; if it goes on just
now, the walk may fail, and then the stack alone has to do.
"""

import linecache
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from inspect import unwrap
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

import trio

from engine.core.health.standstill import Frame, Stack, Suspect
from engine.flow.runner import StrategyRun

FRAMES_MAX: Final = 200
"""Of a stack the innermost: a strategy that calls itself a thousand times deep is named by these as well."""
TASKS_MAX: Final = 10_000
"""Of the tree of tasks; a session has some dozens, and some more for each order."""
TASK_NAME: Final = "strategy "
"""How the task of a strategy is named: see `engine.flow.session.Session`."""
ENGINE: Final = f"{Path(__file__).resolve().parents[2]}/"
"""Where this engine's own code is."""
_INSTALLED: Final = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
LIBRARIES: Final = (*dict.fromkeys(f"{path}/" for path in _INSTALLED if path), ENGINE)
"""Where code is that is not the user's: Python's own, installed packages, and this engine."""


def suspects_of(runs: Sequence[StrategyRun]) -> tuple[Suspect, ...]:
    """The strategies that run now, with where their code is."""
    return tuple(
        Suspect(strategy=run.name, file=file, folder=folder)
        for run in runs
        if run.state == "running"
        for file, folder in [_home_of(run)]
    )


def _home_of(run: StrategyRun) -> tuple[str, str]:
    function = unwrap(run.strategy.run)
    code = getattr(function, "__code__", None)
    file = code.co_filename if isinstance(code, CodeType) else ""
    if file.startswith(ENGINE):  # a class with call-backs: its lines are somewhere else
        return "", ""
    in_package = "." in getattr(function, "__module__", "")
    folder = f"{Path(file).parent}/" if file and in_package else ""
    return file, folder


def look_at(thread: int, root: "trio.lowlevel.Task | None") -> Stack:
    """The stack of a thread, with the task that runs on the loop of ``root``."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - documented, and named so that nobody takes it lightly
    frames = tuple(_frames(frame))
    del frame  # it would keep alive whatever the strategy's variables hold
    task = None if root is None else running_task(root)
    return Stack(
        frames=frames,
        task="" if task is None else task.name,
        strategy="" if task is None else strategy_of(task),
        libraries=LIBRARIES,
    )


def _frames(frame: FrameType | None) -> Iterator[Frame]:
    for _ in range(FRAMES_MAX):
        if frame is None:
            return
        file, line = frame.f_code.co_filename, frame.f_lineno
        yield Frame(file, line, frame.f_code.co_name, linecache.getline(file, line).strip())
        frame = frame.f_back


def running_task(root: "trio.lowlevel.Task") -> "trio.lowlevel.Task | None":
    """The one task of a loop whose coroutine runs now; ``None`` where there is none, or the tree moved meanwhile."""
    waiting, seen = [root], 0
    try:
        while waiting and seen < TASKS_MAX:
            task = waiting.pop()
            seen += 1
            if getattr(task.coro, "cr_running", False):
                return task
            for nursery in task.child_nurseries:
                waiting.extend(nursery.child_tasks)
    except RuntimeError:  # a set that changed while it was copied: the loop goes on, and this look comes too late
        return None
    return None


def strategy_of(task: "trio.lowlevel.Task") -> str:
    """The strategy whose task this is, or whose task started it; empty where it is nobody's."""
    current: trio.lowlevel.Task | None = task
    while current is not None:
        if current.name.startswith(TASK_NAME):
            return current.name.removeprefix(TASK_NAME)
        current = None if current.parent_nursery is None else current.parent_nursery.parent_task
    return ""
