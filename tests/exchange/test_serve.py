"""An exchange opens with four addresses that answer, and the same script and seed break it in the same way."""

from contextlib import suppress
from typing import Any

import httpx
import pytest
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, open_websocket_url

from engine.errors import Misconfigured
from engine.exchange.faults import parse_faults
from engine.exchange.serve import START, ExchangeOptions, open_exchange
from engine.model.market import Kind
from engine.testing.network import Network

KEYS = {"APCA-API-KEY-ID": "PK1", "APCA-API-SECRET-KEY": "s3cr3t"}


async def test_the_four_addresses_answer(autojump_clock: Any, trades: Any) -> None:
    async with open_exchange(ExchangeOptions(speed=0), trades(10)) as exchange:
        assert list(exchange.urls()) == ["data_stream_url", "data_url", "trading_stream_url", "trading_url"]
        async with httpx.AsyncClient(headers=KEYS) as client:
            clock = (await client.get(exchange.trading_url + "/v2/clock")).json()
            assert (clock["speed"], clock["tape_ended"]) == (0, False)
            await exchange.market.swallow(10)
            span = {"symbols": "A", "start": "1970-01-01T00:00:00Z", "end": "1970-01-02T00:00:00Z"}
            page = (await client.get(exchange.data_url + "/v2/stocks/trades", params=span)).json()
            assert [row["i"] for row in page["trades"]["A"]] == list(range(1, 11))
        async with open_websocket_url(exchange.trading_stream_url + "/stream") as ws:
            await ws.send_message('{"action":"auth","key":"PK1","secret":"s3cr3t"}')
            reply = await ws.get_message()
            assert isinstance(reply, bytes)
            assert b'"authorized"' in reply


async def test_only_the_keys_given_are_accepted_everywhere(autojump_clock: Any, dial: Any, trades: Any) -> None:
    options = ExchangeOptions(speed=0, keys=frozenset({("PK2", "other")}))
    async with open_exchange(options, trades(10)) as exchange:
        async with dial(exchange.data_stream_url) as client:
            assert (await client.login()).code == 402
        async with httpx.AsyncClient() as client:
            url = exchange.trading_url + "/v2/account"
            assert (await client.get(url, headers=KEYS)).status_code in (401, 403)
            mine = {"APCA-API-KEY-ID": "PK2", "APCA-API-SECRET-KEY": "other"}
            assert (await client.get(url, headers=mine)).status_code == 200


@pytest.mark.parametrize(("host", "open_to_others"), [(ExchangeOptions().host, False), ("0.0.0.0", True)])
async def test_only_this_machine_can_connect_unless_told_otherwise(
    autojump_clock: Any, trades: Any, host: str, open_to_others: bool
) -> None:
    with Network().use():
        async with open_exchange(ExchangeOptions(host=host), trades(10)) as exchange:
            port = int(exchange.address.rpartition(":")[2])
            await trio.aclose_forcefully(await trio.open_tcp_stream("127.0.0.1", port))
            reached = False
            with suppress(OSError):
                await trio.aclose_forcefully(await trio.open_tcp_stream("192.0.2.7", port))
                reached = True
            assert reached is open_to_others


async def test_a_taken_port_is_one_sentence(trades: Any) -> None:
    async with open_exchange(ExchangeOptions(), trades(10)) as exchange:
        port = int(exchange.data_stream_url.rpartition(":")[2])
        with pytest.raises(Misconfigured, match=f"Port {port} on 127.0.0.1 is taken"):
            async with open_exchange(ExchangeOptions(port=port), trades(10)):
                pass


async def test_a_made_market_begins_with_the_opening_and_has_both_families(autojump_clock: Any) -> None:
    async with open_exchange(ExchangeOptions(speed=1.0, seed=2)) as exchange:
        await trio.sleep(5)
        assert exchange.market.published > 100
        assert {"AAPL", "BTC/USD"} <= set(exchange.market.past.symbols(Kind.QUOTES))
        assert exchange.market.source.start_ns == round(START.timestamp()) * 10**9


SCRIPT = """
[[fault]]
kind = "cut"
after_events = 400
times = 3
[[fault]]
kind = "truncated_frame"
after_events = 700
[[fault]]
kind = "error"
code = 500
at = "00:00:02"
[[fault]]
kind = "upgrade_status"
after_events = 1000
[[fault]]
kind = "duplicate"
[[fault]]
kind = "reorder"
[[fault]]
kind = "bad_frame"
p = 0.2
"""


async def run_script(dial: Any, trades: Any, seed: int) -> tuple[list[int], dict[str, Any]]:
    heard: list[int] = []
    options = ExchangeOptions(speed=0, seed=seed, faults=parse_faults(SCRIPT))
    async with open_exchange(options, trades(3000)) as exchange:
        while not exchange.market.clock.ended:
            try:
                async with dial(exchange.data_stream_url) as client:
                    await client.subscribe(trades=["A"])
                    while not exchange.market.clock.ended:
                        with trio.move_on_after(1):
                            await client.receive()
            except* (ConnectionClosed, ConnectionRejected):
                pass  # what the script is for
            heard += client.ids
    return heard, exchange.plan.summary()


async def test_the_same_script_and_seed_break_it_in_the_same_way(autojump_clock: Any, dial: Any, trades: Any) -> None:
    first = await run_script(dial, trades, 7)
    assert first == await run_script(dial, trades, 7)
    assert first != await run_script(dial, trades, 8)
    hits = first[1]["hits"]
    assert {kind for kind, count in hits.items() if count} == {
        "cut", "truncated_frame", "error", "upgrade_status", "duplicate", "reorder", "bad_frame"
    }  # fmt: skip
    assert len(set(first[0])) < 3000


async def test_a_failing_connection_leaves_the_others_and_the_server_alone(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    async with open_exchange(ExchangeOptions(speed=0), trades(500)) as exchange, dial(exchange.data_stream_url) as good:
        stream = await trio.open_tcp_stream("127.0.0.1", int(exchange.data_stream_url.rpartition(":")[2]))
        await stream.send_all(b"\x00" * 100)
        await trio.aclose_forcefully(stream)
        await good.subscribe(trades=["A"])
        await good.until_event(500)
    assert good.ids == list(range(1, 501))
