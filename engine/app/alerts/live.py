"""The alarms of a running session: `engine.ports.alarms.Alarms` over the book, with a clock, and told in the log."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import trio
from attrs import define, evolve, field
from loguru import logger

from engine.core.alerts import Book, Notice, Why
from engine.flow.channel import Waker
from engine.model.alert import TITLE_CHARS_MAX, Alarm, Finding, Severity
from engine.model.instant import NS_PER_S

LINES_MAX: Final = 60
"""Lines about alarms in the log within a minute; in a storm the rest is counted, and stands in the book."""
KEPT_FOR_CRITICAL: Final = 20
"""Of these so many are for what is critical, however many warnings there are: without a channel the log is all that a
person has."""
LINES_WITHIN_S: Final = 60.0
_LEVELS: Final = {Severity.INFO: "INFO", Severity.WARNING: "WARNING", Severity.CRITICAL: "CRITICAL"}


@define(eq=False, kw_only=True)
class LiveAlarms:
    """``wall_ns`` is this machine's clock; ``redact`` removes secrets from what strategies and libraries say.

    Intervals go by Trio's clock, set to the wall's time at the beginning: a clock that is put back would otherwise
    keep reminders waiting. The time that people read goes by the wall's clock as it is, in ``zone``.
    """

    book: Book
    wall_ns: Callable[[], int]
    redact: Callable[[str], str] = str
    zone: ZoneInfo | None = None
    said: tuple[str, ...] = ()
    """Beginnings of keys whose alarms are said in the log where they come from: here only for who reads it all."""
    news: Waker = field(factory=Waker, init=False)
    """Wakes who looks for what is due."""
    _began_s: float = field(init=False)
    _clean: Callable[[str, str], tuple[str, str]] = field(init=False)
    _lines: int = field(default=0, init=False)
    _unwritten: int = field(default=0, init=False)
    _lines_since_s: float = field(default=float("-inf"), init=False)

    def __attrs_post_init__(self) -> None:
        self._began_s = self.wall_ns() / NS_PER_S - trio.current_time()
        # A condition is found again each second in the same words; 4096 of them are some 2 MB.
        self._clean = lru_cache(maxsize=4096)(self._cleaned)

    def now_s(self) -> float:
        """Seconds since the epoch; never goes back."""
        return self._began_s + trio.current_time()

    def local(self) -> datetime:
        """The time that people go by."""
        return datetime.fromtimestamp(self.wall_ns() / NS_PER_S, UTC).astimezone(self.zone)

    # -- engine.ports.alarms.Alarms

    def hold(self, source: str, findings: Iterable[Finding]) -> None:
        """All that this source finds to hold now: what it held before and does not any more is over."""
        for alarm in self.book.hold(source, map(self._redacted, findings), self.now_s()):
            self._log(alarm)
        self._wake()

    def tell(self, finding: Finding) -> None:
        """It happened: there is nothing that could be over."""
        alarm = self.book.tell(self._redacted(finding), self.now_s())
        if alarm is not None:
            self._log(alarm)
        self._wake()

    def standing(self) -> Sequence[Alarm]:
        """The alarms that hold or wait to be looked at, and the latest of those that are over; the newest first."""
        return self.book.standing()

    def acknowledge(self, key: str, by: str) -> bool:
        """Somebody has seen it and takes care: no more reminders. ``False`` where no such alarm stands."""
        taken = self.book.acknowledge(key, by, self.now_s())
        if taken:
            self._line("INFO", f"Alarm acknowledged by {by}: {key}")
            self._wake()
        return taken

    # -- what is due

    def due(self, *, closing: bool = False) -> Sequence[Notice]:
        """The notices to send now. What is over by now is told in the log, and so is each reminder of what is critical:
        whoever has no channel reads nothing else."""
        due = self.book.due(self.now_s(), self.local(), closing=closing)
        for alarm in due.over:
            held_s = alarm.last_s - alarm.since_s
            level = "DEBUG" if alarm.finding.key.startswith(self.said) else "SUCCESS"
            self._line(level, f"Alarm over after {held_s:.0f} s: {alarm.finding.title} ({alarm.finding.key})")
        for notice in due.notices:
            if notice.why is Why.REMINDER:
                self._line("CRITICAL", f"{notice.title.rstrip('.')}. {notice.text}")
        return due.notices

    def _wake(self) -> None:
        if self.book.look_s <= self.now_s():
            self.news.wake()

    def _redacted(self, finding: Finding) -> Finding:
        title, text = self._clean(finding.title, finding.text)
        if title is finding.title and text is finding.text:
            return finding
        return evolve(finding, title=title, text=text)

    def _cleaned(self, title: str, text: str) -> tuple[str, str]:
        clean_title, clean_text = self.redact(title)[:TITLE_CHARS_MAX], self.redact(text)
        return (title if clean_title == title else clean_title), (text if clean_text == text else clean_text)

    def _log(self, alarm: Alarm) -> None:
        found = alarm.finding
        title = found.title.rstrip(".")
        about = f". {found.text}" if found.text else ""
        level = "DEBUG" if found.key.startswith(self.said) else _LEVELS[found.severity]
        self._line(level, f"Alarm, {found.severity.value}: {title}{about} ({found.key})")

    def _line(self, level: str, sentence: str) -> None:
        now_s = self.now_s()
        if now_s - self._lines_since_s >= LINES_WITHIN_S:
            if self._unwritten:
                logger.warning("{} more lines about alarms were not written in that minute", self._unwritten)
            self._lines, self._unwritten, self._lines_since_s = 0, 0, now_s
        if self._lines >= (LINES_MAX if level == "CRITICAL" else LINES_MAX - KEPT_FOR_CRITICAL):
            self._unwritten += 1
        else:
            self._lines += 1
            logger.log(level, "{}", " ".join(sentence.split()))
