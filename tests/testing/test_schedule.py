"""One seed gives one order of ready tasks, and nothing of it is left behind; a Trio that moves the names is noticed."""

import trio

from engine.testing.schedule import DICE, SORTED, scheduler, seeded_scheduling


def order(seed: int) -> list[int]:
    """The order in which twenty tasks take turns."""
    turns: list[int] = []

    async def take_turns(number: int) -> None:
        for _ in range(5):
            await trio.lowlevel.checkpoint()
            turns.append(number)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(take_turns, number)

    with seeded_scheduling(seed):
        trio.run(main)
    return turns


def test_trio_still_keeps_its_dice_where_we_look_for_them() -> None:
    assert scheduler().__name__.startswith("trio.")


def test_one_seed_one_order_and_another_seed_another() -> None:
    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(5)}) == 5


def test_everything_is_as_it_was_afterwards() -> None:
    module = scheduler()
    state, allowed = getattr(module, DICE).getstate(), getattr(module, SORTED)
    order(3)
    assert (getattr(module, DICE).getstate(), getattr(module, SORTED)) == (state, allowed)
