"""What a person reads of an overview, in a terminal and in a pipe."""

import io

import pytest
from attrs import evolve
from rich.console import Console

from engine.app.beside.overview import Overview, TaskRow
from engine.app.top.draw import head_of, render_rich, render_text, span


def drawn(seen: Overview, lines: int, width: int = 160, silent_s: float = 0.0) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=lines, force_terminal=False)
    console.print(render_rich(seen, lines, silent_s))
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue().splitlines()


def test_plain_text_tells_everything(seen: Overview) -> None:
    text = render_text(seen)
    lines = text.splitlines()
    assert lines[0] == (
        "sma_cross at paper, pid 4242, loop lag p99 1.5 ms, up 62 min, market 2026-03-02 14:31:07 UTC (core)"
    )
    for title in (
        "Alarms", "Tasks", "Open orders", "Positions", "Orders", "Channels", "Last events", "Gaps", "Lately"
    ):  # fmt: skip
        assert title in lines
    assert "long over" not in text

    def line(word: str) -> str:
        return next(one for one in lines if word in one)

    assert line("feed iex").split() == ["feed", "iex", "lost", "3", "4.2", "s", "2.5", "/", "14.0"]
    assert "#######...  " not in line("block")
    assert "########.." in line("block")
    assert line("partially_filled").split()[:9] == [
        "sma_cross", "SPY", "buy", "limit", "5", "2", "499.5", "partially_filled", "12"
    ]  # fmt: skip
    listed = lines[lines.index("Last events") :]
    assert [one.split()[0] for one in listed[3:6]] == ["GLD", "QQQ", "SPY"]
    assert "never" in line("QQQ")
    assert "GLD is silent" in line("critical")
    assert "-12.5" in line("501.25")


@pytest.mark.parametrize("lines", [3, 10, 24, 60])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_screen_of_any_size_is_not_overrun(seen: Overview, lines: int, width: int) -> None:
    many = evolve(seen, tasks=tuple(TaskRow(name=f"task {n}", depth=1, state="x" * 90) for n in range(100)))
    told = drawn(many, lines, width)
    assert len(told) <= lines
    assert all(len(line) <= width for line in told)
    assert told[-1].startswith("7 received")


def test_an_engine_that_does_not_answer_says_so_on_top(seen: Overview) -> None:
    assert head_of(seen, 7.4).startswith("NO ANSWER FOR 7 s, its loop is blocked")
    assert drawn(seen, 50, silent_s=7.4)[0].startswith("NO ANSWER FOR 7 s")


def test_what_others_say_cannot_command_the_terminal(seen: Overview) -> None:
    nasty = evolve(seen, tasks=(TaskRow(name="strategy x", depth=0, state="failed", detail="a\x1b[2Jb\n[/red] c"),))
    for text in (render_text(nasty), "\n".join(drawn(nasty, 50))):
        assert "\x1b" not in text
        assert "a [2Jb [/red] c" in text


def test_without_the_watch_the_streams_are_shown(seen: Overview) -> None:
    assert "trades:SPY" in render_text(evolve(seen, heard=()))


def test_spans_read_well() -> None:
    told = [span(seconds) for seconds in (0.34, 42.0, 720.0, 12_600.0, 345_600.0)]
    assert told == ["0.3 s", "42 s", "12 min", "3.5 h", "4.0 d"]
