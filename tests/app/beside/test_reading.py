"""One look at a running engine holds all of it, and is of one moment."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import trio

from engine import Context, strategy
from engine.app.beside.engine import Engine
from engine.app.beside.moments import note_moments
from engine.app.beside.overview import Overview
from engine.app.beside.reading import GAPS_MAX, read_overview
from engine.core.restart import RestartPolicy
from engine.flow.holes import Hole
from engine.model.alert import Finding, Severity
from engine.model.market import Kind
from engine.model.stream import Stream


def looking(at_s: float, looks: list[Overview]) -> Callable[[Engine], Awaitable[None]]:
    """A part that reads the overview once, so many seconds into the session."""

    async def look(engine: Engine) -> None:
        engine.alarms.tell(Finding(key="test/one", severity=Severity.WARNING, title="a finding"))
        await trio.sleep(at_s)
        looks.append(read_overview(engine))

    return look


@strategy()
async def trader(ctx: Context) -> None:
    """Holds five, and has one order that rests."""
    async with ctx.orders(on_exit="cancel", within=5), ctx.quotes("SPY", full="latest", capacity=10) as quotes:
        quote = await anext(quotes)
        await (await ctx.buy("SPY", 5)).filled()
        await ctx.buy("SPY", 2, limit=round(quote.bid_price / 2, 2))
        async for _ in quotes:
            pass


@strategy()
async def watcher(ctx: Context) -> None:
    """Only looks."""
    async with ctx.trades("AAPL") as trades:
        async for _ in trades:
            pass


async def test_a_look_at_a_trading_session(held: Any) -> None:
    looks: list[Overview] = []
    await held.run(trader, watcher, parts={"moments": note_moments, "look": looking(20, looks)}, for_s=30)
    (seen,) = looks
    assert (seen.session, seen.venue, seen.phase) == ("trader+watcher", "exchange", "core")
    assert 19 < seen.uptime_s < 21
    assert [(row.name, row.depth, row.state) for row in seen.tasks] == [
        ("session", 0, "running"),
        ("market clock", 1, "speed 1"),
        ("desk", 1, "ready"),
        ("account stream", 1, "listening"),
        ("kill switch", 1, "armed"),
        ("strategy trader", 2, "running"),
        ("strategy watcher", 2, "running"),
        ("feed iex", 3, "live"),
    ]
    assert {(row.strategy, row.full) for row in seen.channels} >= {("trader", "latest"), ("watcher", "block")}
    (order,) = seen.orders
    assert (order.strategy, order.symbol, order.side, order.type, order.qty) == ("trader", "SPY", "buy", "limit", "2")
    assert (order.filled, order.status) == ("0", "new")
    assert 0 < order.age_s < 20
    (alarm,) = seen.alarms
    assert (alarm.title, alarm.state, alarm.since) == ("a finding", "open", "1970-01-01T00:00:01Z")
    assert seen.report.account is not None
    assert [row.qty for row in seen.report.account.positions] == ["5"]
    told = [(moment.what, moment.where) for moment in seen.moments]
    assert ("fill", "trader") in told
    assert ("connected", "iex") in told
    assert [moment.at_ns for moment in seen.moments] == sorted((m.at_ns for m in seen.moments), reverse=True)
    assert msgspec.json.decode(msgspec.json.encode(seen.to_json()))["tasks"][0]["name"] == "session"


async def test_a_line_and_a_strategy_that_wait_for_their_next_try_say_for_how_long(held: Any) -> None:
    looks: list[Overview] = []
    patient = RestartPolicy(delay_initial_s=60.0, delay_max_s=60.0, jitter=0.0)

    @strategy(restart=patient)
    async def failing(ctx: Context) -> None:
        await trio.sleep(5)
        raise RuntimeError("it broke")

    async def cut(engine: Engine) -> None:
        await trio.sleep(10)
        held.exchange.fault("refuse", for_="60s")
        held.exchange.fault("cut")
        await trio.sleep_forever()

    parts = {"moments": note_moments, "cut": cut, "look": looking(18, looks)}
    await held.run(watcher, failing, parts=parts, for_s=30)
    (seen,) = looks
    rows = {row.name: row for row in seen.tasks}
    feed, broken = rows["feed iex"], rows["strategy failing"]
    assert (feed.state, broken.state, broken.restarts) == ("lost", "restarting", 1)
    assert broken.retry_in_s is not None
    assert 46 < broken.retry_in_s < 48
    assert "it broke" in broken.detail
    assert feed.retry_in_s is not None
    assert 0 <= feed.retry_in_s <= 30
    assert feed.restarts > 1
    assert "lost" in {moment.what for moment in seen.moments}


async def test_what_is_kept_without_bound_elsewhere_is_bounded_here(held: Any) -> None:
    looks: list[Overview] = []

    async def fill(engine: Engine) -> None:
        for number in range(3 * GAPS_MAX):
            hole = Hole("iex", Stream(Kind.TRADES, "SPY"), number, number + 1, 0, "", "dropped")
            engine.markets.holes.add(hole)
        await trio.sleep_forever()

    await held.run(watcher, parts={"fill": fill, "look": looking(5, looks)}, for_s=10)
    gaps = looks[0].report.gaps
    assert len(gaps) == GAPS_MAX
    assert gaps[-1].start_ns == 3 * GAPS_MAX - 1
