"""How far a replay is, as a person sees it."""

import pytest

from engine.app.replay.options import Progress
from engine.app.replay.tell import Told
from tests.app.replay import made

NOW = Progress(
    now_ns=made.START_NS + 60 * made.NS, start_ns=made.START_NS, end_ns=made.START_NS + 600 * made.NS, events=500
)


def test_a_line_now_and_then_where_lines_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    wall = [0.0]
    with Told("gapless replay mine", bar=False, wall_s=lambda: wall[0]) as told:
        for wall[0] in (1.0, 5.0, 6.0, 10.0):
            told(NOW)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "gapless replay mine: 2026-03-02T14:31:00Z  100 events/s, 500 so far"
    assert second.endswith("50 events/s, 500 so far")


def test_a_bar_takes_what_it_is_told_and_goes_away(capsys: pytest.CaptureFixture[str]) -> None:
    wall = [0.0]
    with Told("gapless replay mine", bar=True, wall_s=lambda: wall[0]) as told:
        for wall[0] in (1.0, 2.0):
            told(NOW)
    assert "so far" not in capsys.readouterr().err
