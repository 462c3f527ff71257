"""A day of market with a cut every ten minutes passes in seconds for an ordinary client, and leaves no trace."""

import json
import time
from typing import Any

import httpx
import pytest
import trio
from trio_websocket import ConnectionClosed, open_websocket_url

from engine.testing.options import build_options
from engine.testing.simulated import SimulatedExchange, open_simulated

DAY_S = 24 * 3600
WALL_MAX_S = 60.0
"""It takes about three; the machine that tests is shared."""


async def listen(exchange: SimulatedExchange, ids: list[int]) -> None:
    """Subscribe to trades and keep their ids until the line ends."""
    async with open_websocket_url(exchange.data_stream_url + "/v1beta3/crypto/us") as ws:
        for request in (
            {"action": "auth", "key": exchange.key_id, "secret": exchange.secret},
            {"action": "subscribe", "trades": ["BTC/USD"]},
        ):
            await ws.send_message(json.dumps(request))
        while True:
            ids += [told["i"] for told in json.loads(await ws.get_message()) if told["T"] == "t"]


async def listen_all_day(exchange: SimulatedExchange, ids: list[int]) -> int:
    """Listen again whenever the line has ended; returns how often that was."""
    lines = 0
    with trio.move_on_after(DAY_S):
        while True:
            lines += 1
            try:
                await listen(exchange, ids)
            except* ConnectionClosed:
                await trio.sleep(1)
    return lines


@pytest.mark.slow
async def test_a_day_passes_in_seconds(autojump_clock: Any) -> None:
    ids: list[int] = []
    began_s, tasks = time.monotonic(), trio.lowlevel.current_statistics().tasks_living
    options = {"symbols": "BTC/USD", "events_per_s": 0.2, "faults": [{"kind": "cut_without_close", "every": "10m"}]}
    async with open_simulated(build_options(options)) as exchange:
        lines = await listen_all_day(exchange, ids)
        published = [event.id for event in exchange.published("trades", "BTC/USD")]  # type: ignore[union-attr] # trades
        async with httpx.AsyncClient(headers=exchange.headers) as client:
            clock = (await client.get(exchange.trading_url + "/v2/clock")).json()
        hits = exchange.summary()["faults"]["hits"]
    assert time.monotonic() - began_s < WALL_MAX_S
    assert trio.current_time() == DAY_S
    assert clock["timestamp"].startswith("2026-03-03T09:30:00")
    assert 140 <= lines <= hits["cut_without_close"] + 1 <= 145
    assert 0.9 * len(published) < len(ids) == len(set(ids))
    assert set(ids) <= set(published)
    assert trio.lowlevel.current_statistics().tasks_living == tasks
