"""The points at which processes are killed: every step there is, at its first time and at later ones.

``again`` is a second death, of the process that was to clear up after the first: a start is written and sent as well.

By default the tests play `SOME` of the `CASES`: the first death of each step, and those that are found hours later.
All of them are played with ``GAPLESS_CRASH=all`` in the environment, and by ``python -m engine.testing.crash``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from engine.ports.steps import Step
from engine.testing.crash.processes import Point


@frozen
class Case:
    """Play ``play`` until ``dies``, start again until ``again`` where there is one, and start once more.

    ``later_s`` of market time pass before anything is started again.
    """

    play: str
    dies: Point
    again: Point | None = None
    later_s: float = 0.0

    def __str__(self) -> str:
        then = "" if self.again is None else f"-then-{self.again}"
        return f"{self.play}-{self.dies}{then}" + (f"-{self.later_s:g}s-later" if self.later_s else "")


_S = Step
FIRST: Final[Mapping[str, Mapping[Step, Sequence[int]]]] = {
    "orders": {
        _S.STORE_OPENING: (1,),
        _S.SESSION_WRITING: (1,),
        _S.SESSION_WRITTEN: (1,),
        _S.STORE_OPENED: (1,),
        _S.RECONCILE_ASKING: (1, 2),
        _S.RECONCILE_ANSWERED: (1, 2),
        _S.RECONCILE_WRITING: (1, 2),
        _S.RECONCILE_WRITTEN: (1, 2),
        _S.STATE_WRITING: (1, 4),
        _S.STATE_WRITTEN: (1, 4),
        _S.INTENT_WRITING: (1, 3),
        _S.INTENT_WRITTEN: (1, 3),
        _S.SUBMIT_SENDING: (1, 3),
        _S.SUBMIT_ANSWERED: (1, 3, 6),
        _S.OUTCOME_WRITING: (1, 4),
        _S.OUTCOME_WRITTEN: (1, 4),
        _S.UPDATE_TAKEN: (1, 12),
        _S.UPDATE_WRITING: (2, 25),
        _S.UPDATE_WRITTEN: (3, 25),
        _S.MARK_WRITING: (1, 12),
        _S.MARK_WRITTEN: (1, 12),
        _S.REPLACE_WRITING: (1, 2),
        _S.REPLACE_WRITTEN: (1, 2),
        _S.REPLACE_SENDING: (1, 2),
        _S.REPLACE_ANSWERED: (1, 2),
        _S.CANCEL_SENDING: (1, 3),
        _S.CANCEL_ANSWERED: (1, 3),
        _S.STORE_CLOSING: (1,),
        _S.STORE_CLOSED: (1,),
    },
    "unanswered": {
        _S.SUBMIT_NOT_ANSWERED: (1, 2),
        _S.UNKNOWN_ASKING: (1, 2),
        _S.UNKNOWN_ANSWERED: (1, 2),
        _S.CANCEL_SENDING: (2,),
        _S.CANCEL_ANSWERED: (1,),
    },
    "swallowed": {
        _S.UNKNOWN_ASKING: (3,),
        _S.UNKNOWN_ANSWERED: (3,),
        _S.RESUBMIT_SENDING: (1,),
        _S.RESUBMIT_ANSWERED: (1,),
    },
    "unavailable": {
        _S.SUBMIT_NOT_ANSWERED: (2,),
        _S.RESUBMIT_SENDING: (2,),
    },
    "killed": {
        _S.LATCH_WRITING: (1,),
        _S.LATCH_WRITTEN: (1,),
        _S.FLATTEN_CANCELING: (1,),
        _S.CANCEL_ANSWERED: (2,),
        _S.FLATTEN_CANCELED: (1,),
        _S.FLATTEN_CLOSING: (1,),
        _S.SUBMIT_SENDING: (4,),
        _S.SUBMIT_ANSWERED: (4,),
        _S.FLATTEN_CLOSED: (1,),
    },
}
"""By play and step: which of its times."""
SECOND: Final[Mapping[tuple[str, Point], Mapping[Step, Sequence[int]]]] = {
    # The intent is on disk, and nobody knows whether it was sent: the next process asks until it is sure.
    ("orders", Point(_S.INTENT_WRITTEN)): {
        _S.STORE_OPENING: (1,),
        _S.SESSION_WRITING: (1,),
        _S.SESSION_WRITTEN: (1,),
        _S.STORE_OPENED: (1,),
        _S.RECONCILE_ASKING: (1,),
        _S.RECONCILE_WRITTEN: (1,),
        _S.UNKNOWN_ASKING: (1, 3),
        _S.UNKNOWN_ANSWERED: (1, 3),
        _S.OUTCOME_WRITING: (1,),
        _S.OUTCOME_WRITTEN: (1,),
        _S.STORE_CLOSING: (1,),
        _S.STORE_CLOSED: (1,),
    },
    # The venue has it and told so, and died with that.
    ("unanswered", Point(_S.SUBMIT_NOT_ANSWERED)): {
        _S.UNKNOWN_ANSWERED: (1,),
        _S.OUTCOME_WRITING: (1,),
        _S.RECONCILE_ANSWERED: (1,),
        _S.RECONCILE_WRITING: (1, 2),
    },
    # The kill switch was tripped: the next process flattens, and dies of it too.
    ("killed", Point(_S.FLATTEN_CANCELED)): {
        _S.FLATTEN_CLOSING: (1,),
        _S.INTENT_WRITTEN: (1,),
        _S.SUBMIT_SENDING: (1,),
        _S.SUBMIT_ANSWERED: (1,),
        _S.FLATTEN_CLOSED: (1,),
    },
    ("killed", Point(_S.LATCH_WRITTEN)): {
        _S.FLATTEN_CANCELING: (1,),
        _S.CANCEL_SENDING: (1,),
        _S.FLATTEN_CANCELED: (1,),
    },
}
"""By the first death: those of the process that comes after."""
LATER_S: Final = 7500.0
"""Two hours and a little: longer than anything that the desk reads again of its own accord."""
LATER: Final[Sequence[tuple[str, Point]]] = (
    ("orders", Point(_S.SUBMIT_ANSWERED)),
    ("orders", Point(_S.UPDATE_TAKEN, 2)),
    ("orders", Point(_S.MARK_WRITING, 3)),
    ("orders", Point(_S.INTENT_WRITTEN, 4)),
    ("orders", Point(_S.REPLACE_ANSWERED)),
    ("unanswered", Point(_S.SUBMIT_NOT_ANSWERED)),
    ("swallowed", Point(_S.UNKNOWN_ASKING)),
    ("swallowed", Point(_S.RESUBMIT_ANSWERED)),
    ("killed", Point(_S.FLATTEN_CANCELED)),
    ("killed", Point(_S.SUBMIT_ANSWERED, 4)),
)
"""Deaths that are found hours later: what was left to be asked is old by then, and what was valid is not any more."""


def build_cases() -> Iterator[Case]:
    """Every case."""
    for play, points in FIRST.items():
        for step, times in points.items():
            yield from (Case(play, Point(step, nth)) for nth in times)
    for (play, first), points in SECOND.items():
        for step, times in points.items():
            yield from (Case(play, first, Point(step, nth)) for nth in times)
    yield from (Case(play, dies, later_s=LATER_S) for play, dies in LATER)


def first_of_each(cases: Sequence[Case]) -> Iterator[Case]:
    """Of each step the first death that there is of it, be it a first or a second one."""
    seen: set[Step] = set()
    for case in cases:
        step = (case.again or case.dies).step
        if step not in seen and not case.later_s:
            seen.add(step)
            yield case


CASES: Final = tuple(build_cases())
SOME: Final = tuple(dict.fromkeys((*first_of_each(CASES), *(case for case in CASES if case.later_s))))
"""The first death of each step, and those that are found hours later, which is where the most was wrong once."""
