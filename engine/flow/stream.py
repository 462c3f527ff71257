"""One feed, kept alive: connect, subscribe, tell, notice silence, start again.

The nursery of one line holds four tasks, all of which end with it: the receiver (reads, sequences, publishes), the
follower (keeps the venue's subscriptions equal to what strategies want), the backfill (closes holes) and the watch
(notices silence). Around them stands `supervise`; what survives a line is the `Sequencer`'s memory of what was told.
"""

from collections.abc import Callable
from random import Random

import trio
from attrs import define, field

from engine.core.histogram import Histogram
from engine.core.sequencer import Sequencer
from engine.core.silence import Proof, judge_silence
from engine.errors import DataSilent, GaplessError, HistoryRefused, HistoryUnavailable, Retryable
from engine.flow.backfill import UNKNOWN_NS, Backfill
from engine.flow.channel import Waker
from engine.flow.fanout import Fanout
from engine.flow.holes import Holes
from engine.flow.probe import missed
from engine.flow.supervisor import supervise
from engine.flow.tuning import StreamTuning
from engine.model.control import Alarm, Connected, ControlEvent, Gap, GapCause, Lost, Resumed, Stale
from engine.model.instant import NS_PER_S
from engine.model.market import Book, Kind, Quote, Trade
from engine.model.stream import ANY, Stream, sequence_of
from engine.ports import Arrival, Clock, Feed, Line

# A strategy that holds up its feed for this long is named, in seconds of Trio's clock: the venue drops a client that
# does not read, and what it was sent meanwhile is old.
HELD_UP_S = 5.0


