"""The law of the one retry loop: it retries what may be retried, and nothing that stands beside it."""

from collections.abc import Awaitable, Callable
from random import Random

import pytest
import trio

from engine.core.restart import RestartPolicy
from engine.errors import BudgetSpent, GaplessError, KeysRefused, LineLost, Retryable, SessionHeld
from engine.flow.supervisor import supervise


async def run(child: Callable[[], Awaitable[None]], policy: RestartPolicy, told: list[float]) -> None:
    def note(failure: GaplessError, delay_s: float) -> None:
        told.append(delay_s)

    await supervise(child, policy, name="child", random=Random(1), retry=Retryable, on_restart=note)


def failing(*errors: BaseException | None) -> Callable[[], Awaitable[None]]:
    left = list(errors)

    async def child() -> None:
        await trio.lowlevel.checkpoint()
        error = left.pop(0)
        if error is not None:
            raise error

    return child


async def test_a_child_that_returns_is_not_restarted(autojump_clock: trio.abc.Clock) -> None:
    told: list[float] = []
    await run(failing(None), RestartPolicy(), told)
    assert told == []


async def test_a_lost_line_is_retried_with_growing_delays(autojump_clock: trio.abc.Clock) -> None:
    told: list[float] = []
    await run(failing(LineLost("a"), LineLost("b"), None), RestartPolicy(delay_initial_s=1, jitter=0), told)
    assert told == [1, 2]


async def test_an_error_inside_the_groups_of_nurseries_is_found(autojump_clock: trio.abc.Clock) -> None:
    told: list[float] = []
    nested = ExceptionGroup("outer", [ExceptionGroup("inner", [LineLost("a")])])
    await run(failing(nested, None), RestartPolicy(), told)
    assert len(told) == 1


async def test_a_bug_next_to_a_disconnect_is_not_retried(autojump_clock: trio.abc.Clock) -> None:
    told: list[float] = []
    with pytest.RaisesGroup(LineLost, ZeroDivisionError):
        await run(failing(ExceptionGroup("both", [LineLost("a"), ZeroDivisionError()])), RestartPolicy(), told)
    assert told == []


async def test_a_refused_login_is_raised_as_itself_also_beside_a_disconnect(autojump_clock: trio.abc.Clock) -> None:
    with pytest.raises(KeysRefused):
        await run(failing(ExceptionGroup("both", [LineLost("a"), KeysRefused("k")])), RestartPolicy(), [])


async def test_a_spent_budget_escalates_and_names_the_last_error(autojump_clock: trio.abc.Clock) -> None:
    told: list[float] = []
    policy = RestartPolicy(restarts_max=2)
    with pytest.raises(BudgetSpent, match=r"after 2 restarts.*third"):
        await run(failing(LineLost("a"), LineLost("b"), LineLost("third")), policy, told)
    assert len(told) == 2


async def test_our_own_ghost_session_is_waited_out_without_budget(autojump_clock: trio.abc.Clock) -> None:
    told: list[float] = []
    held = [SessionHeld("406", retry_after_s=5) for _ in range(20)]
    await run(failing(*held, None), RestartPolicy(restarts_max=1, delay_max_s=2), told)
    assert told == [5] * 20


async def test_cancellation_passes_through_a_run_and_through_a_delay(autojump_clock: trio.abc.Clock) -> None:
    async def forever() -> None:
        await trio.sleep_forever()

    with trio.move_on_after(1) as during_run:
        await run(forever, RestartPolicy(), [])
    with trio.move_on_after(1) as during_delay:
        await run(failing(LineLost("a")), RestartPolicy(delay_initial_s=60, delay_max_s=60, jitter=0), [])
    assert during_run.cancelled_caught and during_delay.cancelled_caught
