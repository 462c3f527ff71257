"""After a day on which everything went wrong, engine and exchange agree on every order, execution, position and cent.

Days from ``scripts/chaos.py``, which plays 200 whole ones. Here are a few short ones, and each that ever ended with a
difference: those are kept for good, at the length at which they failed.
"""

import pytest

from engine.testing.chaos.day import Day, Outcome, run_day

HOUR_S = 3600.0
FAILED_ONCE: dict[int, float] = {}
"""Seeds that found a bug, with the hours that they need for it."""


def told(outcome: Outcome) -> str:
    """What a person wants to read of a day that failed."""
    return f"seed {outcome.seed}: " + "; ".join(outcome.wrong)


@pytest.mark.parametrize("seed", [1001, 1002, 1003])
def test_an_hour_of_faults_leaves_no_difference(seed: int) -> None:
    outcome = run_day(Day(seed=seed, seconds=HOUR_S, pause_s=60.0))
    assert not outcome.wrong, told(outcome)
    assert outcome.orders > 10
    assert outcome.fills > 5
    assert all(outcome.by_road().values()), outcome.hits


@pytest.mark.parametrize(("seed", "hours"), FAILED_ONCE.items())
def test_a_day_that_failed_once_leaves_no_difference(seed: int, hours: float) -> None:
    outcome = run_day(Day(seed=seed, seconds=hours * HOUR_S))
    assert not outcome.wrong, told(outcome)


def test_one_seed_is_one_day() -> None:
    first, second = (run_day(Day(seed=1004, seconds=HOUR_S / 4, pause_s=30.0)) for _ in range(2))
    assert (first.orders, first.fills, first.hits) == (second.orders, second.fills, second.hits)
