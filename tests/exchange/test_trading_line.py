"""The trading stream speaks as Alpaca's: no welcome, binary frames, one connection, no replay, and faults in place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from attrs import define, evolve
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

from engine.exchange.clock import MarketClock
from engine.exchange.faults import Fault, FaultPlan
from engine.exchange.line.door import Door
from engine.exchange.line.limits import LineOptions
from engine.exchange.line.session import AUTH_WITHIN_S, Keys
from engine.exchange.line.stream import LineStream
from engine.exchange.line.switchboard import Switchboard
from engine.exchange.line.trading import QUEUE_MAX, TradingSession
from engine.exchange.market import Market
from engine.exchange.trading import Brokerage
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Quote
from engine.model.order import OrderRequest, OrderType, Side, TimeInForce

T0 = parse_instant("2026-03-02T14:30:00Z")
LOGIN = {"action": "auth", "key": "PK", "secret": "SK"}
OLD_LOGIN = {"action": "authenticate", "data": {"key_id": "PK", "secret_key": "SK"}}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates", "account_updates"]}}
UNAUTHORIZED = {"stream": "authorization", "data": {"status": "unauthorized", "action": "authenticate"}}
AUTHORIZED = {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
LISTENING = {"stream": "listening", "data": {"streams": ["trade_updates"]}}
BUY = OrderRequest(symbol="AAPL", side=Side.BUY, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=Decimal(10))


@define
class Quoted:
    """A tape of one quote."""

    start_ns: int = T0
    endless: bool = False
    symbols: tuple[str, ...] = ("AAPL",)

    def rows(self) -> Any:
        ts_ns = T0 + NS_PER_S
        yield ts_ns, Quote("AAPL", ts_ns, 100.0, 1000.0, 100.02, 1000.0, "Q", "Q", ("R",), "C")


@define
class Line:
    """One connection."""

    ws: WebSocketConnection
    binary: bool = True

    async def say(self, request: object) -> None:
        await self.ws.send_message(request if isinstance(request, str | bytes) else msgspec.json.encode(request))

    async def hear(self) -> Any:
        with trio.fail_after(30):
            frame = await self.ws.get_message()
        self.binary = isinstance(frame, bytes)
        return msgspec.json.decode(frame)

    async def ask(self, request: object) -> Any:
        await self.say(request)
        return await self.hear()

    async def listen(self) -> None:
        assert await self.ask(LOGIN) == AUTHORIZED
        assert await self.ask(LISTEN) == LISTENING

    async def events(self, count: int) -> list[str]:
        return [(await self.hear())["data"]["event"] for _ in range(count)]


@define
class Exchange:
    """A door with an account behind it."""

    port: int
    brokerage: Brokerage
    board: Switchboard
    plan: FaultPlan

    @asynccontextmanager
    async def dial(self, **headers: str) -> AsyncIterator[Line]:
        extra = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        async with (
            await trio.open_tcp_stream("127.0.0.1", self.port) as stream,
            trio.open_nursery() as nursery,
        ):
            with trio.fail_after(30):
                ws = await wrap_client_stream(
                    nursery, stream, "localhost", "/stream", extra_headers=extra, message_queue_size=16
                )
            yield Line(ws)
            with trio.move_on_after(1):
                await ws.aclose()
            nursery.cancel_scope.cancel()

    async def rejected(self) -> int:
        """The status with which an upgrade is turned away."""
        with pytest.RaisesGroup(pytest.RaisesExc(ConnectionRejected), flatten_subgroups=True) as raised:
            async with self.dial():
                pass
        (refusal,) = raised.value.exceptions
        assert isinstance(refusal, ConnectionRejected)
        return refusal.status_code

    async def empty(self) -> None:
        """Wait until the slot is free again."""
        with trio.fail_after(30):
            await trio.lowlevel.checkpoint()
            while self.board.slots.holds(1):  # noqa: ASYNC110 - nobody is told when a slot is given back
                await trio.sleep(0.01)


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    """An exchange with one quote told, at speed 0."""
    market = Market(Quoted(), MarketClock(T0, 0))
    plan = FaultPlan(now_s=trio.current_time)
    board = Switchboard(market.clock, plan)
    brokerage = Brokerage(market, plan)
    market.attach(board)
    market.attach(brokerage)
    await market.swallow(1)
    door = Door(board, LineOptions(Keys(frozenset({("PK", "SK")}))), brokerage)

    async def serve(stream: trio.SocketStream) -> None:
        await door.serve_connection(LineStream(stream))

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, serve, listeners)
        yield Exchange(listeners[0].socket.getsockname()[1], brokerage, board, plan)
        nursery.cancel_scope.cancel()


def test_both_envelopes_log_in_and_a_token_too() -> None:
    keys = Keys(frozenset({("PK", "SK")}))
    token = {"action": "authenticate", "data": {"oauth_token": "SK"}}
    for login in (LOGIN, OLD_LOGIN, token):
        session = TradingSession(keys, 10.0)
        assert session.receive(LISTEN, 0.0).say["data"] == {"status": "unauthorized", "action": "listen"}
        assert session.receive(login, 0.0).say == AUTHORIZED
        assert session.deadline_s is None
        assert session.receive(LISTEN, 0.0).say == LISTENING


def test_a_wrong_key_may_try_again_and_the_list_replaces_the_one_before() -> None:
    session = TradingSession(Keys(frozenset({("PK", "SK")})), 10.0)
    answer = session.receive(LOGIN | {"secret": "no"}, 5.0)
    assert (answer.say, answer.close, session.deadline_s) == (UNAUTHORIZED, False, 15.0)
    session.receive(LOGIN, 5.0)
    session.receive(LISTEN, 5.0)
    assert session.listening
    assert session.receive({"action": "listen", "data": {"streams": []}}, 5.0).say["data"] == {"streams": []}
    assert not session.listening


@pytest.mark.parametrize("request_", [None, {}, {"action": "dance"}, {"action": ["auth"]}])
def test_what_is_no_request_is_an_error_and_the_end(request_: Any) -> None:
    answer = TradingSession(Keys(), 10.0).receive(request_, 0.0)
    assert answer.say["action"] == "error"
    assert answer.close


async def test_updates_come_as_json_in_binary_frames_with_both_kinds_of_times(exchange: Exchange) -> None:
    async with exchange.dial() as line:
        await line.listen()
        exchange.brokerage.submit(BUY)
        assert await line.events(2) == ["pending_new", "new"]
        told = await line.hear()
        assert line.binary
    data = told["data"]
    assert (told["stream"], data["event"], data["qty"], data["price"]) == ("trade_updates", "fill", "10", "100.02")
    assert (data["position_qty"], data["order"]["status"]) == ("10", "filled")
    assert data["order"]["created_at"].endswith("-05:00")
    assert data["order"]["filled_at"].endswith("Z")
    assert {"at", "event_id", "timestamp", "execution_id"} <= data.keys()
    assert "cancel_requested_at" in data["order"]


async def test_messagepack_is_spoken_if_the_upgrade_asks_for_it(exchange: Exchange) -> None:
    async with exchange.dial(Content_Type="application/msgpack") as line:
        await line.say(msgspec.msgpack.encode(LOGIN))
        frame = await line.ws.get_message()
        assert isinstance(frame, bytes)
        assert msgspec.msgpack.decode(frame) == AUTHORIZED


async def test_there_is_no_replay_and_no_update_for_who_does_not_listen(exchange: Exchange) -> None:
    exchange.brokerage.submit(BUY)
    async with exchange.dial() as line:
        assert await line.ask(LOGIN) == AUTHORIZED
        exchange.brokerage.submit(BUY)
        assert await line.ask(LISTEN) == LISTENING
        exchange.brokerage.submit(BUY)
        assert await line.events(3) == ["pending_new", "new", "fill"]
        assert await line.ask({"action": "listen", "data": {"streams": []}}) == {
            "stream": "listening",
            "data": {"streams": []},
        }


async def test_a_second_connection_is_429_until_the_first_has_ended(exchange: Exchange) -> None:
    async with exchange.dial():
        assert await exchange.rejected() == 429
    await exchange.empty()
    async with exchange.dial() as line:
        assert await line.ask(OLD_LOGIN) == AUTHORIZED


async def test_a_ghost_holds_the_slot_after_an_unclean_end(exchange: Exchange) -> None:
    exchange.plan.inject(Fault(kind="ghost", line="trading", for_s=90.0))
    async with exchange.dial() as line:
        await line.listen()
        exchange.board.inject(Fault(kind="cut_without_close", line="trading"))
        with pytest.raises(ConnectionClosed):
            await line.ws.get_message()
    await exchange.empty()
    assert await exchange.rejected() == 429


async def test_an_upgrade_can_be_answered_with_a_status(exchange: Exchange) -> None:
    exchange.plan.inject(Fault(kind="upgrade_status", line="trading", status=503, uses=1))
    assert await exchange.rejected() == 503
    async with exchange.dial() as line:
        assert await line.ask(LOGIN) == AUTHORIZED


async def test_who_does_not_log_in_is_closed(exchange: Exchange, autojump_clock: trio.testing.MockClock) -> None:
    async with exchange.dial() as line:
        started_s = trio.current_time()
        assert (await line.hear())["action"] == "error"
        assert trio.current_time() - started_s == pytest.approx(AUTH_WITHIN_S)
        with pytest.raises(ConnectionClosed):
            await line.ws.get_message()


async def test_updates_can_be_lost_doubled_late_and_nonsense(
    exchange: Exchange, autojump_clock: trio.testing.MockClock
) -> None:
    for kind in ("drop_update", "null_update", "unknown_update", "duplicate_update"):
        exchange.plan.inject(Fault(kind=kind, uses=1))
    async with exchange.dial() as line:
        await line.listen()
        exchange.brokerage.submit(BUY)
        assert (await line.hear())["data"] is None
        events = await line.events(4)
        assert events == ["order_reticulated", "new", "new", "fill"]
        exchange.plan.inject(Fault(kind="swap_updates", uses=1))
        exchange.brokerage.submit(BUY)
        assert await line.events(3) == ["new", "fill", "pending_new"]


async def test_a_mute_line_answers_and_tells_nothing(exchange: Exchange) -> None:
    async with exchange.dial() as line:
        await line.listen()
        exchange.board.inject(Fault(kind="mute", line="trading"))
        exchange.brokerage.submit(BUY)
        assert await line.ask(LOGIN) == AUTHORIZED


@pytest.mark.slow
async def test_a_reader_that_does_not_read_is_dropped(exchange: Exchange) -> None:
    resting = evolve(BUY, type=OrderType.LIMIT, limit_price=Decimal(1))
    async with exchange.dial() as line:
        await line.listen()
        for _ in range(QUEUE_MAX // 3 + 1):
            exchange.brokerage.cancel(exchange.brokerage.submit(resting).id)
        with pytest.raises(ConnectionClosed):
            await line.events(QUEUE_MAX)
    await exchange.empty()
