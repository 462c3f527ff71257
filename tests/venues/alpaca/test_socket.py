"""Law: each way to lose a line is one of our errors, in time, after the last event before it."""

import pytest
import trio
import trio.testing

from engine.errors import HandshakeFailed, LineLost, Overrun, PongLate
from engine.model.market import Kind
from engine.model.stream import Stream

AAPL = Stream(Kind.TRADES, "AAPL")


async def test_a_cut_without_a_close_frame_is_a_lost_line_after_its_last_event(loopback, autojump_clock):
    async def talk(stream):
        await loopback.talk_until_login(stream)
        await stream.send_all(loopback.text_frame(loopback.trade(1)) + loopback.text_frame(loopback.trade(2))[:20])

    async with loopback.open_peer(talk) as url, loopback.make_feed(url).open_line() as line:
        assert await loopback.ids_of(line, 1) == [1]
        failure = await loopback.failure_of(line)
        assert isinstance(failure, LineLost)
        assert "without a close frame" in str(failure)


async def test_a_reset_is_a_lost_line(loopback, autojump_clock):
    async def talk(stream):
        await loopback.talk_until_login(stream)
        stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    async with loopback.open_peer(talk) as url, loopback.make_feed(url).open_line() as line:
        assert isinstance(await loopback.failure_of(line), LineLost)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff\xff" + b"x" * 50,
        b"\x82\x85abcdefghi",
        b"\x81\x7f" + b"\xff" * 8,
        b"\xc1\x03abc",
        b"\x80\x00",
        b"\x88\x01x",
    ],
    ids=["garbage", "masked", "endless", "compressed", "stray continuation", "bad close"],
)
async def test_nonsense_is_a_lost_line(nonsense, loopback, autojump_clock):
    async def talk(stream):
        await loopback.talk_until_login(stream)
        await stream.send_all(loopback.text_frame(loopback.trade(1)) + nonsense)
        await trio.sleep(60)

    async with loopback.open_peer(talk) as url, loopback.make_feed(url).open_line() as line:
        assert await loopback.ids_of(line, 1) == [1]
        assert isinstance(await loopback.failure_of(line), LineLost)


async def test_a_dead_peer_is_noticed_by_its_missing_pong_and_left_in_time(loopback, autojump_clock):
    async def talk(stream):
        await loopback.talk_until_login(stream)
        await trio.sleep_forever()

    async with loopback.open_peer(talk) as url:
        async with loopback.make_feed(url).open_line() as line:
            opened = trio.current_time()
            assert isinstance(await loopback.failure_of(line), PongLate)
            noticed = trio.current_time()
        assert noticed - opened == pytest.approx(15, abs=0.5)
        assert trio.current_time() - noticed <= 1.1


async def test_a_peer_that_sends_data_but_no_pong_is_given_longer(loopback, autojump_clock):
    async def talk(stream):
        await loopback.talk_until_login(stream)
        for number in range(30):
            await stream.send_all(loopback.text_frame(loopback.trade(number)))
            await trio.sleep(1)

    async with loopback.open_peer(talk) as url, loopback.make_feed(url).open_line() as line:
        assert await loopback.ids_of(line, 30) == list(range(30))
        assert isinstance(await loopback.failure_of(line), LineLost)


async def test_a_line_that_is_only_quiet_stays(loopback, autojump_clock):
    async def script(ws):
        await loopback.welcome(ws)
        await trio.sleep(3600)
        await loopback.tell(ws, loopback.trade(1))

    async with loopback.open_venue(script) as url, loopback.make_feed(url).open_line() as line:
        assert await loopback.ids_of(line, 1) == [1]


async def test_an_acknowledgement_that_never_comes_ends_the_line(loopback, autojump_clock):
    async with loopback.open_venue(loopback.welcome) as url, loopback.make_feed(url).open_line() as line:
        async with trio.open_nursery() as nursery:

            async def wants_later():
                await trio.sleep(60)
                await line.want({AAPL})

            nursery.start_soon(wants_later)
            failure = await loopback.failure_of(line)
        assert isinstance(failure, HandshakeFailed)
        assert "acknowledged" in str(failure)
        assert trio.current_time() == pytest.approx(70, abs=1)


async def test_a_line_whose_events_nobody_takes_is_overrun_and_says_so(loopback, autojump_clock):
    async def script(ws):
        await loopback.welcome(ws)
        for number in range(1000):
            await loopback.tell(ws, loopback.trade(number))

    async with loopback.open_venue(script) as url, loopback.make_feed(url, inbox_bytes_max=10_000).open_line() as line:
        await trio.sleep(5)
        assert isinstance(await loopback.failure_of(line), Overrun)


async def test_leaving_closes_politely_also_when_cancelled(loopback, autojump_clock):
    reasons = []

    async def script(ws):
        await loopback.welcome(ws)
        try:
            await loopback.stay(ws)
        finally:
            reasons.append(ws.closed.code)

    async with loopback.open_venue(script) as url:
        async with loopback.make_feed(url).open_line():
            pass
        with trio.move_on_after(1):
            async with loopback.make_feed(url).open_line() as line:
                await line.receive()
        await trio.testing.wait_all_tasks_blocked()
    assert reasons == [1000, 1000]


async def test_a_flood_does_not_keep_the_line_from_closing(loopback, autojump_clock):
    async def script(ws):
        await loopback.welcome(ws)
        while True:
            await loopback.tell(ws, *[loopback.trade(1)] * 100)

    async with loopback.open_venue(script) as url:
        async with loopback.make_feed(url, inbox_bytes_max=50_000).open_line() as line:
            await line.receive()
            left = trio.current_time()
        assert trio.current_time() - left <= 1.1
