"""The one retry loop of the engine.

A supervised child is restarted for the errors that say "try again" and for nothing else: a bug next to a disconnect
is a bug, a refused login stays refused, and cancellation passes through. When the budget of the policy is spent, the
supervisor raises to its parent instead of going quiet.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from random import Random
from typing import Final

import trio

from engine.core.restart import RestartPolicy, Streak, decide_restart
from engine.errors import BudgetSpent, GaplessError, SessionHeld, VenueBusy

WORK: Final[ContextVar[str]] = ContextVar("work", default="session")
"""Whose work a task does, for the lines that it logs: ``feed iex``, ``strategy sma_cross``. Tasks that it starts
inherit it.

Not Trio's names of tasks: those tell functions, and a simulation draws its pace from them."""
NEW: Final = Streak()
"""Nothing has failed yet."""


def sole_failure(error: BaseException) -> GaplessError | None:
    """The one error of ours that this is, also inside the groups that nurseries raise; else ``None``.

    Several errors of ours beside each other are one failure told by many tasks: the first that is not to be retried
    counts, else the first.
    """
    leaves = list(_leaves(error))
    if not leaves or not all(isinstance(leaf, GaplessError) for leaf in leaves):
        return None
    ours = [leaf for leaf in leaves if isinstance(leaf, GaplessError)]
    return min(ours, key=lambda leaf: leaf.exit_code == VenueBusy.exit_code)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


async def supervise(
    child: Callable[[], Awaitable[None]],
    policy: RestartPolicy,
    *,
    name: str,
    random: Random,
    retry: type[GaplessError],
    on_restart: Callable[[GaplessError, float], None],
    clock_s: Callable[[], float] = trio.current_time,
    streak: Streak = NEW,
) -> None:
    """Run ``child`` until it returns, restarting it by ``policy`` when it fails with ``retry``.

    ``on_restart`` is told the error and the delay in seconds before each restart. ``clock_s`` measures how long a run
    lasted, where that is not Trio's time: on a tape at a hundred times its speed, cuts too come a hundred times as
    fast, and a line that brought a market minute was healthy. ``streak`` is where a former loop with the same child
    was left. Raises `BudgetSpent` when the policy allows no further restart, and whatever else the child raises,
    unwrapped if it is one error of ours.
    """
    WORK.set(name)
    while True:
        started_s = clock_s()
        try:
            await child()
            return
        except (GaplessError, BaseExceptionGroup) as error:
            failure = sole_failure(error)
            if failure is None:
                raise
            if not isinstance(failure, retry):
                raise failure from None
        decision = decide_restart(
            policy,
            streak,
            ran_s=clock_s() - started_s,
            now_s=trio.current_time(),
            random=random,
            asked_delay_s=failure.retry_after_s if isinstance(failure, VenueBusy) else None,
            counts=not isinstance(failure, SessionHeld),
        )
        streak = decision.streak
        if decision.delay_s is None:
            raise BudgetSpent(
                f"{name}: gave up after {policy.restarts_max} restarts within {policy.window_s:g} s; last: {failure}"
            ) from failure
        on_restart(failure, decision.delay_s)
        await trio.sleep(decision.delay_s)
