"""How the trading stream's connection fails, and what is true meanwhile: there is no replay, only REST knows."""

from contextlib import suppress
from typing import Any

import httpx
import pytest
import trio
from trio_websocket import ConnectionClosed, HandshakeError

FILLED = ["pending_new", "new", "fill"]


async def fails(trader: Any) -> None:
    """A connection cannot be opened."""
    opened = False
    try:
        async with trader.dial():
            opened = True
    except* (OSError, HandshakeError, ConnectionClosed):
        await trio.lowlevel.checkpoint()
    assert not opened


async def opened_again(trader: Any) -> None:
    """A new connection hears what happens from now on, and nothing of before."""
    async with trader.listen() as updates:
        assert await updates.silence(5)
        await trader.post(trader.order())
        assert await updates.events(3) == FILLED


async def test_a_cut_says_goodbye_and_what_happens_meanwhile_is_told_by_nobody(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("cut", line="trading", code=1012)
        assert await updates.ended() == 1012
    order = trader.order()
    await trader.post(order)
    assert trader.truth(order).status == "filled"
    await opened_again(trader)


async def test_a_cut_without_close_is_a_reset(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("cut_without_close", line="trading")
        assert await updates.ended() == 1006
    await opened_again(trader)


async def test_a_mute_line_answers_pings_and_requests_and_tells_nothing(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("mute", line="trading")
        order = trader.order()
        await trader.post(order)
        with trio.fail_after(5):
            await updates.ws.ping()
        answer = await updates.ask({"action": "listen", "data": {"streams": ["trade_updates"]}})
        assert answer["stream"] == "listening"
        assert await updates.silence(600)
        assert trader.truth(order).status == "filled"
    await opened_again(trader)


async def test_a_half_open_line_takes_everything_and_says_nothing_until_it_breaks(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("half_open", line="trading", for_="60s")
        order = trader.order()
        await trader.post(order)
        with pytest.raises(trio.TooSlowError), trio.fail_after(10):
            await updates.ws.ping()
        assert await updates.silence(40)
        assert trader.truth(order).status == "filled"
        assert await updates.ended() == 1006
    await opened_again(trader)


async def test_a_fault_of_the_data_line_leaves_the_trading_line_alone(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("mute")
        trader.exchange.fault("refuse", for_="1m")
        await trader.post(trader.order())
        assert await updates.events(3) == FILLED


async def test_new_connections_can_be_reset_while_rest_works(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("refuse", line="trading", for_="30s")
        await fails(trader)
        assert await updates.silence(1)  # without a moment it is about new connections only
    assert (await trader.post(trader.order())).status_code == 200
    await trio.sleep(31)
    await opened_again(trader)


async def test_a_handshake_can_stall_for_longer_than_anybody_waits(trader: Any) -> None:
    trader.exchange.fault("stall_handshake", line="trading", next=1)
    began_s = trio.current_time()
    await fails(trader)
    assert 30 <= trio.current_time() - began_s <= 60  # the client's patience, and the exchange's
    await opened_again(trader)


async def test_an_upgrade_can_be_answered_with_any_status(trader: Any) -> None:
    trader.exchange.fault("upgrade_status", line="trading", status=502, next=1)
    assert await trader.turned_away() == 502
    await opened_again(trader)


async def test_a_second_connection_is_turned_away_while_the_first_lives(trader: Any) -> None:
    async with trader.listen() as updates:
        assert await trader.turned_away() == 429
        await trader.post(trader.order())
        assert await updates.events(3) == FILLED


async def test_a_ghost_of_a_dropped_connection_holds_the_account_for_a_while(trader: Any) -> None:
    trader.exchange.fault("ghost", line="trading", for_="90s")
    async with trader.listen() as updates:
        trader.exchange.fault("cut_without_close", line="trading")
        assert await updates.ended() == 1006
    assert await trader.turned_away() == 429
    assert (await trader.post(trader.order())).status_code == 200
    await trio.sleep(80)
    assert await trader.turned_away() == 429
    await trio.sleep(11)
    await opened_again(trader)
    assert trader.hits("ghost") == 1


async def test_who_says_goodbye_leaves_no_ghost(trader: Any) -> None:
    trader.exchange.fault("ghost", line="trading", for_="90s")
    async with trader.listen():
        pass
    await opened_again(trader)
    assert trader.hits("ghost") == 0


async def test_what_the_stream_did_not_tell_can_be_had_from_the_event_stream(trader: Any) -> None:
    async with trader.listen() as updates:
        trader.exchange.fault("cut_without_close", line="trading")
        assert await updates.ended() == 1006
    order = trader.order()
    await trader.post(order)
    said = []
    async with trader.http.stream("GET", "/v2/events/trades", params={"since": "2026-03-02T00:00:00Z"}) as reply:
        with suppress(httpx.ReadTimeout):  # it goes on for ever
            async for line in reply.aiter_lines():
                said += [line] if line.startswith("data:") else []
    assert [event for event, line in zip(FILLED, said, strict=True) if f'"event":"{event}"' in line] == FILLED
