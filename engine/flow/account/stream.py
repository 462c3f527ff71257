"""What the venue tells of the account, kept coming: two roads to the same updates, each with its own supervisor.

The stream is fast and forgets: what happens while it is down is told to nobody. The replay (where the venue has one)
goes on behind the last event that was heard, so it brings what the stream missed. Everything is told twice, once by
each road, and whoever listens keeps one of each. Without a replay a new connection is the moment to compare the books.

Pings do not show that a stream has stopped telling, and silence is its normal state. But the replay shows it: when
that brings what happened just now and the stream brings nothing at all, the stream is opened again.
"""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from random import Random
from typing import Final, Protocol, cast

import trio
from attrs import define, field, frozen

from engine.core.restart import Outage, RestartPolicy
from engine.errors import DataSilent, GaplessError, Retryable
from engine.flow.supervisor import sole_failure, supervise
from engine.model.control import Connected, ControlEvent, Lost
from engine.model.instant import NS_PER_S
from engine.ports import AccountFeed, AccountMessage, Clock

STREAM: Final = "stream"
"""The road of what came over the account's own line."""
EVENTS: Final = "events"
"""The road of what came by the replay."""


class AccountListener(Protocol):
    """Who is told. Nothing here may wait or raise: it is called by the task that reads the line."""

    def hear(self, messages: Sequence[AccountMessage], source: str) -> None:
        """Messages in the order of their arrival; ``source`` is ``"stream"`` or ``"events"``. Most come by both."""
        ...

    def account_connected(self) -> None:
        """The line is logged in and listening: from now on nothing is missed, and what was before may have been."""
        ...

    def account_lost(self, failure: GaplessError, retry_in_s: float) -> None:
        """The line ended, or could not be opened; also told again for each further attempt that failed."""
        ...

    def events_mark(self) -> str:
        """The id of the last event of the replay that was heard and will not be forgotten; empty: none yet."""
        ...


class _Closable(Protocol):
    async def aclose(self) -> None: ...


@frozen(kw_only=True)
class AccountTuning:
    """The numbers of the account's two roads. Seconds of Trio's clock."""

    restart: RestartPolicy = field(factory=RestartPolicy)
    replay_restart: RestartPolicy = field(factory=RestartPolicy)
    # Both roads tell of an event within some hundred milliseconds; a stream that is this much later than the replay,
    # and has brought nothing else this long before either, is taken for dead. Opening it again costs a second.
    mute_s: float = 5.0


