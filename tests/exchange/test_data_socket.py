"""A connection tells a client what was published, in order, and ends in exactly the way that a fault says."""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected

from engine.codec.wire import Encoding
from engine.exchange.faults import Fault
from engine.exchange.faults.script import build_fault
from engine.exchange.line.limits import LineOptions
from engine.exchange.serve import ExchangeOptions, open_exchange
from engine.model.market import Kind, Trade


def options(*faults: Fault, speed: float = 0.0, **line: Any) -> ExchangeOptions:
    return ExchangeOptions(speed=speed, faults=faults, seed=5, line=LineOptions(**line))


def rejected(status: int, *headers: tuple[bytes, bytes]) -> Any:
    """The upgrade is answered with this status and, among others, these headers."""

    def check(error: ConnectionRejected) -> bool:
        told = {(name.lower(), value) for name, value in error.headers or ()}
        return error.status_code == status and told.issuperset(headers)

    return pytest.RaisesGroup(pytest.RaisesExc(ConnectionRejected, check=check), flatten_subgroups=True)


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_what_was_published_is_what_a_client_receives(
    autojump_clock: Any, dial: Any, trades: Any, encoding: Encoding
) -> None:
    async with open_exchange(options(), trades(1000)) as exchange:
        async with dial(exchange.data_stream_url, encoding=encoding) as client:
            ack = await client.subscribe(trades=["A"], bars=["*"])
            assert {str(stream) for stream in ack.subscribed} == {
                "trades:A", "corrections:A", "cancels:A", "bars:*"
            }  # fmt: skip
            await client.until_event(1000)
        assert client.events == list(exchange.market.past.between(Kind.TRADES, "A", 0, 2**62))
        assert len(client.events) == 1000
        assert max(client.frames) == 100


