"""What happened to processes, lines and strategies, as lanes of a timeline: when each was up, down, or missing."""

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import define, field, frozen

from engine.app.postmortem.read.records import Journal
from engine.model.control import Alarm, Connected, ControlEvent, Gap, Halted, Lost, Resumed, Stale
from engine.store.session import Manifest

STRETCHES_MAX: Final = 400
"""Of one lane: more cannot be told apart on a screen. Those of a part of the time are then told as one."""
STRETCHES_OF_ALL: Final = 4000
"""Of all lanes: half a megabyte of the page."""
_NO_END: Final = "its end is not recorded (it runs, or it died)"
STRETCHES_MIN: Final = 20
"""Of one lane, however many lanes there are."""
_WORST: Final = ("failed", "gap", "down", "repair", "up")
HAPPENINGS_MAX: Final = 400
"""Lines of the list; the rest is counted, and in ``gapless journal``."""


@frozen
class Stretch:
    """A part of a lane. ``state``: ``up``, ``down``, ``repair`` (reading what was missed), ``gap``, ``failed``."""

    start_ns: int
    end_ns: int
    state: str
    text: str


@define
class Lane:
    """One row of the timeline. ``kind``: ``process``, ``line``, ``strategy``, ``gaps``."""

    kind: str
    name: str
    stretches: list[Stretch] = field(factory=list)

    def add(self, start_ns: int, end_ns: int, state: str, text: str) -> None:
        """Add a stretch."""
        self.stretches.append(Stretch(start_ns, max(start_ns, end_ns), state, text))


@frozen
class Happening:
    """One line of the list below the timeline."""

    at_ns: int
    what: str
    where: str
    text: str


@frozen
class Timeline:
    """The lanes, and everything that happened in words, the oldest first."""

    lanes: tuple[Lane, ...]
    happenings: tuple[Happening, ...]
    more: int = 0
    """Happenings that are not listed."""


