"""The records of one strategy in order, and which of them are done: handed in, or asked again by its tasks.

Tasks that were ready at one instant may come in another order now, so a task looks for the next record of its own,
and no further than to what it has not been given yet.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import define, field
from msgspec.structs import replace

from engine.flow.journal.track import SAME
from engine.model.journal import (
    HIDDEN,
    Answered,
    Asked,
    Began,
    Cut,
    Ended,
    JournalRecord,
    Read,
    Said,
    Took,
    Went,
    Woke,
)

AHEAD_MAX: Final = 4_000
"""Records that are looked through for the next one of a task: more than a strategy of hundreds of tasks has between two
of one task at one instant."""


@define(eq=False)
class Entry:
    """One record."""

    record: JournalRecord
    place: int
    done: bool = False
    due: bool = False
    """Something that came after it has been handed in: once all is quiet it is done, or was not asked again."""


@define(eq=False)
class Reel:
    """``apart``: whether tasks are told apart in these records."""

    _source: Iterator[JournalRecord]
    apart: bool
    ran_out: bool = False
    """A task looked for a record of its own behind the last one: the journal ends before the strategy did."""
    _orders: dict[int, list[str]] = field(factory=dict)
    _entries: deque[Entry] = field(factory=deque)
    _fetched: int = 0
    _tickets: dict[str, str] = field(factory=dict)
    _known: dict[str, str] = field(factory=dict)

    def inputs(self) -> list[Entry]:
        """The next inputs that the strategy was given at once; none at the end."""
        found: list[Entry] = []
        place = 0
        while place < len(self._entries) or self._fetch():
            entry = self._entries[place]
            place += 1
            if entry.done:
                if place == 1:
                    self._entries.popleft()
                    place = 0
            elif isinstance(entry.record, Asked | Read | Said):
                entry.due = True
            elif found and (not _turn(entry) or _turn(entry) != _turn(found[0])):
                return found
            else:
                entry.done = True
                found.append(entry)
                if not _turn(entry):
                    return found
        return found

    def next_input(self) -> JournalRecord | None:
        """The next input, ``None`` where there is none."""
        for entry in self._entries:
            if not entry.done and not isinstance(entry.record, Asked | Read | Said):
                return entry.record
        return None

    def order(self, turn: int) -> list[str]:
        """The tasks that went on in this round, in their order; empty where there was no more than one."""
        for past in [one for one in self._orders if one < turn]:
            del self._orders[past]
        return self._orders.get(turn, [])

    def missing(self) -> Asked | None:
        """The first call that was to be made by now and was not; call when all is quiet."""
        for entry in self._entries:
            if entry.due and not entry.done:
                if isinstance(entry.record, Asked):
                    return entry.record
                entry.done = True  # what is not looked at any more decides nothing
            elif not entry.done:
                break
        return None

    def place(self, task: str) -> int:
        """Where the next record of this task is, as far as was looked ahead."""
        for entry in self._entries:
            if not entry.done and getattr(entry.record, "task", "") == task:
                return entry.place
        return self._fetched + 1

    def call(self, task: str, verb: str, words: str) -> tuple[Asked | None, bool]:
        """The call that this task made then in this place, and whether it is this one."""
        for entry in self._own(task):
            record = entry.record
            if isinstance(record, Asked):
                same = (record.verb, record.words) == (verb, words)
                entry.done = entry.done or same
                return record, same
            if not isinstance(record, Read | Said):
                break
        return None, False

    def look_next(self, task: str, what: str) -> str | None:
        """What this task saw then, if it is what it looked at next; ``None`` where it was something else."""
        for entry in self._own(task):
            record = entry.record
            if isinstance(record, Read) and record.what == what:
                entry.done = True
                return record.value
            return None
        return None

    def look(self, task: str, what: str) -> str | None:
        """What this task saw then; what was seen last where it did not look; ``None`` where nobody ever did."""
        for entry in self._own(task):
            record = entry.record
            if isinstance(record, Read):
                if record.what == what:
                    entry.done = True
                    self._known[what] = record.value
                    return record.value
            elif not isinstance(record, Said):
                break
        return self._known.get(what)

    def say(self, task: str, text: str) -> None:
        """This was said, too."""
        for entry in self._own(task):
            record = entry.record
            if isinstance(record, Said):
                entry.done = entry.done or same_words(record.text, text)
                return
            if not isinstance(record, Read):
                return

    def _own(self, task: str) -> Iterator[Entry]:
        place = 0
        while place < AHEAD_MAX:
            if place == len(self._entries) and not self._fetch():
                self.ran_out = True
                return
            entry = self._entries[place]
            place += 1
            record = entry.record
            if isinstance(record, Began | Ended):
                if not entry.done:
                    return
            elif not entry.done and not isinstance(record, Cut):
                own = not self.apart or getattr(record, "task", "") == task
                if own and not (isinstance(record, Woke) and not record.by_time):
                    yield entry

    def _fetch(self) -> bool:
        for told in self._source:
            record = self._whole(told) if isinstance(told, Read) else told
            if isinstance(record, Went):
                self._orders.setdefault(record.turn, []).extend(record.tasks)
            elif isinstance(record, Began | Asked | Answered | Took | Read | Woke | Cut | Said | Ended):
                self._fetched += 1
                self._entries.append(Entry(record, self._fetched))
                return True
        return False

    def _whole(self, read: Read) -> Read:
        """A look at an order that was as it was noted before, with that in it."""
        if read.value == SAME:
            return replace(read, value=self._tickets.get(read.what, "null"))
        if read.what.startswith("order:"):
            self._tickets[read.what] = read.value
        return read


def in_rounds(source: Iterable[JournalRecord]) -> Iterator[JournalRecord]:
    """The same records, with a cut behind what still came to the tasks that were ready when it came."""
    cut: Cut | None = None
    for record in source:
        if isinstance(record, Cut) and record.turn:
            cut = record
            continue
        if cut is not None and (isinstance(record, Ended) or getattr(record, "turn", 0) >= cut.turn):
            yield cut
            cut = None
        yield record
    if cut is not None:
        yield cut


def _turn(entry: Entry) -> int:
    turn: int = getattr(entry.record, "turn", 0)
    return turn


def same_words(noted: str, said: str) -> bool:
    """Whether this is what was said then, of which secrets were not noted.

    Each piece between two secrets at the first place where it can be: if any fit, these do. A regular expression would
    try them all, and a line of stars is a dozen secrets.
    """
    first, *pieces = noted.split(HIDDEN)
    if not pieces:
        return noted == said
    at, last = len(first), pieces.pop()
    for piece in pieces:
        found = said.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return said.startswith(first) and said.endswith(last) and len(said) - len(last) >= at
