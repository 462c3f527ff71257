"""Law: it holds the symbol while the fast average is above the slow one, and tells each crossing once."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.testing.simulated import SimulatedExchange
from strategies.sma_cross import Cross, Params, sma_cross


@given(closes=st.lists(st.floats(1, 1e4), max_size=60))
def test_a_crossing_is_where_above_became_below_or_the_other_way(closes: list[float]) -> None:
    cross, sides = Cross(2, 5), []
    for close in closes:
        crossed = cross.update(close)
        sides.append(cross.above)
        assert crossed == (len(sides) > 1 and sides[-2] is not None and sides[-2] != sides[-1])
    assert sides[:4] == [None] * min(4, len(closes))


def test_no_number_is_no_crossing() -> None:
    cross = Cross(1, 2)
    told = [cross.update(close) for close in (1.0, 2.0, float("nan"), 2.0, 1.0, 2.0)]
    assert told == [False, False, False, False, False, True]
    assert cross.above


@pytest.mark.slow
@pytest.mark.exchange(symbols="SPY", events_per_s=2, seed=3)
async def test_signals_alternate_and_what_is_bought_is_given_back(exchange: SimulatedExchange) -> None:
    result = await exchange.run(sma_cross, Params(fast=1, slow=2), for_s=600)
    sides = [line.split()[0] for line in result.said if " SPY at " in line]
    assert set(sides) == {"BUY", "SELL"}
    assert all(one != other for one, other in pairwise(sides))
    assert not result.failures
    assert not exchange.running.brokerage.books.positions()  # it is stopped while it holds something


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fast": 10, "slow": 10}, "below slow"),
        ({"fast": 0, "slow": 5}, "below slow"),
        ({"fast": 30, "slow": 10}, "below slow"),
        ({"qty": Decimal(0)}, "above 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Params(**changes)
