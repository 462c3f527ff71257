"""Asking the broker until it answers: ignorance is never taken for an answer, however long it lasts.

A question belongs to nobody. Whoever loses patience and comes back a moment later, as a way out does that cancels in
rounds, goes on where it was left: a venue that cannot be reached is asked at the same growing pauses.
"""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

import trio
from attrs import define, field

from engine.core.restart import RestartPolicy, Streak
from engine.errors import GaplessError, Retryable
from engine.flow.supervisor import supervise

T = TypeVar("T")
FORGET_S: Final = 60.0
"""A question that nobody has put for so long begins anew: what was the matter then says nothing of now."""


@define(eq=False)
class _Open:
    """A question without an answer: how often it was put, and when it may be put again."""

    tries: int
    again_s: float


@define(eq=False)
class Questions:
    """Asks with back-off. ``report`` is told of a question that stays open after ``tell_after`` tries, once."""

    policy: RestartPolicy
    random: Random
    report: Callable[[str], None]
    tell_after: int = 8
    _open: dict[str, _Open] = field(factory=dict)

    async def ask(self, what: str, question: Callable[[], Awaitable[T]]) -> T:
        """The answer. ``what`` ends the sentence "It is still unknown ...", and is the same for the same question.

        Raises what is not a `Retryable`.
        """
        answers: list[T] = []

        async def put() -> None:
            answers.append(await question())

        def missed(failure: GaplessError, delay_s: float) -> None:
            now = self._open.setdefault(what, _Open(0, 0.0))
            now.tries += 1
            now.again_s = trio.current_time() + delay_s
            if now.tries == self.tell_after:
                self.report(f"It is still unknown {what}: {failure} It is asked until there is an answer.")

        self._forget(trio.current_time() - FORGET_S)
        before = self._open.get(what)
        if before is not None:
            await trio.sleep_until(before.again_s)
        streak = Streak(before.tries if before is not None else 0)
        await supervise(
            put, self.policy, name=what, random=self.random, retry=Retryable, on_restart=missed, streak=streak
        )
        self._open.pop(what, None)
        return answers[0]

    def _forget(self, until_s: float) -> None:
        for what in [each for each, question in self._open.items() if question.again_s < until_s]:
            del self._open[what]
