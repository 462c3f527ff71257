"""A few simulated sessions in every run of the tests; the long hunt is ``gapless simulate``.

``plans/*.json`` are sessions that failed once: each is played again from then on.
"""

import json
from pathlib import Path

import pytest
from attrs import evolve

from engine.app.simulate.command import simulate_command
from engine.app.simulate.flags import SimulateFlags
from engine.testing.simulate.draw import build_plan
from engine.testing.simulate.kept import read_plan
from engine.testing.simulate.outcome import Outcome
from engine.testing.simulate.play import play

PLANS = sorted((Path(__file__).parent / "plans").glob("*.json"))
HOURS = 0.1

pytestmark = pytest.mark.slow


def assert_good(outcome: Outcome) -> None:
    assert [(each.number, each.at_s, each.sentence) for each in outcome.violations] == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_invariant_is_broken(seed: int) -> None:
    outcome = play(build_plan(seed, HOURS))
    assert_good(outcome)
    assert outcome.delivered
    assert outcome.faults


@pytest.mark.parametrize("seed", [1, 3, 8])
def test_players_run_again_to_the_same_decisions(seed: int) -> None:
    assert_good(play(evolve(build_plan(seed, HOURS), recorded=True)))


def test_a_seed_is_one_history() -> None:
    first, again = play(build_plan(2, HOURS)), play(build_plan(2, HOURS))
    assert first.history == again.history
    assert play(build_plan(3, HOURS)).history != first.history


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_what_failed_once_does_not_fail_again(path: Path) -> None:
    assert_good(play(read_plan(path)))


def test_the_command_plays_seeds_in_processes_and_prints_figures(tmp_path, capsys) -> None:
    code = simulate_command(SimulateFlags(seeds=2, hours=0.02, jobs=2, json=True, keep=tmp_path))
    told = json.loads(capsys.readouterr().out)
    assert (code, told["seeds"], told["violations"], told["stopped"]) == (0, 2, {}, False)
    assert told["simulated_hours"] >= 0.04
