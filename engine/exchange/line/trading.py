"""One connection of the trading stream: login, listen, and every update of an order from then on.

Its habits differ from the data stream's on purpose, as Alpaca's do: no welcome, single objects instead of arrays, JSON
text inside binary frames (MessagePack if the upgrade asks for it), and a second connection of the account is turned
away with HTTP 429 on the upgrade. There is no replay: what happens while nobody listens is not told here later.

`TradingSession` says what is answered to what, without a socket; `TradingLine` sends. What is sent waits in one queue,
in order of when it is due, so that a fault can let one update overtake another; a reader that lets it grow too long is
dropped.
"""

import heapq
import math
from collections.abc import Mapping
from itertools import count
from typing import Any, Final, TypeAlias

import msgspec
import trio
from attrs import define, frozen
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest

from engine.codec.orders import STREAM, render_update
from engine.codec.render import parse_request
from engine.codec.wire import Encoding
from engine.exchange.faults.kinds import Fault
from engine.exchange.faults.updates import distort
from engine.exchange.line.ends import encoding_of, hang_up, refuse_upgrade
from engine.exchange.line.limits import ABNORMAL, SEND_WITHIN_S, UPGRADE_WITHIN_S
from engine.exchange.line.session import AUTH_WITHIN_S, Keys
from engine.exchange.line.stream import LineStream
from engine.exchange.line.switchboard import Switchboard
from engine.exchange.line.websocket import build_frame
from engine.exchange.trading.brokerage import Brokerage
from engine.model.order import OrderUpdate

SLOT: Final = ("/stream", "account")
"""One connection for the account, whoever opens it: at the upgrade nobody has logged in yet."""
QUEUE_MAX: Final = 10_000
"""Messages that may wait for one connection, about 15 MB: minutes of a very busy account."""


def _authorization(status: str, action: str) -> dict[str, Any]:
    return {"stream": "authorization", "data": {"status": status, "action": action}}


def _error(text: str) -> dict[str, Any]:
    return {"action": "error", "data": {"error_message": text}}


@frozen
class Answer:
    """What to say now, and whether that was the last thing said."""

    say: Mapping[str, Any]
    close: bool = False


@define
class TradingSession:
    """Answers one client's requests. Times are on Trio's clock, handed in."""

    keys: Keys
    deadline_s: float | None
    """When it must have logged in; the ten seconds are those of the data stream, Alpaca names none for this one."""
    authorized: bool = False
    listening: bool = False

    def receive(self, request: Mapping[str, Any] | None, now_s: float) -> Answer:
        """The answer to a request; ``None`` is one that could not be read."""
        action = request.get("action") if request is not None else None
        if request is None or action not in ("auth", "authenticate", "listen"):
            return Answer(_error("invalid message" if request is None else "invalid action"), close=True)
        told = request.get("data")
        held = told if isinstance(told, Mapping) else {}
        return self._listen(held) if action == "listen" else self._authenticate(request, held, now_s)

    def expire(self) -> Answer:
        """The time at ``deadline_s`` has come."""
        return Answer(_error("authentication timeout"), close=True)

    def _authenticate(self, request: Mapping[str, Any], held: Mapping[str, Any], now_s: float) -> Answer:
        """Both envelopes, and the token of an application; the reply is the same to all."""
        key, secret = request.get("key", held.get("key_id")), request.get("secret", held.get("secret_key"))
        if token := held.get("oauth_token"):
            key, secret = "oauth", token
        self.authorized = self.authorized or self.keys.accept(key, secret)
        self.deadline_s = None if self.authorized else now_s + AUTH_WITHIN_S
        return Answer(_authorization("authorized" if self.authorized else "unauthorized", "authenticate"))

    def _listen(self, held: Mapping[str, Any]) -> Answer:
        """The list replaces the one before; what there is no stream of is silently missing from the answer."""
        if not self.authorized:
            return Answer(_authorization("unauthorized", "listen"))
        asked = held.get("streams")
        names = [STREAM] if isinstance(asked, list) and STREAM in asked else []
        self.listening = bool(names)
        return Answer({"stream": "listening", "data": {"streams": names}})


class _Ended(Exception):
    """This connection is over, by our own doing."""


_Due: TypeAlias = tuple[float, int, bytes | Fault | None]
"""When, in which order among equals, and what: a frame, a fault, or ``None`` for the goodbye."""