@define(eq=False, kw_only=True)
class MarketStream:
    """A supervised feed. ``wanted`` says which streams strategies want of it; ``announce`` publishes control events."""

    feed: Feed
    clock: Clock
    fanout: Fanout
    holes: Holes
    tuning: StreamTuning
    random: Random
    wanted: Callable[[], frozenset[Stream]]
    announce: Callable[[ControlEvent], None]
    refuse: Callable[[Stream, str], None]
    report: Callable[[str], None]
    always_open: bool = False
    rare: bool = False
    """Whether nothing is ever due, as on the news feed: its silence means nothing, and pings look after its line."""
    state: str = "starting"
    connects: int = 0
    restarts: int = 0
    retry_at_s: float | None = None
    """When the next line is opened, by Trio's clock; ``None`` while one is open, or is being opened."""
    lag: Histogram = field(factory=Histogram)
    sequencer: Sequencer = field(init=False)
    backfill: Backfill | None = field(init=False, default=None)
    changed: Waker = field(factory=Waker)
    _acknowledged: frozenset[Stream] = field(init=False, default=frozenset())
    _asked_ns: int = 0
    _lost_s: float | None = None
    _reason: str = ""
    _heard_s: float = 0.0
    _receiving: bool = False
    _mute: trio.Event = field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self.sequencer = Sequencer(self.tuning.settling)
        if self.feed.history is not None:
            self.backfill = Backfill(
                self.feed.name, self.feed.history, self.clock, self.sequencer, self.fanout, self.holes, self.tuning,
                self._publish_gap, self.report, self._look_live,
            )  # fmt: skip

    # -- life

    async def run(self) -> None:
        """Keep the feed alive until cancelled; raises what no restart can mend."""
        while not self.wanted():
            await self.changed.wait()
        try:
            await supervise(
                self._run_line,
                self.tuning.restart,
                name=f"feed {self.feed.name}",
                random=self.random,
                retry=Retryable,
                on_restart=self._on_restart,
                clock_s=lambda: self.clock.now_ns() / NS_PER_S,
            )
        except GaplessError:
            self.state = "lost"
            raise
        finally:
            self._declare_rest()
            self.state, self.retry_at_s = "stopped", None

    def _declare_rest(self) -> None:
        """The feed ends: a hole that is still open stays one, and says so."""
        if self.backfill is None or not self.connects:
            return
        lost = self.state in ("lost", "connecting")
        self.backfill.declare_rest(
            [
                told
                for told in self.sequencer
                if self.fanout.listened(told.stream) and (lost or self.backfill.unclosed(told.stream))
            ]
        )

    def _on_restart(self, failure: GaplessError, delay_s: float) -> None:
        self.restarts += 1
        self.state = "lost"
        self.retry_at_s = trio.current_time() + delay_s
        self._reason = str(failure)
        self.announce(Lost(self.feed.name, self.clock.now_ns(), str(failure), delay_s))

    async def _run_line(self) -> None:
        self.state, self.retry_at_s = "connecting", None
        try:
            async with self.feed.open_line() as line:
                self.connects += 1
                self._acknowledged = frozenset()
                self._heard_s = trio.current_time()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._follow, line)
                    if not self.rare:
                        nursery.start_soon(self._watch)
                    nursery.start_soon(self._watch_end)
                    if self.backfill is not None:
                        nursery.start_soon(self.backfill.run)
                    await self._receive(line)
        finally:
            self._receiving = False
            self._mind_loss()

    def _mind_loss(self) -> None:
        """The line ended: every stream that is still wanted has a hole from its last event on."""
        if self.connects and self._lost_s is None:
            self._lost_s = trio.current_time()
        if self.backfill is not None:
            self.backfill.forget()
        self.sequencer.lose()

    async def _follow(self, line: Line) -> None:
        asked: frozenset[Stream] | None = None
        while True:
            wanted = self.wanted()
            if wanted == asked:
                await self.changed.wait()
                continue
            self._asked_ns = self.clock.now_ns()
            self._drop_unwanted(wanted)
            asked = wanted
            await line.want(wanted)

    def _drop_unwanted(self, wanted: frozenset[Stream]) -> None:
        """Streams that nobody wants any more owe nothing; those of a wildcard go on."""
        wild = {stream.kind for stream in wanted if stream.symbol == ANY}
        owed = {sequence_of(stream) for stream in wanted}
        for told in list(self.sequencer):
            if told.stream not in owed and told.stream.kind not in wild:
                self.sequencer.end(told.stream)
                if self.backfill is not None:
                    self.backfill.drop(told.stream)

    # -- telling

    async def _receive(self, line: Line) -> None:
        while True:
            self._receiving = True
            arrival = await line.receive()
            self._receiving = False
            if arrival.acknowledged is not None:
                self._on_acknowledged(arrival.acknowledged)
            for stream, reason in arrival.refused:
                self.refuse(stream, reason)
            for alarm in arrival.alarms:
                self.announce(Alarm(self.feed.name, self.clock.now_ns(), alarm))
            if arrival.events:
                self._tell(arrival)
                await self._pace()

    def _tell(self, arrival: Arrival) -> None:
        newest = arrival.events[-1]
        # A whole book is the answer to a subscription, which a mute line gives, too.
        if not isinstance(newest, Book) or not newest.reset:
            self._heard_s = trio.current_time()
        self.clock.advance(newest.ts_ns)
        now_ns = self.clock.now_ns()
        accepted = self.sequencer.accept(arrival.events)
        if accepted:
            self.fanout.publish(accepted, now_ns)
        if isinstance(newest, Trade | Quote) and self.clock.speed:
            self.lag.record(max(0, now_ns - newest.ts_ns), len(arrival.events))

    async def _pace(self) -> None:  # noqa: ASYNC910 - after each arrival, and receiving is a checkpoint
        if self.fanout.crowded(self.feed.name):
            await self._wait_room()
        if self.sequencer.held > self.tuning.hold_max and self.backfill is not None:
            if self.backfill.throttled:
                # A strategy with full="block" holds up the backfill: the line waits for it, nothing is declared lost.
                await self.backfill.wait_unthrottled()
            else:
                self.backfill.give_up("hold_full")

    async def _wait_room(self) -> None:
        with trio.move_on_after(HELD_UP_S) as patience:
            await self.fanout.room(self.feed.name)
        if patience.cancelled_caught:
            names = ", ".join(self.fanout.crowded(self.feed.name))
            alarm = f"strategy {names} holds up this feed (full='block' and its queue is full); others wait for it"
            self.announce(Alarm(self.feed.name, self.clock.now_ns(), alarm))
            self.report(f"{self.feed.name}: {alarm}")
            await self.fanout.room(self.feed.name)

    # -- subscriptions

    def _on_acknowledged(self, acknowledged: frozenset[Stream]) -> None:
        added = acknowledged - self._acknowledged
        self._acknowledged = acknowledged
        if self.state == "connecting":
            self.announce(Connected(self.feed.name, self.clock.now_ns()))
            self.state = "resuming"
        for stream in sorted(acknowledged & self.wanted()):
            self.sequencer.begin(stream, self._asked_ns)
        self._resume(added)
        self._look_live()

    def _resume(self, added: frozenset[Stream]) -> None:
        history = self.feed.history
        for kind in Kind:
            symbols = {sequence_of(stream).symbol for stream in added if stream.kind is kind}
            if not symbols:
                continue
            wild = ANY in symbols
            if wild and self._lost_s is not None:
                self._declare_unheard(kind)
            if history is not None and self.backfill is not None and history.keeps(kind):
                self.backfill.reason = self._reason
                self.backfill.add(
                    self.sequencer.resume(
                        kind, None if wild else sorted(symbols), asked_ns=self._asked_ns, acked_ns=UNKNOWN_NS
                    )
                )
            else:
                self._pardon(kind, None if wild else symbols)

    def _declare_unheard(self, kind: Kind) -> None:
        """A symbol of a wildcard that first traded during the outage has no cursor to read history from."""
        heard_ns = max((told.last_ns for told in self.sequencer if told.stream.kind is kind), default=self._asked_ns)
        self._declare(Stream(kind, ANY), heard_ns, "unheard_symbols")

    def _declare(self, stream: Stream, start_ns: int, cause: GapCause) -> None:
        now_ns = max(self.clock.now_ns(), start_ns)
        gap = Gap(self.feed.name, stream, start_ns, now_ns, cause=cause, at_ns=now_ns)
        self._publish_gap(gap)
        self.holes.declare(gap, self._reason)

    def _pardon(self, kind: Kind, symbols: set[str] | None) -> None:
        """Streams of a kind without history: what was missed is declared, not recovered."""
        for told in list(self.sequencer):
            stream = told.stream
            if stream.kind is not kind or (symbols is not None and stream.symbol not in symbols):
                continue
            cursor_ns = self.sequencer.pardon(stream)
            if cursor_ns is not None and self.fanout.listened(stream):
                self._declare(stream, cursor_ns, "no_history")

    def _publish_gap(self, gap: Gap) -> None:
        self.fanout.publish_gap(gap)
        self.announce(gap)

    def _look_live(self) -> None:
        """The feed is live when no stream of it has a hole that is still to be closed."""
        if self.state != "resuming" or any(told.lost or told.splice is not None for told in self.sequencer):
            return
        self.state = "live"
        self._on_live()

    def _on_live(self) -> None:
        if self._lost_s is None:
            return
        outage_s = trio.current_time() - self._lost_s
        self._lost_s = None
        rows, gaps = (self.backfill.rows, self.backfill.gaps) if self.backfill is not None else (0, 0)
        if self.backfill is not None:
            self.backfill.rows = self.backfill.gaps = 0
        self.announce(Resumed(self.feed.name, self.clock.now_ns(), rows, gaps, outage_s))

    # -- silence

    @property
    def silent_s(self) -> float:
        """How long the line has brought nothing although we were listening, in Trio's seconds."""
        return trio.current_time() - self._heard_s if self._receiving else 0.0

    async def _watch(self) -> None:
        asked = 0
        stale = False
        proof: Proof = "not_asked"
        while True:
            as_read = self.clock.speed == 0
            deadline_s = self.tuning.silence_as_read_s if as_read else self.tuning.silence_s / self.clock.speed
            # Seconds of Trio's clock: a fast tape's half second is not enough to tell silence from a busy machine.
            deadline_s = max(deadline_s, 1.0)
            await trio.sleep(deadline_s / 4)
            silent_s = self.silent_s
            if silent_s < deadline_s:
                asked, stale, proof = 0, False, "not_asked"
            if not self._acknowledged or self.clock.ended:
                continue
            expected = True if self.always_open else self.clock.is_open
            judgement = judge_silence(
                silent_s=silent_s, deadline_s=deadline_s, asked=asked, proof=proof, as_read=as_read, expected=expected
            )
            if judgement == "ask":
                asked += 1
                if expected and not stale:
                    stale = True
                    self.announce(Stale(self.feed.name, self.clock.now_ns(), silent_s * self.clock.speed))
                proof = await self.find_missed()
                if proof == "missed" and self.silent_s >= deadline_s:
                    judgement = "mute"
            if judgement == "mute":
                market_s = silent_s * (self.clock.speed or 1.0)
                raise DataSilent(f"feed {self.feed.name}: nothing for {market_s:.1f} s although there is data")

    async def _watch_end(self) -> None:
        self._mute = trio.Event()
        await self._mute.wait()
        raise DataSilent(f"feed {self.feed.name}: the tape is over and history holds more of it than the line brought")

    async def find_missed(self, *, everything: bool = False) -> Proof:
        """Ask history whether it holds events that this line should have told."""
        await trio.lowlevel.checkpoint()
        history = self.feed.history
        if history is None or self.state != "live":
            return "unknown"
        # An event that was under way when its stream was unsubscribed brought the stream back.
        self._drop_unwanted(self.wanted())
        try:
            return await missed(self.sequencer, history, self.clock, everything=everything)
        except (HistoryRefused, HistoryUnavailable):
            return "unknown"

    async def prove_complete(self, quiet_s: float) -> bool:
        """At the end of a tape: whether this feed has told all of it; a line that proves to be mute is restarted."""
        await trio.lowlevel.checkpoint()
        if not self.wanted():
            return True
        if self.state != "live" or self.silent_s < quiet_s:
            return False
        if await self.find_missed(everything=True) != "missed":
            return True
        self._mute.set()
        return False
