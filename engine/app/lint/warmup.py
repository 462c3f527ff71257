"""Does it matter when a strategy was started? With enough warm-up it does not.

The whole tape is one run. The other begins some bars later, with everything before as history, as a venue has it. From
there on both should decide the same. What a strategy holds, has open or has saved is its own past and not a matter of
warm-up: so it is started at instants at which it had none, and where there are none, nothing is judged by them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from engine.app.lint.ahead import NOTHING_DECIDED
from engine.app.lint.altered import AlteredTape
from engine.app.lint.compare import first_difference, last_difference_ns
from engine.app.lint.verdict import Bench, Verdict
from engine.codec.entries import parse_entry
from engine.model.entry import Saved, Stood
from engine.model.instant import NS_PER_S, render_instant
from engine.model.intent import Ticket
from engine.model.journal import JournalRecord, Kept
from engine.model.order import Side

MINUTE_NS: Final = 60 * NS_PER_S
GRID: Final = 12
"""Instants that are considered, evenly from the beginning of the tape to the last decision."""


def check_warmup(bench: Bench) -> Verdict:
    """Started later, with the same history, it decides the same."""
    times = [asked.at_ns for asked in bench.whole.decisions]
    if not times:
        return Verdict(check="warmup", outcome="skipped", sentence=NOTHING_DECIDED)
    begin_ns = bench.open_tape().start_ns
    grid = sorted({_minute(begin_ns + (max(times) - begin_ns) * step // GRID) for step in range(1, GRID)})
    pasts = pasts_of(bench.whole.records, grid)
    starts, held = _choose([at_ns for at_ns in grid if at_ns > begin_ns], pasts)
    if not starts:
        return Verdict(check="warmup", outcome="skipped", sentence="The tape is too short to start later on it.")
    for start_ns in starts:
        verdict = _start_at(bench, start_ns)
        if verdict is not None and held:
            return Verdict(
                check="warmup",
                outcome="skipped",
                sentence=f"Nothing can be said: wherever it could be started later, it had a past ({held}).",
            )
        if verdict is not None:
            return verdict
    when = " and ".join(render_instant(start_ns) for start_ns in starts)
    return Verdict(check="warmup", outcome="ok", sentence=f"Started at {when}, it decided as if it had run before.")


def _choose(grid: Sequence[int], pasts: dict[int, str]) -> tuple[list[int], str]:
    """Two instants to start at, and what of its past the strategy had at them; empty is best."""
    free = [at_ns for at_ns in grid if not pasts.get(at_ns)]
    chosen = free or list(grid)
    if not chosen:
        return [], ""
    held = "" if free else next((pasts[at_ns] for at_ns in chosen if pasts.get(at_ns)), "")
    return sorted({chosen[len(chosen) // 2], chosen[-1]}), held


def _start_at(bench: Bench, start_ns: int) -> Verdict | None:
    """What is found when it is started at this instant."""
    later = bench.again(tape=AlteredTape(bench.open_tape(), start_ns=start_ns))
    # What it does first of all, such as ending what a former run left open, it does when it starts.
    found = first_difference(bench.whole.decisions, later.decisions, from_ns=start_ns + 1)
    if found is None:
        return None
    last_ns = last_difference_ns(bench.whole.decisions, later.decisions, from_ns=start_ns + 1) or found.at_ns
    ends_ns = max(asked.at_ns for asked in (*bench.whole.decisions, *later.decisions))
    bars = (last_ns - start_ns) // MINUTE_NS + 1
    when = "to the end of the tape" if last_ns >= ends_ns else f"for {bars} minute bar{'s' if bars != 1 else ''}"
    return Verdict(
        check="warmup",
        outcome="finding",
        sentence=f"Started at {render_instant(start_ns)} it decides differently than if it had run before, {when}.",
        evidence=found.lines("ran before", "started then"),
        advice="Ask for more warm-up (warmup= of ctx.bars, or ctx.history), or wait until what it computes is ready.",
    )


def pasts_of(records: Iterable[JournalRecord], instants: Sequence[int]) -> dict[int, str]:
    """At each of these instants, which are in order, what the strategies held, had open or had saved; in words."""
    tickets: dict[str, Ticket] = {}
    saved: set[str] = set()
    pasts: dict[int, str] = {}
    waiting = list(reversed(instants))
    for record in records:
        while waiting and record.at_ns >= waiting[-1]:
            pasts[waiting.pop()] = _words(tickets.values(), saved)
        if isinstance(record, Kept):
            entry = parse_entry(record.entry)
            if isinstance(entry, Stood):
                tickets[entry.ticket.client_order_id] = entry.ticket
            elif isinstance(entry, Saved):
                saved.add(entry.strategy)
    while waiting:
        pasts[waiting.pop()] = _words(tickets.values(), saved)
    return pasts


def _words(tickets: Iterable[Ticket], saved: Iterable[str]) -> str:
    held: dict[str, Decimal] = defaultdict(Decimal)
    for ticket in tickets:
        if ticket.open:
            return "an open order"
        for fill in ticket.fills:
            held[fill.symbol] += fill.qty if fill.side is Side.BUY else -fill.qty
    for symbol, qty in sorted(held.items()):
        if qty:
            return f"{qty.normalize():f} {symbol}"
    return "something saved in ctx.state" if list(saved) else ""


def _minute(at_ns: int) -> int:
    return at_ns - at_ns % MINUTE_NS
