"""Law: the view tells what the last snapshot says, and its rate is the difference of two of them."""

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from engine.app.report import FeedRow, SessionReport, StrategyRow
from engine.app.screen.view import LINE_EVERY_S, View, wants_tables


def report_at(seconds: float, messages: int) -> SessionReport:
    return SessionReport(
        duration_s=seconds,
        feeds=(FeedRow("iex", state="live", restarts=2, messages=messages),),
        strategies=(StrategyRow("audit", error="ValueError: boom"),),
    )


async def test_without_a_terminal_there_is_a_line_now_and_then(
    autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    view = View(title="x", live=False)
    start_s = trio.current_time()
    view.watch(lambda: report_at(trio.current_time() - start_s, int((trio.current_time() - start_s) * 100)))
    with trio.move_on_after(LINE_EVERY_S * 2.5):
        await view.serve()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "iex live (2 restarts); 100/s" in lines[1]
    assert "audit: ValueError: boom" in lines[1]


def test_the_latest_figures_stay_when_the_session_has_not_begun() -> None:
    assert View(title="x", live=False).latest == SessionReport()


def test_the_latest_figures_are_taken_when_asked_for() -> None:
    view = View(title="x", live=False)
    told = report_at(1.0, 5)
    view.watch(lambda: evolve(told, duration_s=2.0))
    assert view.latest.duration_s == 2.0


def test_tables_are_for_people_at_a_terminal() -> None:
    assert wants_tables(as_json=False, isatty=lambda: True, environ={"TERM": "xterm"})
    assert not wants_tables(as_json=True, isatty=lambda: True, environ={"TERM": "xterm"})
    assert not wants_tables(as_json=False, isatty=lambda: True, environ={"TERM": "dumb"})
    assert not wants_tables(as_json=False, isatty=lambda: False)
