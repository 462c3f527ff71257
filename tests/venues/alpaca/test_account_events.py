"""Law: the replay tells everything behind a mark, in order, once, and says how it ended; what it says no to ends it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import GaplessError, KeysRefused, LineLost, SlowClient, VenueBusy
from engine.model.order import OrderRequest, OrderType, Side, TimeInForce
from engine.ports import AccountMessage
from engine.testing.network import Network
from engine.testing.simulated import SimulatedExchange
from engine.venues.alpaca.account_events import ANSWER_MAX_S, SILENT_MAX_S, AlpacaEvents, EventLines, Replay
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.rate import Throttle

KEYS = Keys("PKCANARYCANARY", "canary-in-the-coal-mine")
NOW_NS = 1_772_461_867_000_000_000
BUY = OrderRequest(
    symbol="BTC/USD", side=Side.BUY, type=OrderType.MARKET, time_in_force=TimeInForce.GTC, qty=Decimal("0.01")
)
ORDER = {
    "id": "7c1e", "client_order_id": "mine-1", "created_at": "2026-03-02T09:31:07.101-05:00", "symbol": "AAPL",
    "asset_class": "us_equity", "qty": "10", "filled_qty": "0", "type": "limit", "side": "buy", "status": "new",
    "time_in_force": "day", "limit_price": "201.15", "legs": None,
}  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
Talk = Callable[[bytes, trio.abc.Stream], Awaitable[None]]


@pytest.fixture
def exchange_options() -> dict[str, Any]:
    """A quiet market of one coin."""
    keys = frozenset({(KEYS.key_id, KEYS.secret)})
    return {"symbols": "BTC/USD", "events_per_s": 5.0, "burst": False, "seed": 3, "keys": keys}


def line_of(number: int) -> bytes:
    data = {"event": "new", "event_id": f"{number:02}", "timestamp": "2026-03-02T14:31:07.298Z", "order": ORDER}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def events_at(url: str, sentences: list[str] | None = None, now_ns: Callable[[], int] = lambda: NOW_NS) -> AlpacaEvents:
    told: list[str] = [] if sentences is None else sentences
    return AlpacaEvents(trading_url=url, keys=KEYS, throttle=Throttle(), now_ns=now_ns, report=told.append)


async def take(replay: Replay | None, count: int) -> list[AccountMessage]:
    """The next messages of a replay that is there."""
    assert replay is not None
    messages: list[AccountMessage] = []
    with trio.fail_after(300):
        await trio.lowlevel.checkpoint()
        while len(messages) < count:
            messages.append(await anext(replay))
    return messages


async def rest_of(replay: Replay | None) -> tuple[list[AccountMessage], GaplessError | None]:
    """All that a replay brings, and the error that ends it."""
    assert replay is not None
    messages: list[AccountMessage] = []
    failure: GaplessError | None = None
    async with aclosing(replay):
        try:
            async for message in replay:
                messages.append(message)  # noqa: PERF401 - what came before an error counts too
        except GaplessError as error:
            failure = error
    said = [message.doubt for message in messages] + [str(failure)]
    assert not [each for each in said if "canary" in each.lower()]
    return messages, failure


@asynccontextmanager
async def peer(talk: Talk) -> AsyncIterator[str]:
    """A venue by hand on a virtual network: ``talk`` is given the head of each request, and may say what it likes."""

    async def serve(stream: trio.abc.Stream) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += await stream.receive_some()
        with suppress(trio.BrokenResourceError):  # the client had enough
            await talk(request, stream)
        await stream.aclose()

    with Network().use():
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, serve, 80)
            assert listeners
            yield "http://localhost"
            nursery.cancel_scope.cancel()


def saying(*chunks: bytes) -> Talk:
    async def talk(request: bytes, stream: trio.abc.Stream) -> None:
        for chunk in chunks:
            await stream.send_all(chunk)

    return talk


async def test_behind_a_mark_and_then_the_present(exchange: SimulatedExchange) -> None:
    events = events_at(exchange.trading_url, now_ns=exchange.now_ns)
    await trio.sleep(5)
    exchange.running.brokerage.submit(BUY)
    everything = events.replay("")
    first = await take(everything, 3)
    replay = events.replay(first[0].event_id)
    assert await take(replay, 2) == first[1:]
    exchange.running.brokerage.submit(BUY)
    new = await take(replay, 3)
    assert [message.update.change for message in new if message.update] == ["pending_new", "new", "fill"]
    assert await take(everything, 3) == new
    for each in (everything, replay):
        assert each is not None
        await each.aclose()


async def test_silence_with_comments_is_life(exchange: SimulatedExchange) -> None:
    replay = events_at(exchange.trading_url, now_ns=exchange.now_ns).replay("")
    await trio.sleep(5)
    with trio.move_on_after(3 * SILENT_MAX_S) as waiting:
        await take(replay, 1)
    assert waiting.cancelled_caught
    exchange.running.brokerage.submit(BUY)
    assert len(await take(replay, 3)) == 3  # the cancelled wait has lost nothing
    assert replay is not None
    await replay.aclose()


async def test_without_a_mark_it_goes_on_from_the_first_time_and_not_from_the_last(autojump_clock) -> None:
    asked: list[bytes] = []

    async def talk(request: bytes, stream: trio.abc.Stream) -> None:
        asked.append(request.split(b" ")[1])

    async with peer(talk) as url:
        clock = iter(range(NOW_NS, NOW_NS + 1000))
        events = events_at(url, now_ns=lambda: next(clock))
        for mark in ("", "", "01 &"):
            await rest_of(events.replay(mark))
    assert asked == [b"/v2/events/trades?since=2026-03-02T14%3A30%3A57Z"] * 2 + [b"/v2/events/trades?since_id=01+%26"]


async def test_the_end_of_it_is_a_drop_and_comes_after_what_was_told(autojump_clock) -> None:
    async with peer(saying(HEAD, b": connected\n\n", line_of(1) + line_of(2)[:40], line_of(2)[40:])) as url:
        messages, failure = await rest_of(events_at(url).replay("00"))
    assert [message.event_id for message in messages] == ["01", "02"]
    assert type(failure) is LineLost


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1 200 OK\r\n", b"nonsense\r\n\r\n", HEAD + line_of(1)[:9]])
async def test_a_connection_that_breaks_anywhere_is_lost(cut: bytes, autojump_clock) -> None:
    async with peer(saying(cut)) as url:
        messages, failure = await rest_of(events_at(url).replay("00"))
    assert (messages, type(failure)) == ([], LineLost)


async def test_a_chunked_body_that_ends_half_way_is_lost(autojump_clock) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = line_of(1)
    async with peer(saying(head, b"%x\r\n%s\r\n" % (len(body), body), b"ff\r\n" + body[:50])) as url:
        messages, failure = await rest_of(events_at(url).replay("00"))
    assert ([message.event_id for message in messages], type(failure)) == (["01"], LineLost)


async def test_nobody_there_is_lost(autojump_clock) -> None:
    with Network().use():
        assert type((await rest_of(events_at("http://localhost").replay("00")))[1]) is LineLost


async def test_a_slow_readers_notice_is_a_doubt_and_then_asked_for_again_from_there(autojump_clock) -> None:
    notice = b": you are reading too slowly, dropped 10000 messages\n\n"
    async with peer(saying(HEAD, line_of(1) + notice + line_of(2))) as url:
        messages, failure = await rest_of(events_at(url).replay("00"))
    assert [message.event_id for message in messages] == ["01", ""]
    assert "dropped 10000 messages" in messages[1].doubt
    assert type(failure) is SlowClient


async def test_what_is_strange_is_a_doubt_and_the_next_event_is_read(autojump_clock) -> None:
    strange = [
        b"data: {\n",
        b"data: null\n",
        b'data: {"event":"?"}\n',
        b"data:\n",
        b"data: " + b"x" * (1 << 21) + b"\n",
    ]
    harmless = b"event: message\nid: 7\nretry: 100\n: heartbeat\n:\n\r\n\xff\n"
    said = b"".join(each + line_of(number) for number, each in enumerate(strange)) + harmless
    async with peer(saying(HEAD, said)) as url:
        messages, failure = await rest_of(events_at(url).replay("00"))
    assert type(failure) is LineLost
    assert [bool(message.doubt) for message in messages] == [True, False] * len(strange)
    assert [message.event_id for message in messages if message.update] == ["00", "01", "02", "03", "04"]


@pytest.mark.parametrize("head", [b"", HEAD])
async def test_a_peer_that_falls_silent_is_given_up_in_time(head: bytes, autojump_clock) -> None:
    async def talk(request: bytes, stream: trio.abc.Stream) -> None:
        await stream.send_all(head)
        await stream.receive_some()

    async with peer(talk) as url:
        started_s = trio.current_time()
        _, failure = await rest_of(events_at(url).replay("00"))
    assert type(failure) is LineLost
    assert trio.current_time() - started_s == pytest.approx(SILENT_MAX_S if head else ANSWER_MAX_S)


async def test_bytes_that_never_make_a_line_are_silence(autojump_clock) -> None:
    async def talk(request: bytes, stream: trio.abc.Stream) -> None:
        await stream.send_all(HEAD)
        while True:
            await stream.send_all(b"x" * 50_000)
            await trio.sleep(1)

    async with peer(talk) as url:
        _, failure = await rest_of(events_at(url).replay("00"))
    assert type(failure) is LineLost


async def test_a_reader_that_does_not_read_holds_up_the_venue_and_nothing_else(autojump_clock) -> None:
    sent = 0

    async def talk(request: bytes, stream: trio.abc.Stream) -> None:
        nonlocal sent
        await stream.send_all(HEAD)
        for sent in range(5000):
            await stream.send_all(line_of(sent))

    async with peer(talk) as url:
        replay = events_at(url).replay("00")
        await take(replay, 1)
        await trio.sleep(10)
        assert sent < 1000
        assert replay is not None
        messages, failure = await rest_of(replay)
    assert [int(message.event_id) for message in messages] == list(range(1, 5000))
    assert type(failure) is LineLost


@pytest.mark.parametrize("status", [403, 404, 400, 422])
async def test_a_no_is_said_once_and_believed(status: int, autojump_clock) -> None:
    sentences: list[str] = []
    async with peer(saying(b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\n{}" % status)) as url:
        events = events_at(url, sentences)
        assert await rest_of(events.replay("00")) == ([], None)
        assert events.replay("00") is None
    assert len(sentences) == 1
    assert f"HTTP {status}" in sentences[0]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_a_busy_venue_is_asked_again_when_it_says(status: int, autojump_clock) -> None:
    reply = b"HTTP/1.1 %d Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n" % status
    async with peer(saying(reply)) as url:
        events = events_at(url)
        _, failure = await rest_of(events.replay("00"))
        assert events.replay("00") is not None
    assert type(failure) is VenueBusy
    assert failure.retry_after_s == 7


async def test_keys_that_are_refused_are_for_a_person(autojump_clock) -> None:
    async with peer(saying(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")) as url:
        _, failure = await rest_of(events_at(url).replay("00"))
    assert type(failure) is KeysRefused
    assert "PK" in str(failure)


@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b"data: x", b"y" * 9])), st.data())
def test_lines_are_the_same_however_they_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)))))
    lines, found = EventLines(bytes_max=12), []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += lines.feed(whole[start:end])
    expected = whole.split(b"\n")[:-1]
    assert found == [None if len(each) > 12 else each.removesuffix(b"\r") for each in expected]
