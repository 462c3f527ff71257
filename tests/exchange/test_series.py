"""A series answers every question as one sorted list of its rows would, whichever of them are packed."""

import tracemalloc
from bisect import bisect_right
from collections.abc import Sequence
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.series import CHUNK_ROWS_MAX, Series
from engine.model.market import (
    Bar,
    Cancel,
    Correction,
    DailyBar,
    Imbalance,
    Luld,
    MarketEvent,
    News,
    Pricing,
    Quote,
    Status,
    Trade,
    UpdatedBar,
)

BYTES_PER_ROW_MAX = 40
EVERY_FIELD: Sequence[MarketEvent] = (
    Trade("AAPL", 5, 1.5, 2.0, 2**63 + 7, "V", ("@", "I"), "C", "B", "corrected", 9, 8, "backfill", 3),
    Trade("AAPL", 5, 1.5, 0.1 + 0.2),
    Quote("BTC/USD", 5, 1.5, 2.0, 1.75, 3.0, "V", "Q", ("R",), "C", 9, 8, "replay", 3),
    Bar("AAPL", 5, 1.5, 2.5, 0.5, 1.75, 100.0, 3, 1.625, 8, "live", 3),
    UpdatedBar("AAPL", 5, 1.5, 2.5, 0.5, 1.75, 100.0),
    DailyBar("AAPL", 5, 1.5, 2.5, 0.5, 1.75, 100.0),
    Status("AAPL", 5, "H", "Trading Halt", "LUDP", "Volatility Trading Pause", "C"),
    Luld("AAPL", 5, 2.5, 0.5, "B", "C"),
    Correction("AAPL", 5, "V", 1, 1.5, 2.0, 2, 2.5, 3.0, ("@",), ("@", "I"), "C"),
    Cancel("AAPL", 5, "V", 1, 1.5, 2.0, "C", "C"),
    Imbalance("AAPL", 5, 1.5, "C"),
    Pricing("BTC-PERP", 5, 1.5, 1.75, -0.001, 2.0, 9, "X"),
    News("", 5, 7, "Zürich „grüezi“", "a", "b", "c", "https://x", 4, ("AAPL", "BTC/USD"), "benzinga"),
)


def trade(ts_ns: int, made: int) -> Trade:
    return Trade("AAPL", ts_ns, 10.0, 100.0, made, "V")


def packed(rows: Sequence[MarketEvent]) -> Series:
    """A series of which all rows but the last are in a chunk."""
    series = Series()
    for row in (*rows, *(rows[-1] for _ in rows)):
        series.add(row)
    series.seal_older()
    assert series.newest == [rows[-1]] * len(rows)
    return series


@given(
    st.lists(st.tuples(st.sampled_from(("add", "add", "add", "late", "seal", "put")), st.integers(0, 7)), min_size=20)
)
def test_it_answers_as_a_sorted_list_does(steps: list[tuple[str, int]]) -> None:
    series, model = Series(), list[Trade]()
    now_ns = 0
    for made, (step, number) in enumerate(steps):
        if step in ("add", "late"):
            now_ns += step == "add" and number == 7
            row = trade(now_ns if step == "add" else max(now_ns - number, 0), made)
            model.insert(bisect_right(model, row.ts_ns, key=lambda row: row.ts_ns), row)
            series.add(row)
        elif step == "seal" and len(series.newest) > 1:
            series.seal_older()
        elif step == "put" and model:
            place = number % len(model)
            model[place] = trade(model[place].ts_ns, -made)
            series.put(place, model[place])
    assert len(series) == len(model)
    assert series.rows == model
    assert list(reversed(series.rows)) == model[::-1]
    for start_ns, end_ns in product(range(-1, now_ns + 2), repeat=2):
        assert series.between(start_ns, end_ns) == [row for row in model if start_ns <= row.ts_ns <= end_ns]


@given(st.integers(0, 40), st.slices(40), st.slices(40))
def test_a_slice_of_a_span_is_what_it_is_of_a_list(rows: int, once: slice, twice: slice) -> None:
    series = Series()
    for number in range(rows):
        series.add(trade(number, number))
        if number % 7 == 6:
            series.seal_older()
    expected = [trade(number, number) for number in range(rows)]
    assert series.rows[once] == expected[once]
    assert series.rows[once][twice] == expected[once][twice]
    part = series.rows[once]
    assert [part[place] for place in range(-len(part), len(part))] == expected[once] * 2
    with pytest.raises(IndexError):
        part[len(part)]


@given(st.lists(st.integers(0, 30), min_size=2, max_size=30), st.integers(0, 31), st.integers(0, 30))
def test_what_is_forgotten_is_old_and_what_is_not_old_stays(times: list[int], cut_ns: int, seals: int) -> None:
    series = Series()
    for made, ts_ns in enumerate(sorted(times)):
        series.add(trade(ts_ns, made))
        if made % 4 == seals % 4 and len(series.newest) > 1:
            series.seal_older()
    kept = series.between(cut_ns, 99)
    before = len(series)
    assert series.forget(cut_ns) == before - len(series)
    assert series.between(cut_ns, 99) == kept
    left = len(series)
    if left:
        assert series.forget(series.cut_ns(8)) > 0
        assert len(series) < left


@pytest.mark.parametrize("event", EVERY_FIELD, ids=lambda event: type(event).__name__)
def test_a_packed_row_comes_back_as_it_was(event: MarketEvent) -> None:
    back = packed([event]).rows[0]
    assert back is not event
    assert (type(back), repr(back)) == (type(event), repr(event))


def test_a_span_is_what_was_when_it_was_asked_for() -> None:
    rows = [trade(number, number) for number in range(20)]
    series = packed(rows)
    held, part = series.rows, series.between(3, 30)
    series.put(5, trade(5, -5))
    series.add(trade(4, 99))
    series.add(trade(19, 100))
    series.seal_older()
    assert held == rows + rows[-1:] * 20
    assert part == rows[3:] + rows[-1:] * 20
    series.forget(99)
    assert held == rows + rows[-1:] * 20
    assert len(series.rows) == 0


def test_late_rows_that_grow_a_chunk_beyond_its_bound_are_all_kept_in_their_place() -> None:
    rows = [trade(number, number) for number in range(0, 2 * CHUNK_ROWS_MAX, 2)]
    series = packed(rows)
    late = [trade(number, -number) for number in range(1, 60, 2)]
    for row in late:
        series.add(row)
    expected = sorted([*rows, *late], key=lambda row: row.ts_ns) + [rows[-1]] * len(rows)
    assert series.rows == expected
    assert series.between(31, 2 * CHUNK_ROWS_MAX) == expected[31:]


def test_a_packed_row_costs_few_bytes() -> None:
    die, step = Random(1), 256
    series = Series()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(100 * step):
        ts_ns = 1_772_461_860_000_000_000 + number * 50_000_000 + die.randrange(50_000_000)
        bid = round(230 + die.gauss(0, 1), 2)
        sizes = 100.0 * die.randint(1, 9), 100.0 * die.randint(1, 9)
        exchanges = die.choice("VQPKZ"), die.choice("VQPKZ")
        series.add(Quote("AAPL", ts_ns, bid, sizes[0], bid + 0.02, sizes[1], *exchanges, ("R",), "C", ts_ns + 1))
        if len(series.newest) == 2 * step:
            series.seal_older()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    unpacked = 2 * step * 400
    assert (after - before - unpacked) / len(series) < BYTES_PER_ROW_MAX
