"""Which task of which strategy is at it, and what woke it: an instrument of Trio, there while a session is recorded.

A strategy is every task that its own code started, told apart by paths: ``1`` is the first run, ``1.2`` the second
task that it started. Tasks that the engine starts inside a call of the strategy are the engine's.

A wait of a strategy's own (a sleep, a deadline, one task that cancels another) is over without anything crossing, and
a run from the journal has to know where. Trio says when a task becomes ready: if it is because it was cancelled, then
this is noted when it goes on.
"""

import math
from typing import TYPE_CHECKING, Final

import trio
from attrs import define

from engine.flow.replay.scheduler import told_cancelled

CLOCK: Final = "clock"
"""What is told of a reading of Trio's clock."""

if TYPE_CHECKING:
    from engine.flow.journal.track import Track


@define(eq=False)
class Follower:
    """One task of a strategy. ``inside`` counts the calls of its context that it is in."""

    track: "Track"
    path: str
    inside: int = 0
    children: int = 0
    woken: bool | None = None
    """It is ready because it was cancelled: by time, or by another task."""
    hurried: bool = False
    """Time cancelled it inside a call; noted if the call ends so, for a call has deadlines of its own."""
    deadline_s: float = math.inf
    """The strategy's own deadline when it went into the call."""


class Watch(trio.abc.Instrument):
    """Follows the tasks of all strategies of a session."""

    def __init__(self) -> None:
        self._followers: dict[trio.lowlevel.Task, Follower] = {}
        self._sentinels: dict[trio.lowlevel.Task, Track] = {}
        self.turn = 0
        """How often Trio's scheduler went round."""
        self.step_s = 0.0
        """When the task of a strategy that runs now went on: what it set deadlines by was no earlier."""

        self.passed_s = 0.0
        """Up to when deadlines have passed, by the machine's clock; 0 where time is virtual."""

    def adopt(self, track: "Track", path: str) -> None:
        """The current task is a run of this strategy."""
        self._followers[trio.lowlevel.current_task()] = Follower(track, path)
        track.tasks = 1

    def release(self) -> None:
        """The run in the current task is over."""
        self._followers.pop(trio.lowlevel.current_task(), None)

    def post(self, track: "Track") -> None:
        """The current task has nothing to do but to be cancelled with the strategy."""
        self._sentinels[trio.lowlevel.current_task()] = track

    def dismiss(self) -> None:
        """The current task is no sentinel any more."""
        self._sentinels.pop(trio.lowlevel.current_task(), None)

    def current(self) -> Follower | None:
        """Who runs now; ``None`` for a task of nobody."""
        return self._followers.get(trio.lowlevel.current_task())

    def on_read(self, now_s: float) -> None:
        """The code of a task reads the clock: noted where it is a strategy's."""
        follower = self.current()
        if follower is not None and not follower.inside:
            follower.track.read(CLOCK, now_s)

    def on_passed(self, now_s: float) -> None:
        """Trio lets deadlines pass."""
        self.passed_s = now_s

    # -- what Trio tells

    def path_of(self, task: trio.lowlevel.Task) -> str | None:
        """The path of a task of a strategy, ``None`` for any other."""
        follower = self._followers.get(task)
        return None if follower is None else follower.path

    def tasks(self) -> list[trio.lowlevel.Task]:
        """All tasks of strategies."""
        return list(self._followers)

    def after_io_wait(self, timeout: float) -> None:
        """A round begins."""
        del timeout
        self.turn += 1

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        """A task that a strategy starts is the strategy's."""
        parent = self._followers.get(trio.lowlevel.current_task()) if trio.lowlevel.in_trio_task() else None
        if parent is not None and not parent.inside:
            parent.children += 1
            parent.track.tasks += 1
            self._followers[task] = Follower(parent.track, f"{parent.path}.{parent.children}")

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        """It is over."""
        follower = self._followers.pop(task, None)
        if follower is not None:
            follower.track.tasks -= 1

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        """A task is ready. Nothing runs between this and what made it ready."""
        follower = self._followers.get(task)
        if follower is not None:
            if told_cancelled(task):
                by_time = not trio.lowlevel.in_trio_task() or trio.lowlevel.current_task() is task
                if follower.inside:
                    follower.hurried = follower.hurried or by_time
                else:
                    follower.woken = by_time
        elif task in self._sentinels:
            self._sentinels[task].cut(self.turn, by_task=trio.lowlevel.in_trio_task())

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """What one task took is noted before another one of the strategy runs, which may act on it."""
        follower = self._followers.get(task)
        if follower is not None:
            track = follower.track
            if track.stepping is not follower:
                track.flush()
                track.stepping = follower
            if track.tasks > 1 or track.turn == self.turn:
                track.went(follower.path, self.turn)
            self.step_s = trio.current_time()
            if follower.woken is not None:
                track.woke(follower.path, by_time=follower.woken)
                follower.woken = None

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """A deadline that was set counts from now, and other tasks go on from here: what led to it is noted now."""
        follower = self._followers.get(task)
        if follower is None or not follower.track.dirty:
            return
        if follower.track.tasks > 1 or trio.current_effective_deadline() != math.inf:
            follower.track.flush()
