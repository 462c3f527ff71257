"""One plan, one history: in every process, whatever its hash seed; and what the plan says is what happens."""

import gc
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from attrs import evolve
from loguru import logger

from engine.core.calendar import Phase, phase_at
from engine.model.instant import NS_PER_S
from engine.ports.steps import Step
from engine.testing.simulate.draw import build_plan
from engine.testing.simulate.outcome import Outcome, Violated
from engine.testing.simulate.plan import Plan, Trouble
from engine.testing.simulate.watch import Ended, Life, Scene, Watch
from engine.testing.simulate.world import run_plan
from engine.testing.simulate.world.run import STEP_EVERY_S

SHORT_H = 0.02
PLAYED = """
import sys
from loguru import logger
from engine.ports.steps import Step
from engine.testing.simulate.draw import build_plan
from engine.testing.simulate.world import run_plan
logger.remove()
for _ in range(2):
    print(run_plan(build_plan(7, 0.03)).history)
"""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logger.remove()
    yield
    logger.add(sys.stderr)


class Seen(Watch):
    """Keeps what the tests look at."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ends: list[tuple[int, str]] = []
        self.began: list[tuple[int, float]] = []
        self.failures: list[BaseException | None] = []
        self.rested = 0
        self.tasks = -1
        self.start_ns = 0

    def started(self, scene: Scene) -> None:
        self.start_ns = scene.running.market.source.start_ns

    def engine_started(self, life: Life) -> None:
        self.began.append((life.number, life.began_s))

    def engine_ended(self, life: Life, how: Ended) -> None:
        self.ends.append((life.number, how))
        self.failures.append(life.failure)

    def fault(self, kind: str, at_s: float, text: str) -> None:
        self.told.append(kind)

    async def at_rest(self, life: Life) -> None:
        self.rested += 1

    def ended(self, tasks: int) -> tuple[()]:
        self.tasks = tasks
        return ()


def quiet_plan(*troubles: Trouble, seconds: float = 240.0) -> Plan:
    """Nothing goes wrong but this."""
    return evolve(build_plan(7, seconds / 3600), troubles=troubles, rates=(), calm_s=60.0)


def play(*troubles: Trouble, seconds: float = 240.0) -> tuple[Outcome, Seen]:
    seen = Seen()
    return run_plan(quiet_plan(*troubles, seconds=seconds), watch=seen), seen


def trouble(kind: str, at_s: float = 60.0, **keys: object) -> Trouble:
    return Trouble(kind=kind, at_s=at_s, keys=tuple(keys.items()))


@pytest.mark.slow
def test_one_plan_has_one_history_in_every_process() -> None:
    """Processes with hash seeds of their own, and more than one run in each."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PLAYED],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1", "random")
    ]
    histories = [line for process in processes for line in process.communicate(timeout=120)[0].split()]
    assert len(histories) == 6
    assert len(set(histories)) == 1


@pytest.mark.slow
def test_other_seeds_have_other_histories() -> None:
    assert len({run_plan(build_plan(seed, SHORT_H)).history for seed in range(4)}) == 4


@pytest.mark.slow
def test_the_process_is_as_it_was_afterwards() -> None:
    random.seed(5)
    state, handler, collects = random.getstate(), signal.getsignal(signal.SIGINT), gc.isenabled()
    run_plan(quiet_plan(trouble("kill", down_s=2.0, torn=False), seconds=120.0))
    assert random.getstate() == state
    assert signal.getsignal(signal.SIGINT) is handler
    assert gc.isenabled() == collects


@pytest.mark.slow
def test_a_session_without_troubles_ends_in_order() -> None:
    outcome, seen = play()
    assert not outcome.violations
    assert (seen.ends, seen.rested, seen.tasks) == ([(1, "stopped")], 1, 0)
    assert outcome.delivered > 0
    assert (outcome.hits, outcome.restarts) == ({}, 0)
    assert outcome.simulated_s >= 240


