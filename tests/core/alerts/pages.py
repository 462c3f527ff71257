"""A book with a clock on the wall, for tests: findings in, and every notice with the second it was told."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from attrs import define, field

from engine.core.alerts import AlertPolicy, Book, Notice
from engine.model.alert import Finding, Severity

NOON_S = datetime(2026, 3, 4, 12, 0, tzinfo=UTC).timestamp()
BERLIN = ZoneInfo("Europe/Berlin")


def finding(key: str, severity: Severity = Severity.WARNING, text: str = "") -> Finding:
    return Finding(key=key, severity=severity, title=f"{key} is not as it should be", text=text)


@define
class Paging:
    """Asks the book for what is due whenever time passes, each second."""

    policy: AlertPolicy = field(factory=AlertPolicy)
    start_s: float = NOON_S
    zone: tzinfo = UTC
    step_s: float = 1.0
    book: Book = field(init=False)
    at_s: float = 0.0
    """Seconds since the start."""
    told: list[tuple[float, Notice]] = field(factory=list)
    over: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.book = Book(self.policy)

    @property
    def now_s(self) -> float:
        return self.start_s + self.at_s

    @property
    def local(self) -> datetime:
        return datetime.fromtimestamp(self.now_s, self.zone)

    def look(self, *, closing: bool = False) -> list[Notice]:
        due = self.book.due(self.now_s, self.local, closing=closing)
        self.told += [(self.at_s, notice) for notice in due.notices]
        self.over += [alarm.finding.key for alarm in due.over]
        return list(due.notices)

    def wait(self, seconds: float) -> list[Notice]:
        """Let time pass; what was told meanwhile."""
        before = len(self.told)
        end_s = self.at_s + seconds
        while self.at_s < end_s:
            self.at_s = min(self.at_s + self.step_s, end_s)
            self.look()
        return [notice for _, notice in self.told[before:]]

    def hold(self, *findings: Finding, source: str = "watch") -> None:
        self.book.hold(source, findings, self.now_s)

    def tell(self, one: Finding) -> None:
        self.book.tell(one, self.now_s)

    def times_of(self, key: str, whys: Iterable[str]) -> list[float]:
        return [at_s for at_s, notice in self.told if key in notice.keys and notice.why in set(whys)]


def most_within(times: Iterable[float], window_s: float) -> int:
    """The most that fall into any window that is open at its end."""
    ordered = list(times)
    return max((sum(first <= at < first + window_s for at in ordered) for first in ordered), default=0)
