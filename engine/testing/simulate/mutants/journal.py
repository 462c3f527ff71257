"""Bugs of the journal: what crossed is told wrongly or not at all, which shows when a player runs again from it."""

from typing import Final

from engine.testing.simulate.mutants.mutant import Mutant

JOURNAL: Final = (
    Mutant(
        name="journal_wrong_time",
        file="flow/journal/track.py",
        old="self._note(Woke(*self._head(), path, self.line.passed_s(), by_time, self.line.turn()))",
        new="self._note(Woke(*self._head(), path, 0.0, by_time, self.line.turn()))",
        breaks="the journal does not tell which deadlines had passed when a sleep was over",
    ),
    Mutant(
        name="journal_wrong_answer",
        file="flow/journal/track.py",
        old="        self._answer(number, extra, name, sentence)",
        new="        self._answer(number, render(None))",
        breaks="a call that was refused is in the journal as one that came back",
    ),
    Mutant(
        name="journal_wrong_event",
        file="flow/journal/taps.py",
        old="    return f'{{\"seq\":{item.seq}}}' if lossy else 1",
        new="    return f'{{\"seq\":{max(item.seq - 1, 1)}}}' if lossy else 1",
        breaks="of a subscription that lets old events go the journal tells the event before the one that was taken",
    ),
    Mutant(
        name="journal_no_order",
        file="flow/journal/track.py",
        old="        self.line.note(Went(*self._head(), tasks, turn))\n",
        new="",
        breaks="the journal does not tell in which order tasks went on",
        hidden="tasks of one player share nothing that their order decides; tests/flow/journal/test_again.py holds it",
    ),
)
