"""A recorded session is told again: every event, in the order of its time, as it was before anybody received it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.errors import Misconfigured
from engine.exchange.generator import Generator
from engine.exchange.recorded import open_recorded
from engine.model.control import Gap
from engine.model.instant import parse_instant
from engine.model.market import Kind, MarketEvent, Quote, Trade
from engine.model.stream import Stream
from strategies.audit import render_lines

START_NS = parse_instant("2026-03-02T14:30:00Z")


def published(rows: int) -> list[MarketEvent]:
    """The beginning of a made market, stamped as the exchange stamps it."""
    made = zip(range(rows), Generator(3, START_NS, ("AAPL", "BTC/USD"), 200.0).rows(), strict=False)
    events = [event for _, (_, event) in made]
    return [replace(each, venue_ns=each.ts_ns) if isinstance(each, Trade | Quote) else each for each in events]


def received(event: MarketEvent, number: int) -> MarketEvent:
    """The event as a strategy saw it."""
    return replace(event, received_ns=event.ts_ns + 5, origin="backfill" if number % 3 else "live", seq=number)


def record(path: Path, events: list[MarketEvent]) -> Path:
    path.write_bytes(render_lines([received(each, number) for number, each in enumerate(events, 1)], 7))
    return path


def test_what_was_recorded_is_published_again_as_it_was(tmp_path: Path) -> None:
    events = published(3000)
    tape = open_recorded(record(tmp_path / "a.jsonl", events))
    told = [event for _, event in tape.rows()]
    assert len({event.kind for event in told}) >= 4
    assert sorted(map(str, told)) == sorted(map(str, events))
    assert tape.symbols == ("AAPL", "BTC/USD")
    assert not tape.endless


def test_events_of_a_hole_come_back_to_their_place(tmp_path: Path) -> None:
    trades: list[MarketEvent] = [Trade("AAPL", START_NS + n, 10.0, 1.0, n, venue_ns=START_NS + n) for n in range(9)]
    tape = open_recorded(record(tmp_path / "a.jsonl", [*trades[:3], *trades[6:], *trades[3:6]]))
    rows = list(tape.rows())
    assert [event for _, event in rows] == trades
    assert [due for due, _ in rows] == [trade.ts_ns for trade in trades]
    assert tape.start_ns == START_NS


def test_gaps_other_symbols_and_a_torn_last_line_are_left_out(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", published(500))
    gap = Gap("iex", Stream(Kind.TRADES, "AAPL"), START_NS, START_NS + 1, "restarted", START_NS)
    path.write_bytes(render_lines([gap], 7) + path.read_bytes() + b'{"type":"trade","sym')
    tape = open_recorded(path, ("AAPL",))
    assert {event.symbol for _, event in tape.rows()} == {"AAPL"} == set(tape.symbols)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        (b"", "nothing would be told"),
        (b"hello\n", "Line 1 of the recording"),
        (b'{"type":"tradex"}\n', "Line 1 of the recording"),
        (b'{"type":"trade","symbol":"A"}\n', "Line 1 of the recording"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Misconfigured, match=says) as caught:
        open_recorded(path)
    assert "a.jsonl" in str(caught.value)
