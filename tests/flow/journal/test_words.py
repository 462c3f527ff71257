"""The same call has the same words."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import LimitReached
from engine.flow.journal.again.reel import same_words
from engine.flow.journal.values import build_failure, parse, render, render_failure
from engine.flow.journal.words import render_words
from engine.model.control import Gap
from engine.model.journal import HIDDEN
from engine.model.market import Bar, Kind
from engine.model.order import Fill, Side, TimeInForce
from engine.model.stream import Stream


@pytest.mark.parametrize("qty", [10, 10.0, "10", "10.00", Decimal("1E+1")])
def test_a_quantity_is_itself_however_it_was_written(qty: object) -> None:
    assert render_words({"qty": qty, "symbol": "SPY"}) == '{"qty":"10","symbol":"SPY"}'


def test_defaults_are_left_out_and_nonsense_is_kept_as_it_was_written() -> None:
    words = {"qty": "ten", "limit": float("nan"), "tif": TimeInForce.DAY, "late_ok": False, "stop": None}
    assert render_words(words) == '{"limit":"nan","qty":"ten","tif":"day"}'


@pytest.mark.parametrize(
    "value",
    [
        None,
        0.1,
        "text",
        Decimal("0.10"),
        [1, (2, Decimal(3))],
        {"SPY": Decimal(1)},
        Bar("SPY", 5, 1.1, 2.2, 0.3, 1.0, 7.0, seq=3),
        Gap("iex", Stream(Kind.TRADES, "SPY"), 1, 2, cause="dropped", at_ns=3, count=4),
        Fill(
            execution_id="e", order_id="o", symbol="SPY", side=Side.BUY, qty=Decimal("1.5"), price=Decimal(2), ts_ns=9
        ),
    ],
)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    told = parse(render(value), lambda _: pytest.fail("no order in it"))
    assert told == value
    assert type(told) is type(value)


def test_an_error_is_raised_again_with_all_that_it_told() -> None:
    error = build_failure(*render_failure(LimitReached("too much", rule="order_qty", status=403, extra={"a": "b"})))
    assert isinstance(error, LimitReached)
    assert (str(error), error.rule, error.status, error.extra) == ("too much", "order_qty", 403, {"a": "b"})
    assert isinstance(build_failure(*render_failure(ValueError("no"))), ValueError)


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=4), st.text("ab", max_size=12))
def test_a_hidden_secret_stands_for_anything_and_all_else_for_itself(pieces: list[str], said: str) -> None:
    wanted = re.fullmatch(".*".join(pieces), said) is not None
    assert same_words(HIDDEN.join(pieces), said) == wanted
    assert same_words(HIDDEN.join(pieces), "a secret".join(pieces))


def test_a_line_of_stars_is_compared_at_once() -> None:
    assert not same_words(HIDDEN.join([" "] * 200) + "b", " " * 5000)
    assert same_words("*" * 5000, "*" * 5000)
