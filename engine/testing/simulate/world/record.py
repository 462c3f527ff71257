"""What crossed to and from the players of one life, kept in memory, and each of them run again from it: law 30."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import define, field

from engine.flow.journal.again import Difference, Verified, verify_strategy
from engine.flow.journal.again.telling import describe
from engine.model.instant import NS_PER_S
from engine.model.journal import Began, JournalRecord
from engine.model.market import MarketEvent
from engine.testing.simulate.outcome import Violation
from engine.testing.simulate.watch import Life
from engine.testing.simulate.world.cast import Cast
from engine.testing.simulate.world.players import PLAYERS

RECORDS_MAX: Final = 400_000
"""Of one life, and as many market events: a busy hour has 13,000, and so many are 100 MB. The rest is not kept."""


@define(eq=False)
class Recording:
    """`engine.ports.journal.Journal` of one life; ``seed`` is that of its session, ``casts`` its players by name.

    A process that was killed writes nothing more, so what comes after the death of the life is not kept.
    """

    life: Life
    seed: int
    casts: Mapping[str, Cast]
    records_max: int = RECORDS_MAX
    torn: bool = False
    """It ends before its session did."""
    _records: dict[str, list[JournalRecord]] = field(factory=dict)
    _events: list[MarketEvent] = field(factory=list)
    _count: int = 0

    def tell(self, events: Sequence[MarketEvent], at_ns: int) -> None:
        """The market told these."""
        del at_ns
        if self._writes():
            self._events.extend(events)

    def note(self, record: JournalRecord) -> None:
        """Something crossed."""
        if self._writes():
            self._count += 1
            self._records.setdefault(record.strategy, []).append(record)

    def _writes(self) -> bool:
        if not self.life.alive or max(self._count, len(self._events)) >= self.records_max:
            self.torn = True
        return not self.torn

    def verify(self) -> Iterator[Verified]:
        """Run each player again that has begun to run; each takes a run of Trio."""
        for name, records in self._records.items():
            if any(isinstance(record, Began) for record in records):
                cast = self.casts[name]
                yield verify_strategy(
                    name,
                    PLAYERS[cast.player.kind],
                    cast.again(),
                    records=lambda records=records: records,  # type: ignore[misc] # mypy infers no lambda with a default
                    market=lambda: self._events,
                    seed=self.seed,
                )


def check(recording: Recording, start_ns: int) -> Iterator[Violation]:
    """Where a player did something else when it ran again; ``start_ns`` is the market time at which it all began."""
    whole = not recording.torn
    for verified in recording.verify():
        who = f"{verified.strategy} of life {recording.life.number}"
        if verified.difference is not None:
            at_s = (verified.difference.at_ns - start_ns) / NS_PER_S
            yield Violation(number=30, at_s=round(at_s, 6), sentence=f"{who} {_parted(verified.difference)}")
        elif whole and verified.lacks:
            yield Violation(number=30, at_s=0.0, sentence=f"{who} cannot run again: {verified.lacks}")
        elif whole and recording.life.failure is None and not verified.finished:
            yield Violation(number=30, at_s=0.0, sentence=f"{who} runs on where its journal ends")


def _parted(difference: Difference) -> str:
    then = "nothing" if difference.recorded is None else describe(difference.recorded)
    _, cause = difference.cause or (0, "its beginning")
    return f"did {difference.now or 'nothing'} when it ran again, in place of {then}, after {cause}"
