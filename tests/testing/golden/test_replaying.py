"""Laws: a test replays a tape or events of its own in a line, with faults if it wants, and twice is the same."""

import pytest

from engine import Bar, Context, Trade, frozen, strategy
from engine.core.fingerprint import render_decision
from engine.errors import Misconfigured, StrategyFailed
from engine.model.instant import NS_PER_S
from engine.testing import replay, replay_async

T0 = 1_772_461_800 * NS_PER_S
MINUTE_NS = 60 * NS_PER_S
BARS = [Bar("SPY", T0 + at * MINUTE_NS, 10.0, 12.0, 9.0, 10.0 + at % 3, 100.0) for at in range(30)]


@frozen
class Params:
    """What the strategy takes."""

    above: float = 11.5


@strategy(params=Params)
async def high(ctx: Context, p: Params) -> None:
    """Buys at a close above."""
    async with ctx.orders(on_exit="leave"), ctx.bars("SPY") as bars:
        async for bar in bars:
            if bar.close > p.above:
                await ctx.buy("SPY", 1, limit=5)


@strategy()
async def raises(ctx: Context) -> None:
    """Fails at the first trade."""
    async with ctx.trades("SPY") as trades:
        async for trade in trades:
            raise ValueError(f"at {trade.price}")


def test_events_of_a_test_are_a_tape() -> None:
    done = replay(high, tape=reversed(BARS))
    assert [render_decision(one) for one in done.decisions][:1] == [
        '2026-03-02T14:33:00Z buy {"limit":"5","qty":"1","symbol":"SPY"}'
    ]
    assert (done.strategy, done.params, done.events) == ("high", "Params(above=11.5)", 30)
    assert replay(high, tape=BARS).fingerprint == done.fingerprint


def test_parameters_are_names_and_values_or_an_instance() -> None:
    assert len(replay(high, {"above": 10.5}, tape=BARS).decisions) == 20
    assert len(replay(high, Params(10.5), tape=BARS).decisions) == 20


async def test_an_asynchronous_test_replays_too() -> None:
    assert len((await replay_async(high, tape=BARS)).decisions) == 10
    with pytest.raises(Misconfigured, match="await replay_async"):
        replay(high, tape=BARS)


def test_a_strategy_that_fails_fails_the_test_unless_it_may() -> None:
    tape = [Trade("SPY", T0, 7.0, 1.0)]
    with pytest.raises(StrategyFailed, match=r"raises failed in the replay: .*at 7\.0"):
        replay(raises, tape=tape)
    assert replay(raises, tape=tape, may_fail=True).report.strategies[0].error


def test_mistakes_are_sentences() -> None:
    with pytest.raises(Misconfigured, match="no option 'shedule'; did you mean 'schedule'"):
        replay(high, tape=BARS, shedule=3)
    with pytest.raises(Misconfigured, match="nowhere"):
        replay(high, tape="nowhere.parquet")
    with pytest.raises(Misconfigured, match="at least one event"):
        replay(high, tape=[])


@pytest.mark.slow
def test_with_faults_the_tape_comes_through_the_whole_engine_and_twice_is_the_same() -> None:
    faults = [{"kind": "cut", "every": "10m"}]
    first, second = (replay(high, tape=BARS, faults=faults) for _ in range(2))
    assert first.report.feeds[0].restarts >= 2
    assert first.fingerprint == second.fingerprint
    assert first.tape == replay(high, tape=BARS).tape
    assert 0 < len(first.decisions) <= 10
