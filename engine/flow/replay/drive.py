"""Who moves time in a replay: tells the next event or lets the next deadline pass, and waits until all has settled.

One event is in flight at a time. It is told, every task runs until it waits for time or data, decisions that wait are
let through one by one in an order of their own, and only then it is later. At one instant deadlines come before
events, because a deadline was set before. Matching sees an event before strategies do, and what it did of it settles
first: nobody can act on a price before the orders that were in the market at the time.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final

from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from engine.errors import StrategyFailed
from engine.flow.markets import Markets
from engine.flow.replay.clock import ReplayClock, TapeClock
from engine.flow.replay.lease import TapeFanout
from engine.flow.replay.lender import Lender, See
from engine.flow.replay.scheduler import next_deadline
from engine.flow.replay.turnstile import Turnstile
from engine.flow.replay.watch import STEPS_MAX, Watch
from engine.model.control import Gap
from engine.model.instant import render_instant
from engine.model.market import MarketEvent
from engine.model.stream import ANY, Stream, sequence_of
from engine.ports.tape import Tape, Window

ADVANCE_EVERY: Final = 256
"""Events after which the tape hears of its place on the plain road: some hundredths of a second, for who looks on."""


@define(eq=False, kw_only=True)
class Replay:
    """Moves time until cancelled, through the tape and beyond it.

    ``markets`` is a `Markets` whose fan-out is a `TapeFanout` and whose ``channel_class`` is `LentChannel`. ``see`` and
    ``idle`` are matching's: ``idle`` says whether no order is open and nothing under way, so that it may be shown
    events later than strategies. ``gaps`` are what the tape is known to lack, in order of ``at_ns``: each is told at
    that instant, before its events. ``on_end`` is called once everything due up to ``tape.end_ns`` has happened; after
    it time goes on by deadlines alone, so that strategies can leave. So `run` is started before the session, outside
    of it, and cancelled after it.
    """

    tape: Tape
    markets: Markets
    clock: ReplayClock
    time: TapeClock
    turn: Turnstile
    see: See | None = None
    idle: Callable[[], bool] = field(default=lambda: True)
    on_end: Callable[[], None] = field(default=lambda: None)
    gaps: Sequence[Gap] = ()
    fast: bool = True
    steps_max: int = STEPS_MAX
    _told_gaps: int = field(default=0, init=False)
    _lender: Lender | None = field(default=None, init=False)
    _fanout: TapeFanout = field(init=False)
    _watch: Watch = field(init=False)
    _wanted: frozenset[Stream] | None = field(default=None, init=False)
    _changes: int = field(default=-1, init=False)
    _since_ns: int = field(default=-1, init=False)
    """Up to this instant the streams that were wanted last have nothing to tell: it had passed."""
    _known: frozenset[Stream] = field(default=frozenset(), init=False)
    """What was wanted before then."""
    _window: Window | None = field(default=None, init=False)
    _at: int = field(default=0, init=False)
    """The next event of the window."""
    _advanced: int = field(default=0, init=False)
    """How far the tape knows of it."""

    @property
    def lent(self) -> int:
        """How many events were handed over without the scheduler."""
        return 0 if self._lender is None else self._lender.lent

    async def run(self) -> None:
        """Move time until cancelled. Raises `StrategyFailed` where a strategy runs and runs at one instant."""
        assert isinstance(self.markets.fanout, TapeFanout)
        self._fanout = self.markets.fanout
        if self.fast:
            self._lender = Lender(self.clock, self._fanout, self.see)
        self._watch = Watch(self._take_back, self.steps_max)
        self.turn.on_waiting = self._watch.stir
        with self._watch.watching():
            try:
                with self._watch.halt:
                    await self._drive()
            finally:
                self.turn.open()
                self._take_back()
                self._count_lent()
                self._advance()
        if self._watch.failure is not None:
            raise self._watch.failure
        raise StrategyFailed(
            f"At {render_instant(self.clock.now_ns())} of the replay {self._watch.busiest} took "
            f"{self.steps_max:,} steps in which no time passed and no event came, so the replay cannot go on; "
            "wait for an event, or for time with trio.sleep, in every loop"
        )

    async def _drive(self) -> None:
        await self._settle()
        while True:
            timer_ns = self._next_timer_ns()
            due_ns = self._next_due_ns()
            if due_ns is not None and (timer_ns is None or due_ns < timer_ns):
                await self._tell(due_ns, timer_ns)
            elif not self.time.ended and due_ns is None and (timer_ns is None or timer_ns > self.tape.end_ns):
                self.clock.move(self.tape.end_ns)
                self.time.ended, self._fanout.told_ns = True, self.tape.end_ns
                self.on_end()
                await self._settle()
            elif timer_ns is None:
                await self._watch.wait_stirred()
                await self._settle()
            else:
                self.clock.move(timer_ns)
                self._watch.begin_instant()
                self._tell_gaps(timer_ns)
                await self._settle()

    async def _settle(self) -> None:
        """Until all tasks wait for time or data, and no decision waits."""
        while True:
            await wait_all_tasks_blocked()
            self._take_back()
            if not self.turn.let_one():
                return

    def _take_back(self) -> None:
        if self._lender is not None:
            self._lender.take_back()

    def _next_timer_ns(self) -> int | None:
        """When the next deadline passes or the next gap is told."""
        timer_ns = self.clock.due_ns(next_deadline())
        if self._told_gaps == len(self.gaps):
            return timer_ns
        gap_ns = self.gaps[self._told_gaps].at_ns
        return gap_ns if timer_ns is None else min(timer_ns, gap_ns)

    def _tell_gaps(self, now_ns: int) -> None:
        """As a line that was lost does."""
        while self._told_gaps < len(self.gaps) and (gap := self.gaps[self._told_gaps]).at_ns <= now_ns:
            self._told_gaps += 1
            self._fanout.publish_gap(gap)
            self.markets.announce(gap)
            self.markets.holes.declare(gap, "on the tape")

    # -- events

    async def _tell(self, due_ns: int, timer_ns: int | None) -> None:  # noqa: ASYNC910 - nobody heard it: no wait
        """Tell the next event, and as much of what follows as can be handed over with it."""
        window, at = self._window, self._at
        assert window is not None
        event = window.events[at]
        self._at += 1
        self._fanout.told_ns = due_ns
        self.clock.move(due_ns)
        self._watch.begin_instant()
        before = 0
        if self.see is not None and self.see(event):
            await self._settle()
            before, timer_ns = self._watch.scheduled, self._next_timer_ns()
        lender = self._lender
        late = due_ns <= self._since_ns or self._fanout.has_new
        reader = None if lender is None or late else lender.reader_of(event)
        self._fanout.publish([event], due_ns)
        if self._watch.scheduled != before:
            if lender is not None and reader is not None and self._watch.scheduled == before + 1 and self.idle():
                lender.lend(window, at, reader, timer_ns)
            await self._settle()
            if self._count_lent():
                self._advance()
        if self._at - self._advanced >= ADVANCE_EVERY:
            self._advance()

    def _count_lent(self) -> bool:
        """The place moves behind what came back of a stretch; whether it did."""
        if self._lender is None or not self._lender.told:
            return False
        self._at += self._lender.told
        self._lender.told = 0
        return True

    def _next_due_ns(self) -> int | None:
        """When the next event of the tape that somebody wants is due; ``None`` at its end."""
        if self.time.ended:
            return None
        self._follow_wanted()
        while True:
            window = self._window
            if window is None:
                window, self._at, self._advanced = self.tape.window(), 0, 0
                if window is None:
                    return None
                self._window = window
            dues_ns = window.dues_ns
            if self._at < len(dues_ns) and dues_ns[self._at] <= self._since_ns:
                self._at = max(self._at, bisect_left(dues_ns, self._since_ns))
                while self._at < len(dues_ns) and self._passed(window.events[self._at], dues_ns[self._at]):
                    self._at += 1
            if self._at < len(dues_ns):
                return dues_ns[self._at]
            self._advance()
            self._window = None

    def _passed(self, event: MarketEvent, due_ns: int) -> bool:
        """Whether an event was due by then of a stream that was not wanted before."""
        if due_ns > self._since_ns:
            return False
        return self._known.isdisjoint((Stream(event.kind, event.symbol), Stream(event.kind, ANY)))

    def _follow_wanted(self) -> None:
        if self._fanout.changes == self._changes:
            return
        self._changes = self._fanout.changes
        wanted = self._fanout.wanted()
        if wanted == self._wanted:
            return
        since_ns = self._fanout.known_ns(self.clock.now_ns())
        before = frozenset(map(sequence_of, self._wanted or ()))
        self._known = before & self._known if since_ns == self._since_ns else before
        self._since_ns, self._wanted = since_ns, wanted
        self._advance()
        self.tape.want(wanted, after_ns=since_ns)
        self._window = None

    def _advance(self) -> None:
        """The tape hears of the place."""
        if self._window is not None and self._at > self._advanced:
            self.tape.advance(self._at - self._advanced)
            self._advanced = self._at
