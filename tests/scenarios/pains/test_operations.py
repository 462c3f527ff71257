"""Rows 17, 23, 37, 66: the kill switch kills, signs of life are true, no secret is told, and one sees what goes on."""

import json
import logging
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import asdict
from loguru import logger

from engine import CallbackStrategy, Context, OrderRefused, Quote, plug, strategy
from engine.app.logs import configure_logs
from engine.app.secrets import Secret
from engine.core.risk.limits import Limits
from engine.flow.account.heartbeat import read_heartbeat
from engine.model.order import Fill
from engine.store import Latches

COIN, SHARE = "BTC/USD", "SPY"
KEY_ID, SECRET = "PKQ7WJXZ3V9K2MTR8BDH", "zX8fQ2vL0sKj4TnW7yRb3Hd9GmCe6PuA5oiYqBxN"
GRAM = 6
"""So many characters of a secret are too many."""


class Raising(CallbackStrategy):
    """Buys at every quote, and raises at every second one and at every fill."""

    symbols = (COIN,)
    asked = 0

    def on_quote(self, quote: Quote) -> None:
        self.asked += 1
        self.buy(COIN, "0.001", limit=f"{quote.bid_price * 0.9:.2f}")
        if self.asked % 2 == 0:
            raise RuntimeError("every callback")

    def on_fill(self, fill: Fill) -> None:
        raise RuntimeError("every callback")