@pytest.mark.slow
@pytest.mark.parametrize(("opening_s", "phases"), [(-60.0, (Phase.PRE, Phase.CORE)), (0.0, (Phase.CORE, Phase.CORE))])
def test_a_session_begins_when_its_plan_says(opening_s: float, phases: tuple[Phase, Phase]) -> None:
    seen = Seen()
    run_plan(evolve(quiet_plan(seconds=120.0), opening_s=opening_s), watch=seen)
    assert (phase_at(seen.start_ns), phase_at(seen.start_ns + 120 * NS_PER_S)) == phases


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kill", "power_loss"])
def test_the_engine_dies_at_its_instant_and_the_next_one_starts(kind: str) -> None:
    outcome, seen = play(trouble(kind, down_s=12.0, torn=True))
    assert [number for number, _ in seen.began] == [1, 2]
    assert seen.began[1][1] == pytest.approx(72.0)
    assert seen.ends == [(1, "killed"), (2, "stopped")]
    assert outcome.hits[kind] == outcome.restarts == 1
    assert not outcome.violations
    assert seen.tasks == 0


@pytest.mark.slow
def test_the_engine_dies_at_a_step_of_an_order() -> None:
    step = list(Step).index(Step.RECONCILE_ASKING)
    # The books are compared at the start and then, by the plan's dice, as rarely as every five minutes.
    dying = trouble("kill_at_step", at_s=290.0, down_s=5.0, torn=False, step=step, nth=1)
    outcome, seen = play(dying, seconds=700.0)
    assert seen.told == ["kill_at_step"]
    assert seen.ends[0] == (1, "killed")
    assert outcome.restarts == 1


@pytest.mark.slow
def test_a_full_disk_ends_the_engine_with_a_sentence_and_it_comes_back() -> None:
    _, seen = play(trouble("disk_full", at_s=1.0, for_s=40.0), trouble("kill", at_s=2.0, down_s=1.0, torn=False))
    failed = [failure for failure in seen.failures if failure is not None]
    assert failed
    assert all("the disk is full" in str(failure) for failure in failed)
    assert seen.ends[-1][1] == "stopped"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("net_fin", {"road": "account"}),
        ("net_rst", {"road": "account"}),
        ("net_cut", {"road": "account", "way": "down", "after_bytes": 1, "resets": True}),
        ("net_freeze", {"road": "account", "for_s": 50.0, "ways": "both"}),
        ("net_trickle", {"road": "account", "for_s": 20.0, "bytes_per_s": 7}),
        ("net_latency", {"road": "account", "for_s": 20.0, "latency_s": 1.5}),
        ("net_garbage", {"road": "account", "what": "garbage"}),
        ("net_garbage", {"road": "account", "what": "huge"}),
        ("net_garbage", {"road": "account", "what": "bad_utf8"}),
        ("net_away", {"for_s": 30.0}),
        ("sleep", {"for_s": 300.0}),
        ("wall_step", {"by_s": -3000.0}),
        ("server_restart", {"for": "5s"}),
    ],
)
def test_a_trouble_of_the_world_is_survived(kind: str, keys: dict[str, object]) -> None:
    outcome, seen = play(trouble(kind, **keys), seconds=180.0)
    assert outcome.hits[kind] == 1
    assert seen.told == [kind]
    assert seen.ends == [(1, "stopped")]
    assert not outcome.violations
    assert (seen.rested, seen.tasks) == (1, 0)


@pytest.mark.slow
def test_a_verdict_ends_the_session_where_it_was_given() -> None:
    class Strict(Seen):
        def step(self) -> None:
            raise Violated(3, "told what was never published")

    outcome = run_plan(quiet_plan(), watch=Strict())
    (violation,) = outcome.violations
    assert (violation.number, violation.at_s) == (3, STEP_EVERY_S)
    assert outcome.timeline[-1].who in ("judge", "exchange", "engine")
