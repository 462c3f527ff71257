"""``ctx.fills()``: a strategy's own executions, none of which may ever be dropped in silence."""

from typing import Any, Final

from attrs import define

from engine.errors import ChannelOverflow
from engine.flow.notices import Notices
from engine.model.order import Fill

FILLS_MAX: Final = 10_000
"""Executions that may wait for the strategy: more than Alpaca's 200 orders a minute bring in half an hour."""


@define(eq=False)
class Fills(Notices):
    """Notices that fail where others drop: a strategy that lost count of its fills must not trade on."""

    strategy: str = ""
    _failure: ChannelOverflow | None = None

    def put(self, notice: Fill) -> None:
        """Take an execution in; never waits."""
        if self._failure is None and len(self._waiting) >= self.capacity:
            self._failure = ChannelOverflow(
                f"{self.strategy}: {self.capacity} fills wait to be read, and no fill may be dropped. "
                "Read ctx.fills() in a task of its own"
            )
            self.close()
        super().put(notice)

    @property
    def failure(self) -> ChannelOverflow | None:
        """What ended the subscription."""
        return self._failure

    def raise_failure(self) -> None:
        """Raise what ended the subscription, once everything that came before it was read."""
        if self._failure is not None and not self._waiting:
            raise self._failure

    async def __anext__(self) -> Any:
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            self.raise_failure()
            raise
