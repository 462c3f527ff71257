"""The processes of a hunt: what they bring is kept in order, whatever becomes of one session or of all."""

import json
import os
import signal
import subprocess
import sys
from io import StringIO

import pytest
from attrs import evolve

from engine.app.failures import INTERRUPTED
from engine.app.simulate.crew import Crew
from engine.app.simulate.flags import SimulateFlags
from engine.app.simulate.progress import Progress
from engine.app.simulate.tally import Tally, render_figures
from engine.app.simulate.workers import Job
from engine.testing.simulate.draw import build_plan

pytestmark = pytest.mark.slow

HOURS = 0.01
PARENT = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from engine.app.simulate.workers import prepare
if __name__ == "__main__":
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=prepare, initargs=(context.Event(),)) as pool:
        print(pool.submit(abs, -1).result(), flush=True)
        input()
"""


def test_a_session_that_cannot_be_played_is_told_and_the_others_go_on(tmp_path) -> None:
    good = build_plan(1, HOURS)
    bad = evolve(good, rates=(("no such fault", 0.1),))
    jobs = [Job(name="bad", plan=bad), Job(name="good", plan=good)]
    said = StringIO()
    crew = Crew(SimulateFlags(keep=tmp_path), workers=1, tally=Tally(()), progress=Progress(said, live=False))
    crew.play(jobs)
    figures = crew.tally.figures(1.0)
    assert (figures["seeds"], figures["crashed"], figures["violations"]) == (1, ["bad"], {})
    assert "KeyError: 'no such fault'" in said.getvalue()
    assert "could not be played to the end: bad" in render_figures(figures)


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way there")
def test_ctrl_c_ends_it_with_what_was_found_so_far(tmp_path) -> None:
    words = ("simulate", "--seeds", "5000", "--hours", str(HOURS), "--jobs", "1", "--json", "--keep", str(tmp_path))
    with subprocess.Popen(
        (sys.executable, "-m", "engine.app.cli", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "0/5000 sessions" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=120)
    assert process.returncode == INTERRUPTED
    assert "stopping" in told
    figures = json.loads(out)
    assert figures["stopped"] is True
    assert figures["seeds"] < 5000


@pytest.mark.skipif(os.name == "nt", reason="nothing is killed like this there")
def test_its_processes_end_when_it_is_killed() -> None:
    """They write to the same standard output, which therefore ends when the last of them has ended."""
    with subprocess.Popen(
        (sys.executable, "-c", PARENT), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        process.kill()
        assert process.communicate(timeout=60)[0] == ""
