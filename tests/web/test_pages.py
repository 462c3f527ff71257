"""What the pages show is what is there, escaped, and without what nobody should see."""

import json
from datetime import datetime, timedelta, timezone

import trio
from attrs import evolve
from loguru import logger

from engine.model.alert import Finding, Severity
from engine.model.market import Bar, Kind
from engine.web.charts.charts import CHARTS_MAX
from engine.web.looks.orders import fill_rows
from engine.web.scene.scene import FILLS_MAX, FillRow
from tests.web.conftest import OpenWeb, Watching, Web
from tests.web.players import holder, watcher

PATHS = ("/", "/charts?symbol=SPY", "/strategies", "/orders", "/alerts", "/kill")
CANARIES = ("canary-of-a-parameter", "canary-of-a-log-line", "canary-of-an-alert")


async def test_every_page_shows_what_is_there(open_web: OpenWeb) -> None:
    async with open_web(watcher, holder) as web:
        await trio.sleep(8)
        overview, chart, strategies, orders, alerts, kill = [(await web.client.get(path)).text for path in PATHS]
        assert "holds" in overview
        assert "feed iex" in overview
        assert 'id="candles"' in chart
        assert "watcher" in strategies
        assert "It only watches" in strategies
        assert "▲ buy" in orders
        assert "long" in orders
        assert "All is well" in alerts
        assert "Nothing is tripped" in kill


async def test_what_strategies_say_is_shown_as_text_and_secrets_are_not_shown(open_web: OpenWeb) -> None:
    async with open_web(watcher, holder) as web:
        await trio.sleep(3)
        web.engine.alarms.tell(Finding(key="k", severity=Severity.WARNING, title="<i>odd</i>", text="<u>"))
        leaky = "Authorization: Bearer canary-of-an-alert"
        web.engine.alarms.tell(Finding(key="l", severity=Severity.CRITICAL, title=leaky, text=f"It said {leaky}"))
        texts = [(await web.client.get(path)).text for path in PATHS]
        for text in texts:
            assert "<script>alert" not in text
            assert "<i>odd" not in text
            for canary in CANARIES:
                assert canary not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in texts[2]
        assert "token=*******" in texts[2]


async def test_what_a_strategy_told_stands_with_the_time_of_day_in_utc(open_web: OpenWeb) -> None:
    told_at = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    async with open_web(watcher) as web:
        await trio.sleep(1)
        logger.bind(strategy="watcher").patch(lambda record: record.update(time=told_at)).info("good night")
        assert "04:30:00 good night" in (await web.client.get("/strategies")).text


async def test_the_list_of_fills_beside_a_chart_says_that_it_is_not_all_of_them(open_web: OpenWeb) -> None:
    async with open_web(holder) as web:
        await trio.sleep(1)
        fill = FillRow(at="2026-03-02T14:30:00Z", strategy="holder", symbol="SPY", side="buy", qty="1", price="5")
        scene = web.site.reader.scene()
        assert "Nothing was filled yet" in fill_rows(scene, "AAPL")
        many = evolve(scene, fills=(fill,) * FILLS_MAX)
        assert "Nothing was filled" not in fill_rows(many, "AAPL")
        for symbol in ("AAPL", "SPY"):
            assert "older ones are on the chart" in fill_rows(many, symbol)
        assert "older ones" not in fill_rows(many)


