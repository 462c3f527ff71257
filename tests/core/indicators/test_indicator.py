"""Law: NaN until the documented warm-up of good inputs in a row; anything that is no number begins it anew."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine.indicators
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
    ZScore,
)
from engine.model.market import Bar

OPEN_NS = 1_772_461_800_000_000_000
NOT_NUMBERS = (math.nan, math.inf, -math.inf, 1e300)

WARMUPS: dict[str, tuple[Callable[[], Indicator[Any]], int]] = {
    "SMA": (lambda: SMA(5), 5),
    "SMA of one": (lambda: SMA(1), 1),
    "EMA": (lambda: EMA(5), 5),
    "EMA of one": (lambda: EMA(1), 1),
    "WMA": (lambda: WMA(5), 5),
    "DEMA": (lambda: DEMA(5), 9),
    "TEMA": (lambda: TEMA(5), 13),
    "MACD": (MACD, 34),
    "RSI": (RSI, 15),
    "ROC": (ROC, 11),
    "StdDev": (lambda: StdDev(5), 5),
    "ZScore": (lambda: ZScore(5), 5),
    "Bollinger": (Bollinger, 20),
    "LinRegSlope": (LinRegSlope, 14),
    "Highest": (lambda: Highest(5), 5),
    "Lowest": (lambda: Lowest(5), 5),
    "Donchian": (Donchian, 20),
    "Stochastic": (Stochastic, 9),
    "TrueRange": (TrueRange, 2),
    "ATR": (ATR, 15),
    "Keltner": (Keltner, 20),
    "Keltner of a long range": (lambda: Keltner(3, 2.0, 10), 11),
    "ADX": (ADX, 28),
    "CCI": (CCI, 14),
    "OBV": (OBV, 1),
    "VWAP": (VWAP, 1),
    "VWAP of UTC days": (lambda: VWAP("utc"), 1),
}
OF_BARS = (Donchian, Stochastic, TrueRange, ATR, Keltner, ADX, CCI, OBV, VWAP)
PARTS = ("value", "signal_line", "histogram", "upper", "middle", "lower", "k", "d", "plus_di", "minus_di")


def bar_of(x: float, minute: int) -> Bar:
    """A bar around a price."""
    return Bar("SPY", OPEN_NS + minute * 60 * 10**9, x, x + 1.0, x - 1.0, x, 10.0)


def feed(indicator: Indicator[Any], prices: list[float], minute: int = 0) -> Iterator[list[float]]:
    """Every part after every price."""
    for place, x in enumerate(prices, minute):
        indicator.update(bar_of(x, place) if isinstance(indicator, OF_BARS) else x)
        yield [getattr(indicator, part) for part in PARTS if hasattr(indicator, part)]


def prices_of(count: int) -> list[float]:
    return [100.0 + 7.0 * math.sin(place) for place in range(count)]


@pytest.mark.parametrize("name", WARMUPS)
def test_every_part_is_nan_until_the_warm_up_is_over(name: str) -> None:
    build, warmup = WARMUPS[name]
    indicator = build()
    assert not indicator.ready
    assert math.isnan(indicator.value)
    for count, parts in enumerate(feed(indicator, prices_of(warmup + 5)), 1):
        assert indicator.ready == (count >= warmup)
        assert all(math.isnan(part) == (count < warmup) for part in parts)


@pytest.mark.parametrize("bad", NOT_NUMBERS)
@pytest.mark.parametrize("name", WARMUPS)
def test_what_is_no_number_begins_the_warm_up_anew(name: str, bad: float) -> None:
    build, warmup = WARMUPS[name]
    old, new, prices = build(), build(), prices_of(3 * warmup)
    list(feed(old, prices))
    assert old.ready
    assert all(math.isnan(part) for parts in feed(old, [bad], minute=len(prices)) for part in parts)
    minute = len(prices) + 1
    for mine, fresh in zip(feed(old, prices, minute), feed(new, prices, minute), strict=True):
        assert mine == pytest.approx(fresh, nan_ok=True, rel=0, abs=0)


@pytest.mark.parametrize("name", WARMUPS)
def test_reset_is_as_new(name: str) -> None:
    build, warmup = WARMUPS[name]
    old, new, prices = build(), build(), prices_of(3 * warmup)
    list(feed(old, prices))
    old.reset()
    assert not old.ready
    for mine, fresh in zip(feed(old, prices), feed(new, prices), strict=True):
        assert mine == pytest.approx(fresh, nan_ok=True, rel=0, abs=0)


@pytest.mark.parametrize("name", WARMUPS)
def test_a_market_that_stands_still_gives_numbers_all_the_same(name: str) -> None:
    build, warmup = WARMUPS[name]
    indicator = build()
    for count, parts in enumerate(feed(indicator, [0.1] * (3 * warmup)), 1):
        assert count < warmup or all(map(math.isfinite, parts))


@given(st.lists(st.floats(), max_size=60))
def test_no_input_raises(prices: list[float]) -> None:
    for build, _ in WARMUPS.values():
        assert len(list(feed(build(), prices))) == len(prices)


@given(st.lists(st.floats(1e-6, 1e12) | st.sampled_from(NOT_NUMBERS), max_size=60))
def test_no_value_is_infinite(prices: list[float]) -> None:
    for build, _ in WARMUPS.values():
        assert not any(math.isinf(part) for parts in feed(build(), prices) for part in parts)


@pytest.mark.parametrize("name", WARMUPS)
def test_there_is_no_room_for_a_misspelt_part(name: str) -> None:
    assert not hasattr(WARMUPS[name][0](), "__dict__")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: SMA(0), "at least 1"),
        (lambda: EMA(-1), "at least 1"),
        (lambda: Highest(0), "at least 1"),
        (lambda: RSI(1), "at least 2"),
        (lambda: StdDev(1), "at least 2"),
        (lambda: LinRegSlope(1), "at least 2"),
        (lambda: CCI(1), "at least 2"),
        (lambda: ADX(1), "at least 2"),
        (lambda: MACD(26, 12), "below slow"),
        (lambda: Bollinger(20, 0.0), "above 0"),
        (lambda: Keltner(20, math.nan), "above 0"),
        (lambda: VWAP("tokyo"), "neither"),  # type: ignore[arg-type] # that it is wrong is what is tested
    ],
)
def test_what_cannot_be_computed_is_refused_with_a_sentence(build: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()


def test_the_table_of_the_public_module_names_every_indicator() -> None:
    table = engine.indicators.__doc__ or ""
    names = set(engine.indicators.__all__) - {"Indicator"}
    assert not [name for name in names if f"``{name}(" not in table]
    assert names == {name.split(" of ")[0] for name in WARMUPS}
