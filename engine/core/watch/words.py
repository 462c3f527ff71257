"""What a person is told of silences: what, where, since when, and what to do next."""

from typing import Final

from engine.core.watch.ear import Ear
from engine.core.watch.listening import FeedEars
from engine.model.alert import Finding, Severity
from engine.model.instant import render_instant
from engine.model.stream import Stream

STREAMS_NAMED_MAX: Final = 10
"""Silent streams of one feed that have an alarm each, the first that were found; the rest have one together, or half a
subscription that the venue forgot would be two hundred."""


def find_silences(feed: FeedEars) -> list[Finding]:
    """The alarms that stand about a feed: one about its line, or else one about each stream."""
    if feed.doubt.alarmed_ns:
        return [_line(feed)]
    silent = feed.silent
    rest = silent[STREAMS_NAMED_MAX:]
    return [_stream(feed, ear) for ear in silent[:STREAMS_NAMED_MAX]] + ([_several(feed, rest)] if rest else [])


def _line(feed: FeedEars) -> Finding:
    since = render_instant(feed.doubt.alarmed_ns)
    canary = "" if feed.canary is None else f" Its canary is {feed.canary}, {_limits(feed.ears[feed.canary])}."
    return Finding(
        key=f"silent/{feed.feed}",
        severity=Severity.CRITICAL,
        title=f"{feed.feed}: the line is open and brings nothing",
        text=f"Since {since} no stream of {feed.feed} has brought anything, although there is data.{canary} "
        f"{_mending(feed)} If it comes back, look at the venue's status page, and whether another program uses "
        "these keys.",
        at_ns=feed.doubt.alarmed_ns,
    )


def _stream(feed: FeedEars, ear: Ear) -> Finding:
    never = "Nothing has ever come of it" if not ear.heard_ns else "Nothing has come of it"
    return Finding(
        key=_key(feed.feed, ear.stream),
        severity=Severity.CRITICAL,
        title=f"{feed.feed}: {ear.stream} is silent while its line is not",
        text=f"{never} since {render_instant(ear.doubt.alarmed_ns)}, and history has what it should have brought, or "
        f"cannot say; {_limits(ear)}. "
        f"{_mending(feed)} If it stays silent, look whether the symbol was renamed or delisted, and subscribe anew.",
        at_ns=ear.doubt.alarmed_ns,
    )


def _several(feed: FeedEars, silent: list[Ear]) -> Finding:
    named = ", ".join(str(ear.stream) for ear in silent[:STREAMS_NAMED_MAX])
    since_ns = min(ear.doubt.alarmed_ns for ear in silent)
    return Finding(
        key=f"silent/{feed.feed}/several",
        severity=Severity.CRITICAL,
        title=f"{feed.feed}: many streams are silent while the line is not",
        text=f"{len(silent)} more since {render_instant(since_ns)}, such as {named}. "
        f"{_mending(feed)} If it comes back, subscribe to "
        "fewer symbols on one feed, and look whether the plan allows so many.",
        at_ns=since_ns,
    )


def _key(feed: str, stream: Stream) -> str:
    return f"silent/{feed}/{stream.kind}/{stream.symbol}"


def _limits(ear: Ear) -> str:
    """What was expected of a stream."""
    learnt = "its cadence is not learnt yet" if ear.learnt_s is None else f"it seldom pauses for {ear.learnt_s:.3g} s"
    return learnt if ear.limit_s is None else f"{learnt} and may for {ear.limit_s:.3g} s"


def _mending(feed: FeedEars) -> str:
    if not feed.tuning.recycle:
        return "Nothing is done about it ([watch] recycle is off): restart the session to open the line again."
    return (
        "The line is opened again, at most "
        f"{feed.tuning.recycles_max} times an hour, and what was missed is read from history; what history has not "
        "is told to strategies as a gap."
    )
