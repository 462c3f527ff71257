"""The fast road and the plain road of a replay are one history, whatever strategies do; so are all orders of tasks."""

from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream
from tests.flow.replay.made import Floor, MemoryTape, Outcome, replay, trade
from tests.flow.replay.programs import Op, Player, programs, tapes

TAPE = [trade(number, number * 0.25) for number in range(120)]


def play(
    events: Sequence[MarketEvent], cast: Sequence[Sequence[Op]], *, fast: bool, seed: int = 0, size: int = 65_536
) -> tuple[Outcome, dict[str, list[tuple[int, str]]]]:
    """Replay these events to these programs; what came of it, and what each of them decided."""
    decisions: dict[str, list[tuple[int, str]]] = {}

    def strategy(number: int, program: Sequence[Op]) -> Callable[[Floor], Awaitable[None]]:
        async def run(floor: Floor) -> None:
            player = Player(floor, f"s{number}")
            decisions[player.name] = player.decisions
            await player.play(program)

        return run

    strategies = [strategy(number, program) for number, program in enumerate(cast)]
    return replay(MemoryTape(events, size=size), *strategies, fast=fast, seed=seed), decisions


def history(outcome: Outcome) -> tuple[object, ...]:
    """All of what came of a replay that may not depend on the road."""
    return (
        outcome.log, outcome.told, outcome.seen, sorted(map(repr, outcome.books.items())), outcome.seq, outcome.now_ns
    )  # fmt: skip


@pytest.mark.slow
@settings(max_examples=200)
@given(
    events=tapes(),
    cast=st.lists(programs(sharing=True), min_size=1, max_size=2),
    seed=st.integers(0, 3),
    size=st.sampled_from([7, 65_536]),
)
def test_fast_and_plain_are_one_history(
    events: list[MarketEvent], cast: list[tuple[Op, ...]], seed: int, size: int
) -> None:
    fast, plain = (history(play(events, cast, fast=road, seed=seed, size=size)[0]) for road in (True, False))
    assert fast == plain


@pytest.mark.parametrize(
    "step",
    [
        ("now",),
        ("checkpoint",),
        ("sleep", 0.0),
        ("sleep", 0.25),
        ("sleep", 3.0),
        ("at", 10.0),
        ("decide", "a"),
        ("order", 3),
        ("order", 12),
        ("books",),
        ("history",),
        ("cancel",),
        ("deadline", 0.0),
        ("deadline", 1.0),
        ("shield",),
        ("leave",),
        ("set", 0),
        ("wait", 0),
        ("cancel_all",),
        ("every", 1.0, 3, (("now",),)),
        ("within", 0.25, (("now",),)),
        ("within", 1.0, (("sleep", 3.0),)),
        ("together", ((("sleep", 0.25),), (("now",),))),
        ("spawn", (("sleep", 0.5), ("decide", "b"))),
        ("spawn", (("checkpoint",), ("set", 0))),
        ("spawn", (("order", 5),)),
        ("spawn", (("order", 5), ("cancel_all",))),
        ("read", (Stream(Kind.TRADES, "A"),), "latest", 2, "one", 5, 2, (("now",),)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("how", ["one", "batch"])
def test_whatever_is_done_at_an_event_ends_a_lease_rightly(step: Op, how: str) -> None:
    read = ("read", (Stream(Kind.TRADES, "A"),), "block", 1000, how, 1000, 25, (step,))
    fast, plain = (play(TAPE, [(read,)], fast=road)[0] for road in (True, False))
    assert history(fast) == history(plain)
    assert plain.lent == 0
    assert fast.lent > 20


@pytest.mark.parametrize("full", ["block", "latest", "drop_oldest", "fail"])
def test_every_way_to_overflow_is_lent_and_loses_nothing(full: str) -> None:
    read = ("read", (Stream(Kind.TRADES, "A"),), full, 1, "one", 1000, 0, (("now",),))
    fast, plain = (play(TAPE, [(read,)], fast=road)[0] for road in (True, False))
    assert history(fast) == history(plain)
    assert fast.lent > 100
    (totals,) = [one for (name, _), one in fast.books.items() if name == "s0"]
    assert (totals.received, totals.delivered) == (len(TAPE), len(TAPE))


@pytest.mark.slow
@settings(max_examples=60)
@given(
    events=tapes(),
    cast=st.lists(programs(sharing=False), min_size=1, max_size=2),
    seeds=st.lists(st.integers(1, 1000), min_size=2, max_size=2),
)
def test_no_order_of_tasks_changes_what_is_decided_by_tasks_that_share_nothing(
    events: list[MarketEvent], cast: list[tuple[Op, ...]], seeds: list[int]
) -> None:
    first = decided(play(events, cast, fast=True, seed=0)[1])
    for seed in seeds:
        assert decided(play(events, cast, fast=True, seed=seed)[1]) == first


def decided(decisions: dict[str, list[tuple[int, str]]]) -> dict[str, list[tuple[int, str]]]:
    """Decisions of one instant are in the order of their lines."""
    return {name: sorted(each) for name, each in decisions.items()}
