"""What the log has of alarms: a line when raised, a line when over, by severity, bounded, without secrets."""

from collections.abc import Iterator

import pytest
import trio
from loguru import logger

from engine.app.alerts.live import KEPT_FOR_CRITICAL, LINES_MAX, LiveAlarms
from engine.core.alerts import Book
from engine.model.alert import TITLE_CHARS_MAX, Finding, Severity

Lines = list[tuple[str, str]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    kept: Lines = []
    sink = logger.add(lambda line: kept.append((line.record["level"].name, line.record["message"])), level="DEBUG")
    yield kept
    logger.remove(sink)


def alarms(**more: object) -> LiveAlarms:
    return LiveAlarms(book=Book(), wall_ns=lambda: 1_772_625_600_000_000_000, **more)


def finding(key: str, severity: Severity = Severity.WARNING, title: str = "SPY is silent") -> Finding:
    return Finding(key=key, severity=severity, title=title, text="Look at the venue.\nThen wait.")


async def test_an_alarm_is_one_line_when_raised_and_one_when_over(lines: Lines, autojump_clock: trio.abc.Clock) -> None:
    live = alarms()
    for _ in range(50):
        live.hold("watch", [finding("silent/SPY")])
        await trio.sleep(1)
    live.hold("watch", [finding("silent/SPY", Severity.CRITICAL)])
    live.hold("watch", [])
    await trio.sleep(100)
    live.due()
    assert lines == [
        ("WARNING", "Alarm, warning: SPY is silent. Look at the venue. Then wait. (silent/SPY)"),
        ("CRITICAL", "Alarm, critical: SPY is silent. Look at the venue. Then wait. (silent/SPY)"),
        ("SUCCESS", "Alarm over after 50 s: SPY is silent (silent/SPY)"),
    ]


async def test_a_storm_is_some_lines_and_a_count(lines: Lines, autojump_clock: trio.abc.Clock) -> None:
    live = alarms()
    for number in range(10_000):
        live.tell(finding(f"silent/{number}"))
    written = LINES_MAX - KEPT_FOR_CRITICAL
    assert len(lines) == written
    for number in range(100):
        live.tell(finding(f"failed/{number}", Severity.CRITICAL))
    assert [level for level, _ in lines[written:]] == ["CRITICAL"] * KEPT_FOR_CRITICAL
    await trio.sleep(61)
    live.tell(finding("last"))
    assert lines[LINES_MAX] == (
        "WARNING",
        f"{10_100 - LINES_MAX} more lines about alarms were not written in that minute",
    )


async def test_without_a_channel_the_log_goes_on_to_remind(lines: Lines, autojump_clock: trio.abc.Clock) -> None:
    live = alarms()
    live.tell(finding("silent/SPY", Severity.CRITICAL))
    live.tell(finding("lag/SPY", Severity.WARNING))
    for _ in range(400):
        await trio.sleep(1)
        live.due()
    ((level, reminder),) = lines[2:]
    assert level == "CRITICAL"
    assert reminder.startswith("STILL CRITICAL: SPY is silent. Look at the venue. Then wait. Since ")
    assert reminder.endswith(" (silent/SPY)")
    live.acknowledge("silent/SPY", "ann")
    for _ in range(4000):
        await trio.sleep(1)
        live.due()
    assert len(lines) == 4, "nobody is reminded of what somebody takes care of"


async def test_what_is_said_where_it_comes_from_is_not_said_again(lines: Lines, autojump_clock: trio.abc.Clock) -> None:
    alarms(said=("halted/",)).tell(finding("halted/audit", Severity.CRITICAL))
    assert [level for level, _ in lines] == ["DEBUG"]


async def test_a_secret_is_in_no_alarm(lines: Lines, autojump_clock: trio.abc.Clock) -> None:
    live = alarms(redact=lambda text: text.replace("hush", "*******"))
    live.hold("watch", [finding("one", title="hush " * 30)])
    live.tell(Finding(key="two", severity=Severity.INFO, title="x", text="hush"))
    one, two = reversed(live.standing())
    assert "hush" not in f"{one}{two}{lines}"
    assert len(one.finding.title) == TITLE_CHARS_MAX


async def test_acknowledging_is_said_with_who_did(lines: Lines, autojump_clock: trio.abc.Clock) -> None:
    live = alarms()
    live.tell(finding("one"))
    assert live.acknowledge("one", "ann")
    assert not live.acknowledge("one", "ann")
    assert lines[1:] == [("INFO", "Alarm acknowledged by ann: one")]
