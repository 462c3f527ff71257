"""The watch beside a whole session: what it measures beside silence."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from engine import Context, Kind, Stream, strategy
from engine.app.config.watch import WatchSettings
from engine.app.options import Tuning
from engine.core.restart import RestartPolicy

BTC = "BTC/USD"
MARKET: dict[str, Any] = {"symbols": (BTC,), "events_per_s": 10.0, "burst": False}


async def test_a_strategy_that_fails_again_and_again_flaps(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    @strategy()
    async def broken(ctx: Context) -> None:
        await trio.sleep(5)
        raise ValueError("no such thing")

    @strategy(restart=RestartPolicy(delay_initial_s=1.0, delay_max_s=1.0))
    async def shaky(ctx: Context) -> None:
        await trio.sleep(3)
        raise ValueError("again")

    seen = watched()
    await hold(
        broken,
        shaky,
        reader(Stream(Kind.TRADES, BTC)),
        for_s=60,
        session={"attached": seen.attached},
        **MARKET,
    )
    assert seen.alarms.keys == {"flapping/strategy/shaky"}, "that one has ended is told without the watch"


async def test_a_slow_strategy_is_told_by_its_queue_and_by_what_it_loses(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any
) -> None:
    @strategy()
    async def blocking(ctx: Context) -> None:
        async with ctx.trades(BTC, full="fail", capacity=1000) as events:
            await trio.sleep(40)
            async for _ in events:
                pass

    @strategy()
    async def dropping(ctx: Context) -> None:
        async with ctx.quotes(BTC, full="drop_oldest", capacity=20) as events:
            await trio.sleep(50)
            async for _ in events:
                pass

    seen = watched()
    await hold(
        blocking,
        dropping,
        for_s=100,
        session={"attached": seen.attached, "watch": WatchSettings(hold_s=20.0, queue_fill=0.05)},
        **MARKET,
    )
    (queue,) = [key for key in seen.alarms.keys if key.startswith("queue/blocking/")]
    assert [what for _, what in seen.alarms.of(queue)] == ["began", "over"]
    (drops,) = [key for key in seen.alarms.keys if key.startswith("drops/dropping/")]
    (began, _), (over, _) = seen.alarms.of(drops)
    assert over - began >= 20, "it stands for a while after the last one"
    lag = seen.alarms.keys - {queue, drops}
    assert lag <= {"lag/strategy/blocking", "lag/strategy/dropping"}
    assert lag, "what waits for half a minute is late"


async def test_a_hole_that_stays_open_is_told(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    await hold(
        reader(Stream(Kind.TRADES, BTC)),
        for_s=120,
        faults='[[fault]]\nkind = "cut_without_close"\nafter_events = 300\n'
        '[[fault]]\nkind = "http_status"\nstatus = 404\npath = "/v1beta3"\n',
        tuning=Tuning(backfill_give_up_s=20.0),
        session={"attached": seen.attached},
        **MARKET,
    )
    assert [what for _, what in seen.alarms.of(f"gap/crypto/trades/{BTC}")] == ["told"]


async def test_a_calendar_that_cannot_be_read_ends_nothing_and_is_read_again(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    await hold(
        reader(Stream(Kind.TRADES, BTC)),
        for_s=900,
        faults='[[fault]]\nkind = "http_status"\nstatus = 500\npath = "/v2/calendar"\nfor = "300s"\n',
        session={"attached": seen.attached},
        symbols=(BTC,),
        events_per_s=1.0,
        burst=False,
    )
    (began, _), (over, _) = seen.alarms.of("calendar/unread")
    assert began < 5
    assert 600 <= over < 610
    assert seen.alarms.keys == {"calendar/unread"}


async def test_the_account_is_watched(autojump_clock: trio.abc.Clock, hold_inline: Any, watched: Any) -> None:
    @strategy()
    async def trader(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes("SPY", full="latest") as quotes:
            async for _ in quotes:
                pass

    seen = watched()
    await hold_inline(
        trader,
        for_s=120,
        faults='[[fault]]\nkind = "refuse"\nline = "trading"\nat = "14:31:00"\nfor = "50s"\n',
        session={"attached": seen.attached},
        symbols=("SPY",),
        events_per_s=5.0,
        burst=False,
    )
    (began, _), (over, _) = seen.alarms.of("account/down")
    assert 88 <= began <= 95
    assert began < over
    assert not [key for key in seen.alarms.keys if key.startswith(("books", "orders", "silent"))]


async def test_a_loop_that_stood_still_and_a_disk_that_is_full(
    autojump_clock: Any, hold_inline: Any, watched: Any, tmp_path: Path
) -> None:
    @strategy()
    async def blocking(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.trades(BTC, full="latest") as events:
            await trio.sleep(10)
            autojump_clock.jump(2.0)  # nothing else runs meanwhile
            async for _ in events:
                pass

    seen = watched()
    settings = WatchSettings(disk_free_mb=1_000_000_000)
    await hold_inline(
        blocking,
        for_s=150,
        session={"attached": seen.attached, "watch": settings, "state": tmp_path / "state"},
        **MARKET,
    )
    assert seen.alarms.keys == {"loop", f"disk/{tmp_path / 'state'}"}
    (began, _), (over, _) = seen.alarms.of("loop")
    assert 10 < began <= 63
    assert over - began == pytest.approx(60, abs=3), "it is judged by the minute"


@pytest.mark.slow
@pytest.mark.parametrize(("hour", "minute"), [(14, 25), (17, 45)])
async def test_a_lively_market_has_halts_and_an_early_close_and_no_alarm(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any, hour: int, minute: int
) -> None:
    """The Friday after Thanksgiving, around its open and its close at one: bursts, lulls, halts, late trades, and after
    hours nearly nothing."""
    symbols, opening = ("AAPL", "SPY", "TSLA"), hour == 14
    seen = watched()
    outcome = await hold(
        reader(
            *(Stream(kind, symbol) for symbol in symbols for kind in (Kind.TRADES, Kind.QUOTES, Kind.STATUSES)),
            Stream(Kind.BARS, "SPY"),
        ),
        for_s=1500,
        session={"attached": seen.attached},
        tuning=Tuning(ping_every_s=600.0),
        symbols=symbols,
        events_per_s=1.0,
        start=datetime(2026, 11, 27, hour, minute, tzinfo=UTC),
    )
    assert seen.alarms.log == []
    assert [feed.restarts for feed in outcome.report.feeds] == [0]
    assert (("AAPL", "halted") in seen.states) is opening
    assert (seen.row("trades", "SPY").limit_s is None) is not opening, "nothing is due after the close"
