"""What a person is told: one notice about one alarm, or about many together, in plain words of bounded length."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import frozen

from engine.model.alert import Alarm, Severity

LINES_MAX: Final = 30
"""Alarms of a digest that are told with their titles: two screens of a telephone."""
DIGEST_CHARS_MAX: Final = 6000
"""Length of a digest: some four hundred keys. What is beyond is counted, and stands where alarms are looked at."""
GROUPS_MAX: Final = 20
"""Groups of keys by which what is beyond is counted."""


class Why(StrEnum):
    """What a notice is for."""

    RAISED = "raised"
    AGAIN = "again"
    REMINDER = "reminder"
    OVER = "over"
    DIGEST = "digest"
    HEARTBEAT = "heartbeat"
    TEST = "test"


@frozen(kw_only=True)
class Notice:
    """To be sent now. ``severity`` is that of what it is about, also where it tells that this is over.

    ``further``: it goes to the further channels too, because nobody has answered for long.
    """

    why: Why
    severity: Severity
    title: str
    text: str = ""
    keys: tuple[str, ...] = ()
    further: bool = False


@frozen
class Watch:
    """The moment of a notice on both clocks: ``now_s`` that alarms are kept by, ``local`` that people read."""

    now_s: float
    local: datetime

    def read(self, at_s: float) -> str:
        """An instant of the first clock as a person reads it; with the date where that is another day."""
        moment = (self.local.astimezone(UTC) - timedelta(seconds=self.now_s - at_s)).astimezone(self.local.tzinfo)
        return moment.strftime("%H:%M:%S" if moment.date() == self.local.date() else "%Y-%m-%d %H:%M:%S")


def notice_of(alarm: Alarm, why: Why, severity: Severity, watch: Watch, *, further: bool = False) -> Notice:
    """A notice about one alarm."""
    word = severity.value.upper()
    head = {Why.AGAIN: f"{word} AGAIN", Why.REMINDER: f"STILL {word}", Why.OVER: "OVER"}.get(why, word)
    return Notice(
        why=why,
        severity=severity,
        title=f"{head}: {alarm.finding.title}",
        text="\n".join(filter(None, (alarm.finding.text, _story(alarm, why, watch, further=further)))),
        keys=(alarm.finding.key,),
        further=further,
    )


def _story(alarm: Alarm, why: Why, watch: Watch, *, further: bool) -> str:
    told = f"Since {watch.read(alarm.since_s)}"
    if alarm.count > 1:
        told += f", found {alarm.count} times, last at {watch.read(alarm.last_s)}"
    if alarm.over and why is Why.OVER:
        told += f"; over since {watch.read(alarm.last_s)}"
    elif alarm.over:
        told += "; it is over by now"
    if further:
        told += ". Nobody has acknowledged it, so it is told here too"
    return f"{told}. ({alarm.finding.key})"


def digest_of(alarms: Sequence[tuple[Alarm, Why, Severity]], because: str, *, further: bool = False) -> Notice:
    """One notice about many alarms, the worst first. ``because`` ends the title in a few words."""
    ranked = sorted(alarms, key=lambda one: -one[2].rank)
    counts = Counter(severity for _, why, severity in ranked if why is not Why.OVER)
    told = [f"{counts[severity]} {severity.value}" for severity in reversed(Severity) if counts[severity]]
    if over := sum(why is Why.OVER for _, why, _ in ranked):
        told.append(f"{over} over")
    return Notice(
        why=Why.DIGEST,
        severity=ranked[0][2],
        title=f"{len(ranked)} alarms ({', '.join(told)}) {because}",
        text=_listed(ranked),
        keys=tuple(alarm.finding.key for alarm, _, _ in ranked),
        further=further,
    )


def _listed(ranked: Sequence[tuple[Alarm, Why, Severity]]) -> str:
    lines, used = [], 0
    for alarm, why, severity in ranked[:LINES_MAX]:
        word = "over" if why is Why.OVER else severity.value
        times = f", {alarm.count} times" if alarm.count > 1 else ""
        gone = ", over by now" if alarm.over and why is not Why.OVER else ""
        lines.append(f"{word}: {alarm.finding.title} ({alarm.finding.key}{times}{gone})")
        used += len(lines[-1]) + 1
    return "\n".join([*lines, *_named([alarm.finding.key for alarm, _, _ in ranked[LINES_MAX:]], used)])


def _named(keys: Iterable[str], used: int) -> Iterable[str]:
    """The keys of one group on one line each, as far as there is room; then how many more there are."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        group, _, name = key.rpartition("/")
        groups.setdefault(group, []).append(name)
    beyond: Counter[str] = Counter()
    for group, names in groups.items():
        used += len(group) + 2
        fitting = 0
        for name in names:
            if used + len(name) + 2 > DIGEST_CHARS_MAX:
                break
            used += len(name) + 2
            fitting += 1
        if fitting:
            yield f"{group or 'others'}: {', '.join(names[:fitting])}"
        if fitting < len(names):
            beyond[group.partition("/")[0] or "others"] += len(names) - fitting
    if beyond:
        counted = ", ".join(f"{count} of {group}" for group, count in beyond.most_common(GROUPS_MAX))
        yield f"and {beyond.total()} more: {counted}; 'gapless top' shows all"


def heartbeat_of(standing: Sequence[Alarm]) -> Notice:
    """The daily word: that all is well, or what is not."""
    holding = [alarm for alarm in standing if not alarm.over and alarm.finding.severity is not Severity.INFO]
    if not holding:
        return Notice(why=Why.HEARTBEAT, severity=Severity.INFO, title="All well: no alarm stands")
    told = digest_of([(alarm, Why.RAISED, alarm.finding.severity) for alarm in holding], "stand")
    return Notice(
        why=Why.HEARTBEAT, severity=Severity.INFO, title=f"Alive, but not all well: {told.title}", text=told.text
    )
