"""Every percentile is within 5 % of the sorted list's, the maximum is exact, and merging equals counting together."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.histogram import VALUE_MAX_NS, Histogram

# Durations of every size: uniform integers would nearly all be huge.
DURATIONS = st.integers(0, 62).flatmap(lambda bits: st.integers(0, (1 << bits) - 1))


def counted(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(values=st.lists(DURATIONS, min_size=1, max_size=200), share=st.floats(0, 1))
def test_a_percentile_is_that_of_the_sorted_list_within_five_percent(values: list[int], share: float) -> None:
    histogram = counted(values)
    exact = sorted(values)[max(1, ceil(share * len(values))) - 1]
    assert abs(histogram.percentile_ns(share) - exact) <= 0.05 * exact
    assert histogram.max_ns == max(values)
    assert histogram.count == len(values)


@given(value=st.integers(0, 63))
def test_small_values_are_exact(value: int) -> None:
    assert counted([value]).p50_ns == value


@given(left=st.lists(DURATIONS, max_size=50), right=st.lists(DURATIONS, max_size=50), share=st.floats(0, 1))
def test_merging_equals_counting_together(left: list[int], right: list[int], share: float) -> None:
    merged = counted(left)
    merged.merge(counted(right))
    together = counted(left + right)
    assert (merged.count, merged.max_ns) == (together.count, together.max_ns)
    assert merged.percentile_ns(share) == together.percentile_ns(share)


@given(value=DURATIONS, weight=st.integers(1, 1000))
def test_a_weight_counts_as_that_many(value: int, weight: int) -> None:
    weighted = Histogram()
    weighted.record(value, weight)
    assert weighted.count == weight
    assert weighted.p99_ns == counted([value] * weight).p99_ns


def test_the_bounds_hold() -> None:
    empty = Histogram()
    assert (empty.p50_ns, empty.p99_ns, empty.max_ns, empty.count) == (0, 0, 0, 0)
    assert counted([-5]).max_ns == counted([-5]).p50_ns == 0
    assert counted([VALUE_MAX_NS + 1]).max_ns == VALUE_MAX_NS
    assert counted([VALUE_MAX_NS]).p50_ns == pytest.approx(VALUE_MAX_NS, rel=0.05)
    with pytest.raises(ValueError, match="between 0 and 1"):
        empty.percentile_ns(1.5)


@given(before=st.lists(DURATIONS, max_size=20), after=st.lists(DURATIONS, max_size=20))
def test_what_was_counted_since_is_what_was_counted_after(before: list[int], after: list[int]) -> None:
    all_of_it = counted(before)
    marked = list(all_of_it.counts)
    for value in after:
        all_of_it.record(value)
    recent = all_of_it.since(marked)
    assert recent.counts == counted(after).counts
    assert recent.count == len(after)
    assert recent.max_ns == pytest.approx(max(after, default=0), rel=0.02)
