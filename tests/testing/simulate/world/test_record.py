"""Law 30: what crossed is kept, a player runs again from it and does what it did; where it does not, that is told."""

from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from engine.model.instant import NS_PER_S
from engine.model.journal import Answered, Asked, Began, Ended, JournalRecord, Woke
from engine.testing.simulate.draw import build_plan
from engine.testing.simulate.outcome import Outcome, Violation
from engine.testing.simulate.plan import Plan, Trouble
from engine.testing.simulate.watch import Life, Taking, Watch
from engine.testing.simulate.world import run_plan
from engine.testing.simulate.world.cast import Cast
from engine.testing.simulate.world.players import KEEPER
from engine.testing.simulate.world.record import Recording, check
from engine.testing.simulate.world.stage import Stage

START_NS = 1_000 * NS_PER_S
OVER_S = 50.0
BEGAN = Began(0, START_NS, "keeper", 1)
WOKE = Woke(0, START_NS + 50 * NS_PER_S, "keeper", "1", OVER_S, turn=7)
ENDED = Ended(0, START_NS + 50 * NS_PER_S, "keeper", "finished")


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Of one whose only player waits for the end of the session."""
    stage = Stage(build_plan(1), Watch(), over_s=OVER_S)
    life = Life(number=1, folder=tmp_path, began_s=0.0)
    return Recording(life, 1, {"keeper": Cast(stage, life, KEEPER)})


def told(recording: Recording, *records: JournalRecord) -> list[Violation]:
    for record in records:
        recording.note(record)
    return list(check(recording, START_NS))


def test_who_does_what_it_did_breaks_nothing(recording: Recording) -> None:
    assert told(recording, BEGAN, WOKE, ENDED) == []


def test_a_call_that_is_not_made_again_is_told_with_its_instant(recording: Recording) -> None:
    asked = Asked(0, START_NS + 3 * NS_PER_S, "keeper", 1, "buy", '{"qty":"1","symbol":"SPY"}', "1")
    answered = Answered(0, START_NS + 4 * NS_PER_S, "keeper", 1, task="1", turn=5)
    (found,) = told(recording, BEGAN, asked, answered, WOKE, ENDED)
    assert (found.number, found.at_s) == (30, 3.0)
    assert "keeper of life 1 did nothing when it ran again, in place of" in found.sentence
    assert 'buy {"qty":"1","symbol":"SPY"}' in found.sentence


def test_an_end_that_does_not_come_again_is_told(recording: Recording) -> None:
    (found,) = told(recording, BEGAN, evolve_how(ENDED, "failed"))
    assert found.number == 30


def evolve_how(ended: Ended, how: str) -> Ended:
    return Ended(ended.seq, ended.at_ns, ended.strategy, how)


def test_who_runs_on_behind_the_end_of_a_whole_journal_is_told(recording: Recording) -> None:
    (found,) = told(recording, BEGAN)
    assert (found.number, found.sentence) == (30, "keeper of life 1 runs on where its journal ends")


def test_the_dead_write_nothing_and_are_verified_as_far_as_they_wrote(recording: Recording) -> None:
    recording.note(BEGAN)
    recording.life.alive = False
    assert told(recording, evolve_how(ENDED, "failed")) == []
    assert [one.finished for one in recording.verify()] == [False]


def test_what_is_kept_has_a_bound(recording: Recording) -> None:
    recording.records_max = 1
    assert told(recording, BEGAN, WOKE, evolve_how(ENDED, "failed")) == []
    assert recording.torn


def test_a_player_that_runs_again_tells_nobody_and_is_told_the_same(tmp_path: Path) -> None:
    class Deaf(Watch):
        def opened(self, taking: Taking) -> None:
            raise AssertionError("the stage was told")

    stage = Stage(build_plan(1), Watch())
    life = Life(number=1, folder=tmp_path, began_s=0.0)
    first = Cast(stage, life, KEEPER)
    rolled = first.dice().random()
    asked = [first.calm()]
    stage.calm = True
    asked.append(first.calm())
    again = first.again()
    stage.watch = Deaf()
    assert again.dice().random() == rolled
    assert [again.calm(), again.calm()] == asked == [False, True]
    again.opened("keeper", (), "block", 1, gaps=True, at_ns=0)
    assert stage.takings == 0


def test_players_leave_at_the_instant_at_which_the_session_is_over(tmp_path: Path) -> None:
    stage = Stage(build_plan(1), Watch())
    cast = Cast(stage, Life(number=1, folder=tmp_path, began_s=0.0), KEEPER)

    async def leave() -> tuple[float, float]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cast.over)
            await trio.sleep(OVER_S)
            stage.close()
        left_s = trio.current_time()
        await cast.over()  # who comes later leaves at once
        return left_s, trio.current_time()

    assert trio.run(leave, clock=MockClock(autojump_threshold=0)) == (OVER_S, OVER_S)
    assert not stage.leaving


# -- whole sessions


def recorded(seed: int, *troubles: Trouble) -> Plan:
    return evolve(build_plan(seed, 0.06), troubles=troubles, recorded=True, events_per_s=0.5)


KILLS = (
    Trouble(kind="kill", at_s=70.0, keys=(("down_s", 4.0), ("torn", True))),
    Trouble(kind="power_loss", at_s=110.0, keys=(("down_s", 9.0), ("torn", False))),
)


def shown(outcome: Outcome) -> tuple[object, ...]:
    return outcome.timeline, outcome.delivered, outcome.orders, outcome.fills, outcome.hits, outcome.simulated_s


@pytest.mark.slow
def test_to_be_recorded_changes_nothing_but_who_is_first_at_one_instant() -> None:
    """Each strategy that is recorded has one task more, which waits for its end: so the order of tasks is shuffled in
    another way where it starts and ends. Seed 0 shuffles nothing."""
    plan = recorded(0, *KILLS)
    kept, played = run_plan(plan), run_plan(evolve(plan, recorded=False))
    assert kept.violations == played.violations == ()
    assert shown(kept) == shown(played)
    assert kept.delivered
    assert kept.orders


@pytest.mark.slow
def test_a_recorded_plan_has_one_history() -> None:
    first, again = run_plan(recorded(3, *KILLS)), run_plan(recorded(3, *KILLS))
    assert first.history == again.history
    assert (first.violations, first.restarts) == ((), 2)