@define(eq=False, kw_only=True)
class AccountStream:
    """The account's events, supervised. ``announce`` publishes control events, ``report`` is for a person to read."""

    feed: AccountFeed
    listener: AccountListener
    clock: Clock
    random: Random
    report: Callable[[str], None]
    announce: Callable[[ControlEvent], None]
    tuning: AccountTuning = field(factory=AccountTuning)
    state: str = "starting"
    connects: int = 0
    restarts: int = 0
    retry_at_s: float | None = None
    """When the next line is opened, by Trio's clock; ``None`` while one is open, or is being opened."""
    _outage: Outage = field(init=False)
    _heard_s: float = field(init=False, default=0.0)
    _owed_s: float = field(init=False, default=0.0)
    _proof: str = field(init=False, default="")
    """Who told of what the line owes."""
    _owing: trio.Event = field(init=False, factory=trio.Event)
    _reported: str = field(init=False, default="")

    def __attrs_post_init__(self) -> None:
        self._outage = Outage(f"{self.feed.name} stream")

    async def run(self) -> None:
        """Keep both roads open until cancelled. Raises what no restart can mend, and `BudgetSpent`."""
        try:
            async with trio.open_nursery() as road_nursery:
                road_nursery.start_soon(self._keep_replay)
                await self._keep_line()
        except BaseExceptionGroup as group:
            failure = sole_failure(group)
            if failure is None:
                raise
            raise failure from None
        finally:
            self.state, self.retry_at_s = "stopped", None

    # -- the stream

    async def _keep_line(self) -> None:
        await supervise(
            self._run_line,
            self.tuning.restart,
            name=self.feed.name,
            random=self.random,
            retry=Retryable,
            on_restart=self._on_lost,
        )

    def _on_lost(self, failure: GaplessError, delay_s: float) -> None:
        self.restarts += 1
        self.state = "lost"
        self.retry_at_s = trio.current_time() + delay_s
        if told := self._outage.fail(str(failure), trio.current_time(), delay_s):
            self.report(told)
        self.announce(Lost(self.feed.name, self.clock.now_ns(), str(failure), delay_s))
        self.listener.account_lost(failure, delay_s)

    async def _run_line(self) -> None:
        self.state, self.retry_at_s = "connecting", None
        async with self.feed.open_line() as line:
            self.connects += 1
            self.state = "listening"
            self._heard_s = trio.current_time()
            self._owing = trio.Event()
            if told := self._outage.end(trio.current_time(), "what happened meanwhile is asked for now"):
                self.report(told)
            self.announce(Connected(self.feed.name, self.clock.now_ns()))
            self.listener.account_connected()
            async with trio.open_nursery() as line_nursery:
                line_nursery.start_soon(self._watch)
                while True:
                    messages = await line.receive()
                    self._heard_s = trio.current_time()
                    self.listener.hear(messages, STREAM)

    async def _watch(self) -> None:
        """End a line that lives but tells nothing of what the replay, or a round of the books, proves to have
        happened."""
        while True:
            await self._owing.wait()
            await trio.sleep(self.tuning.mute_s)
            if self._heard_s < self._owed_s - self.tuning.mute_s:
                silent_s = trio.current_time() - self._heard_s
                raise DataSilent(
                    f"{self.feed.name}: nothing came for {silent_s:.1f} s although {self._proof} what happened "
                    "meanwhile; connecting again."
                )
            self._owing = trio.Event()

    # -- the replay

    async def _keep_replay(self) -> None:
        await supervise(
            self._run_replay,
            self.tuning.replay_restart,
            name=f"{self.feed.name}, replay of events",
            random=self.random,
            retry=Retryable,
            on_restart=self._on_replay_lost,
        )

    def _on_replay_lost(self, failure: GaplessError, delay_s: float) -> None:
        """Nothing is missed by that, it only comes later: each new reason is worth a sentence, not each time."""
        if str(failure) != self._reported:
            self._reported = str(failure)
            self.report(f"{self._reported} Trying again in {delay_s:.1f} s; events come by the stream meanwhile.")

    async def _run_replay(self) -> None:
        """One connection of the replay; returns where the venue has none."""
        messages = self.feed.replay(self.listener.events_mark())
        if messages is None:
            await trio.lowlevel.checkpoint()
            return
        async with aclosing(cast("_Closable", messages)):  # the port says so in words only
            async for message in messages:
                self._look_mute(message)
                self.listener.hear((message,), EVENTS)

    def _look_mute(self, message: AccountMessage) -> None:
        """Whether the stream owes this: it happened just now, and for a while the stream has told nothing."""
        if message.update is None or self.state != "listening":
            return
        now_s, patience_s = trio.current_time(), self.tuning.mute_s
        old_ns = self.clock.now_ns() - message.update.ts_ns
        fresh = old_ns < patience_s * max(self.clock.speed, 1.0) * NS_PER_S
        if fresh and self._heard_s < now_s - patience_s and not self._owing.is_set():
            self._owe("the replay of events told")

    # -- the books

    def look_untold(self, at_ns: int) -> None:
        """The broker was asked, and showed something that happened at this market time and that nobody had told of.

        Where there is no replay nothing else tells a mute stream from a quiet account. It may be on its way: `_watch`
        waits for it. If one message was lost and no more, opening the line again costs a second.
        """
        now_s = trio.current_time()
        old_s = max((self.clock.now_ns() - at_ns) / NS_PER_S / max(self.clock.speed, 1.0), self.tuning.mute_s)
        if self.state == "listening" and self._heard_s < now_s - old_s and not self._owing.is_set():
            self._owe("asking the broker showed")

    def _owe(self, proof: str) -> None:
        self._owed_s, self._proof = trio.current_time(), proof
        self._owing.set()