def build_timeline(manifest: Manifest, journal: Journal, start_ns: int, end_ns: int) -> Timeline:
    """The timeline of a session between two instants of market time."""
    lanes = [_process_lane(manifest, end_ns)]
    lanes += _line_lanes(journal.controls, end_ns)
    lanes += _strategy_lanes(journal, end_ns)
    gaps = [event for event in journal.controls if isinstance(event, Gap)]
    lanes += _gap_lanes(gaps)
    most = max(min(STRETCHES_OF_ALL // len(lanes), STRETCHES_MAX), STRETCHES_MIN)
    for lane in lanes:
        lane.stretches = coarse(lane.stretches, start_ns, end_ns, most)
    told = sorted([*_of_runs(manifest), *_of_strategies(journal), *_of_controls(journal.controls)], key=_when)
    told = [one for one in told if one.at_ns >= start_ns or one.what == "gap"]
    more = max(0, len(told) - HAPPENINGS_MAX) + journal.controls_more
    return Timeline(tuple(lanes), tuple(told[-HAPPENINGS_MAX:]), more)


def coarse(stretches: list[Stretch], start_ns: int, end_ns: int, most: int) -> list[Stretch]:
    """No more than ``most`` of them, for all of the time: those that begin in one part of it are told by the worst of
    them until that part is over, and from there the one that goes on longest by itself."""
    if len(stretches) <= most:
        return stretches
    parts = most // 2
    width = max((end_ns - start_ns) // parts + 1, 1)
    by_part: dict[int, list[Stretch]] = {}
    for one in stretches:
        by_part.setdefault(min(max((one.start_ns - start_ns) // width, 0), parts - 1), []).append(one)
    found = []
    for part, mine in sorted(by_part.items()):
        worst = min(mine, key=lambda one: _WORST.index(one.state))
        last = max(mine, key=lambda one: one.end_ns)
        first_ns, over_ns = min(one.start_ns for one in mine), start_ns + (part + 1) * width
        text = worst.text if len(mine) == 1 else f"{worst.text}; the worst of {len(mine):,}"
        found.append(Stretch(first_ns, min(last.end_ns, over_ns), worst.state, text))
        if last.end_ns > over_ns:
            found.append(Stretch(over_ns, last.end_ns, last.state, last.text))
    return found


def _when(one: Happening) -> int:
    return one.at_ns


def _process_lane(manifest: Manifest, end_ns: int) -> Lane:
    lane = Lane("process", "process")
    for number, run in enumerate(manifest.runs):
        following = manifest.runs[number + 1].started_ns if number + 1 < len(manifest.runs) else None
        if run.ended_ns is not None:
            state = "failed" if run.failure else "up"
            lane.add(run.started_ns, run.ended_ns, state, run.failure or f"run {number + 1}, ended in order")
        elif following is not None:
            lane.add(run.started_ns, following, "failed", f"run {number + 1} died before the next began")
        else:
            lane.add(run.started_ns, end_ns, "up", f"run {number + 1}")
            if not manifest.finished:
                lane.add(end_ns, end_ns, "failed", f"run {number + 1}: {_NO_END}")
    return lane


def _line_lanes(controls: Sequence[ControlEvent], end_ns: int) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    repaired = {event.feed for event in controls if isinstance(event, Resumed | Gap)}
    """Lines that read what they missed: that of the account is up once it is open."""
    state: dict[str, tuple[int, str, str]] = {}
    """By feed: since when it is how, and why."""

    def turn(feed: str, at_ns: int, now: str, why: str) -> None:
        lane = lanes.setdefault(feed, Lane("line", f"line {feed}"))
        if feed in state:
            since_ns, was, text = state[feed]
            lane.add(since_ns, at_ns, was, text)
        state[feed] = (at_ns, now, why)

    for event in controls:
        if isinstance(event, Lost):
            turn(event.feed, event.at_ns, "down", f"lost: {event.reason}")
        elif isinstance(event, Connected):
            again = event.feed in repaired and state.get(event.feed, (0, "", ""))[1] == "down"
            turn(event.feed, event.at_ns, "repair" if again else "up", "reading what was missed" if again else "up")
        elif isinstance(event, Resumed):
            turn(event.feed, event.at_ns, "up", "up")
    for feed, (since_ns, was, text) in state.items():
        lanes[feed].add(since_ns, end_ns, was, text)
    return [lanes[feed] for feed in sorted(lanes)]


def _strategy_lanes(journal: Journal, end_ns: int) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    following: dict[str, int] = {}
    """By strategy: when the run behind this one began."""
    for run in reversed(journal.runs):
        until_ns = following.get(run.strategy, end_ns) if run.ended_ns is None else run.ended_ns
        following[run.strategy] = run.started_ns
        how = f"run {run.number}: {run.how or _NO_END}{f', {run.error}' if run.error else ''}"
        lane = lanes.setdefault(run.strategy, Lane("strategy", run.strategy))
        if run.ended_ns is None:
            lane.add(until_ns, until_ns, "failed", how)
        lane.add(run.started_ns, until_ns, "failed" if run.how == "failed" else "up", how)
    for lane in lanes.values():
        lane.stretches.reverse()
    return [lanes[name] for name in sorted(lanes)]


def _gap_lanes(gaps: Sequence[Gap]) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    for gap in gaps:
        lane = lanes.setdefault(gap.cause, Lane("gaps", f"gaps: {gap.cause.replace('_', ' ')}"))
        lane.add(gap.start_ns, gap.end_ns, "gap", _gap_text(gap))
    return [lanes[cause] for cause in sorted(lanes)]


def _gap_text(gap: Gap) -> str:
    missing = "some may be missing" if gap.count is None else f"{gap.count:,} missing"
    return f"{gap.stream}: {missing}, {gap.recovered:,} recovered ({gap.cause.replace('_', ' ')})"


def _of_runs(manifest: Manifest) -> Iterable[Happening]:
    for number, run in enumerate(manifest.runs, 1):
        torn = f"; {run.torn:,} bytes of a torn tail were cut" if run.torn else ""
        again = f"went on behind event {run.after_seq:,}{torn}" if number > 1 else "began"
        yield Happening(run.started_ns, "process", f"run {number}", again)
        if run.failure:
            yield Happening(run.ended_ns or run.started_ns, "process", f"run {number}", run.failure)


def _of_strategies(journal: Journal) -> Iterable[Happening]:
    for run in journal.runs:
        if run.number > 1:
            yield Happening(run.started_ns, "restart", run.strategy, f"run {run.number} began")
        if run.how == "failed" and run.ended_ns is not None:
            yield Happening(run.ended_ns, "failed", run.strategy, run.error)


def _of_controls(controls: Iterable[ControlEvent]) -> Iterable[Happening]:
    for event in controls:
        if isinstance(event, Connected):
            yield Happening(event.at_ns, "connected", event.feed, "the line is open, logged in and subscribed")
        elif isinstance(event, Lost):
            yield Happening(event.at_ns, "lost", event.feed, f"{event.reason}; again in {event.retry_in_s:.1f} s")
        elif isinstance(event, Resumed):
            text = f"after {event.outage_s:.1f} s; {event.backfilled:,} recovered, {event.gaps:,} holes left"
            yield Happening(event.at_ns, "resumed", event.feed, text)
        elif isinstance(event, Gap):
            yield Happening(event.at_ns, "gap", event.feed, _gap_text(event))
        elif isinstance(event, Stale):
            yield Happening(event.at_ns, "silent", event.feed, f"for {event.silent_s:.1f} s")
        elif isinstance(event, Halted):
            yield Happening(event.at_ns, "halted", event.strategy, event.reason)
        elif isinstance(event, Alarm):
            yield Happening(event.at_ns, "alarm", event.feed, event.message)
