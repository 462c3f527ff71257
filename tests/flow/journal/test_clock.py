"""What a strategy reads of the machine's clock is noted, and nobody else's readings are."""

import trio
from attrs import define, field

from engine.flow.journal.line import open_line
from engine.model.journal import JournalRecord, Read, Woke


@define
class Kept:
    """A journal in memory."""

    records: list[JournalRecord] = field(factory=list)

    def tell(self, events: object, at_ns: int) -> None:
        del events, at_ns

    def note(self, record: JournalRecord) -> None:
        self.records.append(record)


def test_readings_of_a_strategy_are_noted_and_its_deadlines_pass_by_them() -> None:
    kept = Kept()
    read: list[float] = []

    async def run() -> None:
        with open_line(lambda: 1, lambda: 2, kept) as line:
            assert line is not None
            trio.current_time()  # before it runs nobody is a strategy
            track = line.track("one")
            track.begin()
            read.append(trio.current_time())
            with trio.move_on_after(0.01):
                await trio.sleep_forever()
            with track.inside():
                trio.current_time()  # the engine's, on the strategy's behalf

    trio.run(run)
    noted = [float(record.value) for record in kept.records if isinstance(record, Read)]
    assert noted[0] == read[0]
    (woke,) = [record for record in kept.records if isinstance(record, Woke)]
    assert woke.by_time
    assert noted[-1] + 0.01 <= woke.clock_s < noted[-1] + 5
    assert all(each <= woke.clock_s for each in noted)
