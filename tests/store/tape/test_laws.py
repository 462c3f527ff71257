"""A replay is told what the exchange tells of the same files, in the same order, whoever listens from where on."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.bars import MINUTE_NS
from engine.errors import Misconfigured
from engine.exchange.tape import open_tape as open_exchange_tape
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream
from engine.ports.tape import Tape
from engine.store.tape import open_tape

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

T0 = 1_514_951_940 * NS_PER_S  # 2018-01-02, 22:59 in New York: a tape often lasts into another day
SYMBOLS = ("A", "B", "C/USD")
LAWS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

steps = st.sampled_from([0, 0, 0, 1, 20, 61, 1000, 3000])
whens = st.lists(steps, min_size=1, max_size=12)
kinds = st.sampled_from([Kind.TRADES, Kind.QUOTES, Kind.BARS])
symbols = st.dictionaries(st.sampled_from(SYMBOLS), whens, min_size=1)
files = st.lists(st.tuples(kinds, symbols, st.integers(1, 5), st.booleans()), min_size=1, max_size=3)


def row_of(kind: Kind, symbol: str, ts_ns: int, number: int) -> dict[str, Any]:
    if kind is Kind.TRADES:
        conditions = ("", "T", "I", "M")[number % 4]
        return {
            "symbol": symbol, "ts_ns": ts_ns, "price": 1.0 + number, "size": 2.0, "exchange": "VP"[number % 2],
            "conditions": conditions, "id": number if number % 3 else None, "side": None,
        }  # fmt: skip
    if kind is Kind.QUOTES:
        return {
            "symbol": symbol, "ts_ns": ts_ns, "bid_price": 1.0 + number, "bid_size": 1.0, "ask_price": 2.0 + number,
            "ask_size": 1.0, "bid_exchange": None, "ask_exchange": "P",
        }  # fmt: skip
    start_ns = ts_ns - ts_ns % MINUTE_NS
    prices = {"open": 1.0, "high": 2.0 + number, "low": 1.0, "close": 1.5, "volume": 3.0}
    return {"symbol": symbol, "ts_ns": start_ns, "trade_count": None, "vwap": 1.25} | prices


def write_files(folder: Path, drawn: list[tuple[Kind, dict[str, list[int]], int, bool]]) -> list[Path]:
    paths = []
    for index, (kind, by_symbol, group_rows, by_time) in enumerate(drawn):
        rows = []
        for symbol in sorted(by_symbol):
            ts_ns = T0
            for number, step_s in enumerate(by_symbol[symbol]):
                ts_ns += step_s * NS_PER_S
                rows.append(row_of(kind, symbol, ts_ns, number))
        if by_time:
            rows.sort(key=lambda row: row["ts_ns"])
        paths.append(folder / f"{index}.parquet")
        pq.write_table(pa.Table.from_pylist(rows), paths[-1], row_group_size=group_rows)
    return paths


def heard(tape: Tape, count: int = 1_000_000) -> Iterator[tuple[int, MarketEvent]]:
    """Windows one behind the other, ``count`` events of each taken."""
    while (window := tape.window()) is not None:
        assert len(window.events) == len(window.dues_ns) > 0
        assert {Stream(event.kind, event.symbol) for event in window.events} <= window.streams
        taken = min(count, len(window.events))
        yield from zip(window.dues_ns[:taken], window.events[:taken], strict=True)
        tape.advance(taken)


def as_replayed(due_ns: int, event: MarketEvent) -> tuple[int, MarketEvent]:
    return due_ns, replace(event, received_ns=due_ns, origin="replay")


@pytest.mark.slow
@LAWS
@given(drawn=files, count=st.sampled_from([1, 2, 3, 1_000_000]))
def test_windows_one_behind_the_other_are_the_exchanges_rows(drawn: Any, count: int) -> None:
    with TemporaryDirectory() as folder:
        paths = write_files(Path(folder), drawn)
        tape = open_tape(paths)
        tape.want(tape.streams)
        expected = [as_replayed(*row) for row in open_exchange_tape(paths).rows()]
        assert list(heard(tape, count)) == expected
        assert tape.window() is None


@pytest.mark.slow
@LAWS
@given(
    drawn=files,
    turns=st.lists(st.tuples(st.integers(0, 5), st.sets(st.integers(0, 20))), min_size=1, max_size=6),
)
def test_whatever_is_wanted_when_each_stream_is_told_whole_from_behind_its_beginning(drawn: Any, turns: Any) -> None:
    with TemporaryDirectory() as folder:
        paths = write_files(Path(folder), drawn)
        tape = open_tape(paths)
        every = sorted(tape.streams)
        rows = [as_replayed(*row) for row in open_exchange_tape(paths).rows()]
        told, told_ns, behind_ns = set[int](), 0, dict[Stream, int]()
        for count, chosen in [*turns, (1_000_000, range(len(every)))]:
            wanted = {every[index % len(every)] for index in chosen}
            tape.want(wanted)
            behind_ns = {stream: behind_ns.get(stream, told_ns) for stream in wanted}
            left = [
                (number, row)
                for number, row in enumerate(rows)
                if number not in told and row[0] > behind_ns.get(Stream(row[1].kind, row[1].symbol), row[0])
            ]
            window = tape.window()
            assert (window is None) == (not left)
            found = [] if window is None else list(zip(window.dues_ns, window.events, strict=True))
            assert found == [row for _, row in left[: len(found)]]
            taken = left[: min(count, len(found))]
            tape.advance(len(taken))
            told |= {number for number, _ in taken}
            told_ns = taken[-1][1][0] if taken else told_ns


@pytest.mark.slow
@LAWS
@given(drawn=files, offset_s=st.integers(0, 8000), length_s=st.integers(0, 8000))
def test_a_span_is_a_part_of_the_whole_made_bars_and_ids_included(drawn: Any, offset_s: int, length_s: int) -> None:
    start_ns, end_ns = T0 + offset_s * NS_PER_S, T0 + (offset_s + length_s) * NS_PER_S
    with TemporaryDirectory() as folder:
        paths = write_files(Path(folder), drawn)
        whole = open_tape(paths)
        whole.want(whole.streams)
        expected = [row for row in heard(whole) if start_ns <= row[0] <= end_ns]
        own = [row for row in open_exchange_tape(paths).rows() if start_ns <= row[0] <= end_ns]
        try:
            part = open_tape(paths, start_ns=start_ns, end_ns=end_ns)
        except Misconfigured:
            assert not [row for row in own if row[1].kind in (Kind.TRADES, Kind.QUOTES)]
            return
        part.want(part.streams)
        assert list(heard(part)) == expected


@pytest.mark.slow
@LAWS
@given(drawn=files, offset_s=st.integers(0, 8000), first_s=st.integers(-3600, 8000))
def test_history_is_what_was_told_until_then(drawn: Any, offset_s: int, first_s: int) -> None:
    before_ns, start_ns = T0 + offset_s * NS_PER_S, T0 + first_s * NS_PER_S
    with TemporaryDirectory() as folder:
        paths = write_files(Path(folder), drawn)
        rows = list(open_exchange_tape(paths).rows())
        tape = open_tape(paths)
        for kind, symbol in tape.streams:
            known = tape.history(kind, symbol, start_ns, T0 + 10**6 * NS_PER_S, before_ns=before_ns)
            expected = [
                replace(event, origin="backfill")
                for due_ns, event in rows
                if (event.kind, event.symbol) == (kind, symbol) and due_ns <= before_ns and event.ts_ns >= start_ns
            ]
            expected.sort(key=lambda event: event.ts_ns)
            if kind is Kind.DAILY_BARS:
                expected = list({event.ts_ns: event for event in expected}.values())
            assert list(known) == expected


@pytest.mark.slow
@LAWS
@given(drawn=files, group_rows=st.integers(1, 7))
def test_the_digest_does_not_know_row_groups(drawn: Any, group_rows: int) -> None:
    with TemporaryDirectory() as folder:
        paths = write_files(Path(folder), drawn)
        first = open_tape(paths).digest
        for path in paths:
            pq.write_table(pq.read_table(path), path, row_group_size=group_rows)
        assert open_tape(paths).digest == first
