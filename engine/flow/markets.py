"""The market side of a session: one supervised stream per feed, opened when a strategy first asks for it.

Strategies do not know feeds; they name streams. Which feed carries a stream is the venue's business (a slash means
crypto, and so on), and one connection per endpoint is all that Alpaca allows, so feeds are shared here.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Final, Protocol

import trio
from attrs import define, field
from msgspec.structs import replace

from engine.core.histogram import Histogram
from engine.core.overflow import Overflow
from engine.core.sequencer import Sequencer
from engine.errors import GaplessError, SubscriptionRefused
from engine.flow.books import Books
from engine.flow.channel import Channel, Waker
from engine.flow.fanout import Fanout
from engine.flow.holes import Holes
from engine.flow.notices import Notices
from engine.flow.stream import MarketStream
from engine.flow.tuning import StreamTuning
from engine.model.control import ControlEvent, Gap
from engine.model.market import Kind, MarketEvent
from engine.model.stream import ANY, Stream
from engine.ports import Clock, Feed, History

NEWS_FEED: Final = "news"

NOBODY: Final = ""
"""Whose channels the engine's own are, in the books of the fan-out: no strategy has this name."""


class FeedStream(Protocol):
    """What a session needs of a running feed: `engine.flow.stream.MarketStream`, or a tape in its place."""

    state: str
    connects: int
    restarts: int
    retry_at_s: float | None
    lag: Histogram
    sequencer: Sequencer
    changed: Waker

    @property
    def feed(self) -> Feed: ...

    async def run(self) -> None:
        """Keep the feed alive until cancelled; raises what no restart can mend."""
        ...

    async def prove_complete(self, quiet_s: float) -> bool:
        """At the end of a tape: whether this feed has told all of it."""
        ...


