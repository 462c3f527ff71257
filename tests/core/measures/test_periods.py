"""The periods that returns are of: nights count for stocks as nothing, for coins as time."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.calendar import Phase, instant_of, phase_at
from engine.core.measures.periods import POINTS_MAX, make_grid

NS = 1_000_000_000
DAY_S = 86_400


def at(text: str) -> int:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "end", "crypto", "period", "periods", "returns"),
    [
        ("2026-03-02T14:30:00", "2026-03-02T21:00:00", False, "minute", 98_280, 390),
        ("2026-03-02T14:30:00", "2026-03-02T14:35:00", False, "second", 252 * 23_400, 300),
        ("2026-03-02T00:00:00", "2026-03-03T00:00:00", True, "minute", 525_600, 1440),
        ("2026-03-02T14:30:00", "2026-03-06T21:00:00", False, "minute", 98_280, 5 * 390),
        ("2026-03-02T14:30:00", "2026-05-29T20:00:00", False, "day", 252, 63),
        ("2026-03-01T00:00:00", "2026-04-30T00:00:00", True, "day", 365, 60),
        ("2026-02-28T15:00:00", "2026-02-28T16:00:00", False, "minute", 98_280, 60),
    ],
)  # fmt: skip
def test_the_grid_of_a_session(start: str, end: str, crypto: bool, period: str, periods: float, returns: int) -> None:
    grid = make_grid(at(start), at(end), crypto=crypto)
    assert (grid.period, grid.periods, len(grid.counted) - 1) == (period, periods, returns)


@given(start_s=st.integers(1_600_000_000, 1_800_000_000), span_s=st.integers(0, 3 * 365 * DAY_S), crypto=st.booleans())
def test_a_grid_is_bounded_and_has_both_ends(start_s: int, span_s: int, crypto: bool) -> None:
    start_ns, end_ns = start_s * NS + 5, (start_s + span_s) * NS + 5
    grid = make_grid(start_ns, end_ns, crypto=crypto)
    assert (grid.at_ns[0], grid.at_ns[-1]) == (start_ns, end_ns)
    assert all(a < b for a, b in zip(grid.at_ns, grid.at_ns[1:], strict=False))
    assert len(grid.at_ns) <= POINTS_MAX + 2
    assert (grid.counted[0], grid.counted[-1]) == (0, len(grid.at_ns) - 1)
    assert list(grid.counted) == sorted(set(grid.counted))


def test_of_a_night_only_its_end_counts() -> None:
    grid = make_grid(at("2026-03-02T20:58:00"), at("2026-03-03T14:32:00"), crypto=False)
    inner = [grid.at_ns[place] for place in grid.counted[1:-1]]
    assert all(phase_at(one - 1) is Phase.CORE for one in inner)
    assert len(inner) == 3
