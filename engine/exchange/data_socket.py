"""One connection of the market-data stream: from the upgrade to its end, with whatever the faults do to it.

Four tasks around one queue. trio-websocket reads, answers pings and closes; a reader gives requests to the sans-IO
session; a writer alone takes from the queue, so acknowledgements, data and faults leave in the order in which they were
put; a pinger, if asked for, measures how late the client's pongs are. The socket below is ours (`LineStream`), because
half of a frame, a reset and a silent peer are not things a WebSocket library offers.
"""

import math
from collections.abc import Mapping, Sequence

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from engine.codec.render import parse_request
from engine.exchange.faults.kinds import CLOSING_CODES, Fault
from engine.exchange.line.endpoints import Endpoint
from engine.exchange.line.ends import encoding_of, hang_up
from engine.exchange.line.frames import FrameRenderer
from engine.exchange.line.limits import (
    ABNORMAL,
    ANSWERS_MAX,
    QUEUE_AGE_MAX_S,
    QUEUE_EVENTS_MAX,
    ROOM_EVENTS,
    SEND_WITHIN_S,
    SLOW_GOODBYE_S,
    WRITE_BYTES_MAX,
    LineOptions,
)
from engine.exchange.line.outbound import Close, Outbound, Say, Strike
from engine.exchange.line.session import Reply, Session, error_message
from engine.exchange.line.stream import LineStream
from engine.exchange.line.switchboard import Switchboard
from engine.model.market import Kind, MarketEvent


class _Ended(Exception):
    """This connection is over, by our own doing."""


