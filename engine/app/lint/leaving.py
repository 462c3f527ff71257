"""Can it be stopped? Whether a strategy leaves in time, and whether it lets others run meanwhile."""

import threading
from typing import Final

import msgspec
from attrs import evolve

from engine.app.lint.altered import AlteredTape
from engine.app.lint.compare import choose_instants
from engine.app.lint.stopwatch import Stopwatch, timed
from engine.app.lint.verdict import Bench, Verdict
from engine.app.options import Tuning
from engine.app.replay.options import Replayed
from engine.model.instant import NS_PER_S, render_instant
from engine.model.journal import Asked, Ended, JournalRecord

INSTANTS: Final = 3
LONG_S: Final = 0.05
"""At twenty steps a second nobody else gets a turn; a busy feed tells a thousand events meanwhile."""
WITHIN_S: Final = 10.0
"""How long a block of orders has by default, see ``ctx.orders``."""
GRACE_S: Final = 1.0
"""For what follows the end of a block: a comparison of books, the strategy's own last words."""
OPENS_BLOCK: Final = "orders"


def check_cancel(bench: Bench) -> Verdict:
    """The market ends at some instants: the strategy has to be gone within the time that its blocks may take."""
    times = choose_instants(bench.whole.decisions, INSTANTS)
    worst_s = 0.0
    for at_ns in (*times, None):
        tape = bench.open_tape() if at_ns is None else AlteredTape(bench.open_tape(), until_ns=at_ns)
        run = bench.whole if at_ns is None else bench.again(tape=tape)
        for name in bench.names:
            took_s = left_after_s(run, name, tape.end_ns)
            allowed_s = allowed_to_leave_s(run.records, name)
            worst_s = max(worst_s, took_s)
            if took_s > allowed_s:
                when = "at the end of the tape" if at_ns is None else f"at {render_instant(at_ns)}"
                return Verdict(
                    check="cancel",
                    outcome="finding",
                    sentence=f"Stopped {when}, {name} took {took_s:.1f} s to leave; {allowed_s:.0f} s are allowed.",
                    advice="Catch no trio.Cancelled without raising it again, and give a shielded block a deadline.",
                )
    sentence = f"Stopped at {len(times) + 1} instants, it left within {worst_s:.1f} s of market time."
    return Verdict(check="cancel", outcome="ok", sentence=sentence)


def left_after_s(run: Replayed, name: str, end_ns: int) -> float:
    """Market seconds from the end of a run's tape until a strategy had left; 0 where it left before.

    ``end_ns`` is when the tape's span ends; events of its last instant may be later.
    """
    ended_ns = max((one.at_ns for one in run.records if isinstance(one, Ended) and one.strategy == name), default=0)
    return max(0.0, (ended_ns - max(end_ns, last_told_ns(run.records))) / NS_PER_S)


def last_told_ns(records: tuple[JournalRecord, ...]) -> int:
    """When the last event was told: of the records with its number, the first was written at its time or after it."""
    last = max((record.seq for record in records), default=0)
    return min((record.at_ns for record in records if record.seq == last), default=0)


def allowed_to_leave_s(records: tuple[JournalRecord, ...], name: str) -> float:
    """The time that a strategy gets after a stop: until it is cancelled, and what its longest block may take then."""
    withins = [0.0]
    for record in records:
        if isinstance(record, Asked) and record.strategy == name and record.verb == OPENS_BLOCK:
            given = msgspec.json.decode(record.words).get("within")
            withins.append(WITHIN_S if given is None else float(given))
    return Tuning().stop_within_s + max(withins) + GRACE_S


def check_stretch(bench: Bench) -> Verdict:
    """The longest stretch of CPU between two checkpoints. Events are handed over one by one, as live."""
    watch = Stopwatch(LONG_S)
    looking = threading.Thread(target=watch.watch, name="gapless lint: where a step is", daemon=True)
    looking.start()
    try:
        strategies = tuple(timed(loaded, watch) for loaded in bench.options.strategies)
        bench.again(evolve(bench.options, strategies=strategies, fast=False, sealed=False))
    finally:
        watch.end()
        looking.join()
    if not watch.longest:
        return Verdict(check="stretch", outcome="skipped", sentence="Nothing was measured: it ended at once.")
    name, (took_s, where) = max(watch.longest.items(), key=lambda one: one[1][0])
    if took_s <= LONG_S:
        longest = f"{took_s * 1000:.1f} ms"
        return Verdict(check="stretch", outcome="ok", sentence=f"It never kept the CPU for longer than {longest}.")
    return Verdict(
        check="stretch",
        outcome="finding",
        sentence=f"{name} kept the CPU for {took_s * 1000:.0f} ms without letting anybody else run"
        f"{f', seen at {where}' if where else ''}.",
        advice="Put 'await trio.lowlevel.checkpoint()' into long loops, or compute less at one event.",
    )
