"""The book of alarms: what was found, under one key each, and which notices are due.

Its laws (`tests/core/alerts/test_laws.py`): one alarm a key however often it is found; in any window at most as many
notices as declared; at most two about one alarm in ten minutes; what is critical is never held back by quiet hours;
nothing is lost, what is not told by itself is in a digest; only what was told is told to be over.
"""

import heapq
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from engine.core.alerts.budget import Budget
from engine.core.alerts.entry import NEVER_S, Entry, clipped
from engine.core.alerts.notice import Notice, Watch, Why, digest_of, heartbeat_of, notice_of
from engine.core.alerts.policy import AlertPolicy
from engine.model.alert import Alarm, Finding, Severity

KEYS_MAX: Final = 12_000
"""Alarms in the book: a silence of every US stock that trades. With texts of a thousand letters some 20 MB at worst."""
KEPT_FOR_CRITICAL: Final = 1000
"""Of these so many places are for what is critical, however many warnings there are."""
OVER_TOLD_MAX: Final = 200
"""The latest that are over, among those that stand: more than a person scrolls through."""
TOGETHER: Final = 3
"""More than so many alarms at once that are not critical are told together."""
LOOK_EVERY_S: Final = 30.0
"""How often the clock on the wall is looked at where something waits for it."""
BEYOND: Final = "alerts/beyond"
"""The alarm that tells of alarms that are not kept."""


@frozen
class Due:
    """``notices``: to be sent now. ``over``: alarms that are over since the last look, for the log."""

    notices: tuple[Notice, ...] = ()
    over: tuple[Alarm, ...] = ()


