"""Law: what TA-Lib has too equals it to nine digits, at every input and with the same warm-up.

The inputs are bytes, each turned into a step of the market: prices on a grid, as they are. Closes always move, because
in a window that stands still TA-Lib's own rounding is what one would compare with (`test_spread.py` has those).
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.indicators import (
    ADX,
    ATR,
    CCI,
    DEMA,
    EMA,
    MACD,
    OBV,
    ROC,
    RSI,
    SMA,
    TEMA,
    VWAP,
    WMA,
    Bollinger,
    Donchian,
    Highest,
    Indicator,
    Keltner,
    LinRegSlope,
    Lowest,
    StdDev,
    Stochastic,
    TrueRange,
)
from engine.model.market import Bar

np = pytest.importorskip("numpy", reason="the oracles are TA-Lib's: python -m pip install TA-Lib, which brings numpy")
talib = pytest.importorskip("talib", reason="the oracles are TA-Lib's: python -m pip install TA-Lib")

OPEN_NS = 1_772_461_800_000_000_000
MINUTE_NS = 60 * 10**9
BYTES_A_BAR = 4
FLOOR_TICKS = 300


@frozen
class Market:
    """Bars, and the same as TA-Lib's columns."""

    bars: list[Bar]
    high: Any
    low: Any
    close: Any
    volume: Any


@frozen
class Case:
    """An indicator of ours and the function it must equal, the ``parts`` with its outputs in turn."""

    build: Callable[[int], Indicator[Any]]
    oracle: Callable[[Market, int], Any]
    parts: tuple[str, ...] = ("value",)
    of_bars: bool = False
    tick: float = 0.01
    scale: float = 1e5
    """What nine digits are counted from: the largest price by default, 100 for what is in percent."""


PERCENT = 100.0
BANDS = ("upper", "middle", "lower")
CASES = {
    "SMA": Case(SMA, lambda m, n: talib.SMA(m.close, n)),
    "EMA": Case(EMA, lambda m, n: talib.EMA(m.close, n)),
    "WMA": Case(WMA, lambda m, n: talib.WMA(m.close, n)),
    "DEMA": Case(DEMA, lambda m, n: talib.DEMA(m.close, n)),
    "TEMA": Case(TEMA, lambda m, n: talib.TEMA(m.close, n)),
    "RSI": Case(RSI, lambda m, n: talib.RSI(m.close, n), scale=PERCENT),
    "ROC": Case(ROC, lambda m, n: talib.ROC(m.close, n), scale=PERCENT),
    "MACD": Case(
        lambda n: MACD(n, 2 * n, n + 1),
        lambda m, n: talib.MACD(m.close, n, 2 * n, n + 1),
        ("value", "signal_line", "histogram"),
    ),
    "STDDEV": Case(StdDev, lambda m, n: talib.STDDEV(m.close, n)),
    "BBANDS": Case(lambda n: Bollinger(n, 1.5), lambda m, n: talib.BBANDS(m.close, n, 1.5, 1.5), BANDS),
    "LINEARREG_SLOPE": Case(LinRegSlope, lambda m, n: talib.LINEARREG_SLOPE(m.close, n)),
    "MAX": Case(Highest, lambda m, n: talib.MAX(m.close, n)),
    "MIN": Case(Lowest, lambda m, n: talib.MIN(m.close, n)),
    "DONCHIAN": Case(Donchian, lambda m, n: talib.DONCHIAN(m.high, m.low, n), BANDS, of_bars=True),
    "STOCH": Case(
        lambda n: Stochastic(n, 3, 2),
        lambda m, n: talib.STOCH(m.high, m.low, m.close, n, 3, 0, 2, 0),
        ("k", "d"),
        of_bars=True,
        scale=PERCENT,
    ),
    "TRANGE": Case(lambda _: TrueRange(), lambda m, _: talib.TRANGE(m.high, m.low, m.close), of_bars=True),
    "ATR": Case(ATR, lambda m, n: talib.ATR(m.high, m.low, m.close, n), of_bars=True),
    "KC": Case(
        lambda n: Keltner(n, 1.5, 7), lambda m, n: talib.KC(m.high, m.low, m.close, n, 7, 1.5), BANDS, of_bars=True
    ),
    "ADX": Case(ADX, lambda m, n: talib.ADX(m.high, m.low, m.close, n), of_bars=True, scale=PERCENT),
    "CCI": Case(CCI, lambda m, n: talib.CCI(m.high, m.low, m.close, n), of_bars=True, tick=1.0, scale=PERCENT),
    "OBV": Case(lambda _: OBV(), lambda m, _: talib.OBV(m.close, m.volume), of_bars=True),
    "VWAP": Case(lambda _: VWAP(), lambda m, _: talib.VWAP(m.high, m.low, m.close, m.volume), of_bars=True),
}


