"""Records, frames and control events come back as they were."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from engine.codec.journal import (
    decode_frames,
    decode_records,
    encode_frames,
    encode_records,
    parse_control,
    render_control,
)
from engine.model.control import Alarm, Connected, ControlEvent, Gap, Halted, Lost, Resumed, Stale
from engine.model.journal import JournalRecord, Said
from engine.model.market import Kind
from engine.model.stream import Stream

VALUES: dict[object, st.SearchStrategy[object]] = {
    int: st.integers(-(2**63), 2**63 - 1),
    str: st.text(max_size=5),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    tuple[str, ...]: st.lists(st.text(max_size=5), max_size=3).map(tuple),
}
RECORDS = st.one_of(*(st.builds(one, *(VALUES[each.type] for each in fields(one))) for one in get_args(JournalRecord)))
CONTROLS: list[ControlEvent] = [
    Connected("iex", 1),
    Lost("iex", 2, "reset", 0.5),
    Gap("iex", Stream(Kind.TRADES, "SPY"), 1, 2, "not_recorded", 3, count=4),
    Resumed("iex", 4, 5, 6, 7.5),
    Stale("iex", 5, 30.0),
    Halted("trend", 6, "it raised"),
    Alarm("iex", 7, "slow client"),
]


@given(st.lists(RECORDS, max_size=5))
def test_every_record_comes_back(records: list[JournalRecord]) -> None:
    assert decode_records(encode_records(records)) == records


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 2**62), st.one_of(st.binary(), st.text())), max_size=4))
def test_every_frame_comes_back_as_text_or_bytes(frames: list[tuple[str, int, bytes | str]]) -> None:
    assert [(one.feed, one.at_ns, one.frame) for one in decode_frames(encode_frames(frames))] == frames


def test_records_are_not_frames_and_frames_no_records() -> None:
    with pytest.raises(ValueError, match="not one of records"):
        decode_records(encode_frames([]))
    with pytest.raises(ValueError, match="not one of frames"):
        decode_frames(encode_records([]))
    with pytest.raises(ValueError):
        decode_frames(encode_records([Said(1, 2, "s", "x")]))


@pytest.mark.parametrize("event", CONTROLS, ids=lambda event: type(event).__name__)
def test_every_control_event_comes_back(event: ControlEvent) -> None:
    assert parse_control(render_control(event)) == event


@pytest.mark.parametrize("text", ["{}", "[]", '{"type":"Rumour"}', '{"type":"Stale"}', "no json"])
def test_what_is_no_control_event_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_control(text)
