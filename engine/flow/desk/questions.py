"""Asking the broker until it answers: ignorance is never taken for an answer, however long it lasts."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from attrs import define

from engine.core.restart import RestartPolicy
from engine.errors import GaplessError, Retryable
from engine.flow.supervisor import supervise

T = TypeVar("T")


@define(eq=False)
class Questions:
    """Asks with back-off. ``report`` is told of a question that stays open after ``tell_after`` tries, once."""

    policy: RestartPolicy
    random: Random
    report: Callable[[str], None]
    tell_after: int = 8

    async def ask(self, what: str, question: Callable[[], Awaitable[T]]) -> T:
        """The answer. ``what`` ends the sentence "It is still unknown ...". Raises what is not a `Retryable`."""
        answers: list[T] = []
        tries = 0

        async def put() -> None:
            answers.append(await question())

        def missed(failure: GaplessError, _delay_s: float) -> None:
            nonlocal tries
            tries += 1
            if tries == self.tell_after:
                self.report(f"It is still unknown {what}: {failure} It is asked until there is an answer.")

        await supervise(put, self.policy, name=what, random=self.random, retry=Retryable, on_restart=missed)
        return answers[0]
