"""Law: it enters far below the mean with time left, and what it holds ends by the mean, by time or by the close."""

from math import isnan, nan
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from engine import Bar, parse_instant
from strategies.mean_reversion import Distance, Move, Params, View, decide

P = Params()
CALM = View(score=0.0, held=False, waiting=False, age_s=0.0, left_s=7200.0)
MINUTE_NS = 60 * 10**9

TABLE = [
    ("far below the mean", {"score": -2.0}, Move.ENTER),
    ("not far enough", {"score": -1.9}, Move.WAIT),
    ("far above: nothing is sold short", {"score": 5.0}, Move.WAIT),
    ("nothing is known", {"score": nan}, Move.WAIT),
    ("too late to come back", {"score": -3.0, "left_s": 1800.0}, Move.WAIT),
    ("just in time", {"score": -3.0, "left_s": 1801.0}, Move.ENTER),
    ("the market is closed", {"score": -3.0, "left_s": 0.0}, Move.WAIT),
    ("one order at a time", {"score": -3.0, "waiting": True, "age_s": 60.0}, Move.WAIT),
    ("patience is over", {"score": -3.0, "waiting": True, "age_s": 120.0}, Move.GIVE_UP),
    ("patience is over for the rest", {"score": -3.0, "held": True, "waiting": True, "age_s": 120.0}, Move.GIVE_UP),
    ("held, and still below", {"score": -1.0, "held": True, "age_s": 600.0}, Move.WAIT),
    ("held, and back at the mean", {"score": -0.5, "held": True, "age_s": 600.0}, Move.EXIT),
    ("held too long", {"score": -3.0, "held": True, "age_s": 1800.0}, Move.EXIT),
    ("held too long, and nothing is known", {"score": nan, "held": True, "age_s": 1800.0}, Move.EXIT),
    ("the close is near", {"score": -3.0, "held": True, "left_s": 300.0}, Move.EXIT),
    ("the close is near, and an order waits", {"score": -3.0, "waiting": True, "left_s": 300.0}, Move.EXIT),
    ("held while closed: a market order would wait", {"held": True, "age_s": 9e9, "left_s": 0.0}, Move.WAIT),
]


@pytest.mark.parametrize(("case", "changes", "move"), TABLE, ids=[case for case, _, _ in TABLE])
def test_each_case_has_its_move(case: str, changes: dict[str, Any], move: Move) -> None:
    assert decide(P, evolve(CALM, **changes)) is move


VIEWS = st.builds(
    View,
    score=st.floats(),
    held=st.booleans(),
    waiting=st.booleans(),
    age_s=st.floats(0, 1e6),
    left_s=st.floats(0, 23_400),
)


@given(VIEWS)
def test_it_never_adds_to_what_it_has_and_never_enters_late_or_blind(view: View) -> None:
    if decide(P, view) is Move.ENTER:
        assert not view.held
        assert not view.waiting
        assert view.score <= -P.entry
        assert view.left_s > P.quiet_minutes * 60


@given(VIEWS)
def test_whatever_it_holds_ends_while_the_market_is_open(view: View) -> None:
    assert decide(P, evolve(view, held=True, age_s=P.hold_s, left_s=max(1.0, view.left_s))) is Move.EXIT


def bars(closes: list[float], start: str = "2026-03-02T14:30:00Z") -> list[Bar]:
    begin = parse_instant(start)
    return [Bar("SPY", begin + n * MINUTE_NS, x, x, x, x, 100.0) for n, x in enumerate(closes)]


@pytest.mark.parametrize("mean", ["vwap", "rolling"])
def test_a_fall_below_the_mean_scores_in_deviations_of_the_window(mean: Any) -> None:
    distance = Distance(Params(window=4, mean=mean))
    scores = [distance.update(bar) for bar in bars([100.0, 102.0, 100.0, 98.0])]
    assert [isnan(score) for score in scores] == [True, True, True, False]
    assert scores[-1] == pytest.approx(-2 / 2**0.5)


def test_the_day_has_a_mean_of_its_own_and_the_window_goes_on() -> None:
    distance = Distance(Params(window=2))
    for bar in bars([50.0, 52.0]):
        distance.update(bar)
    first = bars([100.0], "2026-03-03T14:30:00Z")[0]
    assert distance.update(first) == 0.0


def test_a_market_that_stands_still_is_at_its_mean() -> None:
    distance = Distance(Params(window=3))
    assert [distance.update(bar) for bar in bars([0.1] * 5)][2:] == [0.0, 0.0, 0.0]


def test_behind_a_gap_nothing_is_known_for_a_window() -> None:
    distance = Distance(Params(window=3))
    before, after = bars([100.0, 101.0, 99.0]), bars([80.0, 81.0, 79.0], "2026-03-02T15:30:00Z")
    for bar in before:
        distance.update(bar)
    distance.reset()
    assert [isnan(distance.update(bar)) for bar in after] == [True, True, False]


def test_bars_outside_of_regular_hours_do_not_count() -> None:
    distance = Distance(Params(window=2))
    early = bars([500.0] * 10, "2026-03-02T13:00:00Z")
    assert all(isnan(distance.update(bar)) for bar in early)
    assert isnan(distance.update(bars([100.0])[0]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbol": "BTC/USD"}, "must be a stock"),
        ({"window": 1}, "at least 2"),
        ({"exit": 2.0}, "below entry"),
        ({"exit": -0.1}, "below entry"),
        ({"qty": 0}, "above 0"),
        ({"hold_s": nan}, "above 0"),
        ({"quiet_minutes": 5.0}, "below quiet_minutes"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Params(**changes)
