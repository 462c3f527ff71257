"""What a person should look at first in a report: each a sentence, the worst first, and nothing where all was well."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

from engine.app.postmortem.units import times
from engine.core.blotter.executions import symbol_of
from engine.model.control import Alarm, Connected, Gap, Lost
from engine.model.intent import Outcome, Ticket
from engine.model.order import OrderStatus

if TYPE_CHECKING:
    from engine.app.postmortem.story import Story

Weight: TypeAlias = Literal["bad", "warning", "note"]
_RANK: Final[Mapping[Weight, int]] = {"bad": 0, "warning": 1, "note": 2}
NAMED_MAX: Final = 5
"""Things that one sentence names; the rest is counted."""


@frozen
class Finding:
    """One sentence, and how much it weighs."""

    weight: Weight
    text: str


def find(story: "Story", torn: Mapping[str, int]) -> list[Finding]:
    """Everything worth a sentence. ``torn``: bytes behind the last whole block, by file."""
    found = [*_of_process(story, torn), *_of_strategies(story), *_of_orders(story), *_of_line(story)]
    found += [Finding("note", remark) for remark in story.remarks]
    return sorted(found, key=lambda one: _RANK[one.weight])


def _of_process(story: "Story", torn: Mapping[str, int]) -> Iterator[Finding]:
    manifest = story.manifest
    if not manifest.finished:
        yield Finding(
            "bad",
            "The session did not end in order, or still runs: what is told here ends with what was written down "
            f"(at most {manifest.window_s:g} s are lost with a process).",
        )
    for name, size in torn.items():
        yield Finding("warning", f"{size:,} bytes at the end of {name} are torn and left out.")
    for number, run in enumerate(manifest.runs, 1):
        if run.failure:
            yield Finding("bad", f"Run {number} stopped recording: {run.failure}")
    if len(manifest.runs) > 1:
        yield Finding(
            "warning",
            f"{len(manifest.runs)} processes wrote this session: between them it ran nowhere (see the timeline).",
        )
    error = story.closing.get("error")
    if error:
        yield Finding("bad", f"The session ended by an error: {error}")
    if not story.closing:
        yield Finding("note", "The figures of the session's end were not recorded: lines and queues are not counted.")
    elif not (story.closing.get("conservation") or {}).get("holds", True):
        yield Finding("bad", "The books of events do not balance: some were lost without a word. Please report this.")


def _of_strategies(story: "Story") -> Iterator[Finding]:
    failed = [run for run in story.journal.runs if run.how == "failed"]
    counts = Counter(run.strategy for run in failed)
    for name, count in list(counts.items())[:NAMED_MAX]:
        last = [run for run in failed if run.strategy == name][-1]
        yield Finding("bad", f"{name} failed {times(count)}, the last time: {last.error}")
    if len(counts) > NAMED_MAX:
        yield Finding("bad", f"{len(counts) - NAMED_MAX} more strategies failed; the table of strategies says how.")
    killed = (story.closing.get("account") or {}).get("killed")
    if killed:
        yield Finding("bad", f"The kill switch was tripped: {killed}")


def _of_orders(story: "Story") -> Iterator[Finding]:
    mine = [ticket for ticket in story.tickets if ticket.strategy]
    unknown = [
        ticket for ticket in mine if ticket.order is None and ticket.outcome in (Outcome.UNKNOWN, Outcome.INTENDED)
    ]
    if unknown:
        yield Finding("bad", f"Nobody knows what became of {_orders(len(unknown))}: {_names(unknown)}. Ask the broker.")
    still = [ticket for ticket in mine if ticket.order is not None and ticket.open]
    if still:
        yield Finding("warning", f"{_orders(len(still))} still worked at the end: {_names(still)}.")
    held = [trip for trip in story.trips if trip.closed_ns is None]
    if held:
        named = ", ".join(f"{trip.strategy} {trip.symbol}" for trip in held[:NAMED_MAX])
        yield Finding(
            "warning",
            f"{len(held)} position{'s were' if len(held) > 1 else ' was'} open at the end: {named}{_more(held)}.",
        )
    refused = [
        ticket
        for ticket in mine
        if ticket.outcome in (Outcome.REFUSED, Outcome.DROPPED, Outcome.ABSENT)
        or (ticket.order is not None and ticket.order.status is OrderStatus.REJECTED)
    ]
    if refused:
        yield Finding("note", f"{_orders(len(refused))} came to nothing; the table of orders says why.")
    if story.tickets_from == "journal":
        yield Finding(
            "warning",
            "How orders stood at the end was not written down: they are told as strategies saw them last. Fills that "
            "no strategy looked at are missing, and their profits with them.",
        )
    if story.tickets_from == "orders" and not story.manifest.finished:
        yield Finding("note", "Orders are told as they were noted last, at most some seconds before the end.")
    if story.orders_lost:
        yield Finding(
            "bad",
            "The session decided about orders, and none are in its folder: it died, or was read, before they were "
            "written. So profit and trades are not known here; the account's order file and the broker know them.",
        )
    foreign = [ticket for ticket in story.tickets if not ticket.strategy]
    if foreign:
        yield Finding(
            "note", f"{_orders(len(foreign))} on the account were not of these strategies, and count nowhere here."
        )


def _of_line(story: "Story") -> Iterator[Finding]:
    controls = story.journal.controls
    gaps = [event for event in controls if isinstance(event, Gap)]
    if gaps:
        causes = Counter(gap.cause.replace("_", " ") for gap in gaps)
        named = ", ".join(f"{count:,} {cause}" for cause, count in causes.most_common())
        yield Finding("warning", f"{_count(len(gaps), 'gap')} told and left open: {named}.")
    lost = Counter(event.feed for event in controls if isinstance(event, Lost))
    last = {event.feed: event for event in controls if isinstance(event, Lost | Connected)}
    back = [feed for feed in lost if isinstance(last[feed], Connected)]
    if back:
        named = ", ".join(f"{feed} {times(lost[feed])}" for feed in back)
        yield Finding("note", f"Lines were lost and came back: {named}.")
    for feed, count in lost.items():
        if feed not in back:
            yield Finding("warning", f"Line {feed} was lost {times(count)}, and was not back at the end.")
    alarms = [event for event in controls if isinstance(event, Alarm)]
    if alarms:
        yield Finding("warning", f"{_count(len(alarms), 'alarm')} raised, the last: {alarms[-1].message}")


def _names(tickets: Sequence[Ticket]) -> str:
    told = [f"{ticket.strategy} {symbol_of(ticket)} ({ticket.client_order_id})" for ticket in tickets[:NAMED_MAX]]
    return ", ".join(told) + _more(tickets)


def _more(items: Sequence[object]) -> str:
    return f" and {len(items) - NAMED_MAX} more" if len(items) > NAMED_MAX else ""


def _orders(count: int) -> str:
    return _count(count, "order")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
