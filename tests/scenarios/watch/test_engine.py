"""The watch beside a whole session, against the embedded exchange over loopback, on a virtual clock: silences."""

from typing import Any

import pytest
import trio

from engine import ANY, Context, Kind, Stream, strategy
from engine.app.config.watch import WatchSettings
from engine.app.options import Tuning
from engine.model.alert import Severity

BTC, ETH = "BTC/USD", "ETH/USD"
MARKET: dict[str, Any] = {"symbols": (BTC, ETH), "events_per_s": 10.0, "burst": False}
PATIENT = Tuning(silence_s=3600.0)
"""The feed's own watch, which knows nothing but the silence of a whole line, is not to come first."""


def trades(*symbols: str) -> list[Stream]:
    return [Stream(Kind.TRADES, symbol) for symbol in symbols]


async def test_a_quiet_session_has_no_alarm_and_its_cadences_are_learnt(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    await hold(reader(*trades(BTC, ETH)), for_s=120, session={"attached": seen.attached}, **MARKET)
    assert seen.alarms.log == []
    row = seen.row("trades", BTC)
    assert (row.feed, row.state) == ("crypto", "live")
    assert row.age_s is not None
    assert row.age_s < 10
    assert row.learnt_s is not None
    assert 1 <= row.learnt_s < 10
    assert row.limit_s == pytest.approx(max(15, 3 * row.learnt_s))
    assert seen.engine.loop_lag.count > 100


async def test_a_mute_line_is_an_alarm_and_is_opened_again(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    outcome = await hold(
        reader(*trades(BTC, ETH)),
        for_s=180,
        faults='[[fault]]\nkind = "mute"\nafter_events = 600\n',
        session={"attached": seen.attached},
        tuning=PATIENT,
        **MARKET,
    )
    assert outcome.exchange.plan.hits["mute"] == 1
    assert seen.alarms.keys == {"silent/crypto"}
    (began, _), (over, _) = seen.alarms.of("silent/crypto")
    assert 60 + 15 < began <= 60 + 45, "declared: twice the limit, the pause between questions, and the confirmation"
    assert began < over < began + 10
    (finding,) = seen.alarms.findings
    assert finding.severity is Severity.CRITICAL
    assert "opened again" in finding.text
    assert [feed.restarts for feed in outcome.report.feeds] == [1]
    assert not [gap for gap in outcome.report.gaps if not gap.closed]
    assert outcome.report.conservation.holds


async def test_a_mute_symbol_on_a_line_that_speaks_is_an_alarm_about_it_and_is_mended(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    outcome = await hold(
        reader(*trades(BTC, ETH), Stream(Kind.QUOTES, BTC)),
        for_s=180,
        faults=f'[[fault]]\nkind = "mute"\nsymbol = "{ETH}"\nafter_events = 600\n',
        session={"attached": seen.attached},
        **MARKET,
    )
    key = f"silent/crypto/trades/{ETH}"
    assert seen.alarms.keys == {key}
    (began, _), (over, _) = seen.alarms.of(key)
    assert 60 + 15 < began <= 60 + 45
    assert began < over < began + 10
    assert [feed.restarts for feed in outcome.report.feeds] == [1]
    assert all(row.received + row.backfilled > 200 for row in outcome.report.streams)
    assert not [gap for gap in outcome.report.gaps if not gap.closed], "what it kept was read from history"


async def test_what_the_feed_finds_dead_itself_is_an_alarm_all_the_same(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    await hold(
        reader(*trades(BTC, ETH)),
        for_s=120,
        faults='[[fault]]\nkind = "mute"\nafter_events = 600\n',
        session={"attached": seen.attached},
        tuning=Tuning(silence_s=6.0),
        **MARKET,
    )
    assert [what for _, what in seen.alarms.of("silent/crypto")] == ["began", "over"]


async def test_a_market_that_is_quiet_is_asked_about_and_no_alarm(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    """A stock of which nothing is made at all: it is waited for past its limit, and history has nothing either."""
    seen = watched()
    outcome = await hold(
        reader(*trades("SPY", "QQQ")),
        for_s=700,
        session={"attached": seen.attached},
        symbols=("SPY",),
        events_per_s=2.0,
        burst=False,
    )
    assert seen.alarms.log == []
    row = seen.row("trades", "QQQ")
    assert (row.state, row.age_s, row.limit_s, row.learnt_s) == ("waiting", None, 300.0, None)
    assert seen.row("trades", "SPY").state == "live"
    assert outcome.exchange.rest.requests < 40, "the clock once a minute, and few questions"


async def test_a_feed_that_stays_away_is_down(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    await hold(
        reader(*trades(BTC)),
        for_s=150,
        faults='[[fault]]\nkind = "refuse"\nafter_events = 300\nfor = "60s"\n',
        session={"attached": seen.attached},
        **MARKET,
    )
    assert [what for _, what in seen.alarms.of("down/crypto")] == ["began", "over"]
    (finding,) = [one for one in seen.alarms.findings if one.key == "down/crypto"]
    assert "Its last line ended with" in finding.text
    assert seen.alarms.keys == {"down/crypto"}, "one outage is no flapping, however often it is tried"


async def test_a_line_that_is_cut_again_and_again_flaps(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    await hold(
        reader(*trades(BTC)),
        for_s=300,
        faults='[[fault]]\nkind = "cut_without_close"\nevery = "30s"\ntimes = 6\n',
        session={"attached": seen.attached},
        **MARKET,
    )
    assert [what for _, what in seen.alarms.of("flapping/feed/crypto")] == ["began"]
    assert seen.alarms.keys == {"flapping/feed/crypto"}


async def test_switched_off_nothing_is_watched(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    await hold(
        reader(*trades(BTC)),
        for_s=60,
        session={"attached": seen.attached, "watch": WatchSettings(on=False)},
        **MARKET,
    )
    assert seen.rows == []
    assert seen.alarms.log == []


async def test_a_subscription_to_everything_is_one_stream(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    await hold(
        reader(Stream(Kind.TRADES, ANY)),
        for_s=120,
        faults='[[fault]]\nkind = "mute"\nafter_events = 400\n',
        session={"attached": seen.attached},
        tuning=PATIENT,
        symbols=("AAPL", "SPY"),
        events_per_s=10.0,
        burst=False,
    )
    assert [(row.feed, row.symbol, row.state) for row in seen.rows] == [("iex", ANY, "live")]
    assert seen.alarms.keys == {"silent/iex", "gap/iex/trades/*"}, "a symbol that nobody had heard yet may be missing"


async def test_a_market_at_sixty_times_its_speed_is_given_a_real_second(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    outcome = await hold(
        reader(*trades(BTC, ETH)),
        for_s=30,
        faults='[[fault]]\nkind = "mute"\nafter_events = 1500\n',
        session={"attached": seen.attached},
        tuning=PATIENT,
        symbols=(BTC, ETH),
        events_per_s=2.0,
        burst=False,
        speed=60.0,
    )
    assert outcome.exchange.plan.hits["mute"] == 1
    assert seen.alarms.keys == {"silent/crypto"}
    assert seen.row("trades", BTC).limit_s >= 60


async def test_two_readers_of_one_line_are_one_stream_and_leaving_it_ends_its_row(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    @strategy()
    async def passing(ctx: Context) -> None:
        with trio.move_on_after(30):
            async with ctx.trades(ETH, full="latest") as events:
                async for _ in events:
                    pass
        await trio.sleep_forever()

    seen = watched()
    await hold(reader(*trades(BTC)), passing, for_s=90, session={"attached": seen.attached}, **MARKET)
    assert (ETH, "live") in seen.states
    assert [row.symbol for row in seen.rows] == [BTC]
    assert seen.alarms.log == []


async def test_where_the_plan_has_no_recent_history_a_mute_symbol_takes_three_times_as_long(
    autojump_clock: trio.abc.Clock, hold: Any, watched: Any, reader: Any
) -> None:
    seen = watched()
    await hold(
        reader(*trades("SPY", "QQQ"), Stream(Kind.QUOTES, "SPY")),
        for_s=200,
        faults='[[fault]]\nkind = "mute"\nsymbol = "QQQ"\nafter_events = 600\n[[fault]]\nkind = "history_refused"\n',
        session={"attached": seen.attached},
        symbols=("QQQ", "SPY"),
        events_per_s=10.0,
        burst=False,
    )
    (began, _), *_ = seen.alarms.of("silent/iex/trades/QQQ")
    assert 60 + 45 <= began <= 60 + 75
