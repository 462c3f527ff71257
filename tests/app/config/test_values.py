"""Law: what a person wrote becomes exactly the value it says, or one sentence that says what is allowed."""

from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.app.config.values import allowed, structure
from engine.app.secrets import Secret


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("written", "wanted", "value"),
    [
        ("false", bool, False),
        ("NO", bool, False),
        ("on", bool, True),
        (True, bool, True),
        ("10", int, 10),
        ("-3", int, -3),
        ("1e3", float, 1000.0),
        (2, float, 2.0),
        ("1.10", Decimal, Decimal("1.10")),
        (0.1, Decimal, Decimal("0.1")),
        ("A, B,", tuple[str, ...], ("A", "B")),
        (["1", 2], tuple[int, ...], (1, 2)),
        ("1,2", list[int], [1, 2]),
        ("b", Literal["a", "b"], "b"),
        ("none", float | None, None),
        ("", int | None, None),
        ("5", int | None, 5),
        ("red", Colour, Colour.RED),
        ("x/y.txt", Path, Path("x/y.txt")),
        ("key", Secret[str], Secret("key")),
    ],
)
def test_a_written_value_is_taken_as_it_is_meant(written: Any, wanted: Any, value: Any) -> None:
    told = structure(written, wanted)
    assert told == value
    assert type(told) is type(value)


@pytest.mark.parametrize(
    ("written", "wanted", "sentence"),
    [
        ("maybe", bool, "'maybe' is not true or false"),
        ("2.7", int, "'2.7' is not a whole number"),
        (2.7, int, "2.7 is not a whole number"),
        (True, int, "True is not a whole number"),
        ("ten", float, "'ten' is not a number"),
        ("nan", float, "'nan' is not a number"),
        ("inf", Decimal, "'inf' is not a decimal number"),
        (3, str, "3 is not text"),
        ("c", Literal["a", "b"], "'c' is not one of a, b"),
        ("x", int | None, "'x' is not a whole number or none"),
        ("1,x", tuple[int, ...], "'x' is not a whole number"),
        ("blue", Colour, "'blue' is not one of red"),
        (5, tuple[str, ...], "5 is not a list such as A,B"),
        ("", Path, "'' is not a path"),
        ("x", complex, "values of type"),
    ],
)
def test_a_value_that_does_not_fit_is_one_sentence(written: Any, wanted: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"is not|values of type") as caught:
        structure(written, wanted)
    assert sentence in str(caught.value)


def test_a_rejected_secret_is_not_told() -> None:
    with pytest.raises(ValueError, match="must be text") as caught:
        structure(123456, Secret[str])
    assert "123456" not in str(caught.value)


def test_what_is_allowed_is_told_in_words() -> None:
    assert allowed(tuple[int, ...]) == "a list of which each is a whole number"


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans()))
def test_text_of_a_number_or_a_truth_value_gives_it_back(value: float) -> None:
    assert structure(str(value), type(value)) == value
