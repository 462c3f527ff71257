"""Law: an outage is two sentences, whatever happens in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.restart import Outage, told_recovery


def test_how_it_reads() -> None:
    outage = Outage("feed iex")
    assert outage.fail("the venue closed it.", 100.0, 0.25) == (
        "feed iex: down: the venue closed it. Trying again in 0.2 s, and until it is back."
    )
    assert outage.fail("refused", 101.0, 1.0) == ""
    assert outage.end(112.5, told_recovery(1200, 0)) == (
        "feed iex: back after 12.5 s and 2 tries: 1,200 events recovered, nothing is missing."
    )
    assert outage.end(113.0, "x") == ""


@pytest.mark.parametrize(
    ("recovered", "gaps", "words"),
    [
        (0, 0, "nothing was missed"),
        (1, 0, "1 event recovered, nothing is missing"),
        (0, 1, "0 events recovered, 1 hole stays open"),
        (5, 2, "5 events recovered, 2 holes stay open"),
    ],
)
def test_what_became_of_what_was_missed(recovered: int, gaps: int, words: str) -> None:
    assert told_recovery(recovered, gaps) == words


@given(st.lists(st.booleans(), max_size=60))
def test_down_and_back_take_turns(happened: list[bool]) -> None:
    outage, told = Outage("a"), []
    for now, failed in enumerate(happened):
        sentence = outage.fail("b", float(now), 1.0) if failed else outage.end(float(now), "c")
        if sentence:
            told.append("down" in sentence)
    assert told == [bool(turn % 2 == 0) for turn in range(len(told))]
