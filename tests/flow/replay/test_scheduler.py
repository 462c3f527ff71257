"""One seed gives one order of ready tasks, and nothing of it is left behind; a Trio that moves the names is noticed."""

import math

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.flow.replay.scheduler import (
    DICE,
    SORTED,
    is_cancelled,
    next_deadline,
    replaced_clock,
    scheduler,
    sealed_scheduling,
    told_cancelled,
    unshield,
    watched_deadlines,
)


def order(seed: int, *, rounds_before: int = 0, alone: int = 0) -> list[int]:
    """The order in which twenty tasks take turns, a second after others took turns for ``rounds_before`` rounds, and
    at the instant at which one was ``alone`` for some."""
    turns: list[int] = []

    async def take_turns(number: int) -> None:
        for _ in range(5):
            await trio.lowlevel.checkpoint()
            turns.append(number)

    async def waste_turns() -> None:
        for _ in range(rounds_before):
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(waste_turns)
        await trio.sleep(1)
        for _ in range(alone):
            await trio.lowlevel.checkpoint()
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(take_turns, number)

    with sealed_scheduling(seed):
        trio.run(main, clock=MockClock(autojump_threshold=0))
    return turns


def test_trio_still_keeps_its_dice_where_we_look_for_them() -> None:
    assert scheduler().__name__.startswith("trio.")


def test_one_seed_one_order_and_another_seed_another() -> None:
    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(5)}) == 5


def test_seed_0_is_the_order_of_making() -> None:
    assert order(0) == list(range(20)) * 5


def test_an_order_does_not_depend_on_how_often_the_dice_were_rolled_before() -> None:
    assert order(7) == order(7, rounds_before=13)
    assert order(7) == order(7, alone=3)


def test_tasks_with_a_rank_go_first_by_it_and_the_others_by_the_dice() -> None:
    async def take_turn(number: int, turns: list[int]) -> None:
        await trio.lowlevel.checkpoint()
        turns.append(number)

    async def main() -> list[int]:
        turns: list[int] = []
        async with trio.open_nursery() as nursery:
            for number in range(12):
                nursery.start_soon(take_turn, number, turns, name=str(number))
        return turns

    def rank(task: trio.lowlevel.Task) -> int:
        """From 0 to 2 of those up to 5, the oldest last; the others have none."""
        return 2 - int(task.name) // 2 if task.name.isdigit() and int(task.name) < 6 else -1

    orders = []
    for seed in range(6):
        with sealed_scheduling(seed, rank=rank):
            orders.append(trio.run(main))
    assert [each[:6] for each in orders] == [[4, 5, 2, 3, 0, 1]] * 6
    assert len({tuple(each[6:]) for each in orders}) == 6


def test_everything_is_as_it_was_afterwards() -> None:
    module = scheduler()
    dice, allowed = getattr(module, DICE), getattr(module, SORTED)
    state = dice.getstate()
    order(3)
    assert getattr(module, DICE) is dice
    assert (dice.getstate(), getattr(module, SORTED)) == (state, allowed)


async def test_the_next_deadline_is_the_earliest_that_is_still_meant() -> None:
    begun = next_deadline()
    now = trio.current_time()
    with trio.move_on_at(now + 50) as late, trio.move_on_at(now + 20) as early:  # noqa: ASYNC100 - Trio's books of it are what counts
        assert next_deadline() == min(begun, now + 20)
        early.deadline = math.inf
        assert next_deadline() == min(begun, now + 50)
        late.deadline = now + 30
        assert next_deadline() == min(begun, now + 30)
    assert next_deadline() == begun


async def test_every_deadline_that_is_set_is_told_at_once_and_still_passes() -> None:
    told: list[int] = []
    with watched_deadlines(lambda: told.append(1)):
        with trio.move_on_after(60) as scope:  # noqa: ASYNC100 - Trio's books of it are what counts
            assert len(told) == 1
            scope.deadline += 1
            assert len(told) == 2
        with trio.move_on_after(0) as passed:
            await trio.sleep_forever()
        assert passed.cancelled_caught
        before = len(told)
        with trio.move_on_after(0.001) as kept:
            with watched_deadlines(lambda: None):
                pass
            await trio.sleep_forever()
    assert kept.cancelled_caught
    assert len(told) == before + 1
    with trio.move_on_after(60):  # noqa: ASYNC100 - Trio's books of it are what counts
        assert len(told) == before + 1


async def test_a_task_that_cancelled_itself_is_cancelled() -> None:
    task = trio.lowlevel.current_task()
    with trio.CancelScope() as scope:  # noqa: ASYNC100 - Trio's books of it are what counts
        assert not is_cancelled(task)
        scope.cancel()
        assert is_cancelled(task)
        scope.shield = True
        assert is_cancelled(task)
        with trio.CancelScope(shield=True):  # noqa: ASYNC100 - Trio's books of it are what counts
            assert not is_cancelled(task)
    assert not is_cancelled(task)


async def test_a_task_goes_on_by_being_cancelled_or_by_what_it_waited_for() -> None:
    told: dict[str, bool] = {}

    class Listener(trio.abc.Instrument):
        def task_scheduled(self, task: trio.lowlevel.Task) -> None:
            if task.name in names:
                told[names[task.name]] = told_cancelled(task)

    async def wait(name: str, event: trio.Event, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        trio.lowlevel.current_task().name = name
        names[name] = name
        with trio.CancelScope() as scope:
            task_status.started(scope)
            await event.wait()

    names: dict[str, str] = {}
    rung, never = trio.Event(), trio.Event()
    listener = Listener()
    async with trio.open_nursery() as nursery:
        await nursery.start(wait, "rung", rung)
        scope = await nursery.start(wait, "cancelled", never)
        await wait_all_tasks_blocked()
        trio.lowlevel.add_instrument(listener)
        rung.set()
        scope.cancel()
    trio.lowlevel.remove_instrument(listener)
    assert told == {"rung": False, "cancelled": True}


async def test_a_task_without_its_shields_can_be_cancelled_from_outside() -> None:
    async def hide(task_status: trio.TaskStatus[trio.lowlevel.Task]) -> None:
        with trio.CancelScope(shield=True), trio.CancelScope(shield=True):
            task_status.started(trio.lowlevel.current_task())
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        task = await nursery.start(hide)
        nursery.cancel_scope.cancel()
        unshield(task)  # or this would wait for ever


def test_the_clock_of_the_machine_is_replaced_and_a_virtual_one_stays() -> None:
    class Ahead(trio.abc.Clock):
        def __init__(self, inner: trio.abc.Clock) -> None:
            self.inner = inner

        def start_clock(self) -> None:
            raise AssertionError

        def current_time(self) -> float:
            return self.inner.current_time() + 1e6

        def deadline_to_sleep_time(self, deadline: float) -> float:
            return self.inner.deadline_to_sleep_time(deadline - 1e6)

    async def look() -> tuple[bool, bool]:
        before = trio.current_time()
        with replaced_clock(Ahead):
            ahead = trio.current_time() - before > 1e5
            await trio.lowlevel.checkpoint()
        return ahead, trio.current_time() - before < 1e5

    assert trio.run(look) == (True, True)
    assert trio.run(look, clock=MockClock()) == (False, True)
