"""An id of ours is a function of session, strategy and number, and says which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.ids import SEQ_MAX, STRATEGY_MAX, parse_client_order_id, render_client_order_id, safe_name

sessions = st.from_regex(r"[a-z0-9]{4,16}", fullmatch=True)
numbers = st.integers(0, SEQ_MAX)


@given(sessions, st.text(max_size=200), numbers)
def test_what_an_id_was_made_of_can_be_read_from_it(session: str, strategy: str, seq: int) -> None:
    made = render_client_order_id(session, strategy, seq)
    assert len(made) <= 100
    assert made.isascii()
    assert parse_client_order_id(made) == (session, safe_name(strategy), seq)


@given(st.text(max_size=100), st.text(max_size=100))
def test_two_names_never_give_one_id(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)


@given(st.text(max_size=100))
def test_the_safe_form_of_a_changed_name_is_the_name_of_no_other_strategy(name: str) -> None:
    if safe_name(name) != name:
        assert safe_name(safe_name(name)) != safe_name(name)


@pytest.mark.parametrize("name", ["sma_cross", "a.b.C_9", "x" * STRATEGY_MAX])
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize("session", ["", "abc", "ABCD", "a-cd", "a" * 17])
def test_a_session_that_cannot_be_read_back_is_refused(session: str) -> None:
    with pytest.raises(ValueError, match="a session is named by"):
        render_client_order_id(session, "x", 1)


@pytest.mark.parametrize("seq", [-1, SEQ_MAX + 1])
def test_a_number_that_cannot_be_written_is_refused(seq: int) -> None:
    with pytest.raises(ValueError, match="orders are counted"):
        render_client_order_id("abcd", "x", seq)


@pytest.mark.parametrize(
    "text", ["", "by hand", "abcd-x-", "abcd-x-01", "abcd-x-1-2", "ABCD-x-1", "abcd--1", "abcd-x-1\n"]
)
def test_what_is_not_ours_is_nobodys(text: str) -> None:
    assert parse_client_order_id(text) is None
