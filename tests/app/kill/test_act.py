"""A kill ends what it is aimed at and nothing else, latches first, and says what it could not do."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio

from engine.app.kill.act import kill
from engine.app.kill.aim import Aim, KillReport
from engine.app.kill.ending import LAND_S
from engine.errors import KeysRefused, Misconfigured
from engine.model.order import Side
from engine.store import Latches
from engine.testing.simulated import SimulatedExchange
from engine.venues.alpaca.endpoints import Keys

D = Decimal
Engine = Callable[..., Any]
Place = Callable[..., Any]
AIM = Aim(reason="a test.", by="test", within_s=10.0)
EVERYTHING = Aim(reason="a test.", by="test", within_s=10.0, everything=True)


@pytest.fixture
def exchange_options() -> dict[str, object]:
    return {"symbols": ("SPY", "QQQ"), "seed": 5}


def held(exchange: SimulatedExchange) -> dict[str, Decimal]:
    """The exchange's own books."""
    return {position.asset.symbol: position.qty for position in exchange.running.brokerage.matching.positions()}


def open_orders(exchange: SimulatedExchange) -> int:
    return len(exchange.running.brokerage.matching.open_orders())


def reasons(report: KillReport) -> list[str]:
    return [*report.warnings, *(one.sentence for one in report.symbols if one.sentence)]


async def test_what_strategies_hold_goes_and_what_a_person_holds_stays(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "10")
        await running.send("fade", Side.BUY, "5")
        await running.send("trend", Side.BUY, "3", limit="1.00")
        await running.send_by_hand(Side.BUY, "7")
        await running.settle()
        report = await kill(place(exchange, tmp_path), AIM)
    assert report.flat, reasons(report)
    assert (held(exchange), open_orders(exchange)) == ({"SPY": D(7)}, 0)
    assert Latches(tmp_path).tripped("trend")
    assert report.took_s < 10


async def test_one_strategy_is_ended_alone(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "10")
        await running.send("fade", Side.BUY, "5")
        await running.send("fade", Side.BUY, "3", limit="1.00")
        await running.send("trend", Side.BUY, "3", limit="1.01")
        await running.settle()
        report = await kill(
            place(exchange, tmp_path), Aim(reason="a test.", by="test", within_s=10.0, strategies=("trend",))
        )
    assert report.flat, reasons(report)
    assert (held(exchange), open_orders(exchange)) == ({"SPY": D(5)}, 1)
    assert Latches(tmp_path).tripped("trend")
    assert not Latches(tmp_path).tripped("fade")


async def test_everything_is_everything_also_without_a_state_folder(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path / "engine") as running:
        await running.send("trend", Side.BUY, "10")
        await running.send_by_hand(Side.BUY, "4", "QQQ")
        await running.settle()
        report = await kill(place(exchange, tmp_path / "none"), EVERYTHING)
    assert report.flat, reasons(report)
    assert (held(exchange), open_orders(exchange)) == ({}, 0)
    assert Latches(tmp_path / "none").tripped("anybody"), "an engine that is started there later finds the latch"


async def test_without_a_state_folder_nobody_knows_what_to_end(
    exchange: SimulatedExchange, place: Place, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured, match="--all"):
        await kill(place(exchange, tmp_path / "none"), AIM)
    assert not (tmp_path / "none").exists()


async def test_a_strategy_that_the_file_does_not_know_is_named_with_those_it_does(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "1")
        with pytest.raises(Misconfigured, match=r"no strategy 'trnd'; there are: trend"):
            await kill(place(exchange, tmp_path), Aim(reason="x", by="test", within_s=10.0, strategies=("trnd",)))


async def test_twice_in_a_row_is_the_same_as_once(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.SELL, "10")
        await running.send_by_hand(Side.BUY, "2", "QQQ")
        await running.settle()
        assert held(exchange) == {"SPY": D(-10), "QQQ": D(2)}
        first = await kill(place(exchange, tmp_path), AIM)
        second = await kill(place(exchange, tmp_path), AIM)
    assert (first.flat, second.flat) == (True, True), reasons(second)
    assert held(exchange) == {"QQQ": D(2)}


