"""What one connection has still to send: events, control messages and faults, in one order.

Faults stand in the same queue as the events, so a cut falls exactly behind the event that brought it about, whatever
the socket is doing at that moment. Bounded: the owner looks at `events` and `oldest_s` and ends a connection that reads
too slowly (407), as Alpaca does.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen

from engine.exchange.faults.kinds import Fault
from engine.exchange.faults.plan import FaultPlan
from engine.exchange.faults.shape import Shape
from engine.model.market import MarketEvent

FRAME_EVENTS_MAX: Final = 100
"""Events in one frame: Alpaca packs what has piled up; a hundred is past the knee of the cost per event."""


@frozen
class Say:
    """One control message."""

    message: Mapping[str, Any]


@frozen
class Strike:
    """A fault that is to happen here; ``tail`` is what a truncated frame is made of."""

    fault: Fault
    tail: tuple[MarketEvent, ...] = ()


@frozen
class Close:
    """Close the connection properly."""

    code: int = 1000


@define
class _Run:
    """Events put together; ``whole`` ones stay in one frame."""

    events: Sequence[MarketEvent]
    put_s: float
    due_s: float
    whole: bool
    sent: int = 0


Step: TypeAlias = list[MarketEvent] | Say | Strike | Close


@define
class Outbound:
    """The queue of one connection. Times are on Trio's clock, handed in."""

    plan: FaultPlan
    line: int
    frame_events_max: int = FRAME_EVENTS_MAX
    events: int = 0
    """Events waiting, without those that a shuffle holds (eight at most)."""
    answers: int = 0
    """Control messages waiting."""
    _queue: deque[_Run | Say | Strike | Close] = field(factory=deque)
    _shape: Shape = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._shape = Shape(self.plan, self.line)

    def __bool__(self) -> bool:
        return bool(self._queue) or self._shape.hold_until_s is not None

    def oldest_s(self) -> float | None:
        """When the first waiting events were put; ``None`` when none wait."""
        return next((each.put_s for each in self._queue if isinstance(each, _Run)), None)

    def put_events(self, events: Sequence[MarketEvent], now_s: float) -> None:
        """Queue a batch, through the faults that shape it."""
        delay = self.plan.active("delay")
        due_s = now_s if delay is None else now_s + self.plan.seconds(delay.for_s or 0.0)
        if delay is not None:
            self.plan.hits["delay"] += len(events)
        for whole, run in self._shape.apply(events, now_s):
            self._queue.append(_Run(run, now_s, due_s, whole))
            self.events += len(run)

    def put(self, item: Say | Strike | Close, now_s: float) -> None:
        """Queue something that is not an event; what was held back goes before it."""
        self._let_go(now_s)
        if isinstance(item, Strike) and item.fault.kind == "truncated_frame":
            item = Strike(item.fault, self._take_tail())
        self.answers += isinstance(item, Say)
        self._queue.append(item)

    def drop_events(self) -> None:
        """Forget the events that wait: nobody will take them."""
        self._shape.let_go()
        self._queue = deque(each for each in self._queue if not isinstance(each, _Run))
        self.events = 0

    def next_due_s(self) -> float | None:
        """When `take` may have something although it has nothing now."""
        head = self._queue[0] if self._queue else None
        due_s = head.due_s if isinstance(head, _Run) else None
        moments = [each for each in (due_s, self._shape.hold_until_s) if each is not None]
        return min(moments, default=None)

    def take(self, now_s: float) -> Step | None:
        """The next frame's events, or the next other thing; ``None`` when nothing is due."""
        if self._shape.hold_until_s is not None and now_s >= self._shape.hold_until_s:
            self._let_go(now_s)
        if not self._queue:
            return None
        head = self._queue[0]
        if not isinstance(head, _Run):
            self.answers -= isinstance(head, Say)
            return self._queue.popleft()  # type: ignore[return-value]  # the line above tells it is no run
        frame: list[MarketEvent] = []
        while self._queue and isinstance(run := self._queue[0], _Run) and run.due_s <= now_s:
            room = self.frame_events_max - len(frame)
            if room <= 0 or (run.whole and frame and len(run.events) > room):
                break
            part = run.events if run.whole else run.events[run.sent : run.sent + room]
            frame.extend(part)
            run.sent += len(part)
            if run.sent >= len(run.events):
                self._queue.popleft()
        self.events -= len(frame)
        return frame or None

    def _let_go(self, now_s: float) -> None:
        if held := self._shape.let_go():
            self._queue.append(_Run(held, now_s, now_s, whole=True))
            self.events += len(held)

    def _take_tail(self) -> tuple[MarketEvent, ...]:
        """Take the last waiting events back out: the frame that will be cut in two."""
        last = self._queue[-1] if self._queue else None
        if not isinstance(last, _Run):
            return ()
        keep = max(last.sent, len(last.events) - self.frame_events_max)
        tail = tuple(last.events[keep:])
        last.events = last.events[:keep]
        self.events -= len(tail)
        if last.sent >= len(last.events):
            self._queue.pop()
        return tail
