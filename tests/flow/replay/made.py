"""A session of a replay as small as it can be: a tape in memory, matching that is scripted, and all that was told."""

from collections.abc import Awaitable, Callable, Sequence, Set
from typing import Any

import trio
from attrs import define, field, frozen
from msgspec.structs import replace

from engine.flow.context import StrategyContext
from engine.flow.markets import Markets
from engine.flow.replay.clock import ReplayClock, TapeClock
from engine.flow.replay.drive import Replay
from engine.flow.replay.lease import LentChannel, TapeFanout
from engine.flow.replay.scheduler import sealed_scheduling
from engine.flow.replay.stream import TAPE_FEED, TapeFeed, TapeHistory, TapeStream
from engine.flow.replay.turnstile import Turnstile
from engine.flow.replay.watch import STEPS_MAX
from engine.flow.tuning import StreamTuning
from engine.model.journal import JournalRecord
from engine.model.market import Kind, MarketEvent, Quote, Trade
from engine.model.stream import ANY, Stream, sequence_of
from engine.ports import Feed
from engine.ports.tape import Window

NS = 1_000_000_000
START_NS = 1_772_461_800 * NS
"""2026-03-02T14:30:00Z, when New York opens."""
LEAVE_S = 5.0


def trade(number: int, at_s: float, symbol: str = "A") -> Trade:
    """A trade due at so many seconds from the opening."""
    at_ns = START_NS + round(at_s * NS)
    return Trade(symbol, at_ns, 100.0 + number, 1.0, number, received_ns=at_ns, origin="replay")


def quote(number: int, at_s: float, symbol: str = "A") -> Quote:
    at_ns = START_NS + round(at_s * NS)
    return Quote(symbol, at_ns, 99.0 + number, 1.0, 101.0 + number, 1.0, received_ns=at_ns, origin="replay")


@define(eq=False)
class MemoryTape:
    """`engine.ports.Tape` of events in order; a window has ``size`` of them at most."""

    events: Sequence[MarketEvent]
    size: int = 65_536
    end_ns: int = 0
    wants: list[tuple[frozenset[Stream], int]] = field(factory=list)
    """What was wanted, and how many events of the tape had passed then."""
    _wanted: frozenset[Stream] = frozenset()
    _passed: int = 0
    _places: list[int] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.end_ns = self.end_ns or self.events[-1].received_ns

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(sorted({event.symbol for event in self.events}))

    @property
    def start_ns(self) -> int:
        return self.events[0].received_ns

    @property
    def digest(self) -> str:
        return "made"

    @property
    def streams(self) -> frozenset[Stream]:
        return frozenset(Stream(event.kind, event.symbol) for event in self.events)

    def want(self, streams: Set[Stream], *, after_ns: int = 0) -> None:
        self.wants.append((frozenset(streams), self._passed))
        names = {*streams, *map(sequence_of, streams)}
        self._places = [
            place
            for place in range(self._passed, len(self.events))
            if not {Stream((event := self.events[place]).kind, event.symbol), Stream(event.kind, ANY)}.isdisjoint(names)
        ]

    def window(self) -> Window | None:
        told = [replace(self.events[place]) for place in self._places[: self.size]]
        if not told:
            return None
        streams = frozenset(Stream(event.kind, event.symbol) for event in told)
        return Window(told, [event.received_ns for event in told], streams)

    def advance(self, count: int) -> None:
        if count:
            self._passed = self._places[count - 1] + 1
            self._places = self._places[count:]

    def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int, *, before_ns: int) -> list[MarketEvent]:
        return [
            replace(event, origin="backfill")
            for event in self.events
            if (event.kind, event.symbol) == (kind, symbol)
            and start_ns <= event.ts_ns <= end_ns
            and event.received_ns <= before_ns
        ]


class MatchingBroke(Exception):
    """What no replay goes on after."""


@define(eq=False)
class Matching:
    """Orders that are filled by the so-manieth event after they were placed."""

    clock: ReplayClock
    fails_at: int = 0
    """The so-manieth event is too much for it; 0: none."""
    seen: list[tuple[int, int]] = field(factory=list)
    _open: list[list[Any]] = field(factory=list)

    def place(self, events: int) -> trio.Event:
        filled = trio.Event()
        self._open.append([events, filled])
        return filled

    def see(self, event: MarketEvent) -> bool:
        self.seen.append((event.ts_ns, self.clock.now_ns()))
        if len(self.seen) == self.fails_at:
            raise MatchingBroke
        due = []
        for order in self._open:
            order[0] -= 1
            if not order[0]:
                due.append(order)
        for order in due:
            self._open.remove(order)
            order[1].set()
        return bool(due)

    def idle(self) -> bool:
        return not self._open


