"""Every trading day of a stock has one burst of news and one interruption, and is cut into spans without a hole."""

from datetime import date
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.calendar import TradingDay, trading_day
from engine.exchange.made.moments import INTERRUPTED, NEWS_PER_S, Moment, State, cut_day, draw_moments
from engine.model.instant import NS_PER_S


def known(day: str) -> TradingDay:
    found = trading_day(date.fromisoformat(day))
    assert found is not None
    return found


MONDAY, HALF = known("2026-03-02"), known("2026-11-27")


def moment(start_s: float, length_s: float, state: State = State.NEWS) -> Moment:
    return Moment("AAPL", MONDAY.open_ns + round(start_s * NS_PER_S), length_s, state)


@settings(max_examples=200)
@given(st.integers(), st.sampled_from([MONDAY, HALF]), st.floats(1e-6, 10_000), st.floats(-0.1, 1.0))
def test_what_is_drawn_fits_the_day_and_what_is_left_of_it_is_whole(
    seed: int, day: TradingDay, rate: float, passed: float
) -> None:
    moments = draw_moments(Random(seed), "AAPL", day, rate)
    assert sum(each.state is State.NEWS for each in moments) == 1
    assert sum(each.state in INTERRUPTED for each in moments) == 1
    news = next(each for each in moments if each.state is State.NEWS)
    assert news.length_s * NEWS_PER_S <= 0.1001 * rate * (day.close_ns - day.open_ns) / NS_PER_S

    from_ns = day.pre_ns + int((day.post_ns - day.pre_ns) * passed)
    spans = cut_day(day, moments, from_ns)
    assert all(first.end_ns == second.start_ns for first, second in pairwise(spans))
    if spans:
        assert spans[0].start_ns <= max(from_ns, day.pre_ns) < spans[0].end_ns
        assert spans[-1].end_ns == day.post_ns
        assert spans[-1].state is State.POST
    else:
        assert from_ns >= day.post_ns


def test_a_day_is_cut_at_what_happens() -> None:
    spans = cut_day(MONDAY, [moment(600, 5), moment(605, 300, State.PAUSE)], MONDAY.pre_ns)
    assert [span.state for span in spans] == [
        State.PRE, State.CORE, State.NEWS, State.PAUSE, State.CORE, State.POST,
    ]  # fmt: skip


def test_what_has_begun_is_left_out() -> None:
    spans = cut_day(MONDAY, [moment(600, 300, State.HALT)], MONDAY.open_ns + 601 * NS_PER_S)
    assert [span.state for span in spans] == [State.CORE, State.POST]


@pytest.mark.parametrize(
    "moments",
    [
        [moment(-1, 5)],
        [moment(23_395, 5)],
        [moment(600, 300, State.HALT), moment(700, 5)],
        [moment(600, 5, State.CORE)],
    ],
    ids=["before the open", "until the close", "within another", "no moment at all"],
)
def test_what_cannot_happen_is_refused(moments: list[Moment]) -> None:
    with pytest.raises(ValueError, match="cannot happen on 2026-03-02"):
        cut_day(MONDAY, moments, MONDAY.pre_ns)
