"""A fault script is read strictly, and a plan gives each fault at its moment, once, the same for a seed."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Misconfigured
from engine.exchange.faults import KINDS, Fault, FaultPlan, parse_faults
from engine.exchange.faults.kinds import TimeOfDay
from engine.exchange.faults.plan import next_time_of_day
from engine.exchange.faults.script import build_fault, parse_duration
from engine.model.instant import NS_PER_S, parse_instant

START_NS = parse_instant("2026-03-02T14:30:00Z")

MISTAKES = [
    ("not toml", "kind = ", "is not TOML"),
    ("a single bracket", '[fault]\nkind = "cut"', "two brackets"),
    ("something else in the file", 'speed = 1\n[[fault]]\nkind = "mute"', "'speed' outside of a fault"),
    ("no kind", "[[fault]]\nevery = '1s'", "there is no kind. The kinds are bad_frame, black_hole, c"),
    ("an unknown kind", "[[fault]]\nkind = 'explode'", "kind 'explode' is not known"),
    ("an unknown key", "[[fault]]\nkind = 'cut'\nevry = '1s'", "key 'evry' is not allowed. Allowed: after_events, at,"),
    ("an option of another kind", "[[fault]]\nkind = 'cut'\nevery = '1s'\nlag = '5s'", "key 'lag' is not allowed"),
    (
        "a duration without a unit",
        "[[fault]]\nkind = 'cut'\nevery = '90'",
        "every = '90' must be a duration such as \"90s\"",
    ),
    ("a duration of nothing", "[[fault]]\nkind = 'cut'\nevery = '0s'", "must be a duration above 0"),
    ("a time that is none", "[[fault]]\nkind = 'cut'\nat = '25:00:00'", "must be a time of day such as"),
    ("a count below nought", "[[fault]]\nkind = 'cut'\nafter_events = -1", "must be a whole number from 0"),
    ("a truth as a count", "[[fault]]\nkind = 'cut'\nafter_events = true", "must be a whole number from 0"),
    ("a rate above one", "[[fault]]\nkind = 'duplicate'\np = 1.5", "must be a rate above 0 and up to 1"),
    (
        "two moments",
        "[[fault]]\nkind = 'cut'\nevery = '1s'\nafter_events = 1",
        "after_events and every are given together",
    ),
    ("no moment for a strike", "[[fault]]\nkind = 'cut'", "it needs a moment: one of after_events, at, every"),
    ("a missing need", "[[fault]]\nkind = 'error'\nevery = '1s'", "it needs the key 'code'"),
    ("a symbol with a space", "[[fault]]\nkind = 'mute'\nevery = '1s'\nsymbol = 'A B'", "must be a symbol such as"),
    ("a symbol of orders", "[[fault]]\nkind = 'mute'\nevery = '1s'\nsymbol = 'A'\nline = 'trading'", "market data"),
    ("an unknown phase", "[[fault]]\nkind = 'error'\ncode = 406\nphase = 'later'", "must be one of connect, auth,"),
    ("a phase that cannot stall", "[[fault]]\nkind = 'stall_login'\nphase = 'live'", "connect or auth"),
]


@pytest.mark.parametrize(("script", "says"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_one_sentence_that_names_file_table_and_key(script: str, says: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        parse_faults(script, source="faults.toml")
    assert str(caught.value).startswith("faults.toml")
    assert says in str(caught.value)


def test_a_script_is_read_with_its_defaults() -> None:
    faults = parse_faults(
        """
        [[fault]]
        kind = "cut-without-close"
        every = "90s"
        times = 3
        [[fault]]
        kind = "error"
        code = 406
        phase = "auth"
        at = "09:30:00 ET"
        [[fault]]
        kind = "http_status"
        next = 2
        headers = { Retry-After = "1" }
        """
    )
    assert faults == (
        Fault(kind="cut_without_close", table=1, every_s=90.0, times=3),
        Fault(kind="error", table=2, code=406, phase="auth", at=TimeOfDay(34_200, new_york=True), uses=1),
        Fault(kind="http_status", table=3, uses=2, status=429, headers={"Retry-After": "1"}),
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_can_be_asked_for_after_some_events(kind: str) -> None:
    needs = {"for": "1s", "code": 500}
    extra = {key: needs[key] for key in KINDS[kind].needs}
    fault = build_fault(kind=kind, after_events=10, **extra)
    assert FaultPlan([fault]).due(START_NS, 10) == [fault]


@given(st.integers(1, 700), st.sampled_from(["ms", "s", "m", "h"]))
def test_durations_are_seconds(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == pytest.approx(number * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit])


@pytest.mark.parametrize("text", ["745h", "9" * 400 + "s", "1" * 200 + "ms"])
def test_a_duration_that_no_clock_can_add_up_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="of a month at most"):
        build_fault(kind="history_lag", lag=text)


@pytest.mark.parametrize(
    "headers", [{"é": "x"}, {"a b": "c"}, {"X": "a\r\nY: b"}, {"X": ""}, {"X": 5}, {"Content-Length": "0"}, [], "X: y"]
)
def test_headers_that_http_cannot_carry_are_refused(headers: object) -> None:
    assert build_fault(kind="http_status", headers={"Retry-After": "30", "X-Note": "a b"}).headers
    with pytest.raises(Misconfigured, match="plain ASCII"):
        build_fault(kind="http_status", headers=headers)


@given(st.integers(1, 50), st.integers(1, 5), st.lists(st.integers(0, 30), max_size=60))
def test_after_events_fires_once_per_multiple_however_the_events_come(every: int, times: int, steps: list[int]) -> None:
    plan = FaultPlan([build_fault(kind="cut", after_events=every, times=times)])
    published = fired = 0
    for step in steps:
        published += step
        fired += len(plan.due(START_NS, published))
        assert fired == min(published // every, times)


def test_every_starts_one_period_in_and_catches_up_only_once_after_a_jump() -> None:
    plan = FaultPlan([build_fault(kind="cut", every="90s")])
    fired = [
        seconds for seconds in (0, 89, 90, 91, 179, 180, 1000, 1001, 1080) if plan.due(START_NS + seconds * NS_PER_S, 0)
    ]
    assert fired == [90, 180, 1000, 1080]


def test_a_time_of_day_is_in_utc_or_new_york_and_follows_daylight_saving() -> None:
    assert next_time_of_day(START_NS, TimeOfDay(15 * 3600)) == parse_instant("2026-03-02T15:00:00Z")
    assert next_time_of_day(START_NS, TimeOfDay(14 * 3600)) == parse_instant("2026-03-03T14:00:00Z")
    opens = TimeOfDay(9 * 3600 + 1800, new_york=True)
    assert next_time_of_day(parse_instant("2026-03-06T20:00:00Z"), opens) == parse_instant("2026-03-07T14:30:00Z")
    assert next_time_of_day(parse_instant("2026-03-08T00:00:00Z"), opens) == parse_instant("2026-03-08T13:30:00Z")


def test_a_window_ends_by_time_or_by_use_and_market_seconds_shrink_with_speed() -> None:
    now = [0.0]
    plan = FaultPlan(
        [build_fault(kind="refuse", for_="10s"), build_fault(kind="upgrade_status", next=2)],
        speed=100.0,
        now_s=lambda: now[0],
    )
    assert plan.use("refuse") and plan.use("refuse")
    assert [bool(plan.use("upgrade_status")) for _ in range(3)] == [True, True, False]
    now[0] = 0.11
    assert plan.use("refuse") is None
    assert plan.summary() == {"hits": {"refuse": 2, "upgrade_status": 2}, "missed": {}}


def test_a_phase_is_matched_and_the_newest_window_wins() -> None:
    plan = FaultPlan(
        [build_fault(kind="error", code=402, phase="auth"), build_fault(kind="error", code=500, phase="auth")]
    )
    found = plan.use("error", "auth")
    assert found is not None and found.code == 500
    assert plan.use("error", "subscribe") is None


def test_the_dice_of_one_kind_do_not_move_those_of_another() -> None:
    alone, beside = FaultPlan(seed=7), FaultPlan(seed=7)
    beside.dice("cut_body").random()
    assert alone.dice("http_status").random() == beside.dice("http_status").random() == Random("7/http_status").random()
    assert alone.dice("reorder", 1).random() != alone.dice("reorder", 2).random()


def test_an_injected_fault_is_due_at_once_and_a_standing_one_stands() -> None:
    plan = FaultPlan()
    cut, lag = build_fault(kind="cut", after_events=10**6), build_fault(kind="history_lag", lag="3s")
    plan.inject(cut)
    plan.inject(lag)
    assert plan.due(START_NS, 0) == [cut]
    assert plan.due(START_NS, 0) == []
    assert plan.history_lag_s == 3.0
