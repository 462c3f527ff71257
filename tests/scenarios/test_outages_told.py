"""The promise: a feed that goes down is one line in the log, and its coming back is one, with how long and how much."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import trio
from loguru import logger

from engine import Context, Kind, strategy
from engine.testing.simulated import SimulatedExchange


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    return {"symbols": ("SPY",), "events_per_s": 5.0, "burst": False, "seed": 3}


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What a person was told, from warnings up."""
    told: list[str] = []
    sink = logger.add(lambda message: told.append(str(message).rstrip()), level="WARNING", format="{message}")
    yield told
    logger.remove(sink)


@strategy()
async def watcher(ctx: Context) -> None:
    async with ctx.trades("SPY") as trades:
        async for _ in trades:
            pass


@strategy()
async def trader(ctx: Context) -> None:
    async with ctx.orders(on_exit="leave"), ctx.trades("SPY") as trades:
        async for _ in trades:
            pass


async def breaking(exchange: SimulatedExchange, at_s: float, *faults: Mapping[str, Any]) -> None:
    await trio.sleep(at_s)
    for fault in faults:
        exchange.fault(**fault)


async def test_a_long_outage_is_two_lines(
    exchange: SimulatedExchange, lines: list[str], autojump_clock: trio.abc.Clock
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(breaking, exchange, 20, {"kind": "refuse", "for_": "60s"}, {"kind": "cut"})
        result = await exchange.run(watcher, for_s=150)
    assert result.reconnects > 3
    down, back = lines
    assert re.fullmatch(r"feed iex: down: .*\. Trying again in \d\.\d s, and until it is back\.", down)
    found = re.fullmatch(
        r"feed iex: back after (\d+\.\d) s and (\d+) tries: ([\d,]+) events recovered, nothing is missing\.", back
    )
    assert found is not None
    assert 60 <= float(found[1]) < 95
    assert int(found[2]) == result.reconnects
    row = result.stream(Kind.TRADES, "SPY")
    assert int(found[3].replace(",", "")) == row.backfilled > 30


async def test_each_outage_has_its_own_two_lines_and_what_stays_missing_is_told(
    exchange: SimulatedExchange, lines: list[str], autojump_clock: trio.abc.Clock
) -> None:
    refused = {"kind": "history_refused", "for_": "500s", "younger": "1000s"}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(breaking, exchange, 20, {"kind": "cut"})
        nursery.start_soon(breaking, exchange, 60, refused, {"kind": "cut"})
        await exchange.run(watcher, for_s=200)
    told = [line for line in lines if line.startswith("feed iex")]
    assert [line.split()[2] for line in told] == ["down:", "back", "down:", "back"]
    assert "hole stays open" in told[3]
    assert len(lines) <= 5  # and one of the history that refused


async def test_a_venue_that_is_away_from_the_start_is_told_once(
    exchange: SimulatedExchange, lines: list[str], autojump_clock: trio.abc.Clock
) -> None:
    exchange.fault("refuse", for_="40s", line="data")
    await exchange.run(watcher, for_s=90)
    assert [line.split()[2] for line in lines] == ["down:", "back"]
    assert "nothing was missed" in lines[1]


async def test_the_account_stream_has_its_two_lines_too(
    exchange: SimulatedExchange, lines: list[str], autojump_clock: trio.abc.Clock
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            breaking, exchange, 20, {"kind": "refuse", "for_": "30s", "line": "trading"},
            {"kind": "cut", "line": "trading"},
        )  # fmt: skip
        await exchange.run(trader, for_s=120)
    told = [line for line in lines if line.startswith("account stream: ")]
    assert [line.split()[2] for line in told] == ["down:", "back"]
    assert "what happened meanwhile is asked for now" in told[1]
