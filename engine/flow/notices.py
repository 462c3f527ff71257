"""A small bounded pipe for things that are not market events: the lifecycle of the session, and timers."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import trio
from attrs import define, field

from engine.errors import GaplessError
from engine.flow.channel import Waker


@define(eq=False)
class Notices:
    """At most ``capacity`` notices wait; when more come the oldest are dropped and counted.

    ``on_handed``, ``on_batch`` and ``on_ended`` are told what the strategy takes, as those of a `Channel`.
    """

    capacity: int
    waker: Waker = field(factory=Waker)
    dropped: int = 0
    on_handed: Callable[[Sequence[Any]], None] | None = None
    on_batch: Callable[[int], None] | None = None
    on_ended: Callable[[GaplessError | None], None] | None = None
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
        notice = self._waiting.popleft()
        if self.on_handed is not None:
            self.on_handed((notice,))
        return notice

    @property
    def failure(self) -> GaplessError | None:
        """What ended the subscription; notices do not fail."""
        return None

    def raise_failure(self) -> None:
        """Notices do not fail."""

    def __aiter__(self) -> "Notices":
        return self

    async def __anext__(self) -> Any:
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            if self._closed:
                if self.on_ended is not None:
                    self.on_ended(self.failure)
                raise StopAsyncIteration
            await self.waker.wait()
        return self.take_nowait()

    async def batch(self) -> list[Any]:
        """All that waits, at least one notice."""
        notices = [await self.__anext__()]
        while self._waiting:
            notices.append(self.take_nowait())
        if self.on_batch is not None:
            self.on_batch(len(notices))
        return notices