@define(eq=False)
class Book:
    """Alarms by key. ``now_s`` is a clock in seconds since the epoch that does not go backwards."""

    policy: AlertPolicy = field(factory=AlertPolicy)
    look_s: float = field(default=-NEVER_S, init=False)
    """From when on `due` may have something to say; nothing is missed by not asking before."""
    _entries: dict[str, Entry] = field(factory=dict, init=False)
    """The newest last."""
    _restless: dict[str, Entry] = field(factory=dict, init=False)
    """Those of which something may have to be said now."""
    _queue: list[tuple[float, str]] = field(factory=list, init=False)
    """When the others are to be looked at again, the next first (`heapq`)."""
    _waiting: dict[str, Entry] = field(factory=dict, init=False)
    """Those that are to be told, and wait for the next digest."""
    _asleep: dict[str, Entry] = field(factory=dict, init=False)
    """Those that wait for the end of the quiet hours."""
    _done: dict[str, None] = field(factory=dict, init=False)
    """The keys of those that are over and told, the oldest first."""
    _held: dict[str, dict[str, None]] = field(factory=dict, init=False)
    _budget: Budget = field(init=False)
    _beat: date | None = field(default=None, init=False)
    _held_back: bool = field(default=False, init=False)
    _forgotten: int = field(default=0, init=False)
    _not_taken: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._budget = Budget(self.policy.notices_max, self.policy.window_s)

    # -- what is found

    def hold(self, source: str, findings: Iterable[Finding], now_s: float) -> list[Alarm]:
        """All that this source finds to hold now; returns the alarms that are new, or worse than they were."""
        news: list[Alarm] = []
        before, now = self._held.get(source, {}), {finding.key: finding for finding in findings}
        kept: dict[str, None] = {}
        for key, finding in now.items():
            entry = self._entries.get(key)
            if entry is not None and key in before:
                if entry.found(finding, now_s):
                    self._wake(entry, now_s)
                    news.append(entry.alarm())
            else:
                entry, new = self._come(entry, finding, now_s)
                if entry is None:
                    continue
                if new:
                    news.append(entry.alarm())
                entry.holders.add(source)
            kept[key] = None
        for key in before:
            gone = self._entries.get(key) if key not in now else None
            if gone is not None:
                gone.holders.discard(source)
                gone.end(now_s)
                self._wake(gone, now_s)
        self._held[source] = kept
        return news

    def tell(self, finding: Finding, now_s: float) -> Alarm | None:
        """It happened; returns the alarm if it is new, or worse than it was."""
        entry = self._entries.get(finding.key)
        if entry is None:
            entry = self._add(finding, now_s)
            if entry is None:
                return None
            entry.happened = True
            return entry.alarm()
        new = entry.happen(finding, now_s, self.policy.settle_s)
        self._freshen(entry, now_s, new=new)
        return entry.alarm() if new else None

    def acknowledge(self, key: str, by: str, now_s: float) -> bool:
        """Somebody takes care of it; ``False`` where no such alarm stands."""
        entry = self._entries.get(key)
        if entry is None or entry.over:
            return False
        entry.acknowledge(by, now_s)
        self._wake(entry, now_s)
        return True

    def standing(self) -> Sequence[Alarm]:
        """What holds or waits to be looked at, and the latest of what is over; the newest first."""
        told, over = [], 0
        for entry in reversed(self._entries.values()):
            over += entry.over
            if not entry.over or over <= OVER_TOLD_MAX:
                told.append(entry.alarm())
        return told

    def _come(self, entry: Entry | None, finding: Finding, now_s: float) -> tuple[Entry | None, bool]:
        if entry is None:
            entry = self._add(finding, now_s)
            return entry, entry is not None
        # Another source holds it already: the same alarm, and nothing came.
        new = entry.found(finding, now_s) if entry.holders else entry.come(finding, now_s)
        self._freshen(entry, now_s, new=new)
        return entry, new

    def _freshen(self, entry: Entry, now_s: float, *, new: bool) -> None:
        key = entry.finding.key
        self._done.pop(key, None)
        if new:
            self._entries[key] = self._entries.pop(key)
        self._wake(entry, now_s)

    def _wake(self, entry: Entry, now_s: float) -> None:
        self._restless[entry.finding.key] = entry
        self.look_s = min(self.look_s, now_s)

    # -- how much is kept

    def _add(self, finding: Finding, now_s: float) -> Entry | None:
        """A new entry, in the place of the oldest one that is over where there is no other; ``None``: no place."""
        places = KEYS_MAX if finding.severity is Severity.CRITICAL else KEYS_MAX - KEPT_FOR_CRITICAL
        if len(self._entries) >= places and finding.key != BEYOND:
            if self._done:
                oldest = next(iter(self._done))
                del self._done[oldest], self._entries[oldest]
                self._forgotten += 1
            else:
                self._not_taken += 1
            self._tell_beyond(now_s)
            if len(self._entries) >= places:
                return None
        entry = self._entries[finding.key] = Entry(clipped(finding), now_s)
        self._wake(entry, now_s)
        return entry

    def _tell_beyond(self, now_s: float) -> None:
        """Say how many alarms are not kept."""
        worst = Severity.WARNING if self._not_taken else Severity.INFO
        self.tell(
            Finding(
                key=BEYOND,
                severity=worst,
                title=f"More alarms than are kept: {self._forgotten} that were over are forgotten, "
                f"{self._not_taken} findings were not taken",
                text=f"The book holds {KEYS_MAX} alarms. Acknowledge what was looked at; what holds is found again.",
            ),
            now_s,
        )

    # -- what is due

    def due(self, now_s: float, local: datetime, *, closing: bool = False) -> Due:
        """The notices to send now. ``local`` is the time that people go by, with its zone.

        ``closing``: nobody will ask again. So what was held back is told, by one digest, whatever the hour.
        """
        watch = Watch(now_s, local)
        quiet = self.policy.quiet is not None and self.policy.quiet.covers(local.time()) and not closing
        self.look_s = NEVER_S if self.policy.heartbeat_at is None else now_s + LOOK_EVERY_S
        self._wake_queued(NEVER_S if closing else now_s)
        for kept, free in ((self._waiting, self._budget.digest_at_s() <= now_s), (self._asleep, not quiet)):
            if free or closing:
                self._restless.update(kept)
                kept.clear()
        over: list[Alarm] = []
        ready: list[tuple[Entry, Why]] = []
        for key, entry in list(self._restless.items()):
            if entry.settle(now_s, self.policy):
                over.append(entry.alarm())
            why, at_s = entry.next_step(self.policy)
            if entry.done:
                del self._restless[key]
                self._done[key] = None
            elif why is None or (at_s > now_s and not (closing and entry.unsaid)):
                self._rest(entry)
            elif quiet and entry.severity is not Severity.CRITICAL:
                self._held_back = True
                self._park(entry, self._asleep)
            else:
                ready.append((entry, why))
        notices = self._told(ready, watch, quiet=quiet, closing=closing)
        if not quiet:
            notices += self._heartbeat(watch)
        if self._asleep:
            self.look_s = min(self.look_s, now_s + LOOK_EVERY_S)
        if self._waiting:
            self.look_s = min(self.look_s, self._budget.digest_at_s())
        if self._queue:
            self.look_s = min(self.look_s, self._queue[0][0])
        return Due(tuple(notices), tuple(over))

    def _park(self, entry: Entry, where: dict[str, Entry]) -> None:
        key = entry.finding.key
        self._restless.pop(key, None)
        where[key] = entry

    def _rest(self, entry: Entry) -> None:
        """Nothing is to be said of it now: look at it again when there may be."""
        key, at_s = entry.finding.key, entry.look_s(self.policy)
        self._restless.pop(key, None)
        if at_s < entry.queued_s:
            entry.queued_s = at_s
            heapq.heappush(self._queue, (at_s, key))

    def _wake_queued(self, now_s: float) -> None:
        while self._queue and self._queue[0][0] <= now_s:
            at_s, key = heapq.heappop(self._queue)
            entry = self._entries.get(key)
            if entry is not None and entry.queued_s == at_s:
                entry.queued_s = NEVER_S
                self._restless[key] = entry

    def _told(self, ready: list[tuple[Entry, Why]], watch: Watch, *, quiet: bool, closing: bool) -> list[Notice]:
        """As many by themselves as there is room for, the worst first; the others together."""
        ready.sort(key=lambda one: (-one[0].severity.rank, one[0].since_s))
        low = sum(entry.severity is not Severity.CRITICAL for entry, _ in ready)
        morning = self._held_back and not quiet
        together = low > TOGETHER or ((morning or closing) and low > 1)
        notices: list[Notice] = []
        rest: list[tuple[Entry, Why]] = []
        for entry, why in ready:
            critical = entry.severity is Severity.CRITICAL
            if (critical or not together) and self._budget.room(watch.now_s, critical=critical):
                self._budget.spend(watch.now_s, critical=critical)
                notices.append(self._say(entry, why, watch))
            else:
                rest.append((entry, why))
        self._held_back = self._held_back and (quiet or bool(rest) or bool(self._waiting))
        if rest and (closing or self._budget.digest_at_s() <= watch.now_s):
            self._held_back = False
            self._budget.spend_digest(watch.now_s)
            notices.append(self._say_together(rest, watch, morning=morning))
        else:
            for entry, _ in rest:
                self._park(entry, self._waiting)
        return notices

    def _say(self, entry: Entry, why: Why, watch: Watch) -> Notice:
        severity = entry.severity
        further = entry.further(why, watch.now_s, self.policy)
        notice = notice_of(entry.alarm(), why, severity, watch, further=further)
        self._note(entry, why, watch.now_s)
        return notice

    def _say_together(self, rest: list[tuple[Entry, Why]], watch: Watch, *, morning: bool) -> Notice:
        if len(rest) == 1:
            return self._say(*rest[0], watch)
        told = [(entry.alarm(), why, entry.severity) for entry, why in rest]
        further = False
        for entry, why in rest:
            further |= entry.further(why, watch.now_s, self.policy)
            self._note(entry, why, watch.now_s)
        return digest_of(told, "in the quiet hours" if morning else "at once", further=further)

    def _note(self, entry: Entry, why: Why, now_s: float) -> None:
        """It was told."""
        entry.say(why, now_s, self.policy)
        if entry.done:
            self._restless.pop(entry.finding.key, None)
            self._done[entry.finding.key] = None
        else:
            self._rest(entry)

    def _heartbeat(self, watch: Watch) -> list[Notice]:
        at, today = self.policy.heartbeat_at, watch.local.date()
        if at is None:
            return []
        passed = watch.local.time() >= at
        if self._beat is None:
            self._beat = today if passed else today - timedelta(days=1)
        if not passed or self._beat >= today or not self._budget.room(watch.now_s, critical=False):
            return []
        self._beat = today
        self._budget.spend(watch.now_s, critical=False)
        return [heartbeat_of(self.standing())]
