"""Law: in on the cross up, out on the cross down or at the stop, and never more than the risk and the cost allow."""

from decimal import Decimal
from itertools import pairwise
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Bar
from strategies.crypto_momentum import Move, Params, Trend, decide, size

P = Params(fast=2, slow=4, atr=3)
MINUTE_NS = 60 * 10**9
CLOSES = st.lists(st.floats(1.0, 1e5), max_size=60)


def bar(close: float, minute: int) -> Bar:
    return Bar("BTC/USD", minute * MINUTE_NS, close, close + 1.0, close - 1.0, close, 2.0)


def run(closes: list[float]) -> list[tuple[bool | None, bool]]:
    trend, told = Trend(P), []
    for minute, close in enumerate(closes):
        trend.update(bar(close, minute))
        told.append((trend.up, trend.turned_up))
    return told


def test_there_is_no_trend_until_every_average_is_ready() -> None:
    assert [up for up, _ in run([100.0, 99.0, 98.0, 97.0, 98.0])] == [None, None, None, False, False]


def test_a_market_that_was_up_from_the_first_has_not_turned() -> None:
    assert [turned for _, turned in run([100.0, 101.0, 102.0, 103.0, 104.0])] == [False] * 5


@given(CLOSES)
def test_turning_up_is_the_bar_at_which_down_became_up(closes: list[float]) -> None:
    for (was, _), (now, turned) in pairwise(run(closes)):
        assert turned == (was is False and now is True)


def test_behind_a_gap_there_is_no_trend() -> None:
    trend = Trend(P)
    for minute, close in enumerate([100.0, 99.0, 98.0, 97.0]):
        trend.update(bar(close, minute))
    trend.reset()
    trend.update(bar(500.0, 99))
    assert trend.up is None
    assert not trend.turned_up


@pytest.mark.parametrize(
    ("up", "turned", "close", "held", "stop", "move"),
    [
        (True, True, 100.0, False, None, Move.ENTER),
        (True, False, 100.0, False, None, Move.WAIT),  # stopped out, and still up: the next cross is the next trade
        (True, True, 100.0, True, 90.0, Move.WAIT),  # never more while it holds
        (True, False, 91.0, True, 90.0, Move.WAIT),
        (True, False, 90.0, True, 90.0, Move.EXIT),
        (False, False, 95.0, True, 90.0, Move.EXIT),
        (None, False, 95.0, True, 90.0, Move.WAIT),  # behind a gap only the stop is known
        (None, False, 89.0, True, 90.0, Move.EXIT),
        (None, False, 89.0, True, None, Move.WAIT),
        (None, False, nan, True, 90.0, Move.WAIT),
        (False, False, 95.0, False, 90.0, Move.WAIT),
    ],
)
def test_each_case_has_its_move(
    up: bool | None, turned: bool, close: float, held: bool, stop: float | None, move: Move
) -> None:
    trend = Trend(P)
    trend.up, trend.turned_up = up, turned
    assert decide(trend, close, held=held, stop=stop) is move


@given(price=st.floats(0.01, 1e6), atr=st.floats(1e-6, 1e5))
def test_no_more_is_risked_or_spent_than_allowed(price: float, atr: float) -> None:
    qty = size(P, price, atr)
    assert qty >= 0
    assert qty % P.step == 0
    assert qty * Decimal(str(P.stop_ranges * atr)) <= P.risk
    assert qty * Decimal(str(price)) <= P.notional_max


@pytest.mark.parametrize(
    ("price", "atr", "qty"),
    [
        (50_000.0, 100.0, "0.2"),  # by what it costs: 10,000 dollars
        (50_000.0, 1_000.0, "0.0333"),  # by what is risked: 100 dollars over three ranges
        (50_000.0, 0.0, "0"),  # nothing moves: no distance to a stop
        (50_000.0, nan, "0"),
        (50_000.0, 20_000.0, "0"),  # a stop below nothing
        (9e9, 1e9, "0"),  # less than a step
    ],
)
def test_a_wild_market_buys_less(price: float, atr: float, qty: str) -> None:
    assert size(P, price, atr) == Decimal(qty)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbol": "SPY"}, "crypto pair"),
        ({"fast": 26}, "below slow"),
        ({"stop_ranges": 0.0}, "above 0"),
        ({"risk": Decimal(0)}, "above 0"),
        ({"step": Decimal(-1)}, "above 0"),
        ({"slip": 0.5}, "ten percent"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Params(**changes)
