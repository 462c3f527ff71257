"""The order in which Trio runs tasks that are ready at the same moment, as a function of a seed.

Trio shuffles them on purpose, with dice of its own, so that no program comes to depend on an order. For a simulation
that is the one dice left that differs from run to run. Trio has no public door for it (its own test helpers and
Hypothesis use the same two private names), so this is the one module that knows them, and a test tells when a release
of Trio has moved them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import ModuleType
from typing import Any, Final

import trio

DICE: Final = "_r"
SORTED: Final = "_ALLOW_DETERMINISTIC_SCHEDULING"


def scheduler() -> ModuleType:
    """The module of Trio that rolls the dice; raises ``AttributeError`` where it no longer does so in that way."""
    module: Any = trio._core._run  # noqa: SLF001 - see above: there is no public name
    if not isinstance(getattr(module, DICE), Random) or not isinstance(getattr(module, SORTED), bool):
        raise AttributeError(f"Trio {trio.__version__} keeps something else under {DICE} or {SORTED}")
    return module  # type: ignore[no-any-return] # typed as Any, because the two names are not in its annotations


@contextmanager
def seeded_scheduling(seed: int) -> Iterator[None]:
    """One seed, one order of tasks, in every ``trio.run`` of the block; afterwards all is as it was."""
    module = scheduler()
    dice: Random = getattr(module, DICE)
    state, allowed = dice.getstate(), getattr(module, SORTED)
    dice.seed(f"{seed}/schedule")
    setattr(module, SORTED, True)
    try:
        yield
    finally:
        dice.setstate(state)
        setattr(module, SORTED, allowed)
