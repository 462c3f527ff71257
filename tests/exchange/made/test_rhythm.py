"""Rates follow the day and the week, and their mean is as asked."""

from random import Random

import pytest

from engine.exchange.made.rhythm import Rhythm, crypto_mood, day_moods
from engine.model.instant import NS_PER_S, parse_instant

T0 = parse_instant("2026-03-02T14:30:00Z")


@pytest.mark.parametrize("minutes", [390, 210])
def test_a_day_is_busiest_at_its_ends_and_its_mean_is_one(minutes: int) -> None:
    moods = day_moods(minutes)
    assert len(moods) == minutes
    assert sum(mood.busy for mood in moods) / minutes == pytest.approx(1)
    middle = moods[minutes // 2]
    assert moods[0].busy > 1.5 * middle.busy < moods[-1].busy
    assert moods[0].wide > 4
    assert {mood.wide for mood in moods[10:]} == {1}


def test_lunch_is_slack_on_whole_days_only() -> None:
    assert day_moods(390)[200].busy < 0.8 * day_moods(390)[120].busy
    assert day_moods(210)[200 - 60].busy == pytest.approx(day_moods(210)[130].busy, rel=0.01)


@pytest.mark.parametrize(
    ("at", "busy", "wide"),
    [
        ("2026-03-02T15:00:00Z", 1.0, 1),  # Monday, New York trades
        ("2026-03-02T14:30:00Z", 1.0, 1),
        ("2026-03-03T04:00:00Z", 0.9, 1),
        ("2026-01-19T16:00:00Z", 0.9, 1),  # a holiday
        ("2026-03-07T16:00:00Z", 0.4, 2),  # Saturday
        ("2026-03-08T08:00:00Z", 0.05, 8),  # Sunday, 4 am: summer time has just begun
        ("2026-03-01T08:00:00Z", 0.05, 8),  # Sunday, 3 am
        ("2026-03-01T11:00:00Z", 0.4, 2),
    ],
)
def test_crypto_never_closes_but_thins_out(at: str, busy: float, wide: int) -> None:
    mood = crypto_mood(parse_instant(at))
    assert (mood.busy, mood.wide) == (busy, wide)


@pytest.mark.parametrize("seed", range(3))
def test_seconds_differ_by_far_but_their_mean_is_as_asked(seed: int) -> None:
    rhythm = Rhythm(Random(seed))
    told = [rhythm.moments(T0 + n * NS_PER_S, T0 + (n + 1) * NS_PER_S, 20.0) for n in range(20_000)]
    assert all(each == sorted(each) for each in told)
    assert all(T0 + n * NS_PER_S <= ts_ns < T0 + (n + 1) * NS_PER_S for n, each in enumerate(told) for ts_ns in each)
    assert sum(map(len, told)) / 20_000 == pytest.approx(20, rel=0.15)
    assert max(map(len, told)) > 150
    assert sum(len(each) < 3 for each in told) > 1000


def test_part_of_a_second_has_its_part_of_the_events() -> None:
    rhythm = Rhythm(Random(1))
    halves = [len(rhythm.even(T0, T0 + NS_PER_S // 2, 100)) for _ in range(1000)]
    assert sum(halves) / 1000 == pytest.approx(50, rel=0.05)


def test_a_burst_is_ten_times_the_mean() -> None:
    rhythm = Rhythm(Random(1))
    rhythm.burst(T0)
    assert 5 * 100 < len(rhythm.moments(T0, T0 + NS_PER_S, 100)) < 16 * 100
