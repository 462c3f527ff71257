"""A small bounded pipe for things that are not market events: the lifecycle of the session, and timers."""

from collections import deque
from typing import Any

import trio
from attrs import define, field

from engine.flow.channel import Waker


@define(eq=False)
class Notices:
    """At most ``capacity`` notices wait; when more come the oldest are dropped and counted."""

    capacity: int
    waker: Waker = field(factory=Waker)
    dropped: int = 0
    _waiting: deque[Any] = field(factory=deque)
    _closed: bool = False

    def put(self, notice: Any) -> None:
        """Take a notice in; never waits."""
        if self._closed:
            return
        if len(self._waiting) >= self.capacity:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(notice)
        self.waker.wake()

    def close(self) -> None:
        """No more notices; what waits is still delivered."""
        self._closed = True
        self.waker.wake()

    def has_events(self) -> bool:
        return bool(self._waiting)

    @property
    def finished(self) -> bool:
        return self._closed and not self._waiting

    def next_seq(self) -> int:
        """Notices come before the market events that are ready beside them."""
        return 0

    def take_nowait(self) -> Any:
        return self._waiting.popleft()

    def raise_failure(self) -> None:
        """Notices do not fail."""

    def __aiter__(self) -> "Notices":
        return self

    async def __anext__(self) -> Any:
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            await self.waker.wait()
        return self._waiting.popleft()

    async def batch(self) -> list[Any]:
        """All that waits, at least one notice."""
        first = await self.__anext__()
        rest = list(self._waiting)
        self._waiting.clear()
        return [first, *rest]
