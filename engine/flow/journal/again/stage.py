"""Between the journal and the strategy that runs from it: who waits for what, and what was asked that was not then."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final, NoReturn

import trio
from attrs import define, field

from engine.flow.journal.again.pump import Pump
from engine.flow.journal.again.reel import Reel
from engine.flow.journal.track import CANCELLED
from engine.flow.journal.values import MakeOrder, build, build_failure, parse
from engine.flow.journal.watch import Watch
from engine.flow.journal.words import render_words
from engine.flow.replay.scheduler import unshield
from engine.model.journal import DECISIVE, Answered, Asked, JournalRecord

OPENING: Final = frozenset({"streams", "lifecycle", "fills", "every", "merge"})
"""The calls that open a subscription."""


class Parted(BaseException):
    """The strategy has parted from its journal: nothing that it does counts any more. No strategy may catch it."""


@define(eq=False)
class Wait:
    """A task that waits for the journal; ``open`` where a deadline or a cancel of the strategy's own can end that."""

    scope: trio.CancelScope
    open: bool
    ready: Callable[[], bool]
    told: trio.Event = field(factory=trio.Event)
    cancelled: Answered | None = None
    """The end of this call then, which is to be its end now."""


@define(eq=False)
class Stage:
    """One strategy that runs from its journal."""

    name: str
    reel: Reel
    pump: Pump
    watch: Watch
    random: Random
    make_order: MakeOrder = field(init=False)
    answers: dict[int, Answered] = field(factory=dict)
    inlets: dict[int, Any] = field(factory=dict)
    """Open subscriptions by the number of their call: `engine.flow.journal.again.inlets.Taken`."""
    asked: dict[int, Asked] = field(factory=dict)
    """Calls that something may still be told of: those that are not answered, and open subscriptions."""
    waits: dict[str, Wait] = field(factory=dict)
    calls: int = 0
    decided: list[Asked] = field(factory=list)
    parted: tuple[JournalRecord | None, str | None] | None = None
    over: bool = False
    """The journal has ended: what the strategy does now is on its way out."""

    def task(self) -> str:
        """The path of the current task."""
        follower = self.watch.current()
        return "" if follower is None else follower.path

    # -- waiting

    def ring(self) -> None:
        """Something was told: who waited for it goes on, and nobody else."""
        for wait in self.waits.values():
            if wait.ready():
                wait.told.set()

    async def wait(self, ready: Callable[[], bool], *, open_: bool) -> None:  # noqa: ASYNC910 - as recorded
        """Wait until the journal has told what this task waits for."""
        path = self.task()
        while not ready():
            with trio.CancelScope(shield=not self.over) as scope:
                wait = self.waits[path] = Wait(scope, open_, ready)
                try:
                    await wait.told.wait()
                finally:
                    del self.waits[path]

    def interrupt(self, path: str) -> None:
        """A wait of this task was cancelled then: now it can be, too."""
        wait = self.waits.get(path)
        if wait is not None and wait.open and not wait.told.is_set():
            wait.scope.shield = False

    def cancel(self, answer: Answered) -> bool:
        """A call was cancelled then: now it can be, too. Returns whether its task waits for it."""
        wait = self.waits.get(answer.task)
        if wait is None or wait.open or wait.told.is_set():
            return False
        wait.cancelled, wait.scope.shield = answer, False
        return True

    def close(self) -> None:
        """Nothing more is told: who waits can be cancelled, whatever he waits for and however he shields it."""
        self.over = True
        for task in self.watch.tasks():
            unshield(task)

    # -- what is asked

    def part(self, recorded: JournalRecord | None, now: str | None) -> NoReturn:
        """This is another way than in its session."""
        if self.parted is None and not self.over and (recorded is not None or not self.reel.ran_out):
            self.parted = recorded, now
        raise Parted

    def tell(self, verb: str, words: dict[str, Any]) -> Asked:
        """The strategy calls its context."""
        if self.over:
            raise Parted
        told = render_words(words)
        recorded, same = self.reel.call(self.task(), verb, told)
        if recorded is None or not same:
            self.part(recorded, f"{verb} {told}")
        self.calls += 1
        self.asked[recorded.number] = recorded
        if verb in DECISIVE:
            self.decided.append(recorded)
        return recorded

    async def ask(
        self, verb: str, words: dict[str, Any], on_asked: Callable[[Asked], None] = lambda _: None
    ) -> tuple[Asked, Any]:
        """The strategy calls its context and waits for what came back then; ``on_asked`` is told the call before."""
        if self.over:
            await trio.sleep_forever()
        asked = self.tell(verb, words)
        on_asked(asked)
        await self.wait(lambda: asked.number in self.answers, open_=False)
        answer = self.answers.pop(asked.number)
        if verb not in OPENING:
            self.asked.pop(answer.number, None)
        if answer.error == CANCELLED:
            await trio.lowlevel.checkpoint()
            self.part(answer, None)  # it was cancelled then, and is not now
        if answer.error:
            raise build_failure(answer.error, answer.sentence, answer.value)
        return asked, parse(answer.value, self.make_order)

    def look(self, what: str) -> Any:
        """The strategy looks at something."""
        if self.over:
            raise Parted
        told = self.reel.look(self.task(), what)
        if told is None:
            self.part(None, f"look at {what}")
        if told.startswith("!"):
            raise build_failure(*build(json.loads(told[1:]), self.make_order))
        return parse(told, self.make_order)
