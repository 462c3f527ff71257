"""Law: refusals in a row are those of the newest orders, wherever in the row a verdict is turned over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flow.risk.exposure import VERDICTS_MAX, Tally

VERDICTS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40)


@given(VERDICTS)
def test_the_row_is_that_of_the_verdicts_as_they_stand(told: list[tuple[int, bool]]) -> None:
    tally, standing = Tally(), dict[int, bool]()
    for number, ok in told:
        assert tally.note("s", ok, f"o{number}") is (standing.get(number) is not ok)
        standing[number] = ok
    row = 0
    for ok in standing.values():
        row = 0 if ok else row + 1
    assert tally.rejects("s") == row
    tally.forgive("s")
    assert tally.rejects("s") == 0


@pytest.mark.parametrize("late", [False, True])
def test_orders_that_are_taken_and_rejected_late_are_refusals_in_a_row(late: bool) -> None:
    tally = Tally()
    for number in range(5):
        if late:
            tally.note("s", True, f"o{number}")
        tally.note("s", False, f"o{number}")
    assert tally.rejects("s") == 5


def test_the_row_is_bounded() -> None:
    tally = Tally()
    for number in range(2 * VERDICTS_MAX):
        tally.note("s", False, f"o{number}")
    assert tally.rejects("s") == VERDICTS_MAX
