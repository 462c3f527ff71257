"""Law: candles are the bars that the venue would make of the same trades, whatever the trades are told in."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from engine.core.bars import BarMaker
from engine.core.bars.making import MINUTE_NS
from engine.model.market import Bar, Trade
from engine.web.charts.candles import CANDLES_MAX, Candles

START_NS = 1_772_461_860 * 10**9
TRADES = st.lists(
    st.builds(
        lambda after_s, cents, size, conditions: (after_s, cents / 100, float(size), conditions),
        st.integers(0, 70),
        st.integers(9_000, 11_000),
        st.integers(1, 500),
        st.sampled_from([("@",), ("@", "I"), ("@", "M"), ("Q",), ()]),
    ),
    max_size=40,
)


def made(rows: Sequence[tuple[float, float, float, tuple[str, ...]]]) -> list[Trade]:
    """Trades in the order of their time."""
    ts_ns, trades = START_NS, []
    for after_s, price, size, conditions in rows:
        ts_ns += int(after_s * 10**9)
        trades.append(Trade("SPY", ts_ns, price, size, conditions=conditions))
    return trades


@given(rows=TRADES, cuts=st.lists(st.integers(0, 40), max_size=5))
def test_candles_are_the_bars_of_the_same_trades(
    rows: list[tuple[float, float, float, tuple[str, ...]]], cuts: list[int]
) -> None:
    trades, candles, maker = made(rows), Candles(), BarMaker()
    bounds = [0, *sorted(cuts), len(trades)]
    for start, end in itertools.pairwise(bounds):
        candles.add_trades(trades[start:end])
    for trade in trades:
        maker.add(trade)
    bars = {
        bar.ts_ns // 10**9: (bar.open, bar.high, bar.low, bar.close, bar.volume)
        for _, bar in maker.due(START_NS + 10**15)
        if type(bar) is Bar
    }
    assert candles.all() == bars
    assert set(candles.take_changed()) == set()


def test_the_venues_bar_takes_the_place_of_what_was_heard_and_is_not_added_to() -> None:
    candles = Candles()
    candles.add_trades(made([(1, 100.0, 5.0, ()), (1, 101.0, 5.0, ())]))
    start_s = START_NS // 10**9
    assert candles.take_changed() == {start_s: (100.0, 101.0, 100.0, 101.0, 10.0)}
    candles.add_bars([Bar("SPY", START_NS, 99.0, 102.0, 98.0, 101.5, 900.0)])
    candles.add_trades(made([(3, 150.0, 5.0, ())]))
    assert candles.all() == {start_s: (99.0, 102.0, 98.0, 101.5, 900.0)}
    assert candles.last == 101.5


def test_a_part_of_the_trades_stands_for_all_of_them() -> None:
    candles = Candles()
    candles.add_trades(made([(0.01, 100.0 + number, 2.0, ()) for number in range(10)])[::5], times=5)
    ((open_, high, low, close, volume),) = candles.all().values()
    assert (open_, high, low, close, volume) == (100.0, 105.0, 100.0, 105.0, 20.0)


def test_candles_are_bounded_and_the_newest_are_kept() -> None:
    candles = Candles()
    candles.add_bars(Bar("SPY", START_NS + n * MINUTE_NS, 1.0, 1.0, 1.0, 1.0, 1.0) for n in range(CANDLES_MAX + 7))
    assert len(candles) == CANDLES_MAX
    assert min(candles.all()) == START_NS // 10**9 + 7 * 60
