"""Law: the demonstration proves what it claims, with cuts, and says so with its exit code."""

from pathlib import Path

import pytest
import trio

from engine.app.demo.__main__ import show

FAULTS = """
[[fault]]
kind = "cut"
after_events = 300

[[fault]]
kind = "cut_without_close"
after_events = 2000

[[fault]]
kind = "duplicate"
p = 0.05
"""


async def test_a_short_demonstration_ends_in_a_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with trio.fail_after(30):
        code = await show(tmp_path, length_s=30.0, speed=30.0, faults=FAULTS)
    text = capsys.readouterr().out
    assert "PROVEN: all" in text, text
    assert "cut 1, cut_without_close 1" in text
    assert code == 0
