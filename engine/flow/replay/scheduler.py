"""What Trio decides behind its public doors: the order of ready tasks, its deadlines, and whether a task is cancelled.

Trio shuffles tasks that are ready at the same moment on purpose, with dice of its own, so that no program comes to
depend on an order. For a replay or a simulation those are the one dice left that differ from run to run. A replay also
needs to know when the next deadline is, and at once when one is added. Trio has no public door for any of it (its own
test helpers and Hypothesis use some of the same private names), so this is the one module that knows them, and a test
tells when a release of Trio has moved them.
"""

from collections.abc import Callable, Iterator, MutableSequence, Sequence
from contextlib import contextmanager
from operator import attrgetter
from random import Random
from types import CodeType, ModuleType
from typing import Any, Final

import trio

DICE: Final = "_r"
SORTED: Final = "_ALLOW_DETERMINISTIC_SCHEDULING"

is_cancelled: Final[Callable[[trio.lowlevel.Task], bool]] = attrgetter("_cancel_status.effectively_cancelled")
"""Whether a task would be told that it is cancelled if it waited now. In C, because it is asked for each event."""


def told_cancelled(task: trio.lowlevel.Task) -> bool:
    """Whether a task that has become ready goes on by being told that it is cancelled."""
    told = getattr(task._next_send, "error", None)  # noqa: SLF001 - see above
    return isinstance(told, trio.Cancelled)


_MASK: Final = 2**64 - 1


def scheduler() -> ModuleType:
    """The module of Trio that rolls the dice; raises ``AttributeError`` where it no longer does so in that way."""
    module: Any = trio._core._run  # noqa: SLF001 - see above: there is no public name
    if not isinstance(getattr(module, DICE), Random) or not isinstance(getattr(module, SORTED), bool):
        raise AttributeError(f"Trio {trio.__version__} keeps something else under {DICE} or {SORTED}")
    return module  # type: ignore[no-any-return] # typed as Any, because the two names are not in its annotations


STEPS: Final[CodeType] = scheduler().unrolled_run.__code__
"""Where Trio takes the next step of a task: the task's outermost frame is called from there."""


class _Dice(Random):
    """In Trio's place of dice: the order of a batch is a function of the seed, the instant and the step within it.

    Not of how often they were rolled before, and a batch of one is no step: so a stretch of events that is handed
    over without the scheduler leaves the order of what comes after it as it was.
    """

    def __init__(
        self,
        seed: int,
        on_batch: Callable[[Sequence[trio.lowlevel.Task]], None] | None,
        rank: Callable[[trio.lowlevel.Task], int] | None,
    ) -> None:
        super().__init__(seed)
        self._seed = seed
        self._on_batch = on_batch
        self._rank = rank
        self._mixed = _mix(seed)
        self._instant = -1.0
        self._instant_mixed = 0
        self._step = 0

    def shuffle(self, x: MutableSequence[Any]) -> None:
        """Put a batch in order. Trio takes tasks from its end; it comes sorted, oldest task first."""
        if len(x) > 1:
            ranked = [] if self._rank is None else self._ranked(x, self._rank)
            self._arrange(x, len(x))
            if ranked:
                taken = set(ranked)
                x[:] = [task for task in x if task not in taken] + ranked
        if self._on_batch is not None:
            self._on_batch(x)

    def _ranked(self, x: Sequence[Any], rank: Callable[[trio.lowlevel.Task], int]) -> list[Any]:
        """Those that have an order of their own, the last to run first: by rank, and the oldest first."""
        places = sorted(((one, place) for place, one in enumerate(map(rank, x)) if one >= 0), reverse=True)
        return [x[place] for _, place in places]

    def _arrange(self, x: MutableSequence[Any], size: int) -> None:
        if not self._seed:
            x.reverse()
            return
        now = trio.current_time()
        if now == self._instant:
            self._step += 1
        else:
            self._step, self._instant, self._instant_mixed = 0, now, self._mixed ^ _mix(round(now * 1e9))
        place = _mix(self._instant_mixed ^ self._step)
        if size == 2:  # most of them
            if _mix(place) > _mix(place + 1):
                x.reverse()
            return
        ranks = sorted(range(size), key=[_mix(place + rank) for rank in range(size)].__getitem__)
        x[:] = [x[rank] for rank in ranks]