async def test_only_what_was_subscribed_to_comes_and_a_wildcard_stays_in_its_family(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    source = trades(300, symbols=("A", "B", "BTC/USD"))
    async with (
        open_exchange(options(), source) as exchange,
        dial(exchange.data_stream_url) as some,
        dial(exchange.data_stream_url, "/v2/sip") as every,
        dial(exchange.data_stream_url, "/v1beta3/crypto/us") as crypto,
    ):
        await some.subscribe(trades=["B"])
        await every.subscribe(trades=["*"])
        await crypto.subscribe(trades=["*"])
        await some.until_event(298)
        await every.until_event(300)
        await crypto.until_event(299)
    assert {event.symbol for event in some.events} == {"B"}
    assert {event.symbol for event in every.events} == {"A", "B"}
    assert {event.symbol for event in crypto.events} == {"BTC/USD"}


ENDINGS = [
    ("cut", {}, 1001, 200),
    ("cut", {"code": 1000}, 1000, 200),
    ("cut", {"events": 500}, 1001, 500),
    ("cut_without_close", {}, 1006, 200),
    ("truncated_frame", {}, 1006, 200),
    ("error", {"code": 404}, 1000, 200),
    ("error", {"code": 406}, 1000, 200),
    ("error", {"code": 407}, 1000, 200),
    ("error", {"code": 500}, 1000, 200),
    ("refuse", {"for_": "1s"}, 1006, 200),
    ("stall_handshake", {}, 1006, 200),
    ("stall_login", {}, 1006, 200),
    ("upgrade_status", {}, 1006, 200),
]


@pytest.mark.parametrize(("kind", "more", "code", "unheard"), ENDINGS, ids=[f"{row[0]}-{row[1]}" for row in ENDINGS])
async def test_a_fault_ends_the_line_in_its_place_and_leaves_a_hole(
    autojump_clock: Any, dial: Any, trades: Any, kind: str, more: dict[str, Any], code: int, unheard: int
) -> None:
    fault = build_fault(kind=kind, after_events=250, **more)
    async with open_exchange(options(fault), trades(2000)) as exchange:
        async with dial(exchange.data_stream_url) as client:
            await client.subscribe(trades=["A"])
            assert await client.until_closed() == code
        await trio.sleep(0.1)
        heard = len(client.ids)
        # A reset may overtake data, and a truncated frame takes its events with it; all else arrives up to the fault.
        assert client.ids == list(range(1, heard + 1))
        assert heard <= 250 if code == 1006 else heard == 250
        if kind == "error":
            assert client.said[-1].code == more["code"]
        batches = 256  # the market had published its batch to the end when the fault came
        assert exchange.market.published == batches + unheard
        assert exchange.plan.hits[kind] == (1 if fault.strikes else 0)


async def test_after_a_cut_the_next_connection_goes_on_behind_the_hole(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    fault = build_fault(kind="cut", after_events=300, times=3)
    async with open_exchange(options(fault), trades(2000)) as exchange:
        heard: list[int] = []
        while not heard or heard[-1] != 2000:
            async with dial(exchange.data_stream_url) as client:
                await client.subscribe(trades=["A"])
                while not client.ids or client.ids[-1] != 2000:
                    try:
                        await client.receive()
                    except ConnectionClosed:
                        break
            heard += client.ids
        missing = sorted(set(range(1, 2001)) - set(heard))
        assert heard == sorted(heard)
        assert missing[0] == 301
        assert exchange.plan.hits["cut"] == 3
        known = [row.id for row in exchange.market.past.between(Kind.TRADES, "A", 0, 2**62) if isinstance(row, Trade)]
        assert known == list(range(1, 2001))


async def test_a_mute_line_answers_pings_and_requests_but_tells_nothing(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    async with (
        open_exchange(options(build_fault(kind="mute", after_events=100)), trades(1000)) as exchange,
        dial(exchange.data_stream_url) as client,
    ):
        await client.subscribe(trades=["A"])
        await client.until_event(100)
        with trio.move_on_after(20) as silence:
            await client.receive()
        assert silence.cancelled_caught
        with trio.fail_after(1):
            await client.ws.ping()
        await client.say(action="subscribe", trades=["B"])
        assert (await client.hear()).type == "subscription"
        assert exchange.market.published == 128 + 200


async def test_a_mute_symbol_is_one_of_a_line_that_goes_on_speaking(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    mute = build_fault(kind="mute", symbol="B", after_events=100, times=1)
    async with (
        open_exchange(options(mute), trades(1000, symbols=("A", "B"))) as exchange,
        dial(exchange.data_stream_url) as client,
    ):
        await client.subscribe(trades=["A", "B"])
        await client.until_event(1000)
        heard = [event.symbol for event in client.events]
        assert heard.count("A") == 500
        assert heard.count("B") == 50
        assert set(heard[100:]) == {"A"}
        assert len(exchange.market.past.between(Kind.TRADES, "B", 0, 2**62)) == 500
        assert exchange.plan.hits["mute"] == 1


async def test_a_half_open_line_answers_nothing_and_does_not_hold_the_slot(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    async with (
        open_exchange(options(build_fault(kind="half_open", after_events=100)), trades(1000)) as exchange,
        dial(exchange.data_stream_url) as client,
    ):
        await client.subscribe(trades=["A"])
        await client.until_event(100)
        with trio.move_on_after(20) as silence:
            await client.ws.ping()
        assert silence.cancelled_caught
        async with dial(exchange.data_stream_url) as second:
            await second.subscribe(trades=["A"])
            await second.until_event(1000)
        assert second.ids[0] == 128 + 200 + 1


async def test_a_half_open_line_may_end_after_a_time(autojump_clock: Any, dial: Any, trades: Any) -> None:
    fault = build_fault(kind="half_open", after_events=100, for_="30s")
    async with open_exchange(options(fault), trades(1000)) as exchange, dial(exchange.data_stream_url) as client:
        await client.subscribe(trades=["A"])
        await client.until_event(100)
        began = trio.current_time()
        with trio.fail_after(60), pytest.raises(ConnectionClosed):
            await client.ws.get_message()
        assert trio.current_time() - began == pytest.approx(30, abs=1)


async def test_a_refused_or_stalled_connection_gets_no_upgrade_and_the_one_after_does(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    faults = build_fault(kind="refuse", next=1), build_fault(kind="stall_handshake", next=1)
    async with open_exchange(options(*faults), trades(10)) as exchange:
        for _ in faults:
            # The client's own hand-shake never ends by itself: trio-websocket waits for a peer that is gone.
            with pytest.RaisesGroup(trio.TooSlowError, flatten_subgroups=True):
                async with dial(exchange.data_stream_url):
                    pass
        async with dial(exchange.data_stream_url) as client:
            await client.subscribe(trades=["A"])
            await client.until_event(10)
        assert exchange.plan.summary()["hits"] == {"refuse": 1, "stall_handshake": 1}


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_the_upgrade_can_be_answered_with_a_status_and_headers(
    autojump_clock: Any, dial: Any, trades: Any, status: int
) -> None:
    fault = build_fault(kind="upgrade_status", status=status, next=1, headers={"Retry-After": "7"})
    async with open_exchange(options(fault), trades(10)) as exchange:
        with rejected(status, (b"retry-after", b"7")):
            async with dial(exchange.data_stream_url):
                pass


async def test_an_unknown_path_is_http_404(autojump_clock: Any, dial: Any, trades: Any) -> None:
    async with open_exchange(options(), trades(10)) as exchange:
        with rejected(404):
            async with dial(exchange.data_stream_url, "/v2/boats"):
                pass


async def test_a_client_that_does_not_log_in_is_told_so_after_ten_seconds(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    async with open_exchange(options(), trades(10)) as exchange, dial(exchange.data_stream_url) as client:
        began = trio.current_time()
        assert await client.until_closed() == 1000
        assert client.said[-1].code == 404
        assert trio.current_time() - began == pytest.approx(10, abs=0.1)


async def test_the_second_session_waits_on_its_socket_until_the_first_has_left(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    async with open_exchange(options(), trades(10)) as exchange, dial(exchange.data_stream_url) as second:
        async with dial(exchange.data_stream_url) as first:
            assert (await first.login()).msg == "authenticated"
            assert (await second.login()).code == 406
        await trio.sleep(0.1)
        await second.say(action="auth", key="PK1", secret="s3cr3t")
        assert (await second.hear()).msg == "authenticated"


async def test_a_ghost_stays_after_an_unclean_end_only(autojump_clock: Any, dial: Any, trades: Any) -> None:
    faults = (
        build_fault(kind="ghost", for_="5s"),
        build_fault(kind="cut", after_events=10, events=0),
        build_fault(kind="cut_without_close", after_events=200, events=0),
    )
    answers = []
    async with open_exchange(options(*faults), trades(1000)) as exchange:
        for _ in range(2):
            async with dial(exchange.data_stream_url) as client:
                await client.subscribe(trades=["A"])
                await client.until_closed()
            async with dial(exchange.data_stream_url) as client:
                answers.append((await client.login()).code)
            await trio.sleep(6)
        assert answers == [None, 406]
        async with dial(exchange.data_stream_url) as client:
            assert (await client.login()).msg == "authenticated"


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_an_oddity_in_a_frame_takes_no_neighbour_with_it(
    autojump_clock: Any, dial: Any, trades: Any, encoding: Encoding
) -> None:
    faults = [build_fault(kind=kind, p=0.5) for kind in ("bad_frame", "unknown_type", "unknown_field")]
    faults += [build_fault(kind="bad_frame", after_events=100)]
    async with open_exchange(options(*faults), trades(1000)) as exchange:
        async with dial(exchange.data_stream_url, encoding=encoding) as client:
            await client.subscribe(trades=["A"])
            await client.until_event(1000)
        assert client.ids == list(range(1, 1001))
        hits = exchange.plan.hits
        counts = client.decoder.counts
        assert len(client.malformed) == counts.malformed == hits["bad_frame"] > 0
        assert counts.unknown_types["zz"] == hits["unknown_type"] > 0
        assert counts.unknown_fields.total() >= hits["unknown_field"] > 0


async def test_repeats_and_shuffles_can_be_undone_frame_by_frame(autojump_clock: Any, dial: Any, trades: Any) -> None:
    faults = [build_fault(kind="duplicate", p=0.1), build_fault(kind="reorder", p=0.1)]
    async with open_exchange(options(*faults, frame_events_max=10), trades(1000)) as exchange:
        async with dial(exchange.data_stream_url) as client:
            await client.subscribe(trades=["A"])
            while len(set(client.ids)) < 1000:
                await client.receive()
        restored: list[int] = []
        left = client.events
        for size in client.frames:
            frame, left = left[:size], left[size:]
            for event in sorted(frame, key=lambda event: event.venue_ns):
                restored += [event.id] if event.id not in restored else []
        assert restored == list(range(1, 1001))
        assert client.ids != restored
        assert len(client.ids) - 1000 == exchange.plan.hits["duplicate"] > 0


async def test_a_delayed_line_is_late_by_that_much_of_market_time(autojump_clock: Any, dial: Any, trades: Any) -> None:
    fault = build_fault(kind="delay", for_="30s")
    async with open_exchange(options(fault, speed=10.0), trades(5)) as exchange:
        async with dial(exchange.data_stream_url) as client:
            await client.subscribe(trades=["A"])
            began = trio.current_time()
            await client.until_event(5)
        assert trio.current_time() - began == pytest.approx(3.25, abs=0.3)


async def test_the_pongs_of_a_client_are_timed_and_a_late_one_ends_the_line(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    async with open_exchange(options(ping_every_s=10.0), trades(10)) as exchange:
        async with dial(exchange.data_stream_url) as client:
            await client.subscribe(trades=["A"])
            await trio.sleep(95)
            assert (exchange.stats.pings, exchange.stats.pongs_late) == (9, 0)
            assert exchange.stats.pong_late_max_s < 1
        stream = await trio.open_tcp_stream("127.0.0.1", int(exchange.data_stream_url.rpartition(":")[2]))
        async with stream:
            await upgrade_by_hand(stream)
            await subscribe_by_hand(stream)
            await trio.sleep(20)
        assert exchange.stats.pongs_late == 1
        assert exchange.stats.pong_late_max_s >= 5


async def upgrade_by_hand(stream: trio.SocketStream) -> None:
    await stream.send_all(
        b"GET /v2/iex HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert (await stream.receive_some()).startswith(b"HTTP/1.1 101")


async def subscribe_by_hand(stream: trio.SocketStream) -> None:
    for text in (b'{"action":"auth","key":"k","secret":"s"}', b'{"action":"subscribe","trades":["A"]}'):
        await stream.send_all(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)


@pytest.mark.slow
async def test_a_client_that_does_not_read_is_told_407_and_dropped(autojump_clock: Any, trades: Any) -> None:
    async with open_exchange(options(speed=1.0), trades(400_000, step_ns=10_000)) as exchange:
        stream = await trio.open_tcp_stream("127.0.0.1", int(exchange.data_stream_url.rpartition(":")[2]))
        async with stream:
            await upgrade_by_hand(stream)
            await subscribe_by_hand(stream)
            with trio.fail_after(60):
                await trio.sleep(0.5)
                while not exchange.stats.closed_unclean + exchange.stats.closed_clean:  # noqa: ASYNC110  # a counter
                    await trio.sleep(0.5)
        assert exchange.stats.errors_sent[407] == 1
        assert exchange.stats.queued_max <= 101_000


async def test_a_message_in_fragments_is_put_together(autojump_clock: Any, trades: Any) -> None:
    async with open_exchange(options(), trades(10)) as exchange:
        stream = await trio.open_tcp_stream("127.0.0.1", int(exchange.data_stream_url.rpartition(":")[2]))
        async with stream:
            await upgrade_by_hand(stream)
            text = b'{"action":"auth","key":"k","secret":"s"}'
            mask = bytes(4)
            for start in range(0, len(text), 10):
                first = (0x01 if start == 0 else 0x00) | (0x80 if start + 10 >= len(text) else 0)
                part = text[start : start + 10]
                await stream.send_all(bytes((first, 0x80 | len(part))) + mask + part)
            with trio.fail_after(5):
                told = await stream.receive_some()
                while b"authenticated" not in told:
                    told += await stream.receive_some()


async def send_garbage(stream: trio.SocketStream) -> None:
    await stream.send_all(random.Random(1).randbytes(2000))


async def leave_at_once(stream: trio.SocketStream) -> None:
    await stream.send_all(b"GET /v2/iex HTTP/1.1\r\n")


async def ask_for_a_page(stream: trio.SocketStream) -> None:
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await stream.receive_some()


async def send_bad_frames(stream: trio.SocketStream) -> None:
    await upgrade_by_hand(stream)
    await stream.send_all(b"\xff" * 500)


async def send_bad_text(stream: trio.SocketStream) -> None:
    await upgrade_by_hand(stream)
    await stream.send_all(b"\x81\x82\x00\x00\x00\x00\xff\xfe")
    await stream.receive_some()


async def send_too_much(stream: trio.SocketStream) -> None:
    await upgrade_by_hand(stream)
    size = 2_000_000
    await stream.send_all(b"\x81\xff" + size.to_bytes(8, "big") + bytes(4) + b"x" * size)


@pytest.mark.parametrize(
    "abuse", [send_garbage, leave_at_once, ask_for_a_page, send_bad_frames, send_bad_text, send_too_much]
)
async def test_a_broken_client_harms_nobody_else(
    autojump_clock: Any, dial: Any, trades: Any, abuse: Callable[[trio.SocketStream], Awaitable[None]]
) -> None:
    async with open_exchange(options(), trades(1000)) as exchange:
        for _ in range(3):
            stream = await trio.open_tcp_stream("127.0.0.1", int(exchange.data_stream_url.rpartition(":")[2]))
            async with stream:
                with suppress(trio.BrokenResourceError):  # the exchange hangs up on some of it, as it may
                    await abuse(stream)
        async with dial(exchange.data_stream_url) as client:
            await client.subscribe(trades=["A"])
            await client.until_event(1000)
        assert client.ids == list(range(1, 1001))


async def test_requests_that_are_none_are_400_and_the_session_goes_on(
    autojump_clock: Any, dial: Any, trades: Any
) -> None:
    async with open_exchange(options(), trades(10)) as exchange, dial(exchange.data_stream_url) as client:
        await client.login()
        for message in ("hello", b"\xc1", "[1,2]", '{"action":"dance"}'):
            await client.ws.send_message(message)
            assert (await client.hear()).code == 400
        await client.ws.send_message('{"action":"subscribe","trades":["A"]}')  # text on a MessagePack line is read too
        assert (await client.hear()).type == "subscription"