async def test_a_chart_of_what_nobody_has_to_do_with_is_not_begun(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        await trio.sleep(3)
        response = await web.client.get("/charts?symbol=<b>EVIL")
        assert response.status_code == 404
        assert "<b>EVIL" not in response.text
        assert (await web.client.get("/events?page=charts&symbol=EVIL")).status_code == 404
        assert (await web.client.get("/events?page=nothing")).status_code == 404


async def test_before_there_is_a_symbol_the_page_of_charts_is_live_and_one_too_many_is_told_so(
    open_web: OpenWeb,
) -> None:
    async with open_web(watcher) as web, trio.open_nursery() as nursery:
        assert 'data-events="/events?page=charts&amp;symbol="' in (await web.client.get("/charts?symbol=")).text
        browser = watch(web, "/events?page=charts&symbol=")
        nursery.start_soon(browser.run)
        await trio.sleep(3)
        assert "/charts?symbol=SPY" in str([read(news).get("symbols") for news in browser.news])
        for number in range(CHARTS_MAX):
            web.site.charts.look(f"S{number}")
        crowded = watch(web, "/events?page=charts&symbol=SPY")
        nursery.start_soon(crowded.run)
        await trio.sleep(1)
        assert "close one" in str(read(crowded.news[0])["note"])
        nursery.cancel_scope.cancel()


async def test_pausing_refuses_what_adds_risk_and_lets_the_way_out_go(open_web: OpenWeb) -> None:
    async with open_web(holder) as web:
        await trio.sleep(6)
        before = position(web)
        assert before >= 5
        response = await web.post("/deeds/pause", strategy="holder")
        assert response.headers["location"] == "/strategies"
        text = (await web.client.get("/strategies")).text
        assert "is paused by the dashboard" in text
        assert "is paused by the dashboard" not in (await web.client.get("/strategies")).text  # told once
        await trio.sleep(3.5)
        assert "refused: paused" in (await web.client.get("/strategies")).text
        assert position(web) < before  # its exits went
        await web.post("/deeds/resume", strategy="holder")
        low = position(web)
        await trio.sleep(3.5)
        assert position(web) > low
        assert [line for line in web.told if "resumed by the dashboard" in line]


async def test_the_kill_switch_takes_its_word_and_a_scope_that_is_there(open_web: OpenWeb) -> None:
    async with open_web(holder) as web:
        await trio.sleep(4)
        for fields in (
            {"scope": "account"},
            {"scope": "account", "confirm": "kill"},
            {"scope": "x", "confirm": "KILL"},
        ):
            response = await web.post("/deeds/kill", **fields)
            assert response.status_code == 400, fields
            assert "Nothing was done" in response.text
        assert web.engine.account is not None
        assert not web.engine.account.switch.tripped("holder")
        response = await web.post("/deeds/kill", scope="holder", confirm="KILL")
        assert response.status_code == 303
        assert web.engine.account.switch.tripped("holder")
        assert "Tripped" in (await web.client.get("/kill")).text
        assert "Kill switch tripped for holder" in (await web.client.get("/")).text
        await trio.sleep(5)
        assert position(web) == 0  # flattened, as the session says


async def test_where_nobody_trades_there_is_nothing_to_kill_or_pause(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        await trio.sleep(1)
        if web.engine.account is None:
            assert (await web.post("/deeds/kill", scope="account", confirm="KILL")).status_code == 409
            assert (await web.post("/deeds/pause", strategy="watcher")).status_code == 409
        assert (await web.post("/deeds/pause", strategy="nobody")).status_code in (400, 409)
        assert (await web.post("/deeds/dance")).status_code == 404


async def test_acknowledging_an_alert(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web:
        web.engine.alarms.tell(
            Finding(key="silent/iex", severity=Severity.CRITICAL, title="iex is silent", text="Look.")
        )
        assert "iex is silent" in (await web.client.get("/")).text
        assert (await web.post("/deeds/acknowledge", key="silent/iex")).status_code == 303
        (alarm,) = web.engine.alarms.standing()
        assert alarm.acknowledged == "the dashboard"
        assert (await web.post("/deeds/acknowledge", key="never/was")).status_code == 409


async def test_news_come_once_a_beat_to_all_and_hold_only_what_changed(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web, trio.open_nursery() as nursery:
        browsers = [watch(web, "/events?page=overview") for _ in range(5)]
        for browser in browsers:
            nursery.start_soon(browser.run)
        await trio.sleep(4.1)
        first, *rest = browsers
        assert 9 <= len(first.news) <= 11
        assert all(browser.news == first.news for browser in rest)
        whole, later = read(first.news[0]), read(first.news[-1])
        assert {"feeds", "streams", "gaps", "law", "tasks", "strip", "badges"} <= set(whole)
        assert "strip" in later  # time goes on
        assert "gaps" not in later or later["gaps"] != whole["gaps"]
        for browser in browsers:
            browser.gone.set()
        await trio.sleep(1)
        assert web.site.pulse.watchers == 0


async def test_who_does_not_read_holds_up_nobody(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web, trio.open_nursery() as nursery:
        stuck, quick = watch(web, "/events?page=overview"), watch(web, "/events?page=overview")
        stuck.stuck = True
        nursery.start_soon(stuck.run)
        nursery.start_soon(quick.run)
        received = web.engine.markets.fanout.seq
        await trio.sleep(10)
        assert len(quick.news) >= 24
        assert len(stuck.sent) == 1
        assert web.engine.markets.fanout.seq > received
        nursery.cancel_scope.cancel()


async def test_who_is_logged_out_hears_no_more(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web, trio.open_nursery() as nursery:
        browser = watch(web, "/events?page=strategies")
        nursery.start_soon(browser.run)
        await trio.sleep(1)
        web.site.logins.log_out(browser.cookie)
        await trio.sleep(1)
        told = len(browser.news)
        assert browser.sent[-1]["more_body"] is False
        await trio.sleep(2)
        assert len(browser.news) == told


async def test_nobody_watching_costs_nothing_and_too_many_are_told_so(open_web: OpenWeb) -> None:
    from engine.web.pulse.pulse import WATCHERS_MAX

    async with open_web(watcher) as web, trio.open_nursery() as nursery:
        await trio.sleep(5)
        assert not [channel for channel, _ in web.engine.markets.fanout.channels() if not channel.strategy]
        for _ in range(WATCHERS_MAX):
            nursery.start_soon(watch(web, "/events?page=kill").run)
        await trio.sleep(1)
        one_more = watch(web, "/events?page=kill")
        await one_more.run()
        assert one_more.sent[0]["status"] == 503
        nursery.cancel_scope.cancel()


async def test_candles_are_those_that_the_venue_makes_of_the_same_trades(open_web: OpenWeb) -> None:
    async with open_web(watcher) as web, trio.open_nursery() as nursery:
        await trio.sleep(3)
        browser = watch(web, "/events?page=charts&symbol=SPY")
        nursery.start_soon(browser.run)
        await trio.sleep(200)
        candles = {
            int(name[2:]): row for news in browser.news for name, row in read(news).items() if name.startswith("c:")
        }
        published = [bar for bar in exchange_bars(web) if bar.ts_ns // 10**9 in candles]
        assert len(published) >= 3
        for bar in published:
            assert candles[bar.ts_ns // 10**9] == [bar.open, bar.high, bar.low, bar.close, bar.volume]
        browser.gone.set()
        await trio.sleep(400)
        assert not [channel for channel, _ in web.engine.markets.fanout.channels() if not channel.strategy]


def exchange_bars(web: Web) -> list[Bar]:
    """Minutes that are over, as the exchange told them."""
    assert web.engine.venue.exchange is not None
    bars = web.engine.venue.exchange.market.past.between(Kind.BARS, "SPY", 0, 2**62)
    return [bar for bar in bars if isinstance(bar, Bar)]


def position(web: Web) -> float:
    """What the strategy holds of SPY."""
    assert web.engine.account is not None
    return float(web.engine.account.desk.blotter.position("holder", "SPY").qty)


def watch(web: Web, path: str) -> Watching:
    """Another tab of the browser that is logged in."""
    return Watching(web.site, web.client.cookies[web.site.cookie], path)


def read(news: bytes) -> dict[str, object]:
    """What a message tells."""
    told: dict[str, object] = json.loads(news.removeprefix(b"data: "))
    return told
