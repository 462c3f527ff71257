"""What a stream's gaps teach, and the laws of limits."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.watch.bounds import BOUNDS, Bounds, bounds_of
from engine.core.watch.cadence import LEARNT_AFTER, MEMORY, Cadence
from engine.core.watch.hours import Market, Part
from engine.model.market import Kind

gaps = st.lists(st.floats(0, 1e7), max_size=300)
bounds = st.tuples(st.floats(1, 1e4), st.floats(1, 1e4)).map(lambda pair: Bounds(min(pair), max(pair)))


def learnt(gaps_s: list[float]) -> Cadence:
    cadence = Cadence()
    for gap_s in gaps_s:
        cadence.learn(gap_s)
    return cadence


@given(gaps, bounds, st.floats(1, 10))
def test_a_limit_is_within_its_bounds(gaps_s: list[float], within: Bounds, margin: float) -> None:
    assert within.floor_s <= learnt(gaps_s).limit_s(within, margin) <= within.ceiling_s


@given(gaps)
def test_what_is_not_learnt_yet_has_the_ceiling(gaps_s: list[float]) -> None:
    cadence = learnt(gaps_s[: LEARNT_AFTER - 1])
    assert cadence.learnt_s is None
    assert cadence.limit_s(Bounds(15, 300), 3) == 300


@given(st.floats(0.3, 1e5), st.integers(LEARNT_AFTER, 500))
def test_an_even_beat_is_learnt_within_a_fifth_and_never_short(gap_s: float, beats: int) -> None:
    told_s = learnt([gap_s] * beats).learnt_s
    assert told_s is not None
    assert gap_s * 0.999 <= told_s <= gap_s * 1.2


@pytest.mark.parametrize("mean_s", [0.5, 4.0, 90.0])
def test_it_is_the_gap_that_one_in_a_hundred_exceeds(mean_s: float) -> None:
    random = Random(7)
    told_s = learnt([random.expovariate(1 / mean_s) for _ in range(5000)]).learnt_s
    assert told_s is not None
    exact_s = 4.605 * mean_s
    assert 0.85 * exact_s < told_s < 1.4 * exact_s


def test_what_was_long_ago_fades() -> None:
    cadence = learnt([60.0] * 1000)
    for _ in range(6 * MEMORY):
        cadence.learn(1.0)
    assert cadence.learnt_s == pytest.approx(1.0, rel=0.2)
    assert cadence.gaps == 1000 + 6 * MEMORY


def test_years_of_gaps_leave_the_numbers_finite() -> None:
    """The weights grow with each gap, and are scaled down before they leave the range of floats."""
    cadence = learnt([2.0] * 240_000)
    assert cadence.learnt_s == pytest.approx(2.0, rel=0.2)


def test_every_floor_leaves_history_its_time_and_every_ceiling_is_above() -> None:
    for kinds in BOUNDS.values():
        for bound in kinds.values():
            assert 15 <= bound.floor_s < bound.ceiling_s


def test_patience_stretches_both_and_what_owes_nothing_has_none() -> None:
    assert bounds_of(Market.STOCKS, Part.CORE, Kind.QUOTES, 2.0) == Bounds(30, 240)
    assert bounds_of(Market.STOCKS, Part.CORE, Kind.STATUSES) is None
    assert bounds_of(Market.NEWS, Part.CORE, Kind.NEWS) is None
