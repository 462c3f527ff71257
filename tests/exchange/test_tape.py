"""A tape is told row for row, unchanged, in order; what it lacks is made by rule or refused with a sentence."""

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.core.bars import MINUTE_NS, day_start_ns
from engine.errors import Misconfigured
from engine.exchange.tape import Tape, open_tape
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Kind, MarketEvent, Quote, Trade

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

T0 = 1_514_903_400 * NS_PER_S  # 2018-01-02, 9:30 in New York
MARKET_FILES = Path(__file__).parents[3] / "shared" / "data"


def write(path: Path, rows: list[dict[str, Any]], row_group_size: int = 1_000_000) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=row_group_size)
    return path


def trade_row(symbol: str, at_s: float, price: float, **rest: Any) -> dict[str, Any]:
    row = {"symbol": symbol, "ts_ns": T0 + round(at_s * NS_PER_S), "price": price, "size": 100.0, "exchange": "V"}
    return row | {"conditions": "", "id": None, "side": None} | rest


def quote_row(symbol: str, at_s: float, bid: float) -> dict[str, Any]:
    return {
        "symbol": symbol, "ts_ns": T0 + round(at_s * NS_PER_S), "bid_price": bid, "bid_size": 1.0, "bid_exchange": "P",
        "ask_price": bid + 1, "ask_size": 2.0, "ask_exchange": None, "conditions": "R",
    }  # fmt: skip


def told(tape: Tape) -> list[MarketEvent]:
    rows = list(tape.rows())
    assert [due_ns for due_ns, _ in rows] == sorted(due_ns for due_ns, _ in rows)
    return [event for _, event in rows]


def test_files_are_merged_by_time_and_ties_keep_the_order_of_files_and_rows(tmp_path: Path) -> None:
    trades = write(tmp_path / "t", [trade_row("A", 1, 10.0), trade_row("A", 2, 11.0), trade_row("A", 2, 12.0)], 2)
    quotes = write(tmp_path / "q", [quote_row("A", 0, 1.0), quote_row("A", 2, 2.0), quote_row("A", 3, 3.0)])
    both = [event for event in told(open_tape([trades, quotes])) if isinstance(event, Trade | Quote)]
    first = [event.price if isinstance(event, Trade) else -event.bid_price for event in both]
    assert first == [-1.0, 10.0, 11.0, 12.0, -2.0, -3.0]
    other = [event for event in told(open_tape([quotes, trades])) if isinstance(event, Trade | Quote)]
    assert [event.price if isinstance(event, Trade) else -event.bid_price for event in other] == [
        -1.0, 10.0, -2.0, 11.0, 12.0, -3.0,
    ]  # fmt: skip


def test_every_column_arrives_and_nulls_are_empty(tmp_path: Path) -> None:
    rows = [trade_row("A", 1, 10.0, conditions="FTI", id=77, side="buy"), trade_row("A", 2, 11.0, exchange=None)]
    quotes = write(tmp_path / "q", [quote_row("A", 3, 1.0)])
    assert [
        event for event in told(open_tape([write(tmp_path / "t", rows), quotes])) if not isinstance(event, Bar)
    ] == [
        Trade("A", T0 + NS_PER_S, 10.0, 100.0, 77, "V", ("F", "T", "I"), "", "B"),
        Trade("A", T0 + 2 * NS_PER_S, 11.0, 100.0, 1, "", (), "", ""),
        Quote("A", T0 + 3 * NS_PER_S, 1.0, 1.0, 2.0, 2.0, "P", "", ("R",)),
    ]


def test_made_ids_are_one_sequence_per_symbol_exchange_and_new_york_day(tmp_path: Path) -> None:
    midnight_s = (day_start_ns("A", T0 + 20 * 3600 * NS_PER_S) - T0) / NS_PER_S
    rows = [
        trade_row("A", 1, 1.0), trade_row("A", 1, 1.0, exchange="D"), trade_row("A", 2, 1.0),
        trade_row("A", midnight_s - 1, 1.0), trade_row("A", midnight_s, 1.0), trade_row("B", 1, 1.0),
    ]  # fmt: skip
    trades = [event for event in told(open_tape([write(tmp_path / "t", rows)])) if isinstance(event, Trade)]
    assert [(each.symbol, each.exchange, each.id) for each in sorted(trades, key=lambda each: each.symbol)] == [
        ("A", "V", 1), ("A", "D", 1), ("A", "V", 2), ("A", "V", 3), ("A", "V", 1), ("B", "V", 1),
    ]  # fmt: skip


