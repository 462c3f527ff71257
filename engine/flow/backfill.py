"""Closing the holes of a feed from history while its line is already live again.

One task per line. It reads history for every stream that has a splice, page by page, tells each row as soon as it is
certain, and goes on until every splice has closed or was given up. A request that fails is resumed at the page where
it failed. The decisions are `engine.core.splice`'s; here are the requests, the pauses and the deadlines.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

import trio
from attrs import define, field

from engine.core.sequencer import Sequencer, Told
from engine.core.splice import Splice
from engine.errors import HistoryRefused, HistoryUnavailable
from engine.flow.channel import Waker
from engine.flow.fanout import Fanout
from engine.flow.holes import Hole, Holes
from engine.flow.tuning import StreamTuning
from engine.model.control import Gap, GapCause
from engine.model.instant import NS_PER_S
from engine.model.market import MarketEvent
from engine.model.stream import Stream
from engine.ports import QUERY_SYMBOLS_MAX, Clock, History, HistoryQuery

# A plan without real-time data may not read the last 15 minutes (Alpaca's market-data FAQ); one second for the clocks.
WITHHELD_NS = (15 * 60 + 1) * NS_PER_S
UNKNOWN_NS = 1 << 62
"""Later than any instant: the splice's ``acked_ns`` until the venue's clock was read."""


@define(eq=False)
class _Task:
    """One splice on its way."""

    splice: Splice
    started_s: float
    fetched: bool = False
    trouble: GapCause = "history_lags"


@define(eq=False)
class Backfill:
    """The backfill of one feed."""

    feed: str
    history: History
    clock: Clock
    sequencer: Sequencer
    fanout: Fanout
    holes: Holes
    tuning: StreamTuning
    publish_gap: Callable[[Gap], None]
    report: Callable[[str], None]
    on_idle: Callable[[], None]
    reason: str = ""
    rows: int = 0
    gaps: int = 0
    throttled: bool = False
    _tasks: list[_Task] = field(factory=list)
    _more: Waker = field(factory=Waker)
    _unthrottled: Waker = field(factory=Waker)
    _partial: dict[Stream, tuple[int, int]] = field(factory=dict)
    _troubles: dict[Stream, GapCause] = field(factory=dict)

    def add(self, splices: Sequence[Splice]) -> None:
        """These streams are subscribed again and have a hole."""
        for splice in splices:
            self._partial.setdefault(splice.stream, (splice.cursor_ns, 0))
            self._tasks.append(_Task(splice, trio.current_time()))
        self._more.wake()

    def forget(self) -> None:
        """The line ended: what is not closed yet will be a new splice on the next line."""
        self.throttled = False
        for task in self._tasks:
            splice = task.splice
            start_ns, recovered = self._partial.get(splice.stream, (splice.cursor_ns, 0))
            self._partial[splice.stream] = (start_ns, recovered + splice.recovered)
            self._troubles[splice.stream] = task.trouble
        self._tasks.clear()

    async def run(self) -> None:
        """Close holes as they come; ends by cancellation, with the line."""
        while True:
            while not self._tasks:
                await self._more.wait()
            await self._read_clock()
            pause_s = self.tuning.poll_initial_s
            while self._tasks:
                due = [task for task in self._tasks if self._is_due(task)]
                for group in _groups(due):
                    await self._fetch(group)
                # What the line has brought and history does not show tells that history lags, so that a quiet stream of
                # the same feed cannot be taken for an empty one.
                for task in sorted(self._tasks, key=lambda one: one.splice.boundary_ns is None):
                    self._judge(task)
                if self._tasks:
                    await trio.sleep(pause_s)
                    pause_s = min(pause_s * 1.5, self.tuning.poll_max_s)
                    if any(task.splice.acked_ns == UNKNOWN_NS for task in self._tasks):
                        await self._read_clock()
            self.on_idle()

    async def _read_clock(self) -> None:
        now_ns = await self.clock.refresh()
        for task in self._tasks:
            task.splice.acked_ns = min(task.splice.acked_ns, now_ns)

    async def wait_unthrottled(self) -> None:
        """Wait until a page that waits for room in a strategy's channel has been told."""
        if self.throttled:
            await self._unthrottled.wait()
        await trio.lowlevel.checkpoint()

    def _is_due(self, task: _Task) -> bool:
        if task.fetched and task.trouble == "history_refused":
            return False
        if not task.fetched or task.splice.boundary_ns is not None:
            return True
        return self._settled_ns() >= task.splice.acked_ns

    def _now_ns(self) -> int:
        """Market time for deciding what history must hold: once a tape is over, it holds all of it."""
        now_ns = self.clock.now_ns()
        return now_ns + self.tuning.settling.settle_ns if self.clock.ended else now_ns

    def _settled_ns(self) -> int:
        return self._now_ns() - self.tuning.settling.settle_ns

    async def _fetch(self, tasks: list[_Task]) -> None:
        """Read history once for these splices, all of one kind."""
        await trio.lowlevel.checkpoint()
        now_ns = self._now_ns()
        start_ns = min(task.splice.begin_fetch(now_ns) for task in tasks)
        symbols = tuple(sorted(task.splice.stream.symbol for task in tasks))
        acked_ns = max((task.splice.acked_ns for task in tasks if task.splice.acked_ns != UNKNOWN_NS), default=0)
        query = HistoryQuery(tasks[0].splice.stream.kind, symbols, start_ns, max(now_ns, acked_ns, start_ns))
        try:
            await self._read(query, tasks)
        except HistoryRefused as refusal:
            self.report(f"{self.feed}: {refusal}")
            for task in tasks:
                task.trouble = "history_refused"
            older_ns = now_ns - WITHHELD_NS
            if start_ns <= older_ns:
                try:
                    await self._read(HistoryQuery(query.kind, symbols, start_ns, older_ns), tasks)
                except (HistoryRefused, HistoryUnavailable) as error:
                    self.report(f"{self.feed}: {error}")
        except HistoryUnavailable as error:
            self.report(f"{self.feed}: {error}")
            for task in tasks:
                task.trouble = "history_unavailable"
            return
        else:
            for task in tasks:
                task.trouble = "history_lags"
        for task in tasks:
            task.fetched = True

    async def _read(self, query: HistoryQuery, tasks: list[_Task]) -> None:
        by_symbol = {task.splice.stream.symbol: task.splice for task in tasks}
        token: str | None = None
        failures = 0
        while True:
            try:
                page = await self.history.page(query, token)
            except HistoryUnavailable:
                # The page is asked for again, not the whole span; the give-up deadline is the last word.
                failures += 1
                if failures > 2:
                    raise
                await trio.sleep(self.tuning.poll_max_s)
                continue
            for symbol, rows in groupby(page.rows, key=lambda row: row.symbol):
                splice = by_symbol.get(symbol)
                if splice is not None:
                    self._tell(splice, rows)
            self.throttled = True
            await self.fanout.room(self.feed)
            self.throttled = False
            self._unthrottled.wake()
            token = page.next_token
            if token is None:
                return

    def _tell(self, splice: Splice, rows: Iterable[MarketEvent]) -> None:
        recovered = splice.recovered
        events = self.sequencer.take_rows(splice, rows)
        self.rows += splice.recovered - recovered
        if events:
            self.fanout.publish(events, self.clock.now_ns())

    def _judge(self, task: _Task) -> None:
        told = self.sequencer.of(task.splice.stream)
        if told is None or told.splice is not task.splice:
            self._tasks.remove(task)
            return
        quiet = task.splice.boundary_ns is None and any(one.splice.boundary_ns is not None for one in self._tasks)
        closed = task.fetched and task.trouble == "history_lags" and task.splice.end_fetch() == "closed"
        if closed and not quiet:
            self._finish(task, None)
        elif self._gave_up(task):
            self._finish(task, task.trouble)

    def _gave_up(self, task: _Task) -> bool:
        if task.fetched and task.trouble == "history_refused" and task.splice.boundary_ns is not None:
            return True
        waited_ns = self.clock.now_ns() - task.splice.acked_ns
        waited_s = trio.current_time() - task.started_s
        return waited_ns >= self.tuning.give_up_s * NS_PER_S and waited_s >= self.tuning.give_up_wall_s

    def give_up(self, cause: GapCause) -> None:
        """Declare the holes whose live events are more than can be held."""
        for task in list(self._tasks):
            if task.splice.held:
                self._finish(task, cause)

    def declare_rest(self, streams: Sequence[Told]) -> None:
        """The session ends while these streams are lost: what was not told is declared up to now."""
        now_ns = self.clock.now_ns()
        for told in streams:
            _, recovered = self._partial.pop(told.stream, (0, 0))
            cause = self._troubles.get(told.stream, "history_unavailable")
            start_ns, end_ns = told.cursor_ns, max(now_ns, told.cursor_ns)
            gap = Gap(self.feed, told.stream, start_ns, end_ns, cause=cause, at_ns=now_ns, recovered=recovered)
            self.publish_gap(gap)
            self.holes.declare(gap, self.reason)

    def drop(self, stream: Stream) -> None:
        """A stream is no longer wanted: its hole is nobody's."""
        self._tasks = [task for task in self._tasks if task.splice.stream != stream]
        self._partial.pop(stream, None)
        self._troubles.pop(stream, None)

    def unclosed(self, stream: Stream) -> bool:
        """Whether a stream has a hole that no line has closed yet."""
        return stream in self._partial

    def _finish(self, task: _Task, cause: GapCause | None) -> None:
        splice = task.splice
        self._tasks.remove(task)
        now_ns = self.clock.now_ns()
        boundary_ns = splice.resumed_ns or max(min(splice.acked_ns, now_ns), splice.cursor_ns)
        recovered_before = splice.recovered
        events = self.sequencer.finish(splice)
        self.rows += splice.recovered - recovered_before
        start_ns, recovered = self._partial.pop(splice.stream, (splice.cursor_ns, 0))
        recovered += splice.recovered
        if cause is None:
            self.holes.add(Hole(self.feed, splice.stream, start_ns, boundary_ns, recovered, self.reason))
        else:
            first = next((at for at, event in enumerate(events) if event.ts_ns >= boundary_ns), len(events))
            start_ns = min(max(splice.cursor_ns, splice.progress_ns if splice.recovered else 0), boundary_ns)
            gap = Gap(self.feed, splice.stream, start_ns, boundary_ns, cause=cause, at_ns=now_ns, recovered=recovered)
            self.gaps += 1
            self.sequencer.declare(splice.stream, start_ns, boundary_ns)
            self.fanout.publish(events[:first], now_ns)
            self.publish_gap(gap)
            self.holes.declare(gap, self.reason)
            events = events[first:]
        self.fanout.publish(events, now_ns)


def _groups(tasks: list[_Task]) -> Iterator[list[_Task]]:
    """Cut the splices that are due into requests: one kind each, at most `QUERY_SYMBOLS_MAX` symbols."""
    ordered = sorted(tasks, key=lambda task: (task.splice.stream.kind, task.splice.progress_ns))
    for _, of_kind in groupby(ordered, key=lambda task: task.splice.stream.kind):
        rest = list(of_kind)
        while rest:
            yield rest[:QUERY_SYMBOLS_MAX]
            rest = rest[QUERY_SYMBOLS_MAX:]
