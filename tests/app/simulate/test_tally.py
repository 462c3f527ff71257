"""The figures of many sessions, and the command line that asks for them."""

from pathlib import Path

import pytest

from engine.app.cli import read_line
from engine.app.simulate.command import plan_jobs
from engine.app.simulate.flags import SimulateFlags
from engine.app.simulate.tally import Tally, render_figures
from engine.errors import Misconfigured
from engine.testing.simulate.draw import build_plan
from engine.testing.simulate.kept import write_plan
from engine.testing.simulate.outcome import Outcome, Violation


def outcome(seed: int, *numbers: int, **hits: int) -> Outcome:
    return Outcome(
        plan=build_plan(seed, 0.1),
        violations=tuple(Violation(number=number, at_s=1.0, sentence="it broke") for number in numbers),
        hits=hits, events=10, delivered=8, orders=3, fills=2, restarts=1, simulated_s=360.0,
    )  # fmt: skip


def test_sessions_add_up() -> None:
    tally = Tally(("cut", "kill", "mute"))
    tally.add(outcome(1, cut=3, kill=1))
    tally.add(outcome(2, 5, 5, 24, cut=1))
    figures = tally.figures(60.0)
    assert (figures["seeds"], figures["simulated_hours"], figures["seeds_per_minute"]) == (2, 0.2, 2.0)
    assert (figures["faults"], figures["faults_min"], figures["faults_by_kind"]) == (5, 1, {"cut": 4, "kill": 1})
    assert (figures["events"], figures["orders"], figures["fills"], figures["deaths"]) == (20, 6, 4, 2)
    assert figures["never_reached"] == ["mute"]
    assert figures["violations"] == {
        "5": {"name": "lossless", "seeds": [2]},
        "24": {"name": "books", "seeds": [2]},
    }
    told = render_figures(figures)
    assert "fault kinds never reached: mute" in told
    assert "invariant 24 (books) was broken by seeds 2" in told


def test_nothing_played_is_told_without_a_fault() -> None:
    assert "no invariant was broken" in render_figures(Tally(()).figures(0.0))


def test_seeds_become_jobs_in_order() -> None:
    jobs = list(plan_jobs(SimulateFlags(seeds=3, first_seed=7, hours=0.5)))
    assert [(job.seed, job.hours) for job in jobs] == [(7, 0.5), (8, 0.5), (9, 0.5)]
    assert jobs[0].build() == build_plan(7, 0.5)


def test_a_kept_plan_is_played_as_it_is(tmp_path) -> None:
    plan = build_plan(4, 0.1)
    write_plan(tmp_path / "seed-4.json", plan)
    (job,) = plan_jobs(SimulateFlags(plan=(tmp_path / "seed-4.json",)))
    assert job.build() == plan


def test_a_plan_that_is_not_there_is_told() -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        list(plan_jobs(SimulateFlags(plan=(Path("nowhere.json"),))))


@pytest.mark.parametrize("words", [["--seeds", "0"], ["--hours", "0"], ["--jobs", "-1"], ["--first-seed", "-3"]])
def test_numbers_that_make_no_sense_are_refused(words, capsys) -> None:
    from engine.app.cli import run_command

    assert run_command(["simulate", *words]) == 2
    assert "gapless:" in capsys.readouterr().err


def test_the_command_is_known() -> None:
    assert callable(read_line(["simulate", "--seeds", "1", "--no-shrink", "--json"]))
