"""Runs a strategy from its journal, record by record, until it parts from it or the journal ends."""

import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any, Final

import trio
import trio.testing
from attrs import define, field

from engine.core.fingerprint import decisions_of, fingerprints
from engine.errors import StoreFailed
from engine.flow.journal.again.clock import HeldClock
from engine.flow.journal.again.context import RecordedContext, RecordedOrder
from engine.flow.journal.again.difference import Difference, Verified
from engine.flow.journal.again.pump import Pump
from engine.flow.journal.again.reel import Entry, Reel, in_rounds
from engine.flow.journal.again.stage import Parted, Stage
from engine.flow.journal.again.telling import describe_input
from engine.flow.journal.track import CANCELLED, CUTTER
from engine.flow.journal.values import TAG, render_failure
from engine.flow.journal.watch import CLOCK, Watch
from engine.flow.replay.scheduler import ordered_scheduling
from engine.model.journal import Answered, Asked, Began, Cut, Ended, JournalRecord, Took, Woke
from engine.model.market import MarketEvent
from engine.ports import Strategy

BEFORE: Final = 10
"""Inputs before the one that caused a difference that are kept to be shown."""
ROUNDS_MAX: Final = 64
"""Rounds of Trio's scheduler between two inputs that are gone through one by one; after more, all is quiet anyway."""
LAST: Final = sys.maxsize


def verify_strategy(
    name: str,
    strategy: Strategy,
    params: Any,
    *,
    records: Callable[[], Iterable[JournalRecord]],
    market: Callable[[], Iterable[MarketEvent]],
    seed: int,
) -> Verified:
    """Run one strategy again. ``records`` and ``market`` begin anew with each call; ``seed`` is that of the session.

    Starts a run of Trio of its own. Raises `StoreFailed` where the session does not hold what its records tell of.
    """
    survey = _survey(record for record in records() if record.strategy == name)
    stages: list[Stage] = []
    for process in range(survey.processes):
        own = _of_process((record for record in records() if record.strategy == name), process)
        stage = Stage(
            name,
            Reel(in_rounds(own), survey.apart),
            Pump(iter(market()), survey.wanted),
            Watch(),
            Random(f"{seed}/random/{name}"),
        )
        stages.append(stage)
        verifier = Verifier(stage, strategy, params)
        with ordered_scheduling(verifier.order):
            trio.run(verifier.run, clock=verifier.clock, instruments=[stage.watch])
        if verifier.difference is not None or process == survey.processes - 1:
            break
    decided = [asked for stage in stages for asked in stage.decided]
    return Verified(
        strategy=name,
        calls=sum(stage.calls for stage in stages),
        decisions=len(decided),
        fingerprint=fingerprints(decisions_of(decided)).get(name, ""),
        difference=verifier.difference,
        finished=verifier.finished,
        lacks=verifier.lacks,
    )


@define
class _Survey:
    """What is to be known of all records before the first is handed in."""

    processes: int = 0
    """How many processes wrote the session, one after the other."""
    apart: bool = False
    wanted: Counter[int] = field(factory=Counter)


def _survey(records: Iterable[JournalRecord]) -> _Survey:
    survey = _Survey()
    for record in records:
        if isinstance(record, Began):
            survey.processes += record.run == 1
        elif isinstance(record, Asked):
            survey.apart = survey.apart or bool(record.task)
        elif isinstance(record, Took):
            survey.apart = survey.apart or bool(record.task)
            survey.wanted.update(seq for text in record.values for seq in _numbers(text))
    return survey


def _of_process(records: Iterable[JournalRecord], process: int) -> Iterator[JournalRecord]:
    """The records of one process: the first run of the next one is run 1 again."""
    place = -1
    for record in records:
        place += isinstance(record, Began) and record.run == 1
        if place > process:
            return
        if place == process:
            yield record


def _numbers(text: str) -> Iterator[int]:
    """The numbers of single events that an item tells of, as `engine.flow.journal.again.inlets` reads them."""
    waiting = [json.loads(text)] if '"seq":' in text else []
    while waiting:
        told = waiting.pop()
        if not isinstance(told, dict) or TAG in told:
            continue
        if "seq" in told:
            yield told["seq"]
        waiting += told.get("batch", ())
        waiting.append(told.get("is"))


