"""Streams into one order, a window at a time.

Each stream is read in chunks. As far as the first of those chunks to end, everything is known: so much of each chunk
is one run, and the runs are sorted together (Timsort finds them; a stable sort keeps the order of the sources at equal
instants). That costs some 0.2 us an event; a heap costs four times that.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain, groupby, islice
from operator import itemgetter

from attrs import define, field

from engine.model.market import MarketEvent
from engine.model.stream import Stream
from engine.ports.tape import Window
from engine.store.tape.chunks import WINDOW_EVENTS, Cursor


@define(eq=False)
class _Taken:
    """A part of a cursor's chunk that lies in the present stretch."""

    cursor: Cursor
    first: int
    last: int


@define(eq=False)
class Merge:
    """Cursors, which are in order of their sources, and the stretch in which the present place is.

    Bounded: a chunk of each cursor as events, and the lists of one stretch, which hold the same events.
    """

    cursors: list[Cursor]
    told_ns: int
    """The last instant that was told."""
    _taken: list[_Taken] = field(factory=list, init=False)
    _turns: list[int] | None = field(default=None, init=False)
    """Which of the taken events comes when; ``None``: as they were taken."""
    _events: list[MarketEvent] = field(factory=list, init=False)
    _dues: list[int] = field(factory=list, init=False)
    _streams: frozenset[Stream] = field(default=frozenset(), init=False)
    _at: int = field(default=0, init=False)
    _window: Window | None = field(default=None, init=False)

    def window(self) -> Window | None:
        """See `engine.ports.tape.Tape`."""
        if self._window is None:
            if self._at >= len(self._events) and not self._stretch():
                return None
            end = self._at + WINDOW_EVENTS
            if self._at == 0 and end >= len(self._events):
                self._window = Window(self._events, self._dues, self._streams)
            else:
                self._window = Window(self._events[self._at : end], self._dues[self._at : end], self._streams)
        return self._window

    def advance(self, count: int) -> None:
        """See `engine.ports.tape.Tape`."""
        if count:
            self._at += count
            self.told_ns = self._dues[self._at - 1]
            self._window = None

    def give_back(self) -> None:
        """Put what was not told back to the cursors, so that they may be exchanged."""
        left = [0] * len(self._taken)
        if self._turns is None:
            ends = list(accumulate(taken.last - taken.first for taken in self._taken))
            for index, (taken, end) in enumerate(zip(self._taken, ends, strict=True)):
                left[index] = min(max(end - self._at, 0), taken.last - taken.first)
        else:
            ends = list(accumulate(taken.last - taken.first for taken in self._taken))
            for turn in islice(self._turns, self._at, None):
                left[bisect_right(ends, turn)] += 1
        for taken, untold in zip(self._taken, left, strict=True):
            taken.cursor.at = taken.last - untold
        self._taken, self._turns, self._events, self._dues, self._at = [], None, [], [], 0
        self._window = None

    def _stretch(self) -> bool:
        """Read on until the first chunk's end; false at the end of the tape."""
        self._taken = []
        self.cursors = [cursor for cursor in self.cursors if cursor.fill()]
        if not self.cursors:
            self._events, self._dues, self._at, self._turns = [], [], 0, None
            return False
        horizon = min(cursor.horizon for cursor in self.cursors)
        for cursor in self.cursors:
            first, last = cursor.at, cursor.until(horizon)
            if last > first:
                self._taken.append(_Taken(cursor, first, last))
                cursor.at = last
        runs = [taken.cursor.chunk.events[taken.first : taken.last] for taken in self._taken]
        dues = [taken.cursor.chunk.dues_ns[taken.first : taken.last] for taken in self._taken]
        self._streams = frozenset(taken.cursor.stream for taken in self._taken)
        self._at = 0
        if len(runs) == 1:
            self._events, self._dues, self._turns = runs[0], dues[0], None
            return True
        events, flat = list(chain.from_iterable(runs)), list(chain.from_iterable(dues))
        self._turns = turns = self._order(flat)
        self._events, self._dues = list(map(events.__getitem__, turns)), list(map(flat.__getitem__, turns))
        return True

    def _order(self, dues: Sequence[int]) -> list[int]:
        """In which order the taken events come: by when they are due, by source, by place."""
        turns: list[int] = []
        begins = 0
        for _, group in groupby(self._taken, key=lambda taken: taken.cursor.order):
            siblings = list(group)
            rows = sum(taken.last - taken.first for taken in siblings)
            mine = list(range(begins, begins + rows))
            if len(siblings) > 1:
                places = chain.from_iterable(one.cursor.chunk.places[one.first : one.last] for one in siblings)
                keyed = sorted(zip(dues[begins : begins + rows], places, mine, strict=True))
                mine = list(map(itemgetter(2), keyed))
            turns += mine
            begins += rows
        turns.sort(key=dues.__getitem__)
        return turns
