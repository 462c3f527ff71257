"""Law: a line that is open is logged in and listening, and brings every message once, in order, before why it ended."""

import json
from typing import Any

import pytest
import trio

from engine.errors import GaplessError, HandshakeFailed, KeysRefused, LineLost, PlanRefused
from engine.ports import AccountLine
from engine.venues.alpaca.account_line import AlpacaAccountFeed
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.socket import LineSettings

KEYS = Keys("PKCANARYCANARY", "canary-in-the-coal-mine")
AUTHORIZED = {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
LISTENING = {"stream": "listening", "data": {"streams": ["trade_updates"]}}
SILENCED = {"stream": "listening", "data": {"streams": []}}
ORDER = {
    "id": "7c1e", "client_order_id": "mine-1", "created_at": "2026-03-02T09:31:07.101-05:00", "symbol": "AAPL",
    "asset_class": "us_equity", "qty": "10", "filled_qty": "0", "type": "limit", "side": "buy", "status": "new",
    "time_in_force": "day", "limit_price": "201.15", "legs": None,
}  # fmt: skip


def update(number: int) -> dict[str, Any]:
    data = {"event": "new", "event_id": str(number), "timestamp": "2026-03-02T14:31:07.298Z", "order": ORDER}
    return {"stream": "trade_updates", "data": data}


def feed_at(url: str, **settings: float) -> AlpacaAccountFeed:
    return AlpacaAccountFeed(url=url, keys=KEYS, settings=LineSettings(**settings))


async def say(ws: Any, *messages: Any) -> None:
    """One binary frame of JSON a message, as the venue does."""
    for message in messages:
        await ws.send_message(json.dumps(message).encode())


async def welcome(ws: Any) -> None:
    """Log in and acknowledge whoever comes."""
    login = json.loads(await ws.get_message())
    assert login == {"action": "auth", "key": KEYS.key_id, "secret": KEYS.secret}
    await say(ws, AUTHORIZED)
    assert json.loads(await ws.get_message()) == {"action": "listen", "data": {"streams": ["trade_updates"]}}
    await say(ws, LISTENING)


async def ids_of(line: AccountLine, count: int) -> list[str]:
    """The ids of the next messages."""
    ids: list[str] = []
    with trio.fail_after(60):
        await trio.lowlevel.checkpoint()
        while len(ids) < count:
            ids += [message.event_id for message in await line.receive()]
    return ids


async def refusal_at(url: str, **settings: float) -> GaplessError:
    """Why a line cannot be opened."""
    with pytest.raises(GaplessError) as refused:
        async with feed_at(url, **settings).open_line():
            pytest.fail("it must not open")
    assert "canary" not in str(refused.value).lower()
    return refused.value


async def test_it_says_who_it_is_first_and_brings_updates(loopback, autojump_clock):
    async def script(ws):
        await welcome(ws)
        await say(ws, update(1), update(2))
        await ws.send_message(json.dumps(update(3)))

    async with loopback.open_venue(script) as url, feed_at(url).open_line() as line:
        assert await ids_of(line, 3) == ["1", "2", "3"]


async def test_what_comes_before_the_acknowledgement_is_told_after_it(loopback, autojump_clock):
    async def script(ws):
        await ws.get_message()
        await say(ws, AUTHORIZED, update(1), None)
        await ws.get_message()
        await say(ws, update(2), LISTENING)

    async with loopback.open_venue(script) as url, feed_at(url).open_line() as line:
        assert await ids_of(line, 3) == ["1", "", "2"]


async def test_a_cancelled_receive_loses_nothing(loopback, autojump_clock):
    async def script(ws):
        await welcome(ws)
        for number in range(200):
            await say(ws, update(number))
            if number % 7 == 0:
                await trio.sleep(0.01)

    async with loopback.open_venue(script) as url, feed_at(url).open_line() as line:
        ids: list[str] = []
        while len(ids) < 200:
            with trio.move_on_after(0.005):
                ids += [message.event_id for message in await line.receive()]
        assert ids == [str(number) for number in range(200)]


async def test_thousands_of_updates_come_through_a_line_that_babbles(loopback, autojump_clock):
    nonsense = [b"{", b"\xff", json.dumps(update(0)).encode()[:-40], b"\x81\xa6stream", b'{"stream":"trade_updates"}']

    async def script(ws):
        await welcome(ws)
        for number in range(3000):
            await say(ws, update(number))
            await ws.send_message(nonsense[number % len(nonsense)])

    async with loopback.open_venue(script) as url, feed_at(url).open_line() as line:
        told = [each for each in await ids_of(line, 6000) if each]
    assert told == [str(number) for number in range(3000)]


async def test_the_reason_for_an_end_comes_after_what_was_told_before_it(loopback, autojump_clock):
    async def script(ws):
        await welcome(ws)
        await ws.send_message(json.dumps([update(1), SILENCED]).encode())

    async with loopback.open_venue(script) as url, feed_at(url).open_line() as line:
        assert await ids_of(line, 1) == ["1"]
        for _ in range(2):
            with pytest.raises(LineLost, match="stopped telling"), trio.fail_after(1):
                await line.receive()


async def test_a_venue_that_does_not_answer_in_time_is_given_up_and_what_was_missing_is_named(loopback, autojump_clock):
    async def mute(ws):
        await ws.get_message()

    async def deaf(ws):
        await ws.get_message()
        await say(ws, AUTHORIZED)

    for script, missing in ((mute, "the answer to the login"), (deaf, "the acknowledgement of trade_updates")):
        async with loopback.open_venue(script) as url:
            started_s = trio.current_time()
            failure = await refusal_at(url, handshake_s=4.0)
        assert type(failure) is HandshakeFailed
        assert missing in str(failure)
        assert trio.current_time() - started_s < 6


async def test_keys_that_are_refused_and_updates_that_are_not_to_be_had_are_for_a_person(loopback, autojump_clock):
    async def refuse(ws):
        await ws.get_message()
        said = {"status": "unauthorized", "action": "authenticate", "message": f"{KEYS.key_id} failed"}
        await say(ws, {"stream": "authorization", "data": said})

    async def leave_out(ws):
        await ws.get_message()
        await say(ws, AUTHORIZED)
        await ws.get_message()
        await say(ws, SILENCED)

    for script, error, words in ((refuse, KeysRefused, "paper keys"), (leave_out, PlanRefused, "left it out")):
        async with loopback.open_venue(script) as url:
            failure = await refusal_at(url)
        assert type(failure) is error
        assert words in str(failure)


async def test_an_error_frame_in_the_handshake_is_quoted(loopback, autojump_clock):
    async def script(ws):
        await ws.get_message()
        await say(ws, {"action": "error", "data": {"error_message": "invalid action"}})
        await ws.aclose()

    async with loopback.open_venue(script) as url:
        failure = await refusal_at(url)
    assert type(failure) is HandshakeFailed
    assert "invalid action" in str(failure)


def test_a_feed_without_events_has_no_replay():
    assert feed_at("wss://api.alpaca.markets/stream").replay("01") is None


def test_neither_feed_nor_protocol_shows_its_keys():
    feed = feed_at("wss://api.alpaca.markets/stream")
    assert "canary" not in repr(feed).lower()
