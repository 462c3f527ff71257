"""``/v2/events/trades`` and ``/v2beta1/events/activities``: the same events once more, as server-sent events.

Unlike the stream over WebSocket these can be replayed, by instant or by id, so a client that was away can have what it
missed. History first, then what happens, until ``until`` or ``until_id``, or until the reader leaves. There is no queue
for a reader: it has a place in the log, and one that falls too far behind is told how much it did not get, as Alpaca
does, and goes on with the present.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec
import trio
from attrs import define, frozen

from engine.codec.activities import Activity, render_activity_event
from engine.codec.orders import render_update
from engine.core.calendar import next_trading_day
from engine.exchange.rest.data.asking import BadRequest
from engine.exchange.rest.desks.replies import Calls, read_instant
from engine.exchange.rest.http import Request, Response, Send
from engine.exchange.trading.brokerage import Brokerage
from engine.exchange.trading.log import Log
from engine.model.order import OrderUpdate

BEHIND_MAX: Final = 10_000
"""How many events a reader of the present may be behind: Alpaca's example of the notice says 10,000."""
CHUNK_EVENTS: Final = 100
"""Events sent in one piece, some 100 kB; between pieces others are served."""
QUIET_S: Final = 15.0
"""With nothing to tell, a comment is sent this often, so that a reader that died is noticed; below any idle limit."""
HEARTBEAT: Final = b": heartbeat\n\n"

_Item = TypeVar("_Item")


@frozen
class _Span:
    """What a reader asked for. Instants inclusive; behind ``since_id``, up to and with ``until_id``."""

    since_ns: int | None
    until_ns: int | None
    since_id: str
    until_id: str


class EventDesk:
    """Tells updates of orders and activities as they happen."""

    def __init__(self, brokerage: Brokerage) -> None:
        self._brokerage = brokerage

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path."""
        match steps:
            case ["v2", "events", "trades"]:
                return {"GET": self._tell_updates}
            case ["v2beta1", "events", "activities"]:
                return {"GET": self._tell_activities}
        return None

    def _tell_updates(self, request: Request) -> Response:
        span = _read_span(request.query)
        return Response(200, stream=_Reader(self._brokerage, self._brokerage.updates, self._update, span).run)

    def _tell_activities(self, request: Request) -> Response:
        span = _read_span(request.query)
        return Response(200, stream=_Reader(self._brokerage, self._brokerage.activities, self._activity, span).run)

    def _update(self, update: OrderUpdate) -> dict[str, Any]:
        return render_update(update, self._brokerage.legs_of(update.order))

    def _activity(self, activity: Activity) -> dict[str, Any]:
        asset = self._brokerage.assets[activity.fill.symbol]
        return render_activity_event(activity, next_trading_day(activity.day).date, asset.multiplier)


@define
class _Reader(Generic[_Item]):
    """One reader of one log."""

    brokerage: Brokerage
    log: Log[_Item]
    render: Callable[[_Item], Mapping[str, Any]]
    span: _Span

    async def run(self, send: Send) -> None:
        """Tell history, then what happens; returns at the end of the span."""
        place = self._first()
        live_from = self.log.end
        await send(b": connected\n\n")
        while True:
            if place < self.log.start or (place >= live_from and self.log.end - place > BEHIND_MAX):
                lost = self.log.end - place
                place = self.log.end
                await send(f": you are reading too slowly, dropped {lost} messages\n\n".encode())
            items = self.log.read(place, CHUNK_EVENTS)
            place += len(items)
            wanted = [item for item in items if not self._past_end(item)]
            if wanted:
                await send(b"".join(self._line(item) for item in wanted))
            if len(wanted) < len(items) or (not items and self._is_over()):
                return
            if not items:
                await self._wait(send)

    def _line(self, item: _Item) -> bytes:
        return b"data: " + msgspec.json.encode(self.render(item)) + b"\n\n"

    def _first(self) -> int:
        """Where to begin: without a since there is no history."""
        if self.span.since_id:
            return self.log.after_id(self.span.since_id)
        return self.log.end if self.span.since_ns is None else self.log.from_ts(self.span.since_ns)

    def _past_end(self, item: _Item) -> bool:
        if self.span.until_id:
            return self.log.id_of(item) > self.span.until_id
        return self.span.until_ns is not None and self.log.ts_of(item) > self.span.until_ns

    def _is_over(self) -> bool:
        """Whether nothing can come any more that belongs to the span."""
        if self.span.until_id:
            newest = self.log.read(self.log.end - 1, 1)
            return bool(newest) and self.log.id_of(newest[0]) >= self.span.until_id
        return self.span.until_ns is not None and self.brokerage.now_ns() > self.span.until_ns

    async def _wait(self, send: Send) -> None:
        """Wait until something happened, or the end of the span came."""
        async with trio.open_nursery() as nursery:
            if self.span.until_ns is not None:
                nursery.start_soon(self._wait_end, self.span.until_ns, nursery.cancel_scope)
            quiet = True
            with trio.move_on_after(QUIET_S):
                await self.brokerage.wait_told()
                quiet = False
            nursery.cancel_scope.cancel()
        if quiet:
            await send(HEARTBEAT)

    async def _wait_end(self, until_ns: int, wait: trio.CancelScope) -> None:
        await self.brokerage.clock.sleep_until(until_ns + 1)
        wait.cancel()


def _read_span(asked: Mapping[str, str]) -> _Span:
    """The rules are those of Alpaca's OpenAPI; raises `BadRequest`."""
    since_ns, until_ns = read_instant(asked, "since"), read_instant(asked, "until")
    since_id, until_id = asked.get("since_id", ""), asked.get("until_id", "")
    if since_id and since_ns is not None:
        raise BadRequest("since and since_id cannot be used together")
    if until_ns is not None and since_ns is None:
        raise BadRequest("until requires since")
    if until_id and not since_id:
        raise BadRequest("until_id requires since_id")
    return _Span(since_ns, until_ns, since_id, until_id)
