"""How far a hunt is: one line that is written over on a terminal, and lines that are far apart everywhere else."""

from io import StringIO

from engine.app.simulate.progress import LINE_EVERY_S, LIVE_EVERY_S, Progress, foretell


def test_on_a_terminal_one_line_is_written_over_and_what_is_said_stays() -> None:
    out = StringIO()
    progress = Progress(out, live=True)
    progress.show("1/9 sessions", 10.0)
    progress.show("not yet", 10.0 + LIVE_EVERY_S / 2)
    progress.say("seed 1: invariant 5")
    progress.show("2/9 sessions", 10.0 + LIVE_EVERY_S)
    progress.clear()
    erase = "\r\x1b[2K"
    assert out.getvalue() == f"{erase}1/9 sessions{erase}seed 1: invariant 5\n{erase}2/9 sessions{erase}"


def test_in_a_file_lines_are_far_apart_and_hold_nothing_but_text() -> None:
    out = StringIO()
    progress = Progress(out, live=False)
    for second in range(int(LINE_EVERY_S) + 1):
        progress.show(f"{second} s", float(second))
    progress.clear()
    assert out.getvalue() == f"0 s\n{LINE_EVERY_S:.0f} s\n"


def test_the_end_is_foretold_from_the_pace_so_far() -> None:
    assert foretell(1, 1000, 3.0) == "starting"
    assert foretell(100, 1000, 120.0, now_s=0.0).startswith("50 a minute, 18 min left, ends about ")
    assert ", 60 s left, " in foretell(50, 100, 60.0, now_s=0.0)
