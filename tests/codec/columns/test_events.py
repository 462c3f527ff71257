"""Columns become the same events however Arrow lays them out."""

from typing import Any

import pytest

from engine.codec import columns
from engine.model.market import Bar, Quote, Trade

pa = pytest.importorskip("pyarrow")


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, 2, 3]), pa.array([1.5, 2.5]), pa.array([1, None, 3]), pa.array([1, 2], pa.int32()),
        pa.array([True, False]), pa.array([], pa.int64()), pa.array([None, None], pa.int64()), pa.array([None]),
        pa.array([1, 2, 3, 4]).slice(1, 2), pa.chunked_array([[1, 2], [3]]), pa.array([1, 2], pa.uint8()),
    ],
)  # fmt: skip
def test_a_column_is_its_values(array: Any) -> None:
    assert list(columns.list_of(array)) == array.to_pylist()


def test_no_text_is_an_empty_text() -> None:
    for array in (pa.array(["a", None, "b", "a"]), pa.array(["a", None, "b", "a"], pa.large_string())):
        assert list(columns.list_of(array)) == ["a", "", "b", "a"]
        assert list(columns.list_of(array.slice(1, 2))) == ["", "b"]
    assert list(columns.list_of(pa.array([None, None], pa.string()))) == ["", ""]


def test_the_columns_say_the_kind() -> None:
    for kind, needed in columns.NEEDED.items():
        assert columns.kind_of(needed | {"more"}) is kind
        assert columns.kind_of(needed - {"ts_ns"}) is None
        assert columns.wanted_columns(kind, needed | {"more"}) == sorted(needed)


def test_events_have_what_the_columns_have_and_defaults_for_the_rest() -> None:
    rows: dict[str, list[Any]] = {
        "ts_ns": [7],
        "price": [1.5],
        "size": [2.0],
        "conditions": ["FT"],
        "side": ["sell"],
        "tape": ["C"],
    }
    assert list(columns.trades(rows, "A", [5])) == [Trade("A", 7, 1.5, 2.0, 5, "", ("F", "T"), "C", "S")]
    told = next(columns.trades(rows, "A", [5], [9], "replay"))
    assert (told.received_ns, told.origin, told.venue_ns, told.revision) == (9, "replay", 0, "")
    quote: dict[str, list[Any]] = {
        "ts_ns": [7],
        "bid_price": [1.0],
        "bid_size": [2.0],
        "ask_price": [3.0],
        "ask_size": [4.0],
    }
    assert list(columns.quotes(quote, "A")) == [Quote("A", 7, 1.0, 2.0, 3.0, 4.0)]
    bar: dict[str, list[Any]] = {
        "ts_ns": [7],
        "open": [1.0],
        "high": [2.0],
        "low": [0.5],
        "close": [1.5],
        "volume": [9.0],
    }
    assert list(columns.bars(bar, "A")) == [Bar("A", 7, 1.0, 2.0, 0.5, 1.5, 9.0)]
    counted = bar | {"trade_count": [None], "vwap": [None]}
    assert list(columns.bars(counted, "A", [9], "replay")) == [
        Bar("A", 7, 1.0, 2.0, 0.5, 1.5, 9.0, received_ns=9, origin="replay")
    ]
