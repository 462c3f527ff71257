"""Laws of single alarms: told once, told again by the rules, told to be over, and never more than a person can bear."""

from datetime import UTC, datetime

import pytest

from engine.core.alerts import AlertPolicy, Why, parse_moment, parse_quiet
from engine.core.alerts.book import KEPT_FOR_CRITICAL, KEYS_MAX
from engine.core.alerts.entry import OPEN_S, TEXT_CHARS_MAX
from engine.model.alert import Severity
from tests.core.alerts.pages import BERLIN, Paging, finding, most_within

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


def whys(paging: Paging) -> list[str]:
    return [notice.why.value for _, notice in paging.told]


def test_an_alarm_is_told_once_however_often_it_is_found() -> None:
    paging = Paging()
    for _ in range(100):
        paging.hold(finding("silent/SPY"))
        paging.wait(1)
    assert whys(paging) == ["raised"]
    (alarm,) = paging.book.standing()
    assert (alarm.count, alarm.over, alarm.last_s - alarm.since_s) == (1, False, 99)


def test_what_was_told_is_told_to_be_over_once_it_has_settled() -> None:
    paging = Paging()
    paging.hold(finding("silent/SPY"))
    paging.wait(10)
    paging.hold()
    assert paging.wait(59) == []
    assert paging.book.standing()[0].over
    (over,) = paging.wait(60)
    assert (over.why, over.severity) == (Why.OVER, WARNING)
    assert over.title.startswith("OVER: silent/SPY")
    assert paging.over == ["silent/SPY"]


def test_two_sources_hold_one_alarm_until_neither_does() -> None:
    paging = Paging()
    paging.hold(finding("disk"), source="watch")
    paging.hold(finding("disk"), source="health")
    paging.wait(5)
    paging.hold(source="watch")
    paging.wait(300)
    assert whys(paging) == ["raised"]
    paging.hold(source="health")
    paging.wait(61)
    assert whys(paging) == ["raised", "over"]


@pytest.mark.parametrize("severity", [WARNING, CRITICAL])
def test_a_hundred_flaps_in_ten_minutes_are_at_most_two_notices_and_one_recovery(severity: Severity) -> None:
    paging = Paging()
    for _ in range(100):
        paging.hold(finding("line", severity))
        paging.wait(3)
        paging.hold()
        paging.wait(3)
    assert len(paging.told) <= 2
    assert paging.book.standing()[0].count == 100
    paging.wait(120)
    assert whys(paging).count("over") == 1
    assert len(paging.over) == 1


