"""One iteration over several subscriptions, in journal order.

The fan-out puts one arrival into all channels in one step, so whatever is ready is ready everywhere at once, and the
lowest number among the ready ones is next: the order is the same on every run.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import trio
from attrs import define, field

from engine.flow.channel import Waker

_CHECKPOINT_EVERY = 64


class Source(Protocol):
    """What can be merged."""

    waker: Waker

    def has_events(self) -> bool: ...

    @property
    def finished(self) -> bool: ...

    def next_seq(self) -> int: ...

    def take_nowait(self) -> Any: ...

    def raise_failure(self) -> None: ...


@define(eq=False)
class Merge:
    """Iterates over its sources until all of them have ended."""

    sources: Sequence[Source]
    waker: Waker = field(factory=Waker)
    _since_checkpoint: int = 0

    def __attrs_post_init__(self) -> None:
        for source in self.sources:
            source.waker = self.waker

    def __aiter__(self) -> "Merge":
        return self

    async def __anext__(self) -> Any:  # noqa: ASYNC910 - at least every `_CHECKPOINT_EVERY` items
        self._since_checkpoint += 1
        if self._since_checkpoint >= _CHECKPOINT_EVERY:
            self._since_checkpoint = 0
            await trio.lowlevel.checkpoint()
        while True:
            ready = [source for source in self.sources if source.has_events()]
            if ready:
                return min(ready, key=lambda source: source.next_seq()).take_nowait()  # noqa: ASYNC910 - as above
            for source in self.sources:
                source.raise_failure()
            if all(source.finished for source in self.sources):
                raise StopAsyncIteration
            self._since_checkpoint = 0
            await self.waker.wait()

    async def batch(self) -> list[Any]:
        """All that is ready, at least one item."""
        items = [await self.__anext__()]
        while ready := [source for source in self.sources if source.has_events()]:
            items.append(min(ready, key=lambda source: source.next_seq()).take_nowait())
        return items
