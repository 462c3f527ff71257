"""Where records of all strategies of a session go, and what each of them begins with: number, market time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import trio
from attrs import define, field

from engine.flow.journal.clock import told_clock
from engine.flow.journal.track import Track
from engine.flow.journal.watch import Watch
from engine.model.journal import JournalRecord
from engine.ports.journal import Journal


@define(eq=False)
class Line:
    """The line between a session and its strategies. ``seq`` tells the number of the last market event, ``now_ns``
    market time. Without a ``watch`` tasks are not told apart and wakes are not noted, as in a replay."""

    seq: Callable[[], int]
    now_ns: Callable[[], int]
    journals: Sequence[Journal]
    watch: Watch | None = None
    clean: Callable[[str], str] = str
    """Takes the secrets out of what a strategy says and raises, in its own words."""
    _tracks: dict[str, Track] = field(factory=dict)

    def note(self, record: JournalRecord) -> None:
        """Write a record down."""
        for journal in self.journals:
            journal.note(record)

    def track(self, strategy: str) -> Track:
        """What is noted of one strategy."""
        track = self._tracks.get(strategy)
        if track is None:
            track = self._tracks[strategy] = Track(self, strategy)
        return track

    def clock_s(self) -> float:
        """Trio's clock, seconds."""
        return trio.current_time()

    def passed_s(self) -> float:
        """Deadlines up to here have passed, by the same clock."""
        return trio.current_time() if self.watch is None else self.watch.passed_s or trio.current_time()

    def step_s(self) -> float:
        """Trio's clock when the strategy's task that runs now went on."""
        return trio.current_time() if self.watch is None else self.watch.step_s

    def turn(self) -> int:
        """The round of Trio's scheduler."""
        return 0 if self.watch is None else self.watch.turn


@contextmanager
def open_line(
    seq: Callable[[], int], now_ns: Callable[[], int], journal: Journal | None, clean: Callable[[str], str] = str
) -> Iterator[Line | None]:
    """The line of a live session that is recorded in ``journal``; no line where there is none. ``clean`` takes secrets
    out of what strategies say."""
    if journal is None:
        yield None
        return
    watch = Watch()
    trio.lowlevel.add_instrument(watch)
    try:
        with told_clock(watch.on_read, watch.on_passed):
            yield Line(seq, now_ns, (journal,), watch, clean)
    finally:
        trio.lowlevel.remove_instrument(watch)