@define(eq=False, kw_only=True)
class Markets:
    """The feeds of a session and everything that strategies read from them.

    ``feed_of`` names the feed of a stream, ``make_feed`` builds it, ``say`` and ``report`` reach the person who runs
    this, ``on_failure`` is told what ended a feed for good. ``run_feed`` makes a running feed of one that is built,
    and ``channel_class`` is what a subscription is made of: a replay brings its own.
    """

    clock: Clock
    feed_of: Callable[[Stream], str]
    make_feed: Callable[[str], Feed]
    tuning: StreamTuning
    seed: int
    say: Callable[[str, str], None]
    report: Callable[[str], None]
    on_failure: Callable[[GaplessError], None]
    fanout: Fanout = field(factory=Fanout)
    books: Books = field(factory=Books)
    holes: Holes = field(factory=Holes)
    streams: dict[str, FeedStream] = field(factory=dict)
    run_feed: Callable[["Markets", Feed], FeedStream] = field(default=lambda markets, feed: markets.market_stream(feed))
    channel_class: type[Channel] = Channel
    _nursery: trio.Nursery | None = None
    _over: bool = False
    _listeners: list[Notices] = field(factory=list)
    _timers: list[Notices] = field(factory=list)

    # -- feeds

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the feeds, also those that are asked for later, until cancelled."""
        async with trio.open_nursery() as feed_nursery:
            self._nursery = feed_nursery
            for stream in self.streams.values():
                feed_nursery.start_soon(self._run_stream, stream)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None
                self._over = True

    def _stream(self, name: str) -> FeedStream:
        stream = self.streams.get(name)
        if stream is None:
            stream = self.streams[name] = self.run_feed(self, self.make_feed(name))
            if self._nursery is not None:
                self._nursery.start_soon(self._run_stream, stream)
        return stream

    def market_stream(self, feed: Feed) -> MarketStream:
        """A feed over lines that can be cut, as a venue has it."""
        name = feed.name
        return MarketStream(
            feed=feed,
            clock=self.clock,
            fanout=self.fanout,
            holes=self.holes,
            tuning=self.tuning,
            random=Random(f"{self.seed}/restart/{name}"),
            wanted=lambda: frozenset(one for one in self.fanout.wanted() if self.feed_of(one) == name),
            announce=self.announce,
            refuse=self._refuse,
            report=self.report,
            always_open=name.startswith("crypto"),
            rare=name == NEWS_FEED,
        )

    async def _run_stream(self, stream: FeedStream) -> None:  # noqa: ASYNC910 - a feed ends by an error or a cancel
        try:
            await stream.run()
        except GaplessError as failure:
            self.on_failure(failure)

    def history_of(self, stream: Stream) -> History | None:
        """Where the past of a stream can be read."""
        return self._stream(self.feed_of(stream)).feed.history

    def not_live(self, strategy: str) -> str:
        """Which feeds of a strategy's subscriptions do not tell the present, as words; empty when all of them do.

        Once the feeds have ended nothing does: a strategy on its way out has no subscriptions left to go by.
        """
        if self._over:
            return "the session is ending, and with it the market's events"
        names = {
            name for channel, _ in self.fanout.channels() if channel.strategy == strategy for name in channel.feeds
        }
        late = [f"{name} is {self.streams[name].state}" for name in sorted(names) if self.streams[name].state != "live"]
        return ", ".join(late)

    # -- channels

    def attach(self, channel: Channel) -> None:
        """Open a subscription: its feeds are started or told to subscribe."""
        self.fanout.attach(channel)
        for name in sorted(channel.feeds):
            self._stream(name).changed.wake()

    def overhear(self, name: str, kinds: Iterable[Kind], queue: Overflow) -> Channel:
        """A channel of the engine's own for whatever is told of these kinds; the venue is asked for nothing more.

        A subscription more could push a strategy off a plan that allows thirty.
        """
        channel = self.channel_class(
            strategy=NOBODY,
            name=name,
            streams=frozenset(Stream(kind, ANY) for kind in kinds),
            feeds=frozenset(),
            queue=queue,
            gaps=False,
            on_handed=lambda _: None,
            on_gap=lambda _: None,
            asks=False,
        )
        self.fanout.attach(channel)
        return channel

    def detach(self, channel: Channel) -> None:
        """Close a subscription."""
        self.fanout.detach(channel)
        for name in sorted(channel.feeds):
            self.streams[name].changed.wake()

    def leave(self, channel: Channel) -> None:
        """A strategy left a subscription for good."""
        channel.abandon()
        channel.close()
        self.detach(channel)
        self.books.fold(channel, self.fanout.forget(channel))

    def tell_restarted(self, channel: Channel, stream: Stream, since_ns: int) -> None:
        """A strategy failed and was started again: what this stream told meanwhile it did not get."""
        now_ns = self.clock.now_ns()
        gap = Gap(self.feed_of(stream), stream, since_ns, max(now_ns, since_ns), cause="restarted", at_ns=now_ns)
        channel.put_gap(gap)
        self.announce(gap)
        self.holes.declare(gap, channel.strategy)

    def prefill(self, channel: Channel, stream: Stream, rows: Sequence[MarketEvent]) -> None:
        """Put a warm-up before everything that waits in a channel."""
        first_ns = channel.queue.first_ns(stream)
        earlier = [replace(row, seq=0) for row in rows if first_ns is None or row.ts_ns < first_ns]
        channel.queue.prefill(earlier)
        self.fanout.rows(channel)[stream].warmup += len(earlier)
        channel.waker.wake()

    def close_channels(self) -> None:
        """Nothing more comes: strategies read what waits and then see the end of their subscriptions."""
        for channel, _ in self.fanout.channels():
            channel.close()
        for notices in (*self._listeners, *self._timers):
            notices.close()

    def _refuse(self, stream: Stream, reason: str) -> None:
        self.report(f"{stream}: {reason}")
        for channel, _ in self.fanout.channels():
            if channel.asks and stream in channel.streams:
                channel.close(SubscriptionRefused(f"{channel.strategy}: {stream} was refused: {reason}"))
                self.detach(channel)

    # -- notices

    def announce(self, event: ControlEvent) -> None:
        """Publish a control event to everyone who listens."""
        for notices in self._listeners:
            notices.put(event)

    def listen(self, notices: Notices) -> None:
        """From now on these notices get every control event, and close when the session stops."""
        self._listeners.append(notices)

    def end_with_session(self, timer: Notices) -> None:
        """Close this timer when the session stops."""
        self._timers.append(timer)

    def end_timer(self, timer: Notices) -> None:
        """The strategy left its timer."""
        self._timers.remove(timer)

    def unlisten(self, notices: Notices) -> None:
        notices.close()
        if notices in self._listeners:
            self._listeners.remove(notices)

    def on_channel_gap(self, gap: Gap) -> None:
        """A slow strategy's own channel dropped events."""
        self.announce(gap)
        self.holes.declare(gap, "slow strategy")

    # -- the end of a tape

    async def complete(self, quiet_s: float) -> bool:
        """Whether every feed has told all there is on a tape that is over."""
        await trio.lowlevel.checkpoint()
        for stream in list(self.streams.values()):
            if not await stream.prove_complete(quiet_s):
                return False
        return True
