"""A question is put until it is answered, at pauses that grow whoever asks it."""

from random import Random

import trio

from engine.core.restart import RestartPolicy
from engine.errors import LineLost
from engine.flow.desk.questions import FORGET_S, Questions

POLICY = RestartPolicy(delay_initial_s=1.0, delay_max_s=8.0, jitter=0.0, restarts_max=600)


class Broker:
    """Answers nothing before ``from_s``; remembers when it was asked."""

    def __init__(self, from_s: float) -> None:
        self.from_s = from_s
        self.asked_s: list[float] = []

    async def answer(self) -> str:
        await trio.lowlevel.checkpoint()
        self.asked_s.append(trio.current_time())
        if trio.current_time() < self.from_s:
            raise LineLost("nobody is there")
        return "yes"


def build(said: list[str]) -> Questions:
    return Questions(POLICY, Random(1), said.append, tell_after=4)


async def test_whoever_comes_back_goes_on_where_the_question_was_left(autojump_clock: trio.abc.Clock) -> None:
    """A way out loses patience every three seconds, and does not hammer for that."""
    said: list[str] = []
    questions, broker = build(said), Broker(from_s=40.0)
    answer = ""
    while not answer:
        with trio.move_on_after(3.0):
            answer = await questions.ask("whether it ends", broker.answer)
    assert broker.asked_s == [0, 1, 3, 7, 15, 23, 31, 39, 47]
    assert len(said) == 1


async def test_an_answer_ends_the_pauses(autojump_clock: trio.abc.Clock) -> None:
    questions, broker = build([]), Broker(from_s=10.0)
    await questions.ask("whether it ends", broker.answer)
    broker.from_s, broker.asked_s = 16.0, []
    await questions.ask("whether it ends", broker.answer)
    assert broker.asked_s == [15, 16]


async def test_a_question_that_nobody_puts_any_more_is_forgotten(autojump_clock: trio.abc.Clock) -> None:
    questions, broker = build([]), Broker(from_s=100.0)
    with trio.move_on_after(10.0):
        await questions.ask("whether it ends", broker.answer)
    await trio.sleep(FORGET_S + 6.0)
    broker.asked_s.clear()
    await questions.ask("whether it ends", broker.answer)
    assert broker.asked_s[:3] == [76, 77, 79]
