"""How many of a long list of cases a run of the tests plays: some of each kind, or by a word in the environment all.

The whole lists take minutes, and whoever changes a line runs the tests far more often than a line that these cases are
about is changed. What is left out by default is played by the scripts that tell of each case, and by the environment.
"""

import os
from collections.abc import Collection, Sequence
from typing import Final, TypeVar

ALL: Final = "all"
Case = TypeVar("Case")


def choose(variable: str, every: Sequence[Case], some: Collection[Case]) -> Sequence[Case]:
    """``every`` case where the environment's ``variable`` is ``all``, else those of them that are in ``some``.

    Raises `ValueError` for one of ``some`` that there is not: a case must not get lost by being renamed.
    """
    if lost := [case for case in some if case not in every]:
        raise ValueError(f"{variable}: there is no case {', '.join(map(str, lost))}")
    return every if os.environ.get(variable) == ALL else [case for case in every if case in some]
