"""Subscriptions of a strategy that runs from its journal: they hand over what the journal says was taken."""

import json
from collections import deque
from collections.abc import Sequence
from typing import Any

from attrs import define, field

from engine.flow.journal.again.stage import Stage
from engine.flow.journal.values import build, build_failure
from engine.model.journal import Took


@define(eq=False)
class Taken:
    """One subscription, merge or iteration. A list among what waits was taken in one piece."""

    number: int
    stage: Stage
    _waiting: deque[Any] = field(factory=deque)
    _pieces: deque[int] = field(factory=deque)
    """How many of the items that wait belong together; single ones are of 0."""
    _end: BaseException | None = None
    _ended: bool = False

    def give(self, took: Took) -> list[Any]:
        """The strategy took these; returns them. Raises `StoreFailed` where the market's events do not hold them."""
        given: list[Any] = []
        if not took.values:
            given = [self.stage.pump.next(self.number) for _ in range(took.count)]
            for item in given:
                self._add(item)
        for text in took.values:
            told = json.loads(text)
            if isinstance(told, dict) and "end" in told:
                self._ended = True
                self._end = None if told["end"] is None else build_failure(*told["end"])
            elif isinstance(told, dict) and "batch" in told:
                items = [item for each in told["batch"] for item in self._items(self.number, each)]
                self._waiting.extend(items)
                self._pieces.append(len(items))
                given += items
            else:
                for item in self._items(self.number, told):
                    self._add(item)
                    given.append(item)
        self.stage.ring()
        return given

    def _add(self, item: Any) -> None:
        self._waiting.append(item)
        self._pieces.append(0)

    def _items(self, number: int, told: Any) -> list[Any]:
        if isinstance(told, dict):
            if "next" in told:
                return [self.stage.pump.next(number) for _ in range(told["next"])]
            if "seq" in told:
                return [self.stage.pump.take(told["seq"])]
            if "of" in told:
                return self._items(told["of"], told["is"])
        return [build(told, self.stage.make_order)]

    @property
    def left(self) -> int:
        """How many items were taken then and are not now."""
        return len(self._waiting)

    def __aiter__(self) -> "Taken":
        return self

    async def __anext__(self) -> Any:  # noqa: ASYNC910 - as recorded: what was taken at once is taken at once
        await self.stage.wait(lambda: bool(self._waiting) or self._ended, open_=True)
        if not self._waiting:
            self._finish()
        piece = self._pieces.popleft()
        if piece > 1:  # taken in one piece then, and one by one now
            self._pieces.appendleft(piece - 1)
        return self._waiting.popleft()

    async def batch(self) -> Sequence[Any]:  # noqa: ASYNC910 - as above
        """What was taken in one piece."""
        await self.stage.wait(lambda: bool(self._waiting) or self._ended, open_=True)
        if not self._waiting:
            self._finish()
        count = self._pieces.popleft() or 1
        return [self._waiting.popleft() for _ in range(count)]

    def _finish(self) -> None:
        raise self._end or StopAsyncIteration
