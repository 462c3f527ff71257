"""A tape that counts what is told of it, and tells how far it is."""

from collections.abc import Callable, Sequence, Set
from time import perf_counter
from typing import Final

from attrs import define, field

from engine.app.replay.options import Progress
from engine.model.control import Gap
from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream
from engine.ports.tape import Tape, Window

TELL_EVERY_S: Final = 0.1
"""Of wall time: ten times a second looks like movement."""


@define(eq=False)
class CountedTape:
    """`engine.ports.Tape` around another. ``end_ns``: when its last event is due, or the end of the span."""

    tape: Tape
    now_ns: Callable[[], int]
    end_ns: int
    progress: Callable[[Progress], None] | None = None
    gaps: Sequence[Gap] = ()
    """What is known to be missing on it, in order of ``at_ns``."""
    events: int = field(default=0, init=False)
    _told_s: float = field(factory=perf_counter, init=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.tape.symbols

    @property
    def start_ns(self) -> int:
        return self.tape.start_ns

    @property
    def digest(self) -> str:
        return self.tape.digest

    @property
    def streams(self) -> frozenset[Stream]:
        return self.tape.streams

    def want(self, streams: Set[Stream], *, after_ns: int = 0) -> None:
        """As the tape does."""
        self.tape.want(streams, after_ns=after_ns)

    def window(self) -> Window | None:
        """As the tape does."""
        return self.tape.window()

    def advance(self, count: int) -> None:
        """Count them, and tell how far it is where that was not told just now."""
        self.tape.advance(count)
        self.events += count
        if self.progress is not None and perf_counter() - self._told_s >= TELL_EVERY_S:
            self._told_s = perf_counter()
            self.tell()

    def tell(self) -> None:
        """Tell how far it is."""
        if self.progress is not None:
            start_ns, now_ns = self.tape.start_ns, self.now_ns()
            end_ns = max(self.end_ns, now_ns)
            self.progress(Progress(now_ns=now_ns, start_ns=start_ns, end_ns=end_ns, events=self.events))

    def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int, *, before_ns: int) -> Sequence[MarketEvent]:
        """As the tape does."""
        return self.tape.history(kind, symbol, start_ns, end_ns, before_ns=before_ns)