@define(eq=False)
class _Silent:
    """What a `Watch` tells, for nobody: tasks are told apart here, and nothing is recorded."""

    dirty: bool = False
    tasks: int = 0
    stepping: Any = None
    turn: int = -1

    def went(self, path: str, turn: int) -> None:
        """The journal tells in which order they went on."""

    def flush(self) -> None:
        """Nothing is taken here that the journal did not tell."""

    def woke(self, path: str, *, by_time: bool) -> None:
        """The journal tells when."""

    def cut(self) -> None:
        """As above."""


@define(eq=False)
class Verifier:
    """One strategy, run again."""

    stage: Stage
    strategy: Strategy
    params: Any
    clock: HeldClock = field(init=False)
    difference: Difference | None = None
    finished: bool = False
    lacks: str = ""
    _inputs: deque[tuple[JournalRecord, Sequence[Any], Asked | None]] = field(factory=lambda: deque(maxlen=BEFORE + 1))
    _run: trio.CancelScope | None = None
    _running: bool = False
    _ended: tuple[str, str] = ("", "")
    _taken: list[Took] = field(factory=list)
    """What was handed in since all was quiet."""
    _first: dict[str, int] = field(factory=dict)
    """By task, the place of the first input that it was handed and has not gone on with."""
    _task: trio.lowlevel.Task | None = None
    _cutter: trio.lowlevel.Task | None = None
    _cutting: trio.Event = field(factory=trio.Event)
    _turn: int = 0
    """The round then in which the last inputs were taken, and which round it is now."""
    _round: int = 0

    def __attrs_post_init__(self) -> None:
        self.clock = HeldClock(self._read_clock)

    def _read_clock(self) -> float | None:
        """What the task that runs now read of Trio's clock then."""
        path = self.stage.watch.path_of(trio.lowlevel.current_task())
        told = None if path is None or self.stage.over else self.stage.reel.look_next(path, CLOCK)
        return None if told is None else float(told)

    async def run(self) -> None:
        """Feed the journal to the strategy."""
        stage = self.stage
        self._task = trio.lowlevel.current_task()
        stage.make_order = lambda order: RecordedOrder(order, stage)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cut)
            try:
                while not self._parted() and (inputs := stage.reel.inputs()):
                    for entry in inputs:
                        self._hand_in(entry, nursery)
                    self._turn, self._round = getattr(inputs[0].record, "turn", 0), stage.watch.turn + 1
                    self.clock.now_s = getattr(inputs[0].record, "clock_s", self.clock.now_s)
                    await self._settle(inputs[-1].record)
                if not self._parted():
                    await self._quiet()
            except StoreFailed as failure:  # of a session that was killed the last of the market may be missing
                self.lacks = str(failure)
            if stage.parted is not None and self.difference is None:
                self._part(*stage.parted)
            self.finished = self.difference is None and not self._running
            stage.close()
            nursery.cancel_scope.cancel()

    def _parted(self) -> bool:
        return self.difference is not None or self.stage.parted is not None

    def _hand_in(self, entry: Entry, nursery: trio.Nursery) -> None:
        """Give the strategy what it was given."""
        stage, record = self.stage, entry.record
        call = stage.asked.get(getattr(record, "number", 0))
        if not isinstance(record, Took):
            self._inputs.append((record, (), call))
        self._first.setdefault(getattr(record, "task", ""), entry.place)
        if isinstance(record, Began):
            self._running, self._ended = True, ("", "")
            self._run = trio.CancelScope()
            nursery.start_soon(self._perform, record.run, self._run)
        elif isinstance(record, Answered) and not (record.error == CANCELLED and stage.cancel(record)):
            stage.answers[record.number] = record
            stage.ring()
        elif isinstance(record, Took):
            if record.number in stage.inlets:
                items = stage.inlets[record.number].give(record)
                self._inputs.append((record, items[-BEFORE - 1 :], call))
                self._taken.append(record)
            else:
                self._part(record, None)
        elif isinstance(record, Woke):
            if record.by_time:
                self.clock.passed_s = max(self.clock.passed_s, record.clock_s)
            stage.interrupt(record.task)
        elif isinstance(record, Cut) and self._run is not None:
            self._run.cancel()
        elif isinstance(record, Ended):
            self._end(record)

    async def _settle(self, last: JournalRecord) -> None:  # noqa: ASYNC910 - one round at least
        """Let the strategy go on until the round in which it was given the next."""
        next_input = self.stage.reel.next_input()
        turn, following = getattr(last, "turn", 0), getattr(next_input, "turn", 0)
        if turn and turn < following <= turn + ROUNDS_MAX:
            for left in range(following - turn, 0, -1):
                if left == 1 and isinstance(next_input, Cut):
                    self._cutting.set()
                await trio.lowlevel.cancel_shielded_checkpoint()
        else:
            await self._quiet()

    async def _cut(self) -> None:
        """Cancel the strategy in its place among the tasks of a round."""
        self._cutter = trio.lowlevel.current_task()
        await self._cutting.wait()
        if self._run is not None:
            self._run.cancel()

    async def _quiet(self) -> None:
        """Wait until all that came of it is done, and see whether it is what came of it then."""
        await trio.testing.wait_all_tasks_blocked()
        if self._parted():
            return
        left: list[JournalRecord] = [wait.cancelled for wait in self.stage.waits.values() if wait.cancelled is not None]
        left += [took for took in self._taken if self.stage.inlets[took.number].left]
        self._taken.clear()
        missing = self.stage.reel.missing()
        if missing is not None or left:
            self._part(missing or left[0], None)

    def order(self, batch: list[trio.lowlevel.Task]) -> None:
        """Put tasks that are ready at once in the order in which they went on then, the last to go first."""
        stage = self.stage
        turn = self._turn + stage.watch.turn - self._round if self._turn else 0
        went = {path: rank for rank, path in enumerate(stage.reel.order(turn))} if turn else {}

        def place(task: trio.lowlevel.Task) -> tuple[int, int]:
            path = CUTTER if task is self._cutter else stage.watch.path_of(task)
            if path is None:
                return (LAST, 0) if task is self._task else (-1, 0)
            first = self._first.pop(path, LAST)
            if path in went:
                return 0, went[path]
            return 1, min(first, stage.reel.place(path))

        batch.sort(key=place, reverse=True)

    def _end(self, record: Ended) -> None:
        """The run ended then; it is to have ended the same way."""
        how, error = self._ended
        self._running = False
        missing = self.stage.reel.missing()
        if self._parted():
            return
        if missing is not None:
            self._part(missing, None)
        elif (how, error.partition(":")[0]) != (record.how, record.error.partition(":")[0]):
            self._part(record, f"{how or 'runs on'} {error}".strip())

    async def _perform(self, run: int, scope: trio.CancelScope) -> None:  # noqa: ASYNC910 - other people's code
        """One run of the strategy."""
        stage = self.stage
        stage.watch.adopt(_Silent(), str(run) if stage.reel.apart else "")  # type: ignore[arg-type] # nobody listens
        context = RecordedContext(stage)
        arguments = (context,) if self.strategy.params is None else (context, self.params)
        with scope:
            try:
                await self.strategy.run(*arguments)
                self._ended = "finished", ""
            except trio.Cancelled:
                self._ended = "stopped", ""
                raise
            except Parted:
                self._ended = "parted", ""
            except BaseExceptionGroup as group:
                self._fail(group)
                if group.subgroup(trio.Cancelled) is not None and group.subgroup(Parted) is None:
                    raise
            except Exception as error:  # noqa: BLE001 - a strategy is other people's code: whatever it raises
                self._ended = "failed", "{}: {}".format(*render_failure(error))
        stage.watch.release()

    def _fail(self, group: BaseExceptionGroup[BaseException]) -> None:
        if group.subgroup(Parted) is not None:
            self._ended = "parted", ""
        elif group.subgroup(trio.Cancelled) is not None:
            self._ended = "stopped", ""
        else:
            self._ended = "failed", "{}: {}".format(*render_failure(group))

    def _part(self, recorded: JournalRecord | None, now: str | None) -> None:
        inputs = [
            (record.at_ns, text) for record, items, call in self._inputs for text in describe_input(record, items, call)
        ][-BEFORE - 1 :]
        self.difference = Difference(
            strategy=self.stage.name,
            recorded=recorded,
            now=now,
            at_ns=recorded.at_ns if recorded is not None else (inputs[-1][0] if inputs else 0),
            cause=inputs[-1] if inputs else None,
            before=tuple(inputs[:-1]),
        )
