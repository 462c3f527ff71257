"""The laws of the book for whatever is found in whatever order, with time passing as it likes."""

from datetime import UTC, datetime

import hypothesis.strategies as st
from attrs import evolve
from hypothesis import given

from engine.core.alerts import AlertPolicy, Book, QuietHours, Why, parse_quiet
from engine.model.alert import Finding, Severity
from tests.core.alerts.pages import NOON_S, Paging, finding, most_within

KEYS = {f"k/{number}": severity for number, severity in enumerate([*Severity] * 3)}
STEPS = st.one_of(
    st.tuples(st.just("hold"), st.frozensets(st.sampled_from(sorted(KEYS)))),
    st.tuples(st.just("tell"), st.sampled_from(sorted(KEYS))),
    st.tuples(st.just("acknowledge"), st.sampled_from(sorted(KEYS))),
    st.tuples(st.just("wait"), st.sampled_from([1, 7, 59, 61, 130, 301, 700])),
)
STORIES = st.lists(STEPS, max_size=60)
POLICIES = st.builds(
    AlertPolicy,
    notices_max=st.integers(5, 30),
    window_s=st.sampled_from([60.0, 600.0, 1000.0]),
    settle_s=st.sampled_from([0.0, 60.0]),
    remind_after_s=st.sampled_from([20.0, 300.0]),
    quiet=st.sampled_from([None, parse_quiet("12:10-12:30")]),
)


def of(key: str) -> Finding:
    return finding(key, KEYS[key])


def play(paging: Paging, story: list[tuple[str, object]]) -> tuple[set[str], set[str]]:
    """Act out a story; returns the keys that were found, and those that somebody acknowledged."""
    found: set[str] = set()
    seen: set[str] = set()
    for what, about in story:
        if what == "wait":
            assert isinstance(about, int)
            paging.wait(about)
        elif what == "hold":
            assert isinstance(about, frozenset)
            paging.hold(*map(of, sorted(about)))
            found |= about
        elif what == "tell":
            paging.tell(of(str(about)))
            found.add(str(about))
        else:
            paging.book.acknowledge(str(about), "ann", paging.now_s)
            seen.add(str(about))
    return found, seen


@given(POLICIES, STORIES)
def test_no_window_has_more_notices_than_declared_and_no_alarm_more_than_its_share(
    policy: AlertPolicy, story: list[tuple[str, object]]
) -> None:
    paging = Paging(policy, step_s=3)
    play(paging, story)
    paging.look(closing=True)
    assert most_within([at_s for at_s, _ in paging.told], policy.window_s) <= policy.notices_max
    for key in KEYS:
        closed = paging.at_s  # the last word may repeat what was told just before
        news = [at for at in paging.times_of(key, ["raised", "again", "reminder"]) if at < closed]
        assert most_within(news, 600) <= 2


@given(POLICIES, STORIES)
def test_nothing_is_lost_and_only_what_was_told_is_over(policy: AlertPolicy, story: list[tuple[str, object]]) -> None:
    paging = Paging(policy, step_s=3)
    found, seen = play(paging, story)
    paging.wait(4 * 3600)
    told = {key for _, notice in paging.told for key in notice.keys}
    assert found - seen <= told
    assert {alarm.finding.key for alarm in paging.book.standing()} == found
    for key in KEYS:
        overs = paging.times_of(key, ["over"])
        news = paging.times_of(key, ["raised", "again", "reminder", "digest"])
        assert all(min(news) < over for over in overs)
        assert most_within(overs, 600) <= 1


@given(STORIES)
def test_quiet_hours_never_delay_what_is_critical_and_tell_nothing_else(story: list[tuple[str, object]]) -> None:
    loud, quiet = Paging(step_s=3), Paging(AlertPolicy(quiet=QuietHours(*_whole_day())), step_s=3)
    only_critical = [step for step in story if not isinstance(step[1], str) or KEYS[step[1]] is Severity.CRITICAL]
    only_critical = [(what, _critical(about)) for what, about in only_critical]
    play(loud, only_critical)
    play(quiet, story)
    assert _told(quiet) == _told(loud)
    assert all(notice.severity is Severity.CRITICAL for _, notice in quiet.told)


def _whole_day() -> tuple[object, object]:
    day = parse_quiet("12:00-11:59")
    return day.begin, day.end


def _critical(about: object) -> object:
    if isinstance(about, frozenset):
        return frozenset(key for key in about if KEYS[key] is Severity.CRITICAL)
    return about


def _told(paging: Paging) -> list[tuple[float, Why, tuple[str, ...]]]:
    return [(at_s, notice.why, notice.keys) for at_s, notice in paging.told]


@given(POLICIES, STORIES)
def test_who_asks_only_when_the_book_says_so_misses_nothing(
    policy: AlertPolicy, story: list[tuple[str, object]]
) -> None:
    policy = evolve(policy, quiet=None)
    often, seldom = Paging(policy), Seldom(policy)
    play(often, story)
    play(seldom, story)
    assert _told(often) == _told(seldom)


class Seldom(Paging):
    """Looks only when the book says that there may be something."""

    def look(self, *, closing: bool = False) -> list[object]:
        return super().look() if self.book.look_s <= self.now_s else []


def test_an_empty_book_asks_for_nobody() -> None:
    book = Book()
    book.due(NOON_S, datetime.fromtimestamp(NOON_S, UTC))
    assert book.look_s == float("inf")
