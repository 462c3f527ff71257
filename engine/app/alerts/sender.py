"""From what is due to what is sent: the loop that asks the book, and an outbox for each channel.

Trading waits for none of it: alarms are put into a table, notices into queues, and sending is done in threads. The
sender is shielded from what cancels the session, so that the end itself can still be told; `close` is what ends it, and
takes a few seconds at most.
"""

from collections.abc import Callable, Sequence
from typing import Final

import trio
from attrs import define, evolve, field
from loguru import logger

from engine.app.alerts.channels import Channel
from engine.app.alerts.live import LiveAlarms
from engine.app.alerts.outbox import Outbox, Send
from engine.core.alerts import Notice, Why
from engine.model.alert import Finding, Severity

GATHER_S: Final = 0.25
"""What is found within this time is told together; nobody is woken noticeably later."""
CLOSE_WITHIN_S: Final = 5.0
"""How long a session that is over waits for its last notices."""
SOURCE: Final = "alerts"


@define(eq=False)
class Sender:
    """``well`` tells in a few words how the engine is, for the heartbeat."""

    alarms: LiveAlarms
    channels: Sequence[Channel]
    send: Send
    well: Callable[[], str] = str
    outboxes: list[Outbox] = field(init=False)
    _scope: trio.CancelScope | None = field(default=None, init=False)
    _over: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.outboxes = [Outbox(channel, self.send, self._hold_failing) for channel in self.channels]

    async def run(self) -> None:
        """Serve until `close`; no cancel from outside ends it before."""
        with trio.CancelScope(shield=True) as self._scope:
            if self._over:
                return
            async with trio.open_nursery() as nursery:
                for outbox in self.outboxes:
                    nursery.start_soon(outbox.run)
                await self._serve()

    async def close(self) -> None:
        """Tell what is left to be told, by an end that comes however slow the channels are."""
        try:
            for notice in self.alarms.due(closing=True):
                self._post(notice)
            for outbox in self.outboxes:
                outbox.hurry()
            with trio.move_on_after(CLOSE_WITHIN_S, shield=True):
                await trio.lowlevel.checkpoint()
                for outbox in self.outboxes:
                    await outbox.wait_empty()
            left = {one.channel.name: one.left + one.lost for one in self.outboxes if one.left or one.lost}
            if left:
                told = ", ".join(f"{count} by {name}" for name, count in left.items())
                logger.warning("Notices that were not taken: {}. 'gapless alert test' tries the channels.", told)
        finally:
            self._over = True
            if self._scope is not None:
                self._scope.cancel()

    async def _serve(self) -> None:
        while True:
            wait_s = self.alarms.book.look_s - self.alarms.now_s()
            if wait_s > 0:
                with trio.move_on_after(wait_s):
                    await self.alarms.news.wait()
                continue
            await trio.sleep(GATHER_S)
            for notice in self.alarms.due():
                self._post(notice)

    def _post(self, notice: Notice) -> None:
        if notice.why is Why.HEARTBEAT:
            notice = evolve(notice, text="\n".join(filter(None, (self.well(), notice.text))))
        for outbox in self.outboxes:
            # That a channel fails is told by the others.
            if outbox.channel.wants(notice) and notice.keys != (_key(outbox.channel),):
                outbox.put(notice)

    def _hold_failing(self) -> None:
        """Which channels fail now."""
        self.alarms.hold(
            SOURCE,
            [
                Finding(
                    key=_key(outbox.channel),
                    severity=Severity.WARNING,
                    title=f"Alert channel {outbox.channel.name} fails",
                    text=f"{outbox.failure.rstrip('.')}. It is tried again; 'gapless alert test' tries it by hand.",
                )
                for outbox in self.outboxes
                if outbox.failure
            ],
        )


def _key(channel: Channel) -> str:
    return f"alerts/channel/{channel.name}"
