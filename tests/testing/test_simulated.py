"""A session in a simulated exchange is a whole one: what was published is delivered once, what broke is told."""

from typing import Any

import pytest
import trio

from engine import Connected, Context, Gap, Lost, Resumed, Strategy, Trade, frozen, strategy
from engine.errors import KeysRefused, Misconfigured
from engine.testing.options import build_options
from engine.testing.simulated import open_simulated

CRYPTO = {"symbols": "BTC/USD", "events_per_s": 20.0}


@frozen
class Params:
    """What the strategies here take."""

    symbol: str = "BTC/USD"


@pytest.fixture
def heard() -> list[Trade]:
    """What the strategy under test has been given."""
    return []


@pytest.fixture
def listener(heard: list[Trade]) -> Strategy:
    """A strategy that keeps trades and says when it was told of a gap."""

    @strategy(params=Params)
    async def listen(ctx: Context, p: Params) -> None:
        ctx.log("here I am")
        async with ctx.trades(p.symbol, gaps=True) as trades:
            async for trade in trades:
                if isinstance(trade, Gap):
                    ctx.log(f"a gap: {trade.cause}")
                else:
                    heard.append(trade)

    return listen


async def test_a_bad_minute_is_delivered_once_and_in_order(
    autojump_clock: Any, listener: Strategy, heard: list[Trade]
) -> None:
    async with open_simulated(build_options(CRYPTO)) as exchange:
        exchange.fault("cut_without_close", after_events=200)
        exchange.fault("mute", every="50s")
        result = await exchange.run(listener, {"symbol": "BTC/USD"}, for_s=200)
        published = exchange.published("trades", "BTC/USD", heard[0].ts_ns, heard[-1].ts_ns)
        hits = exchange.summary()["faults"]["hits"]
    assert [trade.id for trade in heard] == [trade.id for trade in published if isinstance(trade, Trade)]
    assert result.delivered == result.stream("trades", "BTC/USD").delivered == len(heard) > 100
    assert hits["cut_without_close"] == 1
    assert hits["mute"] >= 2
    assert result.reconnects >= 2
    assert result.mended
    assert (result.gaps, result.alarms, dict(result.failures)) == ((), (), {})
    assert result.said == ("here I am",)
    assert [type(notice) for notice in result.notices[:4]] == [Connected, Lost, Connected, Resumed]
    assert result.report.conservation.holds


async def test_the_book_that_a_mute_line_answers_a_subscription_with_does_not_hide_that_it_is_mute(
    autojump_clock: Any,
) -> None:
    @strategy()
    async def peep(ctx: Context) -> None:
        """Look at the book again and again, well within the time that a silence may last."""
        async with ctx.trades("BTC/USD") as trades, trio.open_nursery() as nursery:

            async def look() -> None:
                while True:
                    async with ctx.books("BTC/USD"):
                        await trio.sleep(5.0)
                    await trio.sleep(5.0)

            nursery.start_soon(look)
            async for _ in trades:
                pass

    async with open_simulated(build_options(CRYPTO)) as exchange:
        exchange.fault("mute", after_events=200)
        result = await exchange.run(peep, for_s=200)
    (reason,) = (notice.reason for notice in result.notices if isinstance(notice, Lost))
    assert "although there is data" in reason
    assert result.mended


async def test_a_hole_that_history_refuses_to_fill_is_a_gap(autojump_clock: Any, listener: Strategy) -> None:
    async with open_simulated(build_options({"symbols": "SPY", "events_per_s": 20.0})) as exchange:
        exchange.fault("history_refused", younger="15m")
        exchange.fault("refuse", after_events=200, for_="10s")
        result = await exchange.run(listener, Params("SPY"), for_s=100)
    assert [row.cause for row in result.gaps] == ["history_refused"]
    assert "a gap: history_refused" in result.said


async def test_after_calm_nothing_more_goes_wrong(autojump_clock: Any, listener: Strategy) -> None:
    async with open_simulated(build_options({**CRYPTO, "faults": [{"kind": "cut", "every": "5s"}]})) as exchange:
        broken = await exchange.run(listener, for_s=30)
        exchange.calm()
        well = await exchange.run(listener, for_s=30)
    assert broken.reconnects >= 4
    assert well.reconnects == 0


async def test_an_exception_of_the_strategy_is_raised_where_the_test_waits(autojump_clock: Any) -> None:
    @strategy()
    async def clumsy(ctx: Context) -> None:
        await trio.sleep(1)
        assert ctx.name == "somebody else"

    async with open_simulated(build_options(CRYPTO)) as exchange:
        result = await exchange.run(clumsy, for_s=5, may_fail=True)
        failure = None
        try:
            await exchange.run(clumsy, for_s=5)
        except AssertionError as error:
            failure = error
    assert failure is not None
    assert "AssertionError" in result.failures["clumsy"]
    assert result.report.ended_by == "strategies"


async def test_what_ends_a_session_is_raised_as_itself(autojump_clock: Any, listener: Strategy) -> None:
    async with open_simulated(build_options({**CRYPTO, "keys": [("PK1", "secret")]})) as exchange:
        assert exchange.headers == {"APCA-API-KEY-ID": "PK1", "APCA-API-SECRET-KEY": "secret"}
        assert (await exchange.run(listener, for_s=5)).delivered
        exchange.secret = "forgotten"
        failure = None
        try:
            await exchange.run(listener, for_s=5)
        except KeysRefused as error:
            failure = error
    assert failure is not None


async def test_a_strategy_may_be_named_and_its_parameters_are_its_own(autojump_clock: Any, listener: Strategy) -> None:
    async with open_simulated(build_options({"symbols": "SPY", "events_per_s": 5.0})) as exchange:
        assert (await exchange.run("strategies.print_events", {"symbols": ("SPY",)}, for_s=5)).delivered
        assert (await exchange.run(listener, Params("SPY"), for_s=5)).stream("trades", "SPY").delivered
        sentences = []
        for params in ({"symbl": "SPY"}, {"symbol": "SPY", "x": 1}):
            try:
                await exchange.run(listener, params, for_s=5)
            except Misconfigured as error:
                sentences.append(str(error))
    assert len(sentences) == 2
    assert all(text.startswith("Strategy listen refuses its parameters: ") for text in sentences)


async def test_asking_for_what_is_not_there_says_what_is(autojump_clock: Any, listener: Strategy) -> None:
    async with open_simulated(build_options(CRYPTO)) as exchange:
        result = await exchange.run(listener, for_s=5)
        with pytest.raises(KeyError, match=r"no stream of bars of SPY .* trades of BTC/USD"):
            result.stream("bars", "SPY")
        with pytest.raises(Misconfigured, match="no such kind of event; there are trades, quotes"):
            exchange.published("trade", "BTC/USD")
        with pytest.raises(Misconfigured, match=r"fault\('cutt'\): kind 'cutt' is not known"):
            exchange.fault("cutt")