class TradingLine:
    """One accepted connection. Implements `UpdateListener` for the brokerage and `Target` for faults."""

    def __init__(
        self,
        ws: WebSocketConnection,
        raw: LineStream,
        session: TradingSession,
        board: Switchboard,
        brokerage: Brokerage | None,
        encoding: Encoding,
    ) -> None:
        self._ws = ws
        self._raw = raw
        self._session = session
        self._board = board
        self._brokerage = brokerage
        self._encode = msgspec.msgpack.encode if encoding is Encoding.MSGPACK else msgspec.json.encode
        self._queue: list[_Due] = []
        self._order = count()
        self._work = trio.Event()
        self._full = trio.Event()
        self._doomed = False
        self.clean = False

    @property
    def live(self) -> bool:
        """Whether it listens, and nothing has ended it or is about to."""
        return self._session.listening and not self._doomed

    def tell(self, update: OrderUpdate) -> None:
        """Queue an update, with what faults make of it."""
        if not self.live or self._brokerage is None:
            return
        message = {"stream": STREAM, "data": render_update(update, self._brokerage.legs_of(update.order))}
        for sending in distort(self._board.plan, message):
            self._put(build_frame(self._encode(sending.message)), sending.delay_s)

    def strike(self, fault: Fault) -> None:
        """Let a fault happen behind what is queued; one that ends the line ends its updates here."""
        self._put(fault)
        self._doomed = self._doomed or fault.drops

    async def run(self) -> None:
        """Serve until the client leaves or a fault ends it."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read)
                nursery.start_soon(self._drop_slow)
                await self._write()
        except* (_Ended, ConnectionClosed):
            pass  # the two ways to end on purpose: ours and the client's
        finally:
            closed = self._ws.closed
            self.clean = self.clean or (closed is not None and closed.code != ABNORMAL)

    async def _read(self) -> None:
        while True:
            message: str | bytes | None = None
            with trio.move_on_at(self._session.deadline_s or math.inf):
                message = await self._ws.get_message()
            answer = self._session.expire() if message is None else self._answer(message)
            self._put(build_frame(self._encode(answer.say)))
            if answer.close:
                self._put(None)
                return
            if self._session.listening:
                self._board.trading_began()

    def _answer(self, message: str | bytes) -> Answer:
        now_s = trio.current_time()
        try:
            return self._session.receive(parse_request(message), now_s)
        except ValueError:
            return self._session.receive(None, now_s)

    async def _drop_slow(self) -> None:
        await self._full.wait()
        await self._raw.reset()
        raise _Ended

    def _put(self, what: bytes | Fault | None, delay_s: float = 0.0) -> None:
        heapq.heappush(self._queue, (trio.current_time() + delay_s, next(self._order), what))
        self._work.set()
        if len(self._queue) > QUEUE_MAX:
            self._doomed = True
            self._full.set()

    async def _write(self) -> None:
        while True:
            due_s = self._queue[0][0] if self._queue else math.inf
            if due_s > trio.current_time():
                with trio.move_on_at(due_s):
                    await self._work.wait()
                self._work = trio.Event()
                continue
            what = heapq.heappop(self._queue)[2]
            if what is None:
                await self._close(1000)
            elif isinstance(what, Fault):
                await self._suffer(what)
            else:
                await self._send(what)

    async def _send(self, frame: bytes) -> None:
        """Write a whole frame; a peer that does not take it in time is cut off."""
        with trio.move_on_after(SEND_WITHIN_S) as deadline:
            await self._raw.send_all(frame)
        if deadline.cancelled_caught:
            await self._raw.reset()
            raise _Ended
        self._board.stats.frames_sent += 1
        self._board.stats.bytes_sent += len(frame)

    async def _suffer(self, fault: Fault) -> None:
        """A fault happens, here in the order of what is sent. After `mute` the line is dead and its socket is not."""
        if fault.kind == "cut":
            await self._close(fault.code or 1001)
        elif fault.kind == "half_open":
            self._raw.deafen()
            await trio.sleep(math.inf if fault.for_s is None else self._board.plan.seconds(fault.for_s))
        if fault.kind in ("cut_without_close", "half_open"):
            await self._raw.reset()
            raise _Ended

    async def _close(self, code: int) -> None:
        self.clean = True
        await hang_up(self._ws, self._raw, code)
        raise _Ended


async def serve_trading_line(
    request: WebSocketRequest,
    raw: LineStream,
    headers: Mapping[str, str],
    board: Switchboard,
    keys: Keys,
    brokerage: Brokerage | None,
) -> None:
    """Answer one upgrade and serve the connection to its end. ``headers`` of the upgrade, names in lower case."""
    if (fault := board.plan.use("upgrade_status", line="trading")) is not None:
        await refuse_upgrade(request, fault)
        return
    number = board.number()
    if not board.slots.claim(SLOT, number, trio.current_time()):
        board.stats.turned_away += 1
        await request.reject(429, body=b'{"message":"too many requests."}')
        return
    clean = False
    try:
        with trio.fail_after(UPGRADE_WITHIN_S):
            ws = await request.accept()
        session = TradingSession(keys, trio.current_time() + AUTH_WITHIN_S)
        line = TradingLine(ws, raw, session, board, brokerage, encoding_of(headers))
        board.join_trading(number, line)
        if brokerage is not None:
            brokerage.listen(line)
        try:
            await line.run()
        finally:
            clean = line.clean
            if brokerage is not None:
                brokerage.unlisten(line)
    finally:
        board.leave_trading(number, clean=clean)
