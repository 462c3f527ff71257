"""No minute holds more requests than the limit, whatever the venue says, and what it says wins."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.rate import PROBE_EVERY_S, WINDOW_S, Lanes, Quota, TokenBucket, parse_quota

DATE = "Mon, 02 Mar 2026 14:31:00 GMT"
DATE_S = 1_772_461_860


def spend(bucket: TokenBucket, pauses_s: list[float]) -> list[float]:
    """When requests are made by a caller that pauses and then waits for its turn."""
    now_s, made_s = 0.0, []
    for pause_s in pauses_s:
        now_s += pause_s
        now_s += bucket.wait_s(now_s)
        bucket.take(now_s)
        made_s.append(now_s)
    return made_s


@given(limit=st.integers(1, 40), pauses_s=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.1, 1.0, 7.0, 61.0]), max_size=200))
def test_no_minute_holds_more_than_the_limit(limit: int, pauses_s: list[float]) -> None:
    made_s = spend(TokenBucket(limit), pauses_s)
    for first in range(len(made_s)):
        # The slack of a microsecond is for the rounding of floats.
        assert sum(made_s[first] <= made < made_s[first] + WINDOW_S - 1e-6 for made in made_s) <= limit


@given(limit=st.integers(10, 500))
def test_a_full_bucket_gives_its_burst_at_once_and_then_a_steady_pace(limit: int) -> None:
    bucket = TokenBucket(limit)
    made_s = spend(bucket, [0.0] * (bucket.burst + 5))
    assert made_s[: bucket.burst] == [0.0] * bucket.burst
    for before, after in pairwise(made_s[bucket.burst - 1 :]):
        assert after - before == pytest.approx(bucket.interval_s)


@given(
    seconds=st.integers(0, 1000),
    share=st.sampled_from([0.0, 0.25]),
    quota=st.builds(
        Quota,
        limit=st.none() | st.integers(0, 10**12),
        remaining=st.none() | st.integers(0, 10**6),
        reset_in_s=st.none() | st.floats(0, 1000),
        retry_after_s=st.none() | st.floats(0, 1000),
    ),
)
def test_what_the_venue_asks_for_is_waited_out(seconds: int, share: float, quota: Quota) -> None:
    lanes, now_s = Lanes(200, share), float(seconds)
    lanes.learn(quota, now_s)
    assert lanes.wait_s(now_s) >= (quota.wait_s or 0.0) - 1e-9
    if quota.remaining == 0:
        assert lanes.wait_s(now_s) > 0
    if not quota.wait_s and (quota.remaining is None or quota.remaining > lanes.limit_per_min * share):
        assert lanes.wait_s(now_s) == 0


@given(
    limit=st.integers(1, 60),
    asks=st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.1, 1.0, 7.0, 61.0]), st.booleans()), max_size=200),
)
def test_both_lanes_together_never_have_more_than_the_limit(limit: int, asks: list[tuple[float, bool]]) -> None:
    lanes, now_s, made_s = Lanes(limit, 0.25), 0.0, list[float]()
    for pause_s, urgent in asks:
        now_s += pause_s
        now_s += lanes.wait_s(now_s, urgent=urgent)
        lanes.take(now_s, urgent=urgent)
        made_s.append(now_s)
    for first in range(len(made_s)):
        assert sum(made_s[first] <= made < made_s[first] + WINDOW_S - 1e-6 for made in made_s) <= limit


def spend_lane(lanes: Lanes, now_s: float, *, urgent: bool) -> int:
    """How many requests may be made at once, making them."""
    count = 0
    while not lanes.wait_s(now_s, urgent=urgent):
        lanes.take(now_s, urgent=urgent)
        count += 1
    return count


def test_what_is_kept_for_urgent_requests_is_there_when_all_others_have_spent_theirs() -> None:
    lanes = Lanes(200, 0.25)
    assert spend_lane(lanes, 0.0, urgent=False) == 60
    assert spend_lane(lanes, 0.0, urgent=True) == 40
    assert lanes.wait_s(0.0, urgent=True) > 0


def test_urgent_requests_have_the_open_lane_too() -> None:
    assert spend_lane(Lanes(200, 0.25), 0.0, urgent=True) == 100


@given(requests=st.integers(0, 400))
def test_all_others_never_touch_the_reserve(requests: int) -> None:
    lanes, now_s = Lanes(200, 0.25), 0.0
    for _ in range(requests):
        now_s += lanes.wait_s(now_s)
        lanes.take(now_s)
    assert spend_lane(lanes, now_s, urgent=True) >= 40


def test_without_a_reserve_urgent_requests_are_like_all_others() -> None:
    lanes = Lanes(200)
    assert spend_lane(lanes, 0.0, urgent=True) == 20
    assert lanes.wait_s(0.0) == lanes.wait_s(0.0, urgent=True) > 0


def test_in_a_quiet_that_the_venue_asked_for_urgent_requests_knock_once_a_second() -> None:
    lanes = Lanes(200, 0.25)
    lanes.learn(Quota(remaining=0, retry_after_s=30.0), 0.0)
    assert lanes.wait_s(0.0) == 30.0
    assert lanes.wait_s(0.0, urgent=True) == 0
    lanes.take(0.0, urgent=True)
    assert lanes.wait_s(0.0, urgent=True) == PROBE_EVERY_S


def test_a_knock_that_is_let_in_opens_the_door_for_urgent_requests_only() -> None:
    lanes = Lanes(200, 0.25)
    lanes.learn(Quota(remaining=0, retry_after_s=30.0), 0.0)
    lanes.take(0.0, urgent=True)
    lanes.learn(Quota(limit=200, remaining=150), 0.1)
    assert spend_lane(lanes, 0.1, urgent=True) >= 39
    assert lanes.wait_s(0.1) == pytest.approx(29.9)


def test_the_reserve_grows_and_shrinks_with_the_limit() -> None:
    lanes = Lanes(200, 0.25)
    lanes.learn(Quota(limit=1000), 0.0)
    assert spend_lane(lanes, 0.0, urgent=True) == 200 + 300
    lanes = Lanes(200, 0.25)
    lanes.learn(Quota(limit=3), 0.0)
    assert spend_lane(lanes, 0.0, urgent=True) == 1


def test_a_larger_limit_is_learned_and_used_at_once() -> None:
    bucket = TokenBucket(200)
    spend(bucket, [0.0] * 20)
    assert bucket.wait_s(0.0) > 0
    bucket.learn(Quota(limit=10_000), 0.0)
    assert bucket.wait_s(0.0) == 0


def test_fewer_left_than_counted_means_that_somebody_else_spends_too() -> None:
    bucket = TokenBucket(200)
    bucket.learn(Quota(remaining=3), 100.0)
    for _ in range(3):
        assert bucket.wait_s(100.0) == 0
        bucket.take(100.0)
    assert bucket.wait_s(100.0) > 0


@pytest.mark.parametrize(
    ("headers", "quota"),
    [
        ({}, Quota()),
        ({"x-ratelimit-limit": "200", "x-ratelimit-remaining": "199"}, Quota(limit=200, remaining=199)),
        ({"date": DATE, "x-ratelimit-reset": str(DATE_S + 12)}, Quota(reset_in_s=12.0)),
        ({"date": DATE, "x-ratelimit-reset": str(DATE_S - 1)}, Quota(reset_in_s=0.0)),
        ({"x-ratelimit-reset": str(DATE_S + 12)}, Quota()),
        ({"retry-after": "7"}, Quota(retry_after_s=7.0)),
        ({"date": DATE, "retry-after": "Mon, 02 Mar 2026 14:31:30 GMT"}, Quota(retry_after_s=30.0)),
        ({"retry-after": "Mon, 02 Mar 2026 14:31:30 GMT"}, Quota()),
        ({"retry-after": "soon", "x-ratelimit-limit": "-5", "x-ratelimit-remaining": "1e3"}, Quota()),
    ],
)
def test_headers_are_read_as_written_and_nonsense_counts_as_not_said(headers: dict[str, str], quota: Quota) -> None:
    assert parse_quota(headers) == quota


def test_our_own_clock_stands_in_for_a_missing_date_only() -> None:
    headers = {"x-ratelimit-reset": str(DATE_S + 12)}
    assert parse_quota(headers, DATE_S + 2.0).reset_in_s == 10.0
    assert parse_quota({**headers, "date": DATE}, DATE_S + 2.0).reset_in_s == 12.0


@given(st.dictionaries(st.sampled_from(["date", "retry-after", "x-ratelimit-limit", "x-ratelimit-reset"]), st.text()))
def test_no_header_text_raises(headers: dict[str, str]) -> None:
    parse_quota(headers)


def test_retry_after_wins_over_the_reset() -> None:
    assert Quota(remaining=0, reset_in_s=40.0, retry_after_s=2.0).wait_s == 2.0
    assert Quota(remaining=0, reset_in_s=40.0).wait_s == 40.0
    assert Quota(remaining=1, reset_in_s=40.0).wait_s is None
