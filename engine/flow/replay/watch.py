"""What Trio tells a replay while strategies run: which task became ready, and that a deadline was set."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio
from attrs import define, field

from engine.flow.replay.scheduler import watched_deadlines

STEPS_MAX: Final = 1_000_000
"""Steps of all tasks at one instant: some ten seconds of work without time or data. What takes more never waits."""
NAMED_STEPS: Final = 1000
"""The last of them are looked at to tell who it is."""


@define(eq=False, slots=False)
class Watch(trio.abc.Instrument):
    """Takes back what is lent as soon as anything but its reader could run, and stops what never waits."""

    take_back: Callable[[], None]
    steps_max: int = STEPS_MAX
    scheduled: int = 0
    """Steps at this instant."""
    failure: Exception | None = None
    """What a call-back raised: Trio would only log it."""
    halt: trio.CancelScope = field(factory=trio.CancelScope)
    """Around the replay: cancelled where it cannot go on."""
    _busy: Counter[str] = field(factory=Counter)
    _stirred: trio.Event = field(factory=trio.Event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch this run of Trio."""
        trio.lowlevel.add_instrument(self)
        try:
            with watched_deadlines(self._stir):
                yield
        finally:
            trio.lowlevel.remove_instrument(self)

    def begin_instant(self) -> None:
        """Time or data came: what runs now has a reason."""
        self.scheduled = 0

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        """A task became ready."""
        self.scheduled += 1
        self._take_back()
        if self.scheduled > self.steps_max - NAMED_STEPS:
            self._busy[_name(task)] += 1
            if self.scheduled >= self.steps_max:
                self.halt.cancel()

    def stir(self) -> None:
        """Something waits that is neither a task nor time: a decision."""
        self._stir()

    async def wait_stirred(self) -> None:
        """Wait until a deadline is set or a decision waits."""
        self._stirred = trio.Event()
        await self._stirred.wait()

    @property
    def busiest(self) -> str:
        """Who ran most of the last steps, as words."""
        return " and ".join(name for name, _ in self._busy.most_common(2))

    def _stir(self) -> None:
        self._take_back()
        self._stirred.set()

    def _take_back(self) -> None:
        try:
            self.take_back()
        except Exception as error:  # noqa: BLE001 - matching's or a journal's: the replay raises it, see `failure`
            self.failure = self.failure or error
            self.halt.cancel()


def _name(task: trio.lowlevel.Task) -> str:
    """The name of a task, and of the strategy whose it is."""
    above: trio.lowlevel.Task | None = task
    while above is not None:
        if above.name.startswith("strategy "):
            return above.name if above is task else f"{above.name} ({task.name})"
        above = above.parent_nursery.parent_task if above.parent_nursery is not None else None
    return task.name