class DataLine:
    """One accepted connection, from its welcome on. Made and run by `serve_data_line`."""

    def __init__(
        self, ws: WebSocketConnection, raw: LineStream, session: Session, board: Switchboard, options: LineOptions
    ) -> None:
        self._ws = ws
        self._raw = raw
        self._session = session
        self._board = board
        self._options = options
        self._out = Outbound(board.plan, session.line, options.frame_events_max)
        self._wanted: dict[Kind, frozenset[str]] = {}
        self._mute: set[str] = set()
        self._doomed = False
        self._sending = False
        self._send_scope = trio.CancelScope()
        self._work = trio.Event()
        self._answered = trio.Event()
        self._slow = False
        self._frames = FrameRenderer(session.encoding, session.endpoint.family, board.plan, board.stats)
        self.clean = False

    # What the switchboard sees.

    @property
    def live(self) -> bool:
        """Whether it has a subscription and nothing has ended it, or is about to."""
        return bool(self._wanted) and not self._doomed

    @property
    def has_room(self) -> bool:
        """Whether another batch may be queued at speed 0."""
        return self._out.events < ROOM_EVENTS

    @property
    def flushed(self) -> bool:
        """Whether everything delivered has been handed to the socket."""
        return not self._out and not self._sending

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Queue what this session subscribed to."""
        chosen = self._session.endpoint.select(events, self._wanted)
        if self._mute:
            chosen = [event for event in chosen if event.symbol not in self._mute]
        if chosen:
            now_s = trio.current_time()
            self._out.put_events(chosen, now_s)
            self._work.set()
            self._look_at_queue(now_s)

    def strike(self, fault: Fault) -> None:
        """Let a fault happen behind what is queued; one that ends the line, or a symbol on it, ends that data here."""
        if fault.symbol:
            self._mute.add(fault.symbol)
            return
        self._out.put(Strike(fault), trio.current_time())
        self._doomed = self._doomed or fault.drops
        self._work.set()

    def _look_at_queue(self, now_s: float) -> None:
        """A client that is too far behind is told so and dropped, at any speed that does not wait for it."""
        waiting = self._out.events
        self._board.stats.queued_max = max(self._board.stats.queued_max, waiting)
        late = self._board.clock.speed > 0 and now_s - (self._out.oldest_s() or now_s) > QUEUE_AGE_MAX_S
        if waiting > QUEUE_EVENTS_MAX or late:
            self._doomed = self._slow = True
            self._out.drop_events()
            self._say(Reply((error_message(407),), close=True), now_s)
            self._send_scope.deadline = now_s + SLOW_GOODBYE_S

    # What its tasks do.

    async def run(self, headers: Mapping[str, str]) -> None:
        """Serve until the client leaves or a fault ends it."""
        self._say(self._session.open(headers, trio.current_time()), trio.current_time())
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read)
                nursery.start_soon(self._ping)
                await self._write()
        except* (_Ended, ConnectionClosed):
            pass  # the two ways to end on purpose: ours and the client's
        except* (trio.BrokenResourceError, trio.ClosedResourceError) as broken:
            if not self._said_goodbye():
                self._board.stats.broken.update(type(each).__name__ for each in broken.exceptions)
        finally:
            self.clean = self.clean or self._said_goodbye()

    def _said_goodbye(self) -> bool:
        """Whether the client ended with a close frame."""
        return self._ws.closed is not None and self._ws.closed.code != ABNORMAL

    async def _read(self) -> None:
        while True:
            message: str | bytes | None = None
            with trio.move_on_at(self._session.deadline_s or math.inf):
                message = await self._ws.get_message()
            now_s = trio.current_time()
            if message is None:
                reply = self._session.expire(now_s)
            else:
                try:
                    reply = self._session.receive(parse_request(message), now_s)
                except ValueError:
                    reply = self._session.receive(None, now_s)
            self._say(reply, now_s)
            if reply.close:
                return
            await self._wait_answered()

    async def _wait_answered(self) -> None:
        """Hear no more of a client that does not take its answers, and after a while be done with it."""
        with trio.move_on_after(SEND_WITHIN_S) as patience:
            await trio.lowlevel.checkpoint()
            while self._out.answers > ANSWERS_MAX:
                self._answered = trio.Event()
                await self._answered.wait()
        if patience.cancelled_caught:
            await self._raw.reset()
            raise _Ended

    def _say(self, reply: Reply, now_s: float) -> None:
        stats = self._board.stats
        for message in reply.say:
            if message["T"] == "error":
                stats.errors_sent[message["code"]] += 1
            stats.logins += message.get("msg") == "authenticated"
            self._out.put(Say(message), now_s)
        if reply.wanted is not None:
            stats.subscriptions += 1
            self._follow(self._session.endpoint.group(reply.wanted), now_s)
        if reply.close:
            self._doomed = True
            self._out.put(Close(), now_s)
        self._work.set()

    def _follow(self, wanted: dict[Kind, frozenset[str]], now_s: float) -> None:
        """Serve this from now on. Who begins to follow a book is told the whole of it first, and changes from then."""
        endpoint = self._session.endpoint
        before, self._wanted = self._wanted, wanted
        if Kind.BOOKS in wanted:
            books = self._board.past.books()
            known = {id(book) for book in endpoint.select(books, before)}
            begun = [book for book in endpoint.select(books, wanted) if id(book) not in known]
            if begun:
                self._out.put_events(begun, now_s)
        self._board.changed()

    async def _ping(self) -> None:
        every_s = self._options.ping_every_s
        stats = self._board.stats
        while every_s is not None:
            await trio.sleep(every_s)
            sent_s = trio.current_time()
            stats.pings += 1
            with trio.move_on_after(self._options.pong_within_s) as late:
                await self._ws.ping()
            stats.pong(trio.current_time() - sent_s)
            if late.cancelled_caught:
                stats.pongs_late += 1
                await self._raw.reset()
                raise _Ended
        await trio.lowlevel.checkpoint()

    async def _write(self) -> None:
        while True:
            now_s = trio.current_time()
            buffer = bytearray()
            last: Strike | Close | None = None
            while len(buffer) < WRITE_BYTES_MAX and (step := self._out.take(now_s)) is not None:
                if isinstance(step, (Strike, Close)):
                    last = step
                    break
                buffer += self._frames.render(step)
            if buffer:
                await self._send(buffer)
            if isinstance(last, Close):
                await self._close(last.code)
            elif last is not None:
                await self._suffer(last)
            elif not buffer:
                await self._wait_work()

    async def _wait_work(self) -> None:
        due_s = self._out.next_due_s()
        if due_s is None:
            await self._work.wait()
        else:
            with trio.move_on_at(due_s):
                await self._work.wait()
        self._work = trio.Event()

    async def _send(self, buffer: bytearray) -> None:
        """Write whole frames; a peer that does not take them in time is cut off."""
        self._sending = True
        deadline_s = trio.current_time() + SEND_WITHIN_S
        with trio.CancelScope(deadline=deadline_s) as self._send_scope:
            if self._slow:
                self._send_scope.deadline = trio.current_time() + SLOW_GOODBYE_S
            await self._raw.send_all(buffer)
        if self._send_scope.cancelled_caught:
            await self._raw.reset()
            raise _Ended
        self._sending = False
        self._answered.set()
        self._board.stats.bytes_sent += len(buffer)
        if self.has_room:
            self._board.changed()

    async def _suffer(self, strike: Strike) -> None:
        """A fault happens, here in the order of what is sent."""
        fault = strike.fault
        match fault.kind:
            case "cut":
                await self._close(fault.code or 1001)
            case "truncated_frame":
                await self._raw.end_with(self._frames.render_half(strike.tail))
                raise _Ended
            case "cut_without_close":
                await self._raw.reset()
                raise _Ended
            case "mute":
                pass  # `live` is false from here on, and nothing else ends
            case "half_open":
                await self._play_dead(fault)
            case "delay":
                await trio.sleep(self._board.plan.seconds(fault.for_s or 0.0))
            case "error":
                code = fault.code or 500
                self._say(Reply((error_message(code),), close=code in CLOSING_CODES), trio.current_time())
            case _:
                self._frames.tricks.append(fault.kind)

    async def _close(self, code: int) -> None:
        self.clean = True
        await hang_up(self._ws, self._raw, code)
        raise _Ended

    async def _play_dead(self, fault: Fault) -> None:
        self._raw.deafen()
        for_s = math.inf if fault.for_s is None else self._board.plan.seconds(fault.for_s)
        self._board.leave(self._session.line, clean=False)
        await trio.sleep(for_s)
        await self._raw.reset()
        raise _Ended


async def serve_data_line(
    ws: WebSocketConnection,
    raw: LineStream,
    endpoint: Endpoint,
    headers: Mapping[str, str],
    board: Switchboard,
    options: LineOptions,
) -> None:
    """Serve one accepted connection to its end. ``headers`` of the upgrade, names in lower case."""
    encoding = encoding_of(headers)
    number = board.number()
    session = Session(endpoint, encoding, number, board.slots, options.keys, board.plan, options.tier)
    line = DataLine(ws, raw, session, board, options)
    board.join(number, line)
    try:
        await line.run(headers)
    finally:
        board.leave(number, clean=line.clean)
        if line.clean:
            board.stats.closed_clean += 1
        else:
            board.stats.closed_unclean += 1