@pytest.mark.parametrize("half_s", [45, 90, 200, 400])
def test_slow_flapping_is_bounded_too_for_hours(half_s: int) -> None:
    paging = Paging()
    for _ in range(4 * 3600 // (2 * half_s)):
        paging.hold(finding("line", CRITICAL))
        paging.wait(half_s)
        paging.hold()
        paging.wait(half_s)
    told = paging.times_of("line", ["raised", "again", "reminder"])
    assert most_within(told, 600) <= 2
    assert most_within(paging.times_of("line", ["over"]), 600) <= 1
    assert len(told) < 12


def test_what_is_critical_is_repeated_ever_more_seldom_and_escalated_until_acknowledged() -> None:
    paging = Paging()
    paging.hold(finding("blind", CRITICAL))
    paging.look()
    paging.wait(6 * 3600)
    times = [at_s for at_s, _ in paging.told]
    assert times == [0, 300, 600, 1800, 4200, 7800, 11400, 15000, 18600]
    assert [notice.further for _, notice in paging.told][:4] == [False, False, True, True]
    assert "acknowledged" in paging.told[2][1].text
    assert paging.book.acknowledge("blind", "ann", paging.now_s)
    assert paging.wait(6 * 3600) == []
    assert paging.book.standing()[0].acknowledged == "ann"
    paging.hold()
    (over,) = paging.wait(100)
    assert over.further  # whoever was woken is told that it is over


def test_a_warning_is_not_repeated() -> None:
    paging = Paging()
    paging.hold(finding("slow"))
    paging.wait(24 * 3600)
    assert whys(paging) == ["raised"]


def test_getting_worse_is_told_at_once_also_when_it_was_acknowledged() -> None:
    paging = Paging()
    paging.hold(finding("disk"))
    paging.wait(2)
    paging.book.acknowledge("disk", "ann", paging.now_s)
    paging.hold(finding("disk", CRITICAL))
    (worse,) = paging.wait(1)
    assert (worse.why, worse.severity) == (Why.RAISED, CRITICAL)
    paging.hold(finding("disk"))
    assert paging.wait(3600) == []  # no reminder that it is critical when it is not any more
    paging.hold(finding("disk", CRITICAL))
    assert [notice.why for notice in paging.wait(1)] == [Why.REMINDER]


def test_an_occurrence_waits_to_be_looked_at_and_is_let_go_after_a_day() -> None:
    paging = Paging(step_s=60)
    paging.tell(finding("halted/audit"))
    paging.look()
    paging.wait(OPEN_S - 60)
    assert not paging.book.standing()[0].over
    paging.wait(120)
    assert paging.book.standing()[0].over
    assert whys(paging) == ["raised"]


def test_an_acknowledged_occurrence_is_over_and_a_new_one_is_told_again() -> None:
    paging = Paging()
    paging.tell(finding("halted/audit"))
    paging.wait(1)
    assert paging.book.acknowledge("halted/audit", "ann", paging.now_s)
    assert not paging.book.acknowledge("halted/audit", "ann", paging.now_s)
    assert not paging.book.acknowledge("nothing", "ann", paging.now_s)
    assert paging.book.standing()[0].over
    assert paging.wait(3600) == []
    paging.tell(finding("halted/audit"))
    assert [notice.why for notice in paging.wait(1)] == [Why.AGAIN]


def test_an_occurrence_that_goes_on_happening_is_told_ever_more_seldom() -> None:
    paging = Paging()
    for _ in range(100):
        paging.tell(finding("refused"))
        paging.wait(90)
    assert most_within(paging.times_of("refused", ["raised", "again"]), 600) <= 2
    assert 4 <= len(paging.told) <= 8
    assert paging.book.standing()[0].count == 100


def test_what_came_and_went_before_it_could_be_told_is_told_as_over_and_only_once() -> None:
    paging = Paging()
    paging.hold(finding("line"))
    paging.hold()
    (told,) = paging.wait(1)
    assert "it is over by now" in told.text
    assert paging.wait(3600) == []


def test_what_comes_back_before_it_was_told_to_be_over_is_no_news() -> None:
    paging = Paging()
    for _ in range(2):
        paging.hold(finding("line"))
        paging.wait(10)
        paging.hold()
        paging.wait(80)
    assert whys(paging) == ["raised", "over", "again"]  # the second end is too soon after the first to be told
    paging.hold(finding("line"))
    assert paging.wait(2000) == []
    paging.hold()
    assert [notice.why for notice in paging.wait(61)] == [Why.OVER]


# -- quiet hours


@pytest.mark.parametrize(
    ("hours", "moment", "quiet"),
    [
        ("22:00-07:00", "22:00", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("22:00-07:00", "21:59", False),
        ("01:30-05:00", "01:30", True),
        ("01:30-05:00", "05:00", False),
        ("01:30-05:00", "23:00", False),
    ],
)
def test_quiet_hours_begin_at_their_beginning_and_end_before_their_end(hours: str, moment: str, quiet: bool) -> None:
    assert parse_quiet(hours).covers(parse_moment(moment)) is quiet


def night(hour: int, minute: int = 0, day: int = 4, month: int = 3) -> float:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).timestamp()


QUIET = AlertPolicy(quiet=parse_quiet("22:00-07:00"))


def test_quiet_hours_hold_back_what_is_not_critical_and_lose_nothing() -> None:
    paging = Paging(QUIET, start_s=night(21, 59), zone=BERLIN, step_s=5)
    paging.hold(finding("early"))
    paging.look()
    paging.wait(120)
    keys = [f"silent/{number}" for number in range(40)]
    for key in keys:
        paging.tell(finding(key, INFO))
    paging.hold(finding("blind", CRITICAL))
    woken = paging.wait(5)
    assert [(notice.why, notice.keys) for notice in woken] == [(Why.RAISED, ("blind",))]
    paging.hold()
    assert [notice.why for notice in paging.wait(120)] == [Why.OVER]  # of the critical one: somebody is awake for it
    paging.wait(night(6, 59, 5) - paging.now_s)
    assert len(paging.told) == 3
    (morning,) = paging.wait(120)
    assert morning.why is Why.DIGEST
    assert set(morning.keys) == {*keys, "early"}
    assert "quiet hours" in morning.title
    assert all(str(number) in morning.text for number in range(40))


def test_a_storm_of_what_is_critical_is_told_in_the_night_too() -> None:
    paging = Paging(QUIET, start_s=night(23), zone=BERLIN)
    for number in range(60):
        paging.tell(finding(f"blind/{number}", CRITICAL))
        paging.tell(finding(f"slow/{number}"))
        paging.wait(5)
    paging.wait(200)
    told = {key for _, notice in paging.told for key in notice.keys}
    assert told == {f"blind/{number}" for number in range(60)}


@pytest.mark.parametrize(("day", "month", "hours"), [(28, 3, 8), (24, 10, 10), (4, 3, 9)])
def test_quiet_hours_go_by_the_clock_on_the_wall_also_when_it_is_changed(day: int, month: int, hours: int) -> None:
    paging = Paging(QUIET, start_s=night(22, 0, day, month), zone=BERLIN, step_s=10)
    paging.tell(finding("one"))
    paging.look()
    paging.wait(hours * 3600 - 10)
    assert paging.told == []
    assert len(paging.wait(40)) == 1
    assert paging.local.hour == 7


def test_the_end_of_the_session_delivers_what_the_night_held_back() -> None:
    paging = Paging(QUIET, start_s=night(23), zone=BERLIN)
    for number in range(5):
        paging.tell(finding(f"one/{number}"))
    assert paging.wait(60) == []
    (digest,) = paging.look(closing=True)
    assert len(digest.keys) == 5


def test_the_end_of_the_session_tells_what_had_to_wait_for_its_turn() -> None:
    paging = Paging()
    for _ in range(4):
        paging.tell(finding("refused"))
        paging.wait(61)
    assert whys(paging) == ["raised", "again"]
    assert [notice.why for notice in paging.look(closing=True)] == [Why.AGAIN]


# -- heartbeat


@pytest.mark.parametrize(("day", "month"), [(28, 3), (24, 10), (4, 3)])
def test_the_heartbeat_comes_once_a_day_by_the_clock_on_the_wall(day: int, month: int) -> None:
    policy = AlertPolicy(heartbeat_at=parse_moment("2:30"))
    paging = Paging(policy, start_s=night(12, 0, day, month), zone=BERLIN, step_s=60)
    paging.wait(3 * 86_400)
    assert whys(paging) == ["heartbeat"] * 3
    assert paging.told[0][1].title == "All well: no alarm stands"


def test_the_heartbeat_says_when_not_all_is_well() -> None:
    paging = Paging(AlertPolicy(heartbeat_at=parse_moment("12:30")), step_s=60)
    paging.hold(finding("silent/SPY"))
    paging.wait(3600)
    assert whys(paging) == ["raised", "heartbeat"]
    assert "not all well: 1 alarms (1 warning)" in paging.told[1][1].title
    assert "silent/SPY" in paging.told[1][1].text


# -- storms


def test_ten_thousand_alarms_in_a_minute_are_few_notices_and_none_is_lost() -> None:
    paging = Paging()
    keys = [f"silent/iex/trades/S{number}" for number in range(250)]
    for second in range(60):
        for number in range(167):
            paging.tell(finding(keys[(second * 167 + number) % 250], CRITICAL if number == 0 else WARNING))
        paging.wait(1)
    paging.wait(600)
    assert most_within([at_s for at_s, _ in paging.told], 600) <= paging.policy.notices_max
    assert {alarm.finding.key for alarm in paging.book.standing()} == set(keys)
    assert sum(alarm.count for alarm in paging.book.standing()) == 60 * 167
    named = " ".join(f"{notice.text} {notice.title}" for _, notice in paging.told).replace(",", " ").split()
    assert set(keys) <= {key for _, notice in paging.told for key in notice.keys}
    assert {key.rpartition("/")[2] for key in keys} <= {word.rpartition("/")[2].strip("():") for word in named}


def test_ten_thousand_different_alarms_are_all_kept_and_counted() -> None:
    paging = Paging()
    for number in range(10_000):
        paging.tell(finding(f"silent/iex/trades/S{number}"))
    paging.wait(600)
    assert len(paging.book.standing()) == 10_000
    (digest,) = (notice for _, notice in paging.told)
    assert len(digest.keys) == 10_000
    assert len(digest.text) < 12_000
    assert " of silent; 'gapless top' shows all" in digest.text


def test_a_storm_of_warnings_does_not_delay_what_is_critical() -> None:
    paging = Paging()
    for second in range(300):
        paging.tell(finding(f"noise/{second}"))
        paging.wait(1)
    paging.hold(finding("blind", CRITICAL))
    assert next(notice.keys for notice in paging.wait(1)) == ("blind",)


def test_the_book_is_bounded_says_so_and_forgets_what_is_over_first() -> None:
    paging = Paging()
    paging.hold(*(finding(f"old/{number}") for number in range(200)))
    paging.wait(1)
    paging.hold()
    paging.wait(700)
    for number in range(KEYS_MAX):
        paging.tell(finding(f"new/{number}", text="x" * 5000))
    standing = {alarm.finding.key: alarm for alarm in paging.book.standing()}
    assert len(standing) <= KEYS_MAX - KEPT_FOR_CRITICAL + 1
    assert not [key for key in standing if key.startswith("old/")]
    assert "200 that were over are forgotten" in standing["alerts/beyond"].finding.title
    assert max(len(alarm.finding.text) for alarm in standing.values()) <= TEXT_CHARS_MAX
    for number in range(2 * KEPT_FOR_CRITICAL):
        paging.tell(finding(f"critical/{number}", CRITICAL))
    criticals = [alarm for alarm in paging.book.standing() if alarm.finding.severity is CRITICAL]
    assert len(criticals) >= KEPT_FOR_CRITICAL
    assert len(paging.book.standing()) == KEYS_MAX


def test_an_end_tells_all_that_was_left_even_in_a_storm() -> None:
    paging = Paging()
    for number in range(500):
        paging.tell(finding(f"storm/{number}", CRITICAL))
        paging.wait(1)
    paging.tell(finding("session/ended", CRITICAL))
    paging.look(closing=True)
    assert {key for _, notice in paging.told for key in notice.keys} == {
        "session/ended",
        *(f"storm/{number}" for number in range(500)),
    }
    assert len(paging.told) == paging.policy.notices_max


def test_what_waits_for_the_next_digest_is_told_with_it_without_being_asked_for() -> None:
    paging = Paging()
    for burst in range(2):
        for number in range(5):
            paging.tell(finding(f"burst/{burst}/{number}"))
        paging.look()
        paging.at_s += 10
    assert len(paging.told) == 1
    paging.at_s = paging.book.look_s - paging.start_s
    (digest,) = paging.look()
    assert len(digest.keys) == 5
    assert paging.at_s == 600 / 4


def test_days_of_local_time_are_those_of_its_zone() -> None:
    paging = Paging(zone=UTC)
    paging.tell(finding("one"))
    (told,) = paging.wait(1)
    assert "Since 12:00:00" in told.text
