"""Runs a strategy from its journal, record by record, until it parts from it or the journal ends."""

import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any, Final

import trio
import trio.testing
from attrs import define, field

from engine.core.fingerprint import decisions_of, fingerprints, render_decision
from engine.errors import StoreFailed
from engine.flow.journal.again.clock import HeldClock
from engine.flow.journal.again.context import RecordedContext, RecordedOrder
from engine.flow.journal.again.difference import Difference, Verified
from engine.flow.journal.again.pump import Pump
from engine.flow.journal.again.reel import Entry, Reel
from engine.flow.journal.again.stage import Parted, Stage
from engine.flow.journal.values import render_failure
from engine.flow.journal.watch import Watch
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
            Reel(own, survey.apart),
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
    """The numbers of single events that a value tells of."""
    place = text.find('"seq":')
    if '"$"' in text:
        return
    while place >= 0:
        end = place + 6
        while text[end].isdigit():
            end += 1
        yield int(text[place + 6 : end])
        place = text.find('"seq":', end)


@define(eq=False)
class _Silent:
    """What a `Watch` tells, for nobody: tasks are told apart here, and nothing is recorded."""

    dirty: bool = False
    tasks: int = 0
    stepping: Any = None

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
    clock: HeldClock = field(factory=HeldClock)
    difference: Difference | None = None
    finished: bool = False
    _inputs: deque[tuple[int, str]] = field(factory=lambda: deque(maxlen=BEFORE + 1))
    _run: trio.CancelScope | None = None
    _running: bool = False
    _ended: tuple[str, str] = ("", "")
    _taken: list[Took] = field(factory=list)
    """What was handed in since all was quiet."""
    _first: dict[str, int] = field(factory=dict)
    """By task, the place of the first input that it was handed and has not gone on with."""
    _task: trio.lowlevel.Task | None = None

    async def run(self) -> None:
        """Feed the journal to the strategy."""
        stage = self.stage
        self._task = trio.lowlevel.current_task()
        stage.make_order = lambda order: RecordedOrder(order, stage)
        async with trio.open_nursery() as nursery:
            try:
                while not self._parted() and (inputs := stage.reel.inputs()):
                    for entry in inputs:
                        self._hand_in(entry, nursery)
                    self.clock.now_s = getattr(inputs[0].record, "clock_s", self.clock.now_s)
                    await self._settle(inputs[-1].record)
                if not self._parted():
                    await self._quiet()
            except StoreFailed:
                if not self._running:
                    raise
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
        self._inputs.append((record.at_ns, describe(record)))
        self._first.setdefault(getattr(record, "task", ""), entry.place)
        if isinstance(record, Began):
            self._running, self._ended = True, ("", "")
            self._run = trio.CancelScope()
            nursery.start_soon(self._perform, record.run, self._run)
        elif isinstance(record, Answered):
            stage.answers[record.number] = record
            stage.ring()
        elif isinstance(record, Took):
            if record.number in stage.inlets:
                stage.inlets[record.number].give(record)
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
        turn, following = getattr(last, "turn", 0), self.stage.reel.next_turn()
        if turn and turn < following <= turn + ROUNDS_MAX:
            for _ in range(following - turn):
                await trio.lowlevel.cancel_shielded_checkpoint()
        else:
            await self._quiet()

    async def _quiet(self) -> None:
        """Wait until all that came of it is done, and see whether it is what came of it then."""
        await trio.testing.wait_all_tasks_blocked()
        if self._parted():
            return
        left = [took for took in self._taken if self.stage.inlets[took.number].left]
        self._taken.clear()
        missing = self.stage.reel.missing()
        if missing is not None or left:
            self._part(missing or left[0], None)

    def order(self, batch: list[trio.lowlevel.Task]) -> None:
        """Put tasks that are ready at once in the order in which they went on then, the last to go first."""
        stage = self.stage

        def place(task: trio.lowlevel.Task) -> int:
            path = stage.watch.path_of(task)
            if path is None:
                return LAST if task is self._task else 0
            return min(self._first.pop(path, LAST), stage.reel.place(path))

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
        inputs = list(self._inputs)
        self.difference = Difference(
            strategy=self.stage.name,
            recorded=recorded,
            now=now,
            at_ns=recorded.at_ns if recorded is not None else (inputs[-1][0] if inputs else 0),
            cause=inputs[-1] if inputs else None,
            before=tuple(inputs[:-1]),
        )


def describe(record: JournalRecord) -> str:
    """An input for people."""
    match record:
        case Began():
            return f"run {record.run} begins"
        case Answered():
            told = f"{record.error}: {record.sentence}" if record.error else record.value
            return f"call {record.number} answered: {told}"
        case Took():
            told = " ".join(record.values) or f"{record.count} events"
            return f"took from subscription {record.number}: {told} (market event {record.seq})"
        case Woke():
            return "a wait of its own was over"
        case Cut():
            return "the session cancelled it"
        case Ended():
            return f"the run ended: {record.how} {record.error}".strip()
        case Asked():
            return render_decision(record)
    return str(record)
