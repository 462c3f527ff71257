"""What the account stream tells, taken in one by one, in order, by one task.

The reader of the line must never wait, so it only puts messages down here. The queue is bounded; should it ever be
full, what comes is let go and the books are compared instead: REST tells all of it once more.
"""

from collections import deque
from collections.abc import Callable, Sequence

import trio
from attrs import define, field

from engine.flow.account.stream import EVENTS
from engine.flow.channel import Waker
from engine.flow.desk.record import Record
from engine.model.entry import Heard
from engine.ports.broker import AccountMessage
from engine.ports.steps import Probe, Step


@define(eq=False, kw_only=True)
class Hearing:
    """The queue of messages and what takes them. ``mark`` is the last event of the replay that was taken."""

    record: Record
    probe: Probe
    on_full: Callable[[str], None]
    capacity: int
    mark: str
    let_go: int = 0
    """Messages for which there was no room."""
    _waiting: deque[tuple[AccountMessage, str]] = field(factory=deque)
    _waker: Waker = field(factory=Waker)

    def put(self, messages: Sequence[AccountMessage], source: str) -> None:
        """Put messages down; never waits."""
        for message in messages:
            if len(self._waiting) >= self.capacity:
                self.let_go += 1
                self.on_full(f"{self.let_go} messages of the account stream had to be let go")
            else:
                self._waiting.append((message, source))
        self._waker.wake()

    async def serve(self) -> None:
        """Take messages until cancelled."""
        while True:
            await trio.lowlevel.checkpoint()
            while not self._waiting:
                await self._waker.wait()
            self._take(*self._waiting.popleft())

    def _take(self, message: AccountMessage, source: str) -> None:
        """One message, whole: the order it is about, its legs, and how far the replay was heard, in that order."""
        blotter, update = self.record.blotter, message.update
        self.probe(Step.UPDATE_TAKEN)
        told = [] if update is None else [blotter.take_update(update)]
        others = [order for order in message.orders if update is None or order.id != update.order.id]
        if others:
            told.append(blotter.take_orders(others))
        self.probe(Step.UPDATE_WRITING)
        for taken in told:
            self.record.note(taken)
        self.probe(Step.UPDATE_WRITTEN)
        if message.doubt:
            self.record.on_doubt(message.doubt)
        if source == EVENTS and message.event_id:
            self.mark = message.event_id
            self.probe(Step.MARK_WRITING)
            self.record.store.write_soon(Heard(source=EVENTS, mark=self.mark))
            self.probe(Step.MARK_WRITTEN)