async def test_a_fill_that_the_file_does_not_know_of_is_closed_as_well(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "10")  # what the file knows is its acceptance
        await running.settle()
    assert held(exchange) == {"SPY": D(10)}
    report = await kill(place(exchange, tmp_path), AIM)
    assert report.flat, reasons(report)
    assert held(exchange) == {}


async def test_with_cancel_only_what_is_held_stays(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "10")
        await running.send("trend", Side.BUY, "3", limit="1.00")
        await running.settle()
        report = await kill(
            place(exchange, tmp_path), Aim(reason="a test.", by="test", within_s=10.0, cancel_only=True)
        )
    assert report.flat, reasons(report)
    assert (held(exchange), open_orders(exchange)) == ({"SPY": D(10)}, 0)


async def test_fifty_orders_at_once_are_over_within_ten_seconds(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        for number in range(50):
            symbol = "SPY" if number % 2 else "QQQ"
            await running.send("trend", Side.BUY, "1", limit=f"1.{number:02}" if number % 5 else None, symbol=symbol)
        report = await kill(place(exchange, tmp_path), AIM)
    assert report.flat, reasons(report)
    assert (held(exchange), open_orders(exchange)) == ({}, 0)
    assert report.took_s < 10


async def test_a_broker_that_stumbles_is_asked_again(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "10")
        await running.settle()
        exchange.fault("http_status", status=503, for_="2s")
        report = await kill(place(exchange, tmp_path), AIM)
    assert report.flat, reasons(report)
    assert held(exchange) == {}


async def test_a_broker_that_is_away_leaves_the_latch_and_a_sentence(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "10")
        await running.settle()
    report = await kill(place(exchange, tmp_path, trading_url="http://127.0.0.1:9"), AIM)
    assert not report.flat
    assert report.took_s == pytest.approx(10, abs=0.5)
    assert any("run it again" in sentence for sentence in report.warnings)
    assert Latches(tmp_path).tripped("trend")


async def test_keys_that_are_refused_are_told_after_the_latch(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "1")
    exchange.fault("http_status", status=401, for_="60s")
    with pytest.raises(KeysRefused):
        await kill(place(exchange, tmp_path, keys=Keys("PKWRONG", "wrong-secret")), AIM)
    assert Latches(tmp_path).tripped("trend")


async def test_an_order_that_arrives_late_is_ended_too(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running, trio.open_nursery() as nursery:
        await running.send("trend", Side.BUY, "10")
        await running.settle()

        async def send_late() -> None:
            await trio.sleep(LAND_S + 0.6)  # the first look is over, and the closing order is on its way
            await running.send("trend", Side.BUY, "3")
            await running.send("trend", Side.BUY, "2", limit="1.00")

        nursery.start_soon(send_late)
        report = await kill(place(exchange, tmp_path), AIM)
    assert report.flat, reasons(report)
    assert (held(exchange), open_orders(exchange)) == ({}, 0)


async def test_what_a_person_holds_of_the_same_symbol_stays_however_often_it_is_run(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "10")
        await running.send("fade", Side.BUY, "5")
        await running.send_by_hand(Side.BUY, "7")
        await running.settle()
        for _ in range(3):
            report = await kill(place(exchange, tmp_path), AIM)
            assert report.flat, reasons(report)
            assert held(exchange) == {"SPY": D(7)}


async def test_no_more_is_closed_than_the_account_holds_of_several_strategies(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "5")
        await running.send("fade", Side.BUY, "5")
        await running.settle()
        await running.send_by_hand(Side.SELL, "5")
        await running.settle()
        report = await kill(place(exchange, tmp_path), AIM)
    assert report.flat, reasons(report)
    assert held(exchange) == {}
    assert sum(fill.qty for fill in exchange.running.brokerage.matching.fills if fill.side is Side.SELL) == D(10)


async def test_what_two_strategies_hold_against_each_other_is_left_to_itself(
    exchange: SimulatedExchange, engine: Engine, place: Place, tmp_path: Path
) -> None:
    async with engine(exchange, tmp_path) as running:
        await running.send("trend", Side.BUY, "9")
        await running.settle()
        await running.send("fade", Side.SELL, "4")
        await running.settle()
        assert held(exchange) == {"SPY": D(5)}
        for _ in range(2):
            report = await kill(place(exchange, tmp_path), AIM)
            assert report.flat, reasons(report)
            assert held(exchange) == {}
