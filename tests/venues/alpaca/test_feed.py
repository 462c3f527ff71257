"""Law: a line brings every message in order and once, and what the venue says about the line, in its place."""

import json

import pytest
import trio
from wsproto.events import TextMessage

from engine.errors import KeysRefused, SessionHeld, SlowClient, VenueBusy
from engine.model.market import Kind
from engine.model.stream import Stream

AAPL = Stream(Kind.TRADES, "AAPL")


async def test_a_line_logs_in_subscribes_and_brings_events_with_their_time_of_arrival(loopback, autojump_clock):
    async def script(ws):
        assert ws.path == "/v2/iex"
        await loopback.welcome(ws)
        await loopback.acknowledge(ws)
        await loopback.tell(ws, loopback.trade(1), loopback.trade(2))
        await loopback.tell(ws, loopback.trade(3))

    async with loopback.open_venue(script) as url:
        feed = loopback.make_feed(url)
        async with feed.open_line() as line:
            await line.want({AAPL})
            first = await line.receive()
            assert first.acknowledged is not None
            assert AAPL in first.acknowledged
            events = list(first.events)
            while len(events) < 3:
                events += (await line.receive()).events
        assert [e.id for e in events] == [1, 2, 3]
        assert {e.received_ns for e in events} == {loopback.now_ns}
        assert feed.counts.messages == 6
        assert feed.counts.frames == 5
        assert feed.counts.bytes > 300


async def test_messages_of_every_form_come_in_order(loopback, autojump_clock):
    texts = [json.dumps([loopback.trade(n)]) for n in range(6)]
    texts[1] = json.dumps([loopback.trade(1) | {"z": "C" * 70_000}])

    async def script(ws):
        await loopback.welcome(ws)
        await ws.send_message(texts[0])
        await ws.send_message(texts[1])
        await ws.send_message(texts[2].encode())
        await ws.send_message(texts[3].encode())
        await ws._send(TextMessage(texts[4][:10], message_finished=False))
        await ws.ping(b"between")
        await ws._send(TextMessage(texts[4][10:]))
        await ws.send_message(texts[5])

    async with loopback.open_venue(script) as url, loopback.make_feed(url).open_line() as line:
        assert await loopback.ids_of(line, 6) == [0, 1, 2, 3, 4, 5]


async def test_a_cancelled_receive_loses_nothing(loopback, autojump_clock):
    async def script(ws):
        await loopback.welcome(ws)
        for number in range(200):
            await loopback.tell(ws, loopback.trade(number))
            if number % 7 == 0:
                await trio.sleep(0.01)

    async with loopback.open_venue(script) as url, loopback.make_feed(url).open_line() as line:
        ids = []
        while len(ids) < 200:
            with trio.move_on_after(0.005):
                ids += [e.id for e in (await line.receive()).events]
        assert ids == list(range(200))


async def test_a_malformed_message_is_counted_reported_once_and_its_neighbours_live(loopback, autojump_clock):
    async def script(ws):
        await loopback.welcome(ws)
        for number in range(3):
            await loopback.tell(ws, loopback.trade(number), loopback.trade(99) | {"p": "s3cr3t"}, {"T": "brand new"})

    async with loopback.open_venue(script) as url:
        feed = loopback.make_feed(url)
        sentences = []
        feed.report = sentences.append
        async with feed.open_line() as line:
            assert await loopback.ids_of(line, 3) == [0, 1, 2]
    assert len(sentences) == 1
    assert sentences[0].startswith("iex: a malformed message was left out")
    assert "s3cr3t" not in sentences[0]
    assert feed.counts.malformed == 3
    assert feed.counts.unknown_types == {"brand new": 3}


@pytest.mark.parametrize(
    ("code", "error"), [(402, KeysRefused), (404, VenueBusy), (406, SessionHeld), (407, SlowClient), (500, VenueBusy)]
)
async def test_an_error_at_login_is_the_error_of_opening(code, error, loopback, autojump_clock):
    async def script(ws):
        await loopback.tell(ws, {"T": "success", "msg": "connected"})
        await ws.get_message()
        await loopback.tell(ws, {"T": "error", "code": code, "msg": "words"})
        await ws.aclose()

    async with loopback.open_venue(script) as url:
        with pytest.raises(error, match=f"error {code}"):
            async with loopback.make_feed(url).open_line():
                pytest.fail("it must not open")


async def test_an_error_later_comes_after_the_events_before_it(loopback, autojump_clock):
    async def script(ws):
        await loopback.welcome(ws)
        await loopback.tell(ws, loopback.trade(1))
        await loopback.tell(ws, {"T": "error", "code": 407, "msg": "slow client"})

    async with loopback.open_venue(script) as url, loopback.make_feed(url).open_line() as line:
        arrival = await line.receive()
        while not arrival.alarms:
            arrival = await line.receive()
        assert isinstance(await loopback.failure_of(line), SlowClient)


async def test_the_callers_own_exception_is_not_wrapped(loopback, autojump_clock):
    async with loopback.open_venue(loopback.welcome) as url:
        with pytest.raises(KeyError) as caught:
            async with loopback.make_feed(url).open_line():
                raise KeyError("mine") from ValueError("cause")
        assert isinstance(caught.value.__cause__, ValueError)


async def test_what_was_closed_politely_is_said_so(loopback, autojump_clock):
    async def script(ws):
        await loopback.welcome(ws)
        await loopback.tell(ws, loopback.trade(1))
        await ws.aclose(1012, "restart")

    async with loopback.open_venue(script) as url, loopback.make_feed(url).open_line() as line:
        assert await loopback.ids_of(line, 1) == [1]
        assert "1012" in str(await loopback.failure_of(line))


async def test_every_frame_is_shown_as_it_came_before_it_is_decoded(loopback, autojump_clock):
    async def script(ws):
        await loopback.welcome(ws)
        await loopback.tell(ws, loopback.trade(1), {"T": "t", "S": 7})
        await loopback.tell(ws, loopback.trade(2))

    shown = []
    async with loopback.open_venue(script) as url:
        feed = loopback.make_feed(url)
        feed.on_frames = lambda name, received_ns, frames: shown.extend((name, received_ns, frame) for frame in frames)
        async with feed.open_line() as line:
            assert await loopback.ids_of(line, 2) == [1, 2]
    assert len(shown) == feed.counts.frames
    assert sum(len(frame) for _, _, frame in shown) == feed.counts.bytes
    assert {(name, at_ns) for name, at_ns, _ in shown} == {(feed.name, loopback.now_ns)}
