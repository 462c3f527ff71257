"""One channel's queue of notices, sent one after the other and tried again while the channel does not take them.

What is critical goes first: it does not wait out the pauses of a warning that was not taken.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Final, TypeAlias

import trio
from attrs import define, field

from engine.app.alerts.channels import Channel
from engine.core.alerts import Notice
from engine.core.restart import RestartPolicy
from engine.errors import BudgetSpent, GaplessError, PartFailed
from engine.flow.channel import Waker
from engine.flow.supervisor import supervise
from engine.model.alert import Severity

Send: TypeAlias = Callable[[Channel, Notice], Awaitable[None]]
"""Sends one notice; raises `PartFailed` where it was not taken."""

WAITING_MAX: Final = 50
"""More than an hour of notices at the usual budget; a person does not read more of what is old."""
FAILING_AFTER: Final = 2
"""Failures in a row after which a channel is an alarm itself: one may be a slow moment."""
# Doubling delays up to five minutes, fifteen tries: three quarters of an hour, longer than most outages of a network.
# No send takes as long as `healthy_after_s`, so a slow failure does not begin the delays anew.
TRIES: Final = RestartPolicy(
    delay_initial_s=2.0, delay_max_s=300.0, jitter=0.2, restarts_max=14, window_s=7200.0, healthy_after_s=300.0
)


@define(eq=False)
class Outbox:
    """``on_change`` is told when the channel begins to fail, or works again."""

    channel: Channel
    send: Send
    on_change: Callable[[], None]
    failure: str = field(default="", init=False)
    """Why it fails now; empty while it works."""
    lost: int = field(default=0, init=False)
    """Notices that it never took."""
    taken: int = field(default=0, init=False)
    _waiting: deque[Notice] = field(factory=deque, init=False)
    _at: Notice | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)
    _closing: bool = field(default=False, init=False)
    _resting: trio.CancelScope | None = field(default=None, init=False)
    """The patience with the notice at hand, while it waits to be tried again."""
    _changed: Waker = field(factory=Waker, init=False)

    @property
    def left(self) -> int:
        """Notices that it has not taken yet."""
        return len(self._waiting) + (self._at is not None)

    def put(self, notice: Notice) -> None:
        """Take a notice in; never waits. When it is full, the oldest that is not critical goes."""
        if len(self._waiting) >= WAITING_MAX:
            mild = (one for one in self._waiting if not _is_critical(one))
            self._waiting.remove(next(mild, self._waiting[0]))
            self.lost += 1
        self._waiting.append(notice)
        self._changed.wake()
        if self._resting is not None and self._at is not None and self._gives_way(self._at):
            self._resting.cancel()

    async def run(self) -> None:
        """Send what is put in, until cancelled."""
        while True:
            while not self._waiting:
                await self._changed.wait()
            self._at = next(filter(_is_critical, self._waiting), self._waiting[0])
            self._waiting.remove(self._at)
            try:
                await self._deliver(self._at)
            finally:
                self._at = None
                self._changed.wake()

    def hurry(self) -> None:
        """The session is over: what is left is tried once, and at once."""
        self._closing = True
        if self._resting is not None:
            self._resting.cancel()

    async def wait_empty(self) -> None:
        """Wait until nothing is left to be sent."""
        while self.left:
            await self._changed.wait()

    async def _deliver(self, notice: Notice) -> None:
        if not self._closing:
            with trio.CancelScope() as patience:
                await self._try(notice, patience)
                return
        if not self._closing:
            self._waiting.appendleft(notice)
            return
        try:  # the last word: at the end of a session there is no time to wait for better moments
            await self._once(notice)
        except PartFailed as failure:
            self._note(failure)
            self.lost += 1

    def _gives_way(self, notice: Notice) -> bool:
        """Whether something critical waits behind one that is not."""
        return not _is_critical(notice) and any(map(_is_critical, self._waiting))

    async def _try(self, notice: Notice, patience: trio.CancelScope) -> None:
        def rest(failure: GaplessError, _delay_s: float) -> None:
            self._note(failure)
            self._resting = patience
            if self._closing or self._gives_way(notice):
                patience.cancel()

        try:
            await supervise(
                partial(self._once, notice),
                TRIES,
                name=f"alert channel {self.channel.name}",
                random=Random(f"alert/{self.channel.name}"),
                retry=PartFailed,
                on_restart=rest,
            )
        except BudgetSpent:
            self.lost += 1
            self.on_change()
        finally:
            self._resting = None

    async def _once(self, notice: Notice) -> None:
        self._resting = None
        await self.send(self.channel, notice)
        self.taken += 1
        self._failures = 0
        if self.failure:
            self.failure = ""
            self.on_change()

    def _note(self, failure: GaplessError) -> None:
        self._failures += 1
        if self._failures >= FAILING_AFTER:
            self.failure = str(failure)
            self.on_change()


def _is_critical(notice: Notice) -> bool:
    return notice.severity is Severity.CRITICAL
