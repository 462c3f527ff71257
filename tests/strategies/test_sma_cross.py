"""Law: a signal is told when the fast average crosses the slow one, buying and selling in turn."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
import trio
from loguru import logger

from engine.app.demo.episode import START_NS, Episode
from engine.app.live import run_live
from engine.app.options import RunOptions
from engine.app.plugins.params import load_strategies
from engine.exchange.generator import Generator
from engine.exchange.serve import ExchangeOptions, open_exchange
from strategies.sma_cross import Params


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Everything that is logged while a test runs."""
    told: list[str] = []
    sink = logger.add(told.append, format="{message}")
    yield told
    logger.remove(sink)


async def test_signals_alternate_and_name_the_symbol(lines: list[str]) -> None:
    market = Episode(Generator(seed=3, start_ns=START_NS, symbols=("SPY",), events_per_s=4.0), length_s=1800)
    sets = ("fast=1", "slow=2")
    async with open_exchange(ExchangeOptions(speed=0.0), market) as exchange:
        options = RunOptions(load_strategies(("sma_cross",), sets), until_tape_ends=True)
        with trio.fail_after(20):
            await run_live(options, exchange=exchange)
    sides = [line.partition(": ")[2].split()[0] for line in lines if " SPY at " in line]
    assert len(sides) > 1
    assert set(sides) == {"BUY", "SELL"}
    assert all(one != other for one, other in pairwise(sides))


@pytest.mark.parametrize(("fast", "slow"), [(10, 10), (0, 5), (30, 10)])
def test_averages_that_cannot_cross_are_refused(fast: int, slow: int) -> None:
    with pytest.raises(ValueError, match="below slow"):
        Params(fast=fast, slow=slow)