def _mix(value: int) -> int:
    """Sixty-four bits that tell nothing of their neighbours (splitmix64)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


@contextmanager
def sealed_scheduling(
    seed: int,
    on_batch: Callable[[Sequence[trio.lowlevel.Task]], None] | None = None,
    rank: Callable[[trio.lowlevel.Task], int] | None = None,
) -> Iterator[None]:
    """One seed, one order of tasks, in every ``trio.run`` of the block; afterwards all is as it was.

    Seed 0 is the order in which tasks were made; any other is a shuffle of each batch of ready tasks. ``on_batch`` is
    told each batch, the last to run first: at a third of what Trio's instruments cost. It must not raise. Tasks with a
    ``rank`` of 0 or more go before the others of their batch, by rank, then by age, under every seed.
    """
    with _rolling(_Dice(seed, on_batch, rank)):
        yield


class _Order(Random):
    """In Trio's place of dice: whoever knows the order of a batch puts it in order."""

    def __init__(self, order: Callable[[list[Any]], None]) -> None:
        super().__init__(0)
        self._order = order

    def shuffle(self, x: MutableSequence[Any]) -> None:
        """Put a batch in order. Trio takes tasks from its end."""
        batch = list(x)
        self._order(batch)
        x[:] = batch


@contextmanager
def ordered_scheduling(order: Callable[[list[trio.lowlevel.Task]], None]) -> Iterator[None]:
    """``order`` puts each batch of ready tasks in order, the last to run first, in every ``trio.run`` of the block."""
    with _rolling(_Order(order)):
        yield


@contextmanager
def _rolling(own: Random) -> Iterator[None]:
    """These dice in the place of Trio's."""
    module = scheduler()
    dice, allowed = getattr(module, DICE), getattr(module, SORTED)
    setattr(module, DICE, own)
    setattr(module, SORTED, True)
    try:
        yield
    finally:
        setattr(module, DICE, dice)
        setattr(module, SORTED, allowed)


def unshield(task: trio.lowlevel.Task) -> None:
    """Let whatever cancels anything around this task reach it, through every shield of its own."""
    status: Any = task._cancel_status  # noqa: SLF001 - see above
    while status is not None:
        status._scope.shield = False  # noqa: SLF001 - as above
        status = status._parent  # noqa: SLF001 - as above


def next_deadline() -> float:
    """The earliest deadline of this run of Trio, by its clock; infinite where there is none."""
    return _runner().deadlines.next_deadline()  # type: ignore[no-any-return] # as above


@contextmanager
def watched_deadlines(on_added: Callable[[], None]) -> Iterator[None]:
    """Call ``on_added`` whenever a deadline is set in this run of Trio, at once; it must not raise."""
    runner = _runner()
    before = runner.deadlines

    class Watched(type(before)):  # type: ignore[misc] # the class of another's private value
        __slots__ = ()

        def add(self, deadline: float, cancel_scope: trio.CancelScope) -> None:
            super().add(deadline, cancel_scope)
            on_added()

    runner.deadlines = _moved(before, Watched())
    try:
        yield
    finally:
        runner.deadlines = _moved(runner.deadlines, before)


@contextmanager
def replaced_clock(make: Callable[[trio.abc.Clock], trio.abc.Clock]) -> Iterator[None]:
    """Read another clock in this run of Trio, made of its own, if that is the machine's; a virtual one stays."""
    runner = _runner()
    before = runner.clock
    if type(before) is not trio._core._run.SystemClock:  # noqa: SLF001 - see above
        yield
        return
    runner.clock = make(before)
    try:
        yield
    finally:
        runner.clock = before


def _runner() -> Any:
    return trio._core._run.GLOBAL_RUN_CONTEXT.runner  # noqa: SLF001 - see above


def _moved(source: Any, target: Any) -> Any:
    """``target`` with the deadlines of ``source``."""
    target._heap, target._active = source._heap, source._active  # noqa: SLF001 - see above
    return target
