"""Does a strategy know what it cannot know? Runs on tapes whose future is cut off, or absurd, or the same once more.

A run in the same process comes first: a strategy that keeps things in its module decides differently the second time,
and then nothing else that is compared here means anything.
"""

from collections.abc import Sequence
from typing import Final

from engine.app.lint.altered import ABSURD, AlteredTape
from engine.app.lint.compare import choose_instants, first_difference
from engine.app.lint.verdict import Bench, Verdict
from engine.app.replay.options import Replayed
from engine.model.instant import render_instant
from engine.ports.tape import Tape

INSTANTS: Final = 4
SPOILT: Final = 3
"""Each is one more replay of the tape, each absurd future two."""
NOTHING_DECIDED: Final = "It decided nothing on this tape, so there is nothing to compare; give it a longer one."


def check_repeat(bench: Bench) -> Verdict:
    """The same run twice in one process."""
    found = first_difference(bench.whole.decisions, bench.again().decisions)
    if found is None:
        return Verdict(check="repeat", outcome="ok", sentence=f"Run twice, {_count(bench.whole)} were the same.")
    return Verdict(
        check="repeat",
        outcome="finding",
        sentence="The second run in the same process decided differently from the first.",
        evidence=found.lines("first run", "second run"),
        advice="Keep what it remembers in local variables or ctx.state, not in its module or class.",
    )


def check_prefix(bench: Bench) -> Verdict:
    """Decisions on a tape that ends at t are those that were taken until t on the whole tape."""
    instants = choose_instants(bench.whole.decisions, INSTANTS)
    tapes = [(at_ns, AlteredTape(bench.open_tape(), until_ns=at_ns)) for at_ns in instants]
    return _look(bench, "prefix", "the tape cut off", tapes)


def check_future(bench: Bench) -> Verdict:
    """Decisions until t are the same where every price after t is absurd."""
    instants = choose_instants(bench.whole.decisions, SPOILT)
    tapes = [
        (at_ns, AlteredTape(bench.open_tape(), spoil_ns=at_ns, factor=factor))
        for at_ns in instants
        for factor in (ABSURD, 1 / ABSURD)
    ]
    return _look(bench, "future", "absurd prices", tapes)


def _look(bench: Bench, check: str, what: str, tapes: Sequence[tuple[int, Tape]]) -> Verdict:
    for at_ns, tape in tapes:
        found = first_difference(bench.whole.decisions, bench.again(tape=tape).decisions, until_ns=at_ns)
        if found is not None:
            return Verdict(
                check=check,
                outcome="finding",
                sentence=f"With {what} after {render_instant(at_ns)} it decided differently before.",
                evidence=found.lines("whole tape", what),
                advice="It decides by what is not told yet: look for data that it reads beside its subscriptions.",
            )
    if not tapes:
        return Verdict(check=check, outcome="skipped", sentence=NOTHING_DECIDED)
    count = len({at_ns for at_ns, _ in tapes})
    times = f"{count} instants" if count > 1 else "one instant"
    return Verdict(check=check, outcome="ok", sentence=f"With {what} after {times}, it decided the same before.")


def _count(run: Replayed) -> str:
    return f"{len(run.decisions)} decisions" if len(run.decisions) != 1 else "1 decision"
