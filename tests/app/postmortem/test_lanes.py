"""The timeline: when each was up, down or missing, for all of the time and in a bounded number of stretches."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.app.postmortem.page.build import build_page
from engine.app.postmortem.read.lanes import STRETCHES_MAX, STRETCHES_OF_ALL, Stretch, coarse
from engine.app.postmortem.story import tell_story
from engine.codec.journal import render_control
from engine.model.control import Connected, Gap, Lost
from engine.model.journal import Began, JournalRecord, Noted
from engine.model.market import Kind
from engine.model.stream import Stream
from engine.store.session import Player
from tests.app.postmortem import made
from tests.app.postmortem.made import MINUTE_NS, NS, OPEN_NS


def note(*events: Connected | Lost | Gap) -> list[JournalRecord]:
    """These, as the journal has them."""
    return [Noted(0, event.at_ns, "", render_control(event)) for event in events]


def test_gaps_late_in_the_day_are_on_the_timeline_however_many_came_before(tmp_path: Path) -> None:
    early = [
        Gap("iex", Stream(Kind.TRADES, f"S{number}"), OPEN_NS + NS, OPEN_NS + 9 * NS, "history_lags", OPEN_NS + 10 * NS)
        for number in range(STRETCHES_MAX + 5)
    ]
    end_ns = OPEN_NS + 390 * MINUTE_NS
    late = Gap("iex", Stream(Kind.TRADES, "AAA"), end_ns - 60 * NS, end_ns - 30 * NS, "history_lags", end_ns)
    story = tell_story(made.write_session(tmp_path / "day", records=note(*early, late), end_ns=end_ns))
    (lane,) = [lane for lane in story.timeline.lanes if lane.kind == "gaps"]
    assert len(lane.stretches) <= STRETCHES_MAX
    assert (lane.stretches[-1].start_ns, lane.stretches[-1].end_ns) == (late.start_ns, late.end_ns)
    assert (lane.stretches[0].start_ns, lane.stretches[0].end_ns) == (early[0].start_ns, early[0].end_ns)
    assert f"the worst of {STRETCHES_MAX + 5}" in lane.stretches[0].text


@given(
    st.lists(st.tuples(st.integers(0, 999), st.integers(0, 300), st.sampled_from(["up", "down", "gap"])), max_size=80)
)
def test_what_was_bad_is_bad_in_fewer_stretches_too(drawn: list[tuple[int, int, str]]) -> None:
    whole = sorted((Stretch(at, at + long, state, "") for at, long, state in drawn), key=lambda one: one.start_ns)
    shown = coarse(whole, 0, 1000, 20)
    assert len(shown) <= 20 or shown == whole
    for one in whole:
        if one.state != "up":
            assert any(each.state != "up" and each.start_ns <= one.start_ns <= each.end_ns for each in shown)
    assert max((one.end_ns for one in shown), default=0) == max((one.end_ns for one in whole), default=0)


def test_many_strategies_that_restart_all_day_have_a_page_of_bounded_size(tmp_path: Path) -> None:
    names = [f"a_strategy_of_a_rather_long_name_{number}" for number in range(50)]
    records: list[JournalRecord] = [
        Began(0, OPEN_NS + turn * 30 * NS, name, turn + 1) for turn in range(150) for name in names
    ]
    manifest = made.manifest_of(strategies=tuple(Player(name=name) for name in names))
    folder = made.write_session(tmp_path / "many", records=records, manifest=manifest, end_ns=OPEN_NS + 90 * MINUTE_NS)
    story = tell_story(folder)
    assert sum(len(lane.stretches) for lane in story.timeline.lanes) <= STRETCHES_OF_ALL
    page = build_page(story)
    assert len(page.encode()) < 2_000_000
    assert f"<h1>{', '.join(names[:5])} and 45 more</h1>" in page


def test_a_session_whose_end_is_not_recorded_was_up_until_then(tmp_path: Path) -> None:
    records = [
        Began(0, OPEN_NS, "trend", 1),
        *note(Connected("iex", OPEN_NS), Lost("iex", OPEN_NS + MINUTE_NS, "the venue closed", 0.5)),
    ]
    story = tell_story(made.write_session(tmp_path / "died", records=records, crashed=True))
    for lane in story.timeline.lanes:
        if lane.kind != "line":
            assert {one.state: one.end_ns - one.start_ns for one in lane.stretches} == {"up": MINUTE_NS, "failed": 0}
    assert "Line iex was lost once, and was not back at the end." in [one.text for one in story.findings]
