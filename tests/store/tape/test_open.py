"""Tapes are opened whole or refused with a sentence; memory and digest do not know how the files are cut."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.errors import Misconfigured
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, MarketEvent, Quote, Trade
from engine.model.stream import ANY, Stream
from engine.ports.tape import Tape
from engine.store.tape import open_tape
from engine.store.tape.chunks import WINDOW_EVENTS

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

T0 = 1_514_903_400 * NS_PER_S  # 2018-01-02, 9:30 in New York
TRADES = {Stream(Kind.TRADES, ANY)}


def write(path: Path, rows: list[dict[str, Any]], row_group_size: int = 1_000_000) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=row_group_size)
    return path


def trade_row(symbol: str, at_s: float, price: float, **rest: Any) -> dict[str, Any]:
    return {"symbol": symbol, "ts_ns": T0 + round(at_s * NS_PER_S), "price": price, "size": 100.0} | rest


def told(tape: Tape, count: int = 1_000_000) -> list[tuple[int, MarketEvent]]:
    """The next events, as many as there are or as ``count``."""
    rows: list[tuple[int, MarketEvent]] = []
    while len(rows) < count and (window := tape.window()) is not None:
        taken = min(count - len(rows), len(window.events))
        rows += zip(window.dues_ns[:taken], window.events[:taken], strict=True)
        tape.advance(taken)
    return rows


def test_a_tape_that_cannot_be_told_is_refused_with_a_sentence(tmp_path: Path) -> None:
    good = write(tmp_path / "t", [trade_row("A", 1, 1.0)])
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"not parquet at all")
    lacking = write(tmp_path / "lacking", [{"symbol": "A", "ts_ns": 1}])
    unsorted = write(tmp_path / "unsorted", [trade_row("A", 2, 1.0), trade_row("A", 1, 1.0)], 1)
    within = write(tmp_path / "within", [trade_row("A", 2, 1.0), trade_row("A", 1, 1.0)])
    line = tmp_path / "x.jsonl"
    line.write_text('{"type":"trade"}\n')
    for paths, symbols, sentence in [
        ([tmp_path / "absent"], (), "There is no tape"),
        ([tmp_path / "absent.jsonl"], (), "There is no tape"),
        ([tmp_path], (), "There is no tape"),
        ([garbage], (), "cannot be read as Parquet"),
        ([lacking], (), "lacks columns"),
        ([unsorted], (), "is not sorted"),
        ([within], (), "is not sorted"),
        ([good], ("Z",), "has no row of Z. It holds A"),
        ([good], ("A", "Z"), "has no row of Z. It holds A"),
        ([], (), "nothing would be told"),
        ([line], (), "Line 1 of the recording"),
    ]:
        with pytest.raises(Misconfigured, match=sentence):
            open_tape(paths, symbols=symbols)


def test_a_span_without_an_event_is_refused_with_what_the_tape_has(tmp_path: Path) -> None:
    good = write(tmp_path / "t", [trade_row("A", 1, 1.0), trade_row("A", 5, 1.0)])
    between = (T0 + 2 * NS_PER_S, T0 + 4 * NS_PER_S)
    for start_ns, end_ns in [between, (T0 + 6 * NS_PER_S, None), (None, T0)]:
        with pytest.raises(Misconfigured, match=r"no event between .* It goes from 2018-01-02T14:30:01"):
            open_tape([good], start_ns=start_ns, end_ns=end_ns)
    with pytest.raises(Misconfigured, match="before it begins"):
        open_tape([good], start_ns=between[1], end_ns=between[0])
    assert open_tape([good], start_ns=between[0]).start_ns == T0 + 5 * NS_PER_S


def test_the_digest_is_of_the_rows_and_not_of_the_files(tmp_path: Path) -> None:
    rows = [trade_row("A", n, 1.0 + n, exchange="VP"[n % 2]) for n in range(9)]
    whole = open_tape([write(tmp_path / "whole", rows)]).digest
    halves = [write(tmp_path / "b", rows[4:], 2), write(tmp_path / "a", rows[:4])]
    assert open_tape(halves).digest == whole
    assert (
        open_tape([write(tmp_path / "null", [row | {"side": None, "conditions": ""} for row in rows])]).digest == whole
    )
    other = [write(tmp_path / "other", [*rows, trade_row("B", 1, 1.0)])]
    assert open_tape(other, symbols=["A"]).digest == whole != open_tape(other).digest
    changes: list[dict[str, Any]] = [{"price": 1.5}, {"exchange": "X"}, {"ts_ns": T0 - 1}]
    for number, change in enumerate(changes):
        assert open_tape([write(tmp_path / f"{number}", [rows[0] | change, *rows[1:]])]).digest != whole
    later = T0 + 3 * NS_PER_S
    assert open_tape(halves, start_ns=later).digest == open_tape([tmp_path / "whole"], start_ns=later).digest != whole


@pytest.mark.slow
def test_a_window_is_bounded_and_a_long_tape_comes_in_many(tmp_path: Path) -> None:
    count = 3 * WINDOW_EVENTS
    columns = {"symbol": ["A"] * count, "ts_ns": list(range(T0, T0 + count)), "price": [1.0] * count}
    one = pa.table(columns | {"size": [1.0] * count})
    two = one.set_column(0, "symbol", pa.array(["B"] * count))
    pq.write_table(pa.concat_tables([one, two]), tmp_path / "t")
    tape = open_tape([tmp_path / "t"])
    tape.want(TRADES)
    count_told = 0
    while (window := tape.window()) is not None:
        assert len(window.events) <= WINDOW_EVENTS
        assert tape.window() is window
        count_told += len(window.events)
        tape.advance(len(window.events))
    assert count_told == 2 * count


def test_an_instant_that_passed_is_behind_what_was_not_wanted_before(tmp_path: Path) -> None:
    path = write(tmp_path / "t", [trade_row(symbol, at_s, 1.0) for symbol in "AB" for at_s in (1, 2, 3)])
    tape = open_tape([path])
    tape.want({Stream(Kind.TRADES, "A"), Stream(Kind.TRADES, "Z")})
    assert told(tape, 1)
    tape.want(TRADES, after_ns=T0 + 2 * NS_PER_S)
    assert [(event.symbol, event.ts_ns - T0) for _, event in told(tape)] == [
        ("A", 2 * NS_PER_S), ("A", 3 * NS_PER_S), ("B", 3 * NS_PER_S),
    ]  # fmt: skip


def test_a_recording_is_told_in_the_order_in_which_it_was_heard(tmp_path: Path) -> None:
    heard = [
        Trade("A", T0, 1.0, 1.0, received_ns=T0 + 5, seq=1),
        Quote("A", T0 + 1, 1.0, 1.0, 2.0, 1.0, received_ns=T0 + 5, seq=2),
        Trade("A", T0 - 7, 3.0, 1.0, origin="backfill", seq=3),
        Trade("B", T0 + 6, 4.0, 1.0, received_ns=T0 + 9, seq=4),
    ]
    path = tmp_path / "audit.jsonl"
    named = [msgspec.to_builtins(event) | {"type": type(event).__name__.lower()} for event in heard]
    lines = [msgspec.json.encode(row) for row in [*named, {"type": "gap"}]]
    path.write_bytes(b"\n".join(lines) + b'\n{"type":"tra')
    tape = open_tape([path])
    assert tape.symbols == ("A", "B")
    tape.want({Stream(Kind.TRADES, ANY), Stream(Kind.QUOTES, ANY)})
    rows = told(tape)
    assert [due_ns for due_ns, _ in rows] == [T0 + 5, T0 + 5, T0 + 5, T0 + 9]
    assert [event.kind for _, event in rows] == ["trades", "quotes", "trades", "trades"]
    assert {(event.origin, event.seq) for _, event in rows} == {("replay", 0)}
    known = tape.history(Kind.TRADES, "A", 0, T0 + 10, before_ns=T0 + 5)
    assert [event.ts_ns for event in known] == [T0 - 7, T0]
    assert not tape.history(Kind.TRADES, "B", 0, T0 + 10, before_ns=T0 + 8)