def market_of(raw: bytes, tick: float) -> Market:
    """Each few bytes a bar: where the close goes, how far high and low reach, whether they contradict, the volume."""
    bars: list[Bar] = []
    level = 10_000
    for place in range(0, len(raw) - BYTES_A_BAR + 1, BYTES_A_BAR):
        step, up, down, rest = raw[place : place + BYTES_A_BAR]
        before, step = level, step - 128 or 1
        level = level + step if level + step > FLOOR_TICKS else level - step
        high, low = max(before, level) + up % 40, min(before, level) - down % 40
        if rest % 16 == 0:
            high, low = low, high
        prices = (before * tick, high * tick, low * tick, level * tick)
        bars.append(Bar("SPY", OPEN_NS + len(bars) * MINUTE_NS, *prices, float(rest + 1)))
    columns = (np.array([getattr(bar, name) for bar in bars]) for name in ("high", "low", "close", "volume"))
    return Market(bars, *columns)


def run(indicator: Indicator[Any], inputs: Sequence[Any], parts: tuple[str, ...]) -> list[list[float]]:
    """Every part after every input."""
    told: list[list[float]] = [[] for _ in parts]
    for x in inputs:
        indicator.update(x)
        for column, part in zip(told, parts, strict=True):
            column.append(getattr(indicator, part))
    return told


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=100)
@given(raw=st.binary(min_size=BYTES_A_BAR, max_size=100 * BYTES_A_BAR), length=st.integers(2, 12))
def test_it_equals_talib(name: str, raw: bytes, length: int) -> None:
    case = CASES[name]
    market = market_of(raw, case.tick)
    inputs: Sequence[Any] = market.bars if case.of_bars else [bar.close for bar in market.bars]
    ours = run(case.build(length), inputs, case.parts)
    outputs = case.oracle(market, length)
    for mine, theirs in zip(ours, [outputs] if len(case.parts) == 1 else outputs, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9 * min(case.scale, float(max(market.close))))


@settings(max_examples=100)
@given(raw=st.binary(min_size=BYTES_A_BAR, max_size=100 * BYTES_A_BAR), length=st.integers(2, 12))
def test_the_directional_parts_equal_talib_from_where_adx_is_ready(raw: bytes, length: int) -> None:
    market = market_of(raw, 0.01)
    plus, minus = run(ADX(length), market.bars, ("plus_di", "minus_di"))
    begin = 2 * length - 1
    for mine, oracle in ((plus, talib.PLUS_DI), (minus, talib.MINUS_DI)):
        theirs = oracle(market.high, market.low, market.close, length)
        np.testing.assert_allclose(mine[begin:], theirs[begin:], rtol=1e-9, atol=1e-7)
        assert np.isnan(mine[:begin]).all()


@settings(max_examples=100)
@given(raw=st.binary(min_size=BYTES_A_BAR, max_size=100 * BYTES_A_BAR), length=st.integers(2, 30))
def test_a_long_day_leaves_no_rounding_behind(raw: bytes, length: int) -> None:
    """After a day of other prices the newest window gives what a fresh indicator gives."""
    closes = [bar.close for bar in market_of(raw, 0.01).bars]
    for build in (SMA, WMA, StdDev, LinRegSlope):
        old, new = build(length), build(length)
        for x in [1e6 / (1 + k % 7) for k in range(1000)]:
            old.update(x)
        for x in closes * (1 + 3 * length // len(closes)):
            old.update(x)
            new.update(x)
        assert old.value == pytest.approx(new.value, rel=1e-7, abs=1e-9)
