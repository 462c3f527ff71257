"""Each measure against its limit: found beyond it, not before, under a key that stays, and said with what to do."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.histogram import Histogram
from engine.core.watch import checks
from engine.core.watch.windows import Growth, Lasting, Recent
from engine.model.alert import Finding, Severity
from engine.model.control import Gap
from engine.model.instant import NS_PER_S
from engine.model.market import Kind
from engine.model.stream import Stream


def lags(*seconds: float) -> Histogram:
    histogram = Histogram()
    for second in seconds:
        histogram.record(round(second * NS_PER_S))
    return histogram


CASES: dict[str, tuple[Callable[[], list[Finding]], Callable[[], list[Finding]]]] = {
    "lag/iex": (
        lambda: checks.find_lag("feed/iex", lags(*[1.0] * 97, 9, 9, 9), 5, 1.0, 1),
        lambda: checks.find_lag("feed/iex", lags(*[1.0] * 99, 9), 5, 1.0, 1),
    ),
    "lag/strategy/x": (
        lambda: checks.find_lag("strategy/x", lags(*[6.0] * 20), 5, 0.0, 1),
        lambda: checks.find_lag("strategy/x", lags(*[6.0] * 19), 5, 0.0, 1),
    ),
    "queue/x/trades(SPY)": (
        lambda: checks.find_queue("x", "trades(SPY)", 50, 100, 0.5, 1),
        lambda: checks.find_queue("x", "trades(SPY)", 49, 100, 0.5, 1),
    ),
    "drops/x/trades(SPY)": (
        lambda: checks.find_drops("x", "trades(SPY)", 1, 1),
        lambda: checks.find_drops("x", "trades(SPY)", 0, 1),
    ),
    "down/iex": (
        lambda: checks.find_down("iex", "lost", 31, 30, "it was cut.", 1),
        lambda: checks.find_down("iex", "lost", 30, 30, "", 1),
    ),
    "flapping/feed/iex": (
        lambda: checks.find_flapping("feed/iex", 5, 5, 600, 1),
        lambda: checks.find_flapping("feed/iex", 4, 5, 600, 1),
    ),
    "account/down": (
        lambda: checks.find_account_down("lost", 31, 30, 1),
        lambda: checks.find_account_down("listening", 0, 30, 1),
    ),
    "books": (lambda: checks.find_books("", 3, 3, 1), lambda: checks.find_books("", 2, 3, 1)),
    "books/unread": (
        lambda: checks.find_unreachable("away.", 31, 30, 1),
        lambda: checks.find_unreachable("", 0, 30, 1),
    ),
    "orders/unknown": (
        lambda: checks.find_unknown(["a", "b"], 31, 30, 1),
        lambda: checks.find_unknown([], 31, 30, 1),
    ),
    "clock/skew": (lambda: checks.find_skew(True, -3.0, 1), lambda: checks.find_skew(False, 1.0, 1)),
    "clock/unread": (lambda: checks.find_clock_unread(3, 1), lambda: checks.find_clock_unread(2, 1)),
    "loop": (lambda: checks.find_loop_lag(lags(0.1, 0.6), 0.5, 1), lambda: checks.find_loop_lag(lags(0.4), 0.5, 1)),
    "disk/state": (
        lambda: checks.find_disk("state", 499_000_000, 500, 1),
        lambda: checks.find_disk("state", 500_000_000, 500, 1),
    ),
}


@pytest.mark.parametrize("key", CASES)
def test_it_is_found_over_its_limit_and_not_at_it(key: str) -> None:
    over, within = CASES[key]
    (finding,) = over()
    assert finding.key == key
    assert finding.at_ns == 1
    assert finding.title
    assert finding.text.rstrip().endswith((".", ":"))
    assert within() == []


def test_what_is_worse_is_more_severe() -> None:
    assert checks.find_books("They differ", 0, 3, 1)[0].severity is Severity.CRITICAL
    assert checks.find_loop_lag(lags(6.0), 0.5, 1)[0].severity is Severity.CRITICAL
    assert checks.find_loop_lag(lags(1.0), 0.5, 1)[0].severity is Severity.WARNING
    assert checks.find_disk("state", 99_000_000, 500, 1)[0].severity is Severity.CRITICAL


def test_lag_is_measured_in_real_seconds_of_a_fast_market() -> None:
    assert checks.find_lag("feed/iex", lags(*[60.0] * 50), 5, 60.0, 1) == []


def test_a_gap_says_what_is_missing() -> None:
    stream = Stream(Kind.TRADES, "SPY")
    finding = checks.find_gap(Gap("iex", stream, 0, NS_PER_S, cause="history_lags", at_ns=5, recovered=3, count=1200))
    assert finding.key == "gap/iex/trades/SPY"
    assert "1,200 events" in finding.text
    assert "history_lags" in finding.title


@settings(max_examples=30)
@given(st.text(max_size=40), st.text(max_size=200))
def test_a_title_is_one_line_that_fits(name: str, reason: str) -> None:
    findings = [
        *checks.find_queue(name, reason, 1, 1, 1, 1),
        *checks.find_down(name, "lost", 2, 1, reason, 1),
    ]
    assert all("\n" not in finding.title for finding in findings)


# -- what is measured over a while


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=60))
def test_growth_is_what_came_within_the_window(steps: list[tuple[int, int]]) -> None:
    growth, at_s, value = Growth(100.0), 0, 7
    assert growth.read(value, at_s) == 0
    told: list[tuple[int, int]] = []
    for step_s, more in steps:
        at_s, value = at_s + step_s, value + more
        told.append((at_s, more))
        assert growth.read(value, at_s) == sum(count for when, count in told if at_s - when <= 100)


@given(st.lists(st.lists(st.integers(0, 1 << 40), max_size=20), min_size=1, max_size=6))
def test_a_window_holds_what_was_counted_in_it(windows: list[list[int]]) -> None:
    whole, recent = Histogram(), Recent(60.0)
    assert recent.read(whole, 0.0).count == 0
    for place, durations in enumerate(windows, 1):
        alone = Histogram()
        for duration in durations:
            whole.record(duration)
            alone.record(duration)
        last = recent.read(whole, 60.0 * place)
        assert last.counts == alone.counts
        assert last.count == alone.count
        assert last.max_ns == pytest.approx(alone.max_ns, rel=0.02, abs=1)
        assert recent.read(whole, 60.0 * place + 59).count == alone.count, "it stands until the next is over"


def test_lasting_begins_anew_after_a_break() -> None:
    lasting = Lasting()
    readings = [(True, 5), (True, 9), (False, 10), (True, 11), (True, 14)]
    assert [lasting.read(holds, at_s) for holds, at_s in readings] == [0, 4, 0, 0, 3]