@define(eq=False)
class Told:
    """`engine.ports.Journal` of numbers and instants."""

    events: list[tuple[int, int]] = field(factory=list)

    def tell(self, events: Sequence[MarketEvent], at_ns: int) -> None:
        self.events.extend((event.seq, at_ns) for event in events)

    def note(self, record: JournalRecord) -> None:
        raise AssertionError("nobody notes anything here")


@define(eq=False, kw_only=True)
class Floor:
    """What a strategy of these tests has in its hands."""

    tape: MemoryTape
    clock: ReplayClock
    markets: Markets
    matching: Matching
    turn: Turnstile
    log: list[tuple[Any, ...]] = field(factory=list)

    def context(self, name: str = "alpha") -> StrategyContext:
        return StrategyContext(name, self.markets)

    def note(self, *what: Any) -> None:
        """Write down what happened, and when by every clock there is."""
        self.log.append((self.markets.fanout.seq, self.markets.clock.now_ns(), trio.current_time(), *what))


@frozen(eq=False)
class Outcome:
    """What came of a replay."""

    log: list[tuple[Any, ...]]
    told: list[tuple[int, int]]
    seen: list[tuple[int, int]]
    books: dict[tuple[str, Stream], Any]
    lent: int
    seq: int
    now_ns: int
    wants: list[tuple[frozenset[Stream], int]]


def replay(
    tape: MemoryTape,
    *strategies: Callable[[Floor], Awaitable[None]],
    fast: bool = True,
    seed: int = 0,
    steps_max: int = STEPS_MAX,
    fails_at: int = 0,
) -> Outcome:
    """Replay this tape to these; when it is over they have `LEAVE_S` to leave."""
    clock = ReplayClock(START_NS)
    time = TapeClock(clock)
    told = Told()
    fanout = TapeFanout(journal=told)

    def run_feed(_: Markets, feed: Feed) -> TapeStream:
        assert isinstance(feed, TapeFeed)
        return TapeStream(feed=feed)

    markets = Markets(
        clock=time,
        feed_of=lambda _: TAPE_FEED,
        make_feed=lambda name: TapeFeed(name, TapeHistory(tape, lambda: fanout.known_ns(time.now_ns()))),
        tuning=StreamTuning(),
        seed=1,
        say=lambda _, __: None,
        report=lambda _: None,
        on_failure=lambda _: None,
        fanout=fanout,
        run_feed=run_feed,
        channel_class=LentChannel,
    )
    floor = Floor(tape=tape, clock=clock, markets=markets, matching=Matching(clock, fails_at), turn=Turnstile())
    over = trio.Event()
    driver = Replay(
        tape=tape,
        markets=markets,
        clock=clock,
        time=time,
        turn=floor.turn,
        see=floor.matching.see,
        idle=floor.matching.idle,
        fast=fast,
        steps_max=steps_max,
        on_end=over.set,
    )

    async def end(scope: trio.CancelScope) -> None:
        await over.wait()
        markets.close_channels()
        await trio.sleep(LEAVE_S)
        scope.cancel()

    async def main() -> None:
        async with trio.open_nursery() as time_nursery:
            time_nursery.start_soon(driver.run)
            await time_nursery.start(markets.run)
            async with trio.open_nursery() as nursery:
                time_nursery.start_soon(end, nursery.cancel_scope)  # noqa: ASYNC111 - and cancelled behind it
                for strategy in strategies:
                    nursery.start_soon(strategy, floor)
            time_nursery.cancel_scope.cancel()

    with sealed_scheduling(seed):
        trio.run(main, clock=clock)
    return Outcome(
        log=floor.log,
        told=told.events,
        seen=floor.matching.seen,
        books=markets.books.read(markets.fanout.channels()),
        lent=driver.lent,
        seq=markets.fanout.seq,
        now_ns=clock.now_ns(),
        wants=tape.wants,
    )
