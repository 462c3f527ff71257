"""Laws: chance that a seed does not govern is found, whatever it comes from, and the dice are put back."""

import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from engine.app.lint.dice import check_hash, check_random, check_schedule
from engine.app.lint.verdict import Bench, ChildRun
from engine.app.replay.options import ReplayOptions
from engine.model.journal import Asked
from engine.model.market import MarketEvent
from engine.ports.tape import Tape
from tests.app.lint.conftest import Lab, Rule, decide


def every(told: Sequence[MarketEvent], _options: ReplayOptions, _tape: Tape) -> Iterator[Asked]:
    """Takes each tenth trade."""
    for event in told[::10]:
        yield decide(event)


def some(chance: Callable[[ReplayOptions], random.Random]) -> Rule:
    """Takes a trade at random."""

    def rule(told: Sequence[MarketEvent], options: ReplayOptions, _tape: Tape) -> Iterator[Asked]:
        dice = chance(options)
        for event in told:
            if dice.random() < 0.3:
                yield decide(event)

    return rule


def test_what_no_chance_decides_passes(lab: Lab) -> None:
    bench = lab.bench(every)
    assert check_random(bench).outcome == check_schedule(bench).outcome == "ok"


def test_the_global_dice_are_found(lab: Lab) -> None:
    verdict = check_random(lab.bench(some(lambda _: random)))  # type: ignore[arg-type, return-value] # the module is used as its own dice
    assert verdict.outcome == "finding"
    assert "seed 1" in verdict.evidence[1]
    assert "seed 2" in verdict.evidence[2]


def test_dice_of_its_own_pass(lab: Lab) -> None:
    assert check_random(lab.bench(some(lambda options: random.Random(options.seed)))).outcome == "ok"


def test_the_global_dice_are_as_before(lab: Lab) -> None:
    bench = lab.bench(some(lambda _: random))  # type: ignore[arg-type, return-value] # the module is used as its own dice
    before = random.getstate()
    check_random(bench)
    assert random.getstate() == before


def test_numpy_has_global_dice_too(lab: Lab) -> None:
    numpy = pytest.importorskip("numpy.random")
    assert check_random(lab.bench(some(lambda _: numpy))).outcome == "finding"


def test_a_race_is_found_and_both_orders_are_named(lab: Lab) -> None:
    verdict = check_schedule(lab.bench(some(lambda options: random.Random(options.schedule))))
    assert verdict.outcome == "finding"
    assert "schedule 0" in verdict.evidence[1]


def hashed(lab: Lab, **runs: ChildRun) -> Bench:
    def child(*, hash_seed: int, sealed: bool) -> ChildRun:
        return runs.get(f"seed_{hash_seed}", ChildRun(fingerprint="a", lines=("T buy 1 (mine)",)))

    return lab.bench(every, child)


def test_processes_that_agree_pass(lab: Lab) -> None:
    assert check_hash(hashed(lab)).outcome == "ok"


def test_an_order_of_sets_is_found(lab: Lab) -> None:
    verdict = check_hash(hashed(lab, seed_2=ChildRun(fingerprint="b", lines=("T sell 1 (mine)",))))
    assert verdict.outcome == "finding"
    assert verdict.evidence[0] == "T"
    assert "sell" in verdict.evidence[2]


def test_a_process_that_does_not_run_is_said(lab: Lab) -> None:
    verdict = check_hash(hashed(lab, seed_1=ChildRun(trouble="no such strategy.")))
    assert verdict.outcome == "finding"
    assert "PYTHONHASHSEED=1" in verdict.sentence


def test_without_a_name_no_process_can_run_it(lab: Lab) -> None:
    assert check_hash(lab.bench(every)).outcome == "skipped"