def test_a_bar_is_told_at_the_end_of_its_minute_and_counted_into_its_day(tmp_path: Path) -> None:
    rows = [
        {"symbol": "A", "ts_ns": T0 + n * MINUTE_NS, "open": 1.0, "high": 2.0, "low": 1.0, "close": 2.0, "volume": 5.0}
        for n in range(2)
    ]
    tape = open_tape([write(tmp_path / "b", rows)])
    assert tape.start_ns == T0 + MINUTE_NS
    listed = [(due_ns, event.kind, event.ts_ns) for due_ns, event in tape.rows()]
    day_ns = day_start_ns("A", T0)
    assert listed == [
        (T0 + MINUTE_NS, Kind.BARS, T0), (T0 + MINUTE_NS, Kind.DAILY_BARS, day_ns),
        (T0 + 2 * MINUTE_NS, Kind.BARS, T0 + MINUTE_NS), (T0 + 2 * MINUTE_NS, Kind.DAILY_BARS, day_ns),
    ]  # fmt: skip


def test_bars_are_made_where_a_symbol_has_trades_and_no_bars(tmp_path: Path) -> None:
    trades = write(tmp_path / "t", [trade_row("A", 1, 10.0), trade_row("A", 61, 12.0), trade_row("B", 1, 5.0)])
    bar = {"symbol": "B", "ts_ns": T0, "open": 7.0, "high": 7.0, "low": 7.0, "close": 7.0, "volume": 7.0}
    bars = [event for event in told(open_tape([trades, write(tmp_path / "b", [bar])])) if event.kind is Kind.BARS]
    assert bars == [
        Bar("A", T0, 10.0, 10.0, 10.0, 10.0, 100.0, 1, 10.0),
        Bar("B", T0, 7.0, 7.0, 7.0, 7.0, 7.0),
        Bar("A", T0 + MINUTE_NS, 12.0, 12.0, 12.0, 12.0, 100.0, 1, 12.0),
    ]


def test_a_tape_can_be_limited_to_symbols(tmp_path: Path) -> None:
    path = write(tmp_path / "t", [trade_row(symbol, 1, 1.0) for symbol in "ABC"])
    tape = open_tape([path], ["C", "A"])
    assert tape.symbols == ("A", "C")
    assert {event.symbol for event in told(tape)} == {"A", "C"}


def test_a_tape_that_cannot_be_told_is_refused_with_a_sentence(tmp_path: Path) -> None:
    good = write(tmp_path / "t", [trade_row("A", 1, 1.0)])
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"not parquet at all")
    lacking = write(tmp_path / "lacking", [{"symbol": "A", "ts_ns": 1}])
    unsorted = write(tmp_path / "unsorted", [trade_row("A", 2, 1.0), trade_row("A", 1, 1.0)], 1)
    for paths, symbols, sentence in [
        ([tmp_path / "absent"], None, "There is no tape"),
        ([tmp_path], None, "There is no tape"),
        ([garbage], None, "cannot be read as Parquet"),
        ([lacking], None, "lacks columns"),
        ([unsorted], None, "is not sorted"),
        ([good], ["Z"], "has no row of Z"),
        ([good], ["A", "Z"], "has no row of Z"),
        ([], None, "nothing would be told"),
    ]:
        with pytest.raises(Misconfigured, match=sentence):
            open_tape(paths, symbols)


def test_the_real_tape_is_told_row_for_row() -> None:
    paths = [MARKET_FILES / "trades.parquet", MARKET_FILES / "quotes.parquet"]
    if not all(path.is_file() for path in paths):
        pytest.skip("the market data of the tests (../shared/data) is not here")
    events = told(open_tape(paths, ["XXX"]))
    assert Counter(event.kind for event in events)[Kind.TRADES] == 39_470
    expected = pq.read_table(paths[0], filters=[("symbol", "=", "XXX")]).to_pylist()
    trades = [event for event in events if isinstance(event, Trade)]
    assert [(each.ts_ns, each.price, each.size, each.exchange, "".join(each.conditions)) for each in trades] == [
        (row["ts_ns"], row["price"], row["size"], row["exchange"], row["conditions"]) for row in expected
    ]
    ids: dict[str, list[int | None]] = defaultdict(list)
    for each in trades:
        ids[each.exchange].append(each.id)
    assert all(made == list(range(1, len(made) + 1)) for made in ids.values())
    expected = pq.read_table(paths[1], filters=[("symbol", "=", "XXX")]).to_pylist()
    quotes = [event for event in events if isinstance(event, Quote)]
    assert [(each.ts_ns, each.bid_price, each.ask_price, each.bid_size, each.ask_exchange) for each in quotes] == [
        (row["ts_ns"], row["bid_price"], row["ask_price"], row["bid_size"], row["ask_exchange"]) for row in expected
    ]
    bars = [event for event in events if event.kind is Kind.BARS]
    assert all(a.ts_ns < b.ts_ns for a, b in pairwise(bars))
    assert len(bars) > 380
