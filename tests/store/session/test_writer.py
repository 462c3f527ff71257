"""A session goes on after a crash: the torn tail is cut, numbers go on, and what is missing is a gap."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Misconfigured, StoreFailed
from engine.model.control import Gap
from engine.model.journal import Said
from engine.model.market import Kind, News
from engine.model.stream import ARTICLES, Stream
from engine.store.session import read_session
from engine.store.session.writer import BLOCK_EVENTS, Batch, SessionWriter

Begin = Callable[..., SessionWriter]
LATER_NS = 1_772_461_900_000_000_000


def test_what_a_crash_left_reads_as_it_was_told(tmp_path: Path, begin: Begin, market: Any) -> None:
    writer = begin(tmp_path)
    writer.write(Batch(told=[(5, market.trades(3)), (6, market.trades(2))], noted=[Said(5, 6, "s", "x")]))
    session = read_session(tmp_path)
    assert list(session.told()) == list(zip([5, 5, 5, 6, 6], market.told, strict=True))
    assert list(session.records()) == [Said(5, 6, "s", "x")]
    assert not session.manifest.finished


def test_a_torn_tail_is_cut_and_numbers_go_on(tmp_path: Path, begin: Begin, market: Any) -> None:
    begin(tmp_path).write(Batch(told=[(5, market.trades(3))]))
    with (tmp_path / "market.journal").open("ab") as file:
        file.write(b"\x10\x00\x00\x00torn")
    assert read_session(tmp_path).torn() == {"market.journal": 8}
    again = begin(tmp_path, started_ns=LATER_NS)
    assert (again.last_seq, again.manifest.runs[-1].torn) == (3, 8)
    again.write(Batch(told=[(LATER_NS, market.trades(2, at_ns=LATER_NS))]))
    assert [event.seq for event in read_session(tmp_path).market()] == [1, 2, 3, 4, 5]
    assert read_session(tmp_path).torn() == {}


def test_numbers_go_on_behind_a_record_whose_event_was_torn_away(tmp_path: Path, begin: Begin, market: Any) -> None:
    begin(tmp_path).write(Batch(told=[(5, market.trades(3))], noted=[Said(9, 6, "s", "x")]))
    assert begin(tmp_path).last_seq == 9


def test_what_was_not_recorded_between_two_runs_is_a_gap_of_each_stream(
    tmp_path: Path, begin: Begin, market: Any
) -> None:
    news = News("", 70, 1, "Headline", symbols=("SPY",), seq=6)
    begin(tmp_path).write(Batch(told=[(5, market.trades(3)), (6, market.trades(2, "AAPL")), (7, [news])]))
    again = begin(tmp_path, started_ns=LATER_NS)
    assert "run 2 of it goes on behind event 6" in again.notice
    assert "What 3 streams told between" in again.notice
    assert list(read_session(tmp_path).gaps()) == []
    market.seq = 6
    again.write(Batch(told=[(LATER_NS, market.trades(2, at_ns=LATER_NS))], noted=[Said(8, LATER_NS, "s", "x")]))
    spy = Gap("iex", Stream(Kind.TRADES, "SPY"), market.told[2].ts_ns, LATER_NS + 7, "not_recorded", LATER_NS)
    assert list(read_session(tmp_path).gaps()) == [spy]
    assert [record.seq for record in read_session(tmp_path).records()] == [6, 8]
    again.end_run(LATER_NS + 50)
    aapl = Gap("iex", Stream(Kind.TRADES, "AAPL"), market.told[4].ts_ns, LATER_NS + 50, "not_recorded", LATER_NS + 50)
    missed = Gap("iex", ARTICLES, 70, LATER_NS + 50, "not_recorded", LATER_NS + 50)
    assert set(read_session(tmp_path).gaps()) == {spy, aapl, missed}


def test_a_run_that_crashed_before_a_stream_was_told_again_leaves_its_gap_to_the_next(
    tmp_path: Path, begin: Begin, market: Any
) -> None:
    begin(tmp_path).write(Batch(told=[(5, market.trades(1))]))
    since_ns = market.told[0].ts_ns
    begin(tmp_path).close()
    third = begin(tmp_path, started_ns=LATER_NS)
    third.write(Batch(told=[(LATER_NS, market.trades(1, at_ns=LATER_NS))]))
    (gap,) = read_session(tmp_path).gaps()
    assert (gap.start_ns, gap.end_ns) == (since_ns, market.told[1].ts_ns)
    assert len(read_session(tmp_path).manifest.runs) == 3


def test_a_new_folder_has_no_gap_and_nothing_to_say(tmp_path: Path, begin: Begin, market: Any) -> None:
    writer = begin(tmp_path)
    writer.write(Batch(told=[(5, market.trades(3))]))
    writer.end_run(9)
    assert writer.notice == ""
    assert list(read_session(tmp_path).gaps()) == []


def test_a_session_that_stopped_recording_early_has_a_gap_to_its_end(tmp_path: Path, begin: Begin, market: Any) -> None:
    writer = begin(tmp_path)
    writer.write(Batch(told=[(5, market.trades(3))]))
    writer.end_run(LATER_NS, "the disk was full")
    (gap,) = read_session(tmp_path).gaps()
    assert (gap.start_ns, gap.end_ns) == (market.told[-1].ts_ns, LATER_NS)
    assert read_session(tmp_path).manifest.runs[-1].failure == "the disk was full"


def test_the_folder_of_a_session_that_has_ended_is_refused(tmp_path: Path, begin: Begin) -> None:
    begin(tmp_path).finish(9)
    assert read_session(tmp_path).manifest.finished
    with pytest.raises(Misconfigured, match="has ended: give another folder"):
        begin(tmp_path)


def test_a_damaged_journal_is_refused_and_left_as_it_is(tmp_path: Path, begin: Begin, market: Any) -> None:
    writer = begin(tmp_path)
    for _ in range(3):
        writer.write(Batch(told=[(5, market.trades(1))]))
    path = tmp_path / "market.journal"
    content = bytearray(path.read_bytes())
    content[30] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(StoreFailed, match="damaged at byte"):
        begin(tmp_path)
    assert path.read_bytes() == content


def test_large_arrivals_become_several_blocks_of_the_same_instant(tmp_path: Path, begin: Begin, market: Any) -> None:
    begin(tmp_path).write(Batch(told=[(5, market.trades(BLOCK_EVENTS + 10)), (6, market.trades(1))]))
    told = list(read_session(tmp_path).told())
    assert [event for _, event in told] == market.told
    assert {at_ns for at_ns, _ in told[:-1]} == {5}


def test_frames_come_back_as_they_came(tmp_path: Path, begin: Begin) -> None:
    begin(tmp_path, frames=True).write(Batch(frames=[("iex", 1, b"\x90"), ("news", 2, '[{"T":"n"}]')]))
    frames = list(read_session(tmp_path).frames())
    assert [(one.feed, one.at_ns, one.frame) for one in frames] == [("iex", 1, b"\x90"), ("news", 2, '[{"T":"n"}]')]


def test_a_folder_without_a_manifest_is_no_session(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no recorded session"):
        read_session(tmp_path)