async def test_after_the_trip_nothing_that_adds_risk_leaves_and_a_restart_does_not_free_it(play, ready, until):
    """Callbacks raise, the account stream is dead, orders wait at the gate; the trip comes from another process."""
    tripped: list[int] = []
    rules: set[str] = set()

    @strategy(trades=True)
    async def stubborn(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest"), trio.open_nursery() as nursery:
            await trio.sleep(10)

            async def want() -> None:
                try:
                    await ctx.buy(COIN, "0.01", within=60)
                except OrderRefused as no:
                    rules.add(no.rule)

            for _ in range(300):
                nursery.start_soon(want)
                await trio.sleep(0.2)

    async def judge(account: Any) -> None:
        await ready(account)
        await trio.sleep(20)
        play.exchange.fault("refuse", line="trading", for_="20s")
        play.exchange.fault("cut_without_close", line="trading")
        await trio.sleep(5)
        Latches(play.folder).trip("account", "A person has had enough.", "test", 0)
        tripped.append(play.exchange.now_ns())
        await until(lambda: play.held() < Decimal("0.00001") and not play.matching.open_orders(), 30)
        await trio.sleep(60)
        assert play.wrong(account) == []

    limits = {"stubborn": Limits(loss_per_day=Decimal(10**9))}
    await play.hold(stubborn, plug(Raising), beside=judge, for_s=140, may_fail=("Raising",), strategy_limits=limits)
    late = [json.loads(each.body) for each in play.asked("POST") if each.at_ns > tripped[0]]
    assert late
    assert {order["side"] for order in late} == {"sell"}
    assert "kill_switch" in rules

    before = len(play.posted())
    rules.clear()
    report = await play.hold(stubborn, for_s=90)
    assert report.account is not None
    assert "had enough" in report.account.killed
    assert rules == {"kill_switch"}
    assert len(play.posted()) == before


@pytest.mark.exchange(faults=[{"kind": "nan_prices", "after_events": 100, "for": "10m"}])
async def test_where_the_data_is_no_number_a_limit_that_needs_it_lets_nothing_through(play):
    rules: list[str] = []

    @strategy(trades=True)
    async def blind(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest") as quotes:
            await trio.sleep(60)
            assert math.isnan((await quotes.batch())[-1].bid_price)
            await trio.sleep(60)
            for _ in range(3):
                try:
                    await ctx.buy(COIN, "0.001")
                except OrderRefused as no:
                    rules.append(no.rule)

    limits = {"blind": Limits(position_notional=Decimal(1_000_000), data_age_s=30)}
    await play.hold(blind, for_s=150, strategy_limits=limits)
    assert len(rules) == 3
    assert play.posted() == []


async def test_the_sign_of_life_beats_with_the_loop_and_goes_with_an_orderly_end(play, ready):
    beats: list[float] = []

    @strategy(trades=True)
    async def rester(ctx: Context) -> None:
        async with ctx.orders(on_exit="cancel"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            await ctx.buy(COIN, "0.001", limit=30_000)
            await trio.sleep(30)

    async def judge(account: Any) -> None:
        await ready(account)
        for _ in range(20):
            beat = read_heartbeat(play.folder)
            assert beat is not None
            beats.append(beat.at)
            await trio.sleep(2)
        assert beat.open_orders == 1

    await play.hold(rester, beside=judge, for_s=60)
    assert len(set(beats)) == len(beats), "a beat in every second, and each another one"
    assert read_heartbeat(play.folder) is None


@pytest.fixture
def heard(play: Any) -> Iterator[Path]:
    """A log file with everything from DEBUG up, of all libraries."""
    file = play.folder / "log" / "all.log"
    configure_logs(level="debug", file=file, secrets=(Secret(KEY_ID), Secret(SECRET)))
    levels = {name: logging.getLogger(name).level for name in ("", "httpx", "httpcore", "trio-websocket", "h11")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield file
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger().handlers.clear()
    logger.remove()


@pytest.mark.exchange(keys=[(KEY_ID, SECRET)])
async def test_no_part_of_a_secret_is_told_whatever_goes_wrong(heard, play, capsys):
    """A session at DEBUG with faults on all roads; then the log, the terminal, the order file, latches, heartbeat."""
    play.exchange.fault("cut_without_close", line="trading", every="20s", times=3)
    play.exchange.fault("cut_without_close", every="25s", times=3)
    play.exchange.fault("bad_frame", every="10s", times=5)
    for kind in ("lost_reply", "late_status", "cut_body", "null_update", "unknown_update"):
        play.exchange.fault(kind, p=0.2, for_="80s")

    @strategy(trades=True)
    async def unlucky(ctx: Context) -> None:
        async with ctx.orders(on_exit="leave"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            for number in range(10):
                with trio.move_on_after(10):
                    await ctx.buy(COIN, "0.001", limit=None if number % 2 else 30_000)
            await ctx.buy(COIN, -1)

    async def judge(account: Any) -> None:
        await trio.sleep(90)
        await account.switch.trip("account", "a test", "test")
        left.append(f"{account.stream!r} {account.desk.broker!r} {account.switch!r}")
        files.update({path: path.read_bytes() for path in play.folder.rglob("*") if path.is_file()})

    left: list[str] = []
    files: dict[Path, bytes] = {}
    report = await play.hold(unlucky, beside=judge, for_s=110, may_fail=("unlucky",))
    left += [json.dumps(report.to_json()), *play.said, *capsys.readouterr()]
    files.update({path: path.read_bytes() for path in play.folder.rglob("*") if path.is_file()})
    told = "".join(left) + "".join(body.decode("latin-1") for body in files.values())
    assert {path.name for path in files} >= {"orders.db", "heartbeat", "all.log"}
    assert "trio-websocket" in told  # httpx and httpcore are kept from DEBUG, at which they tell every header
    assert len(told) > 100_000
    assert [gram for secret in (KEY_ID, SECRET) for gram in grams(secret) if gram in told] == []


def grams(text: str) -> Iterator[str]:
    """Every part of a text that is so long that it tells something."""
    for place in range(len(text) - GRAM + 1):
        yield text[place : place + GRAM]


async def test_a_flapping_account_stream_is_told_of_in_counters_and_not_in_a_hundred_alarms(play):
    @strategy(trades=True)
    async def rester(ctx: Context) -> None:
        async with ctx.orders(on_exit="cancel"), ctx.quotes(COIN, full="latest"):
            await trio.sleep(10)
            await (await ctx.buy(COIN, "0.01")).filled()
            await trio.sleep(700)

    play.exchange.fault("cut_without_close", line="trading", every="6s", times=100)
    report = await play.hold(rester, for_s=720)
    assert play.hits("cut_without_close") == 100
    assert report.account is not None
    assert report.account.connects == 101
    assert len(play.alarms) <= 2
    told = json.loads(json.dumps(report.to_json()))["account"]
    assert told["connects"] == 101
    orders = [row for row in told["orders"] if row["strategy"] == "rester"]
    assert [(row["orders"], row["filled"], row["unknown"]) for row in orders] == [(1, 1, 0)]
    assert [(row["symbol"], Decimal(row["qty"])) for row in told["positions"]] == [(COIN, play.held())]
    assert asdict(report.account)["stream"]
