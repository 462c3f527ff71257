"""What is noted of one strategy: its calls, what came back, what it took and looked at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import trio
from attrs import define, field

from engine.flow.journal.taps import Tap
from engine.flow.journal.values import render, render_failure
from engine.flow.journal.watch import Follower, Watch
from engine.model.journal import Answered, Asked, Began, Cut, Ended, JournalRecord, Read, Said, Took, Went, Woke

CANCELLED: Final = "Cancelled"
"""What is told of a call that was cancelled."""
SAME: Final = "="
"""What is told of an order that is as it was noted last."""


CUTTER: Final = "!"
"""Whoever cancels the strategy, among its tasks: those that go on after him in his round know it."""


class Place(Protocol):
    """Where records go: `engine.flow.journal.line.Line`."""

    watch: Watch | None
    clean: Callable[[str], str]

    def note(self, record: JournalRecord) -> None: ...

    def seq(self) -> int: ...

    def now_ns(self) -> int: ...

    def clock_s(self) -> float: ...

    def step_s(self) -> float: ...

    def passed_s(self) -> float: ...

    def turn(self) -> int: ...


@define(eq=False)
class Track:
    """One strategy of a session that is recorded. ``stepping`` is the task of it that ran last."""

    line: Place
    strategy: str
    stepping: Follower | None = None
    tasks: int = 0
    """How many it is."""
    dirty: bool = False
    """Whether something may have been taken that is not noted."""
    turn: int = -1
    """The last round of the scheduler in which a task went on while there were several."""
    _calls: int = 0
    _leader: str = ""
    """The only task so far that went on in that round."""
    _runs: int = 0
    _taps: dict[int, Tap] = field(factory=dict)
    _tickets: dict[str, str] = field(factory=dict)
    _over: bool = False

    # -- runs

    def begin(self) -> None:
        """A run begins in the current task."""
        self._runs += 1
        if self.line.watch is not None:
            self.line.watch.adopt(self, str(self._runs))
        self._note(Began(*self._head(), self._runs, self.line.clock_s(), self.line.turn()))

    def end(self, how: str, error: BaseException | None = None) -> None:
        """The run in the current task is over: it finished, failed or was stopped."""
        name, sentence, _ = ("", "", "") if error is None else render_failure(error)
        self._note(Ended(*self._head(), how, self.line.clean(f"{name}: {sentence}") if name else ""))
        self._taps.clear()
        self._tickets.clear()
        if self.line.watch is not None:
            self.line.watch.release()

    def close(self) -> None:
        """The strategy will not run again."""
        self._over = True

    def cut(self, turn: int, *, by_task: bool) -> None:
        """The session cancelled it in this round, by a task or because time had come."""
        if not self._over:
            self._over = True
            self._note(Cut(*self._head(), self.line.clock_s(), turn + by_task))
            if by_task:
                self.went(CUTTER, turn)

    # -- what crosses

    def asked(self, verb: str, words: str) -> int:
        """The strategy calls its context; returns the number of the call."""
        self._calls += 1
        self._note(Asked(*self._head(), self._calls, verb, words, self.task()))
        return self._calls

    def answered(self, number: int, value: object = None) -> None:
        """A call came back."""
        self._answer(number, render(value))

    def raised(self, number: int, error: BaseException) -> None:
        """A call came back by raising."""
        name, sentence, extra = render_failure(error)
        self._answer(number, extra, name, sentence)

    def cancelled(self, number: int) -> None:
        """A call was cancelled."""
        follower = self.follower()
        if follower is not None and (follower.hurried or follower.deadline_s <= self.line.passed_s()):
            self.woke(follower.path, by_time=True)
        self._answer(number, "null", CANCELLED)

    def _answer(self, number: int, value: str, error: str = "", sentence: str = "") -> None:
        clock_s, turn = self.line.step_s(), self.line.turn()
        self._note(Answered(*self._head(), number, value, error, sentence, self.task(), clock_s, turn))

    def read(self, what: str, value: object) -> None:
        """The strategy looked at something."""
        self._note(Read(*self._head(), what, render(value), self.task()))

    def failed(self, what: str, error: BaseException) -> None:
        """The strategy looked at something, and that raised."""
        name, sentence, extra = render_failure(error)
        self._note(Read(*self._head(), what, f"!{render([name, sentence, extra])}", self.task()))

    def read_ticket(self, order: str, ticket: object) -> None:
        """The strategy looked at an order: noted whole where it is not as it was noted last."""
        told = render(ticket)
        same = self._tickets.get(order) == told
        self._tickets[order] = told
        self._note(Read(*self._head(), f"order:{order}", SAME if same else told, self.task()))

    def said(self, text: str) -> None:
        """``ctx.log``."""
        self._note(Said(*self._head(), self.line.clean(text), self.task()))

    def woke(self, path: str, *, by_time: bool) -> None:
        """A wait of this task was over."""
        self._note(Woke(*self._head(), path, self.line.passed_s(), by_time, self.line.turn()))

    def went(self, path: str, turn: int) -> None:
        """A task goes on. Noted before it does, and only where it is not the only one of its round."""
        if turn != self.turn:
            self.turn, self._leader = turn, path
            return
        tasks = (self._leader, path) if self._leader else (path,)
        self._leader = ""
        self.line.note(Went(*self._head(), tasks, turn))

    # -- subscriptions

    def listen(self, tap: Tap) -> None:
        """A subscription is open."""
        self._taps[tap.number] = tap

    def unlisten(self, number: int) -> None:
        """A subscription is left: what was taken of it is noted."""
        self.flush()
        self._taps.pop(number, None)

    def tap(self, number: int) -> Tap:
        """The tap of an open subscription."""
        return self._taps[number]

    def flush(self) -> None:
        """Note what was taken until now."""
        if self.line.watch is None:
            for tap in list(self._taps.values()):
                tap.unseen()  # what a replay has lent is accounted for when somebody asks, and makes this dirty
        if not self.dirty:
            return
        self.dirty = False
        task = self.stepping.path if self.stepping is not None else self.task()
        for number, tap in self._taps.items():
            taken = tap.take()
            if taken is not None:
                clock_s, turn = self.line.step_s(), self.line.turn()
                self.line.note(Took(*self._head(), number, taken[0], taken[1], task, clock_s, turn))
            self.dirty = self.dirty or tap.holds  # the strategy goes on with what it has in hand

    def _note(self, record: JournalRecord) -> None:
        self.flush()
        self.line.note(record)

    def _head(self) -> tuple[int, int, str]:
        return self.line.seq(), self.line.now_ns(), self.strategy

    # -- tasks

    def task(self) -> str:
        """The path of the current task, empty where it is nobody's."""
        follower = self.follower()
        return "" if follower is None else follower.path

    def follower(self) -> Follower | None:
        """The current task."""
        return None if self.line.watch is None else self.line.watch.current()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What is started and waited for in this block is the engine's."""
        follower = self.follower()
        if follower is None:
            yield
            return
        if not follower.inside:
            follower.hurried, follower.deadline_s = False, trio.current_effective_deadline()
        follower.inside += 1
        try:
            yield
        finally:
            follower.inside -= 1
